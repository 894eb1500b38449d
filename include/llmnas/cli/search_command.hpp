// SPDX-License-Identifier: MIT
/// \file
/// `llmnas search`: from nothing to a Pareto front.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/cli/data_options.hpp>
#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/interrupt.hpp>
#include <llmnas/cli/llm_flags.hpp>
#include <llmnas/cli/program_search.hpp>
#include <llmnas/cli/progress.hpp>
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
        command_->add_option("--include", included_, "JSON files of networks that become the first trials");
        server_.add_to(*command_);
        llm_.add_to(*command_);
        transcript_.add_to(*command_);
        options_.add_to(*command_);
    }

    [[nodiscard]] bool chosen() const { return command_->parsed(); }

    [[nodiscard]] result<exit_code> run() {
        auto t = options_.read();
        if (!t) return tl::unexpected<error>(t.error());
        if (quick_) use_quick_defaults();
        if (valid_utf8(out_) != out_)
            return fail(errc::bad_input, "not UTF-8", "--out", valid_utf8(out_), "a path that JSON can hold");
        auto networks = read_included(*t);
        if (!networks) return tl::unexpected<error>(networks.error());
        auto trainer_options = find_data();
        if (!trainer_options) return tl::unexpected<error>(trainer_options.error());
        // The parent makes a trainer too: data that cannot be read end the search before it starts.
        auto trainer = program_search::make_trainer(*trainer_options);
        if (!trainer) return tl::unexpected<error>(trainer.error());
        const dynamic_graph any_network(decode(space_point<table1_se>{}, t->limits.input, t->limits.classes));
        if (auto fits = trainer->fits(any_network.view(), fidelity_); !fits) return tl::unexpected<error>(fits.error());
        if (const std::string advice = blas_advice(); !advice.empty()) say(advice);
        auto server = find_server();
        if (!server) return tl::unexpected<error>(server.error());

        gate_type judge(t->limits, t->memory);
        auto study = study_type::open(out_, study_config(*t, seed_, fidelity_, recipe_of(trainer->describe())), judge);
        if (!study) return tl::unexpected<error>(study.error());
        if (!study->notice().empty()) say(study->notice());
        const auto known = static_cast<std::int32_t>(study->trials().size());
        if (auto kept = transcript_.keep(*server, out_, key_); !kept) return tl::unexpected<error>(kept.error());
        if (known > 0) say(fmt::format("continuing the study in {}: {} trials so far", out_, known));

        catch_interrupts();
        child_process<program_search> where(*trainer_options, interrupt_requested);
        const bool by_proposals = proposals_ > 0 && command_->count("--trials") == 0;
        const auto open_trials = static_cast<std::int32_t>(study->abandoned().size());
        const auto spent = static_cast<std::int32_t>(spending_of(study->trials(), study->rejections()).proposals);
        search_progress progress(by_proposals ? proposals_ : trials_, (by_proposals ? spent : known) - open_trials,
                                 by_proposals);
        search_loop<program_search, child_process<program_search>, search_progress> loop(
            *study, judge, where, progress,
            {.trials = by_proposals ? 0 : trials_,
             .proposals = proposals_,
             .fidelity = fidelity_,
             .seed = seed_,
             .repair = llm_.repair(),
             .max_seconds = time_limit_,
             .checkpoints = std::filesystem::path(out_) / "checkpoints",
             .interrupted = [this] { return interrupt_requested() || transcript_.divergence(); }});
        auto outcome = propose_with(loop, *server, *networks, study->counters());
        progress.close();
        if (!outcome && transcript_.divergence()) outcome = tl::unexpected<error>(*transcript_.divergence());
        if (!outcome && outcome.error().code == errc::interrupted)
            say("interrupted: the same command continues the study");
        const auto so_far = outcome_of<paper_objectives, table1_se>(study->trials());
        auto written = write_results(out_, *study, outcome ? *outcome : so_far, *t);
        if (!written) return tl::unexpected<error>(written.error());
        if (!outcome) return tl::unexpected<error>(outcome.error());
        print_search(*study, *outcome, out_);
        if (study->trials().empty())
            return fail(errc::training, "no proposal became a trial", out_,
                        fmt::format("{} refused", spending_of(study->trials(), study->rejections()).proposals));
        if (outcome->finished == 0)
            return fail(errc::training, "no training succeeded", out_,
                        fmt::format("{} failed trials", outcome->failed));
        return success;
    }

private:
    using gate_type = gate<table1_se, any_memory_model>;
    using study_type = study<table1_se, paper_objectives, any_memory_model>;

    static void say(const std::string& text) { fmt::print(stderr, "{}\n", text); }

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
        auto options = data_.find(say);
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
        options.on_notice = say;
        // Asked without retries: who gives a wrong URL wants to know at once.
        openai_options first = options;
        first.retry = retry_policy::never();
        auto probe = openai_backend::open(std::move(first));
        if (!probe) return tl::unexpected<error>(probe.error());
        auto models = probe->list_models();
        if (!models) return tl::unexpected<error>(models.error());
        if (options.model.empty() && !models->empty()) options.model = models->front().name;
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
    transcript_flags transcript_;
};

}  // namespace llmnas::cli
