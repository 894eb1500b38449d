// SPDX-License-Identifier: MIT
/// \file
/// The search: propose, judge, train, keep the front, tell back (the paper's Fig. 2 up to the front).
#pragma once

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/search/evolution_proposer.hpp>
#include <llmnas/search/executor.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/pareto.hpp>
#include <llmnas/search/proposer.hpp>
#include <llmnas/search/study.hpp>

namespace llmnas {

struct search_options {
    std::int32_t trials = 12;  ///< trials in all, those of earlier runs of the study included
    llmnas::fidelity fidelity;
    std::uint64_t seed = 0;
    std::int32_t max_rejections_in_row = 20;  ///< then evolution is asked once
    std::int32_t max_silences_in_row = 2;     ///< proposals without any reply of a server, then evolution is asked once
    std::int32_t max_failures_in_row = 5;     ///< failed trainings, then the search gives up
    double max_seconds = 0;                   ///< no trial is started behind so much time; 0: no limit
    std::filesystem::path checkpoints = {};   ///< directory, empty for none
    std::function<bool()> interrupted = {};   ///< asked between steps
};

/// The null observer, to derive one's own from: every member may be hidden.
struct search_observer {
    template <class Trial>
    void trial_started(const Trial&) {}
    template <class Trial>
    void epoch_done(const Trial&, const epoch_report&) {}
    template <class Trial>
    void trial_ended(const Trial&) {}
    void rejected(std::string_view /*proposer*/, const rejection&) {}
    void message(std::string_view /*text*/) {}
};

/// Trials on the front, and the most accurate one whether it keeps the limits or not.
struct search_outcome {
    std::vector<std::int32_t> front;
    std::optional<std::int32_t> best;
    std::int32_t finished = 0;  ///< complete trials
    std::int32_t failed = 0;
};

/// Front and best of a study's trials. Infeasible trials never enter the front.
template <ObjectiveList Objectives, SearchSpace Space>
[[nodiscard]] search_outcome outcome_of(std::span<const trial<Space>> trials) {
    search_outcome o;
    pareto_archive archive(objective_directions<Objectives>);
    for (const auto& t : trials) {
        if (t.state == trial_state::failed) ++o.failed;
        if (t.state != trial_state::complete) continue;
        ++o.finished;
        if (t.candidate.feasible) archive.insert(t.number, t.values);
        if (!o.best || t.training.accuracy > trials[static_cast<std::size_t>(*o.best)].training.accuracy)
            o.best = t.number;
    }
    o.front = archive.trials();
    return o;
}

/// Runs a search until the study has the wanted number of trials. The policies come in from outside: who proposes,
/// where candidates train, who watches.
template <SearchDefinition D, Executor<typename D::space> Where, class Observer = search_observer>
class search_loop {
public:
    using space = typename D::space;
    using study_type = study<space, typename D::objectives, typename D::memory_model>;
    using gate_type = gate<space, typename D::memory_model>;

    search_loop(study_type& s, gate_type& judge, Where& where, Observer& observer, search_options options)
        : study_(s), judge_(judge), where_(where), observer_(observer), options_(std::move(options)) {}

    /// `included` networks become the first trials, over a limit or not.
    template <Proposer<space> P>
    [[nodiscard]] result<search_outcome> run(P& proposer, std::span<const network_of<space>> included = {}) {
        evolution_proposer<space> fallback;
        for (const auto& t : study_.trials())
            if (t.state == trial_state::complete || t.state == trial_state::failed) proposer.tell(t), fallback.tell(t);
        const auto tell = [&](std::int32_t number) {
            proposer.tell(at(number));
            fallback.tell(at(number));
        };
        for (const std::int32_t number : study_.abandoned()) {
            observer_.message(fmt::format("continuing trial {} of an earlier run", number));
            const auto taken = study_.take_over(number);
            if (!taken) return tl::unexpected<error>(taken.error());
            if (!*taken) continue;
            if (auto trained = train(number); !trained) return tl::unexpected<error>(trained.error());
            tell(number);
        }
        for (const auto& net : included) {
            if (out_of_time()) break;
            auto number = include(net);
            if (!number) return tl::unexpected<error>(number.error());
            if (!*number) continue;
            if (auto trained = train(**number); !trained) return tl::unexpected<error>(trained.error());
            tell(**number);
        }
        while (true) {
            if (auto read = study_.refresh(); !read) return tl::unexpected<error>(read.error());
            if (static_cast<std::int32_t>(study_.trials().size()) >= options_.trials) break;
            if (out_of_time()) {
                observer_.message(fmt::format("time limit of {:.0f} s: {} of {} trials", options_.max_seconds,
                                              study_.trials().size(), options_.trials));
                break;
            }
            auto next = propose(proposer, fallback);
            if (!next) return tl::unexpected<error>(next.error());
            auto number =
                study_.start(next->first, next->second, options_.fidelity, options_.seed, pending_, options_.trials);
            if (!number) return tl::unexpected<error>(number.error());
            if (!*number) continue;  // another worker was faster
            pending_ = {};
            recent_.clear();
            rejected_.clear();
            forget_checkpoint(**number);
            if (auto trained = train(**number); !trained) return tl::unexpected<error>(trained.error());
            tell(**number);
        }
        return outcome_of<typename D::objectives, space>(study_.trials());
    }

private:
    [[nodiscard]] const trial<space>& at(std::int32_t number) const {
        return study_.trials()[static_cast<std::size_t>(number)];
    }

