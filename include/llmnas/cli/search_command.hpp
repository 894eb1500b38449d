// SPDX-License-Identifier: MIT
/// \file
/// `llmnas search`: from nothing to a Pareto front.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/cli/command_line.hpp>
#include <llmnas/cli/data_options.hpp>
#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/halving_flags.hpp>
#include <llmnas/cli/interrupt.hpp>
#include <llmnas/cli/llm_flags.hpp>
#include <llmnas/cli/program_search.hpp>
#include <llmnas/cli/progress.hpp>
#include <llmnas/cli/search_by_workers.hpp>
#include <llmnas/cli/search_events.hpp>
#include <llmnas/cli/search_report.hpp>
#include <llmnas/cli/server_flags.hpp>
#include <llmnas/cli/study_config.hpp>
#include <llmnas/cli/task_options.hpp>
#include <llmnas/cli/transcript_flags.hpp>
#include <llmnas/json/network_file.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/llm/openai_backend.hpp>
#include <llmnas/search/child_process.hpp>
#include <llmnas/search/evolution_proposer.hpp>
#include <llmnas/search/local_search_proposer.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/nsga2_proposer.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/search/search_budget.hpp>
#include <llmnas/train/blas_check.hpp>

namespace llmnas::cli {

class search_command {
public:
    void add_to(CLI::App& app) {
        command_ = app.add_subcommand("search", "Searches for networks; ends with a Pareto front in --out");
        command_->add_option("--out", out_, "Directory of the study; one that exists is continued")
            ->capture_default_str();
        command_->add_option("--trials", trials_, "Networks to train in all")
            ->capture_default_str()
            ->check(CLI::Range(1, 1'000'000));
        command_
            ->add_option(
                "--proposals", proposals_,
                "Proposals in all, refused ones too, as the paper counts; without --trials nothing else limits")
            ->check(CLI::Range(1, 1'000'000));
        command_->add_option("--seed", seed_, "One seed fixes everything but a language model's replies")
            ->capture_default_str();
        command_->add_flag("--quick", quick_, "Fidelity, recipe and time limit for two CPU cores and five minutes");
        command_->add_option("--time-limit", time_limit_, "Starts no trial after so many seconds; 0: none")
            ->check(CLI::NonNegativeNumber);
        command_->add_option("--resolution", fidelity_.resolution, "Training resolution, pixels")
            ->check(CLI::Range(8, 1024));
        command_->add_option("--images", fidelity_.images, "Training images, a stratified subset; 0: all")
            ->check(CLI::Range(0, 1'000'000'000));
        command_->add_option("--validation-images", validation_images_, "Images of the validation split; 0: all")
            ->check(CLI::Range(0, 1'000'000'000));
        command_->add_option("--epochs", fidelity_.epochs, "Epochs a trial")->check(CLI::Range(1, 100'000));
        command_->add_option("--batch", fidelity_.batch, "Images a step")->check(CLI::Range(2, 65536));
        command_->add_option("--recipe", recipe_,
                             "Training recipe: mini (the paper's), full, quick, published_code or published_code_full");
        command_->add_option("--threads", threads_, "Threads of a training; 0: all cores")->check(CLI::Range(0, 4096));
        data_.add_to(*command_);
        command_
            ->add_option(
                "--proposer", proposer_,
                "auto (a language model where one is found), llm, evolution, nsga2, local (local search) or random")
            ->check(CLI::IsMember({"auto", "llm", "evolution", "nsga2", "local", "random"}))
            ->capture_default_str();
        halving_.add_to(*command_);
        command_->add_option("--include", included_, "JSON files of networks that become the first trials");
        server_.add_to(*command_);
        llm_.add_to(*command_);
        transcript_.add_to(*command_);
        options_.add_to(*command_);
        command_
            ->add_option("--workers", workers_,
                         "Processes that propose and train at the same time on this host; 0: makes the study, for "
                         "llmnas worker on others")
            ->capture_default_str()
            ->check(CLI::Range(0, 1024));
        auto* const quiet = command_->add_flag("--quiet", quiet_, "No progress and notices; the results stay");
        command_->add_flag("--json", json_, "Events as JSON lines on stdout instead of progress and tables")
            ->excludes(quiet);
    }

    [[nodiscard]] bool chosen() const { return command_->parsed(); }

    [[nodiscard]] result<exit_code> run() { return search(false); }
    /// As one of the workers on a study that exists: nothing waits for the others, and no table is printed.
    [[nodiscard]] result<exit_code> work() { return search(true); }

private:
    using gate_type = gate<table1_se, any_memory_model>;
    using study_type = study<table1_se, paper_objectives, any_memory_model>;

    [[nodiscard]] result<exit_code> search(bool joins) {
        detail::said_to = json_ ? verbosity::json : quiet_ ? verbosity::quiet : verbosity::people;
        auto t = options_.read();
        if (!t) return tl::unexpected<error>(t.error());
        if (quick_) use_quick_defaults();
        if (valid_utf8(out_) != out_)
            return fail(errc::bad_input, "not UTF-8", "--out", valid_utf8(out_), "a path that JSON can hold");
        if (workers_ > 1 && transcript_.replays())
            return fail(errc::bad_input, "a replay has one order", "--workers", fmt::format("{}", workers_), "1");
        auto networks = read_included(*t);
        if (!networks) return tl::unexpected<error>(networks.error());
        auto trainer_options = find_data();
        if (!trainer_options) return tl::unexpected<error>(trainer_options.error());
        // The parent makes a trainer too: data that cannot be read end the search before it starts.
        auto trainer = program_search::make_trainer(*trainer_options);
        if (!trainer) return tl::unexpected<error>(trainer.error());
        const dynamic_graph any_network(decode(space_point<table1_se>{}, t->limits.input, t->limits.classes));
        if (auto fits = trainer->fits(any_network.view(), fidelity_); !fits) return tl::unexpected<error>(fits.error());
        const auto halving = halving_.read(fidelity_);
        if (!halving) return tl::unexpected<error>(halving.error());
        if (*halving)
            for (const rung& r : (*halving)->rungs)
                if (auto fits = trainer->fits(any_network.view(), r.fidelity); !fits)
                    return tl::unexpected<error>(fits.error());
        if (const std::string advice = blas_advice(); !advice.empty() && !joins) say(advice);
        auto server = find_server();
        if (!server) return tl::unexpected<error>(server.error());

        gate_type judge(t->limits, t->memory);
        auto config = study_config(*t, seed_, fidelity_, recipe_of(trainer->describe()));
        if (*halving) config["halving"] = to_json(**halving);
        auto study = study_type::open(out_, config, judge);
        if (!study) return tl::unexpected<error>(study.error());
        if (!study->notice().empty()) say(study->notice());
        const auto known = static_cast<std::int32_t>(study->trials().size());
        if (!joins)
            if (auto told = study->set_command(command_for_workers(*trainer_options)); !told)
                return tl::unexpected<error>(told.error());
        if (workers_ == 1)
            if (auto kept = transcript_.keep(*server, out_, key_); !kept) return tl::unexpected<error>(kept.error());
        if (known > 0) say(fmt::format("continuing the study in {}: {} trials so far", out_, known));

        catch_interrupts();
        const bool by_proposals = proposals_ > 0 && command_->count("--trials") == 0;
        const auto open_trials = static_cast<std::int32_t>(study->open_trials().size());
        const auto spent = static_cast<std::int32_t>(spending_of(study->trials(), study->rejections()).proposals);
        search_progress progress(by_proposals ? proposals_ : trials_, (by_proposals ? spent : known) - open_trials,
                                 by_proposals, study->trials(), study->rejections());
        const search_options options{
            .trials = by_proposals ? 0 : trials_,
            .proposals = proposals_,
            .fidelity = fidelity_,
            .halving = *halving,
            .seed = seed_,
            .repair = llm_.repair(),
            .wait_for_others = !joins,
            .max_seconds = time_limit_,
            .checkpoints = std::filesystem::path(out_) / "checkpoints",
            .interrupted = [this] { return interrupt_requested() || transcript_.divergence(); }};
        child_process<program_search> where(*trainer_options, interrupt_requested);
        search_loop<program_search, child_process<program_search>, search_progress> loop(*study, judge, where, progress,
                                                                                         options);
        if (workers_ != 1)
            if (auto given = loop.leave_to_others(*networks); !given) return tl::unexpected<error>(given.error());
        if (workers_ == 0) {
            say(fmt::format("made; work on it with: llmnas worker --study {}", cli::quoted(out_)));
            return success;
        }
        result<search_outcome> outcome;
        if (workers_ == 1)
            outcome = propose_with(loop, *server, *networks, study->counters());
        else
            outcome =
                search_by_workers(*study, progress, worker_words(), static_cast<std::size_t>(workers_), time_limit_)
                    .run();
        progress.close();
        if (!outcome && transcript_.divergence()) outcome = tl::unexpected<error>(*transcript_.divergence());
        if (!outcome && outcome.error().code == errc::interrupted && !joins)
            say("interrupted: the same command continues the study");
        return end(*study, outcome, *t, joins);
    }

    [[nodiscard]] result<exit_code> end(const study_type& study, const result<search_outcome>& outcome, const task& t,
                                        bool joins) const {
        const auto so_far = outcome_of<paper_objectives, table1_se>(study.trials());
        auto written = write_results(out_, study, outcome ? *outcome : so_far, t);
        if (!written) return tl::unexpected<error>(written.error());
        if (json_)
            print_event("finished", {{"trials", study.trials().size()},
                                     {"complete", so_far.finished},
                                     {"failed", so_far.failed},
                                     {"front", so_far.front},
                                     {"rejections", rejections_json(study.rejections())},
                                     {"locks", waits_json(study.waits())}});
        if (!outcome) return tl::unexpected<error>(outcome.error());
        if (!json_ && !joins) print_search(study, *outcome, out_);
        if (joins) return success;
        if (study.trials().empty())
            return fail(errc::training, "no proposal became a trial", out_,
                        fmt::format("{} refused", spending_of(study.trials(), study.rejections()).proposals));
        if (outcome->finished == 0)
            return fail(errc::training, "no training succeeded", out_,
                        fmt::format("{} failed trials", outcome->failed));
        return success;
    }

    /// What `llmnas worker` needs to know: the flags of this search, with what was found instead of asked for. The key
    /// of a server is each worker's own.
    [[nodiscard]] json_value command_for_workers(const json_value& trainer_options) const {
        auto words = command_words(
            *command_, {"--out", "--workers", "--include", "--quiet", "--json", "--data", "--dataset", "--proposer",
                        "--llm-url", "--llm-model", "--llm-key-file", "--llm-replay", "--threads"});
        const std::string place = trainer_options["data"];
        words.insert(words.end(), {"--data", std::filesystem::absolute(place).lexically_normal().string(), "--dataset",
                                   trainer_options["dataset"].get<std::string>()});
        words.insert(words.end(), {"--proposer", found_url_.empty() && proposer_ == "auto" ? "evolution" : proposer_});
        if (!found_url_.empty()) words.insert(words.end(), {"--llm-url", found_url_, "--llm-model", found_model_});
        return words;
    }

    /// Trainings that run at the same time share the cores.
    [[nodiscard]] std::vector<std::string> worker_words() const {
        const auto cores = static_cast<std::int32_t>(std::thread::hardware_concurrency());
        const std::int32_t threads = threads_ > 0 ? threads_ : std::max(1, cores / workers_);
        std::vector<std::string> words{
            "worker", "--study", out_, "--quiet", "--supervised", "--threads", std::to_string(threads)};
        if (!server_.key_file().empty()) words.insert(words.end(), {"--llm-key-file", server_.key_file()});
        return words;
    }

    void use_quick_defaults() {
        const auto unless_given = [&](const char* flag, auto& value, auto quick) {
            if (command_->count(flag) == 0) value = quick;
        };
        unless_given("--resolution", fidelity_.resolution, 32);
        unless_given("--images", fidelity_.images, 4000);
        unless_given("--epochs", fidelity_.epochs, 3);
        unless_given("--batch", fidelity_.batch, 32);
        if (!validation_images_) validation_images_ = 2000;
        unless_given("--recipe", recipe_, "quick");
        unless_given("--time-limit", time_limit_, 270.0);
    }

    [[nodiscard]] result<std::vector<network_of<table1_se>>> read_included(const task& t) const {
        std::vector<network_of<table1_se>> networks;
        for (const std::string& file : included_) {
            auto net = network_from_file<table1_se>(file, t.limits.input, t.limits.classes);
            if (!net) return tl::unexpected<error>(net.error());
            networks.push_back(*net);
        }
        return networks;
    }

    /// Options of the trainer; the data set is said on screen.
    [[nodiscard]] result<json_value> find_data() const {
        auto options = data_.find([](const std::string& text) { say(text); });
        if (!options) return options;
        (*options)["recipe"] = recipe_;
        (*options)["threads"] = threads_;
        if (validation_images_) (*options)["validation_images"] = *validation_images_;
        return options;
    }

    /// A server of a language model, where one is asked for or found.
    [[nodiscard]] result<std::optional<any_language_model>> find_server() {
        std::optional<any_language_model> none;
        if (transcript_.replays()) return transcript_.open_replay();
        if (proposer_ != "auto" && proposer_ != "llm") return none;
        const bool asked_for = !server_.url().empty() || proposer_ == "llm";
        auto url = server_.find();
        if (!url && !asked_for) {
            say("language model: none found; regularised evolution proposes");
            return none;
        }
        if (!url) return tl::unexpected<error>(url.error());
        auto found = server_.options(*std::move(url));
        if (!found) return tl::unexpected<error>(found.error());
        openai_options options = *std::move(found);
        key_ = options.key;
        options.unwanted = [this] { return interrupt_requested() || llm_.unwanted(); };
        options.on_notice = [](const std::string& text) { say(text); };
        // Asked without retries: who gives a wrong URL wants to know at once.
        openai_options first = options;
        first.retry = retry_policy::never();
        auto probe = openai_backend::open(std::move(first));
        if (!probe) return tl::unexpected<error>(probe.error());
        auto models = probe->list_models();
        if (!models) return tl::unexpected<error>(models.error());
        if (options.model.empty() && !models->empty()) options.model = models->front().name;
        found_url_ = options.url;
        found_model_ = options.model;
        auto server = openai_backend::open(std::move(options));
        if (!server) return tl::unexpected<error>(server.error());
        say("language model: " + server->name());
        return any_language_model(std::move(*server));
    }

    /// What must be the same in every run of a study, of what the trainer says of itself.
    [[nodiscard]] static json_value recipe_of(const description& trainer) {
        json_value training;
        for (const auto& [key, value] : trainer)
            if (key != "threads" && key != "device") training[key] = value;  // may differ between machines of a study
        return training;
    }

    template <class Loop>
    [[nodiscard]] result<search_outcome> propose_with(Loop& loop, std::optional<any_language_model>& server,
                                                      const std::vector<network_of<table1_se>>& networks,
                                                      const proposal_counters& earlier) const {
        if (server) return llm_.search(loop, std::move(*server), networks, earlier, !transcript_.replays());
        if (proposer_ == "random") {
            random_proposer<table1_se> random;
            return loop.run(random, networks);
        }
        if (proposer_ == "nsga2") {
            nsga2_proposer<table1_se> nsga2;
            return loop.run(nsga2, networks);
        }
        if (proposer_ == "local") {
            local_search_proposer<table1_se> local;
            return loop.run(local, networks);
        }
        evolution_proposer<table1_se> evolution;
        return loop.run(evolution, networks);
    }

    CLI::App* command_ = nullptr;
    task_options options_;
    std::string out_ = "llmnas-study";
    std::int32_t trials_ = 12;
    std::int32_t proposals_ = 0;
    std::uint64_t seed_ = 0;
    bool quick_ = false;
    double time_limit_ = 0;
    fidelity fidelity_;
    std::string recipe_ = "mini";
    std::int32_t threads_ = 0;
    std::optional<std::int32_t> validation_images_;
    data_options data_;
    std::string proposer_ = "auto";
    std::vector<std::string> included_;
    server_flags server_;
    api_key key_;
    llm_flags llm_;
    halving_flags halving_;
    transcript_flags transcript_;
    std::string found_url_, found_model_;  ///< of the language model, where there is one
    std::int32_t workers_ = 1;
    bool quiet_ = false;
    bool json_ = false;
};

}  // namespace llmnas::cli