    [[nodiscard]] bool interrupted() const { return options_.interrupted && options_.interrupted(); }

    [[nodiscard]] bool out_of_time() const {
        return options_.max_seconds > 0 &&
               std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count() > options_.max_seconds;
    }

    /// The next candidate and its proposer's name. The random stream belongs to (study seed, trial number, attempt).
    template <class P>
    [[nodiscard]] result<std::pair<candidate<space>, std::string>> propose(P& proposer,
                                                                           evolution_proposer<space>& fallback) {
        const auto number = study_.trials().size();
        const auto known = outcome_of<typename D::objectives, space>(study_.trials());
        std::int32_t silences = 0;
        bool give_over = false;
        for (std::int32_t attempt = 0;; ++attempt) {
            if (interrupted()) return fail(errc::interrupted, "stopped by the user", "search");
            if (give_over || (!recent_.empty() && recent_.back().kind == rejection_kind::exhausted))
                return tl::unexpected<error>(no_network(recent_.back()));  // sampling found none either
            give_over = attempt >= options_.max_rejections_in_row || silences >= options_.max_silences_in_row;
            if (give_over)
                observer_.message(fmt::format("{} proposals of {} in a row were refused: evolution proposes this one",
                                              attempt, proposer.name()));
            const search_context<space> context{
                judge_.limits(), study_.trials(),
                known.front,     known.best,
                recent_,         [this](const network_of<space>& net) { return judge_.judge(net); },
                rejected_,       objective_infos<typename D::objectives>,
                judge_.memory()};
            splitmix64 rng{mix_seed(mix_seed(options_.seed, 2 * number + 1), static_cast<std::uint64_t>(attempt))};
            auto asked = give_over ? fallback.ask(context, rng) : proposer.ask(context, rng);
            const std::string who = asked ? asked->proposer : std::string(proposer.name());
            auto judged = asked ? judge_proposal(asked->network) : tl::unexpected<rejection>(asked.error());
            if (judged) return std::pair{std::move(*judged), who};
            ++pending_[static_cast<std::size_t>(judged.error().kind)];
            observer_.rejected(who, judged.error());
            if (judged.error().kind == rejection_kind::no_reply) {
                ++silences;
                observer_.message(judged.error().why.text());
            }
            recent_.push_back(std::move(judged.error()));
            rejected_.push_back(asked ? std::optional(std::move(asked->network)) : std::nullopt);
        }
    }

    [[nodiscard]] verdict<space> judge_proposal(const network_of<space>& net) const {
        if (const auto v = encode<space>(net).violation)
            return tl::unexpected<rejection>(rejection{rejection_kind::out_of_space, describe<space>(v, net)});
        return judge_.judge(net);
    }

    [[nodiscard]] static error no_network(const rejection& last) {
        return {errc::out_of_space,
                "no proposer finds a network within the limits; the last one was rejected: " + last.why.text(),
                "search", "", "wider limits or another space"};
    }

    /// Makes a given network a trial, unless the study has it already.
    [[nodiscard]] result<std::optional<std::int32_t>> include(const network_of<space>& net) {
        auto measured = judge_.measure_costs(net);
        if (!measured) return tl::unexpected<error>(measured.error().why);
        if (judge_.find(net, measured->hash)) return std::optional<std::int32_t>{};
        auto number = study_.start(*measured, "included", options_.fidelity, options_.seed, {},
                                   std::numeric_limits<std::int32_t>::max());
        if (number && *number) forget_checkpoint(**number);
        return number;
    }

    /// Trains an open trial to its end. A failed training is a failed trial; only a broken journal, an interruption or
    /// failures without end stop the search.
    [[nodiscard]] result<void> train(std::int32_t number) {
        const trial<space> t = at(number);
        observer_.trial_started(t);
        const std::filesystem::path checkpoint = checkpoint_of(number);
        if (!checkpoint.empty()) {
            std::error_code ec;
            std::filesystem::create_directories(options_.checkpoints, ec);
        }
        std::optional<error> journal_problem;
        const auto attempt = [&] {
            return where_.run({t.candidate.network, t.fidelity, t.seed, checkpoint}, [&](const epoch_report& e) {
                observer_.epoch_done(t, e);
                if (auto written = study_.report(number, e); !written) journal_problem = written.error();
                return journal_problem || interrupted() ? training_control::stop : training_control::proceed;
            });
        };
        auto trained = attempt();
        std::error_code ec;
        if (!trained && trained.error().code == errc::bad_input && !checkpoint.empty() &&
            std::filesystem::exists(checkpoint, ec)) {
            observer_.message(fmt::format("trial {} starts anew: {}", number, trained.error().text()));
            forget_checkpoint(number);
            trained = attempt();
        }
        if (journal_problem) return tl::unexpected<error>(*journal_problem);
        if ((!trained && trained.error().code == errc::interrupted) ||
            (trained && trained->epochs < t.fidelity.epochs && interrupted())) {
            static_cast<void>(study_.release(number));
            return fail(errc::interrupted, "stopped by the user", "search");
        }
        if (trained) trained = sound(t, *trained);
        auto ended = trained ? study_.finish(number, *trained) : study_.fail_trial(number, trained.error().text());
        if (!ended) return ended;
        forget_checkpoint(number);
        observer_.trial_ended(at(number));
        failures_in_row_ = trained ? 0 : failures_in_row_ + 1;
        if (failures_in_row_ >= options_.max_failures_in_row)
            return fail(errc::training, fmt::format("{} trainings in a row failed; the last one", failures_in_row_),
                        fmt::format("trial {}", number), trained.error().text());
        return {};
    }

    /// Metrics and objective values must be numbers: Pareto dominance and the journal know no NaN.
    [[nodiscard]] static result<training_metrics> sound(const trial<space>& t, const training_metrics& m) {
        const auto values = objective_values<typename D::objectives>(t.candidate.cost, m);
        bool finite = std::isfinite(m.accuracy) && std::isfinite(m.loss) && std::isfinite(m.top5);
        for (const double v : values) finite = finite && std::isfinite(v);
        if (finite) return m;
        return fail(errc::training, "a result of the training is not a number", fmt::format("trial {}", t.number),
                    fmt::format("accuracy {}, top-5 {}, loss {}", m.accuracy, m.top5, m.loss));
    }

    [[nodiscard]] std::filesystem::path checkpoint_of(std::int32_t number) const {
        return options_.checkpoints.empty() ? std::filesystem::path()
                                            : options_.checkpoints / fmt::format("trial_{}.ckpt", number);
    }
    /// A new trial must not continue what lies there from another study; a finished one needs it no more. With it goes
    /// what a killed process left half written (core/atomic_file.hpp).
    void forget_checkpoint(std::int32_t number) const {
        if (options_.checkpoints.empty()) return;
        std::error_code ec;
        const std::string name = checkpoint_of(number).filename().string();
        std::vector<std::filesystem::path> found;
        for (const auto& entry : std::filesystem::directory_iterator(options_.checkpoints, ec)) {
            const std::string file = entry.path().filename().string();
            if (file == name || file.starts_with(name + ".")) found.push_back(entry.path());
        }
        for (const auto& path : found) std::filesystem::remove(path, ec);
    }

    study_type& study_;
    gate_type& judge_;
    Where& where_;
    Observer& observer_;
    search_options options_;
    rejection_counts pending_{};
    std::vector<rejection> recent_;
    std::vector<std::optional<network_of<space>>> rejected_;  ///< of recent_, where they held a network
    std::int32_t failures_in_row_ = 0;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace llmnas
