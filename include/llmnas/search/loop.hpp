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

#include <llmnas/search/checkpoint_folder.hpp>
#include <llmnas/search/evolution_proposer.hpp>
#include <llmnas/search/executor.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/outcome.hpp>
#include <llmnas/search/proposer.hpp>
#include <llmnas/search/repair.hpp>
#include <llmnas/search/search_options.hpp>
#include <llmnas/search/study.hpp>

namespace llmnas {

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
        auto outcome = search(proposer, included);
        if constexpr (PreparingProposer<P, space>) proposer.close();
        // What was spent on the way to a trial that did not come is no less spent.
        auto settled = study_.settle(pending_, spent_by(proposer));
        pending_ = {};
        counted_ = counters_of(proposer);
        if (outcome && !settled) return tl::unexpected<error>(settled.error());
        return outcome;
    }

private:
    /// A candidate and where it comes from.
    struct chosen {
        candidate<space> network;
        proposal_record record;
        std::optional<rejection> repaired;               ///< why it was repaired, for the proposer
        std::optional<network_of<space>> proposed = {};  ///< then
    };

    template <class P>
    [[nodiscard]] result<search_outcome> search(P& proposer, std::span<const network_of<space>> included) {
        counted_ = counters_of(proposer);
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
            look_ahead(proposer);
            if (auto trained = train(number); !trained) return tl::unexpected<error>(trained.error());
            tell(number);
        }
        for (const auto& net : included) {
            if (out_of_time()) break;
            auto number = include(net);
            if (!number) return tl::unexpected<error>(number.error());
            if (!*number) continue;
            look_ahead(proposer);
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
            next->record.rejected = pending_;
            next->record.counters = spent_by(proposer);
            auto number = study_.start(next->network, next->record, options_.fidelity, options_.seed, options_.trials);
            if (!number) return tl::unexpected<error>(number.error());
            if (!*number) continue;  // another worker was faster
            pending_ = {};
            counted_ = counters_of(proposer);
            checkpoints_.forget(**number);
            look_ahead(proposer);
            recent_.clear();
            rejected_.clear();
            if (next->repaired) {
                recent_.push_back(std::move(*next->repaired));
                rejected_.push_back(std::move(next->proposed));
            }
            if (auto trained = train(**number); !trained) return tl::unexpected<error>(trained.error());
            tell(**number);
        }
        return outcome_of<typename D::objectives, space>(study_.trials());
    }

    [[nodiscard]] const trial<space>& at(std::int32_t number) const {
        return study_.trials()[static_cast<std::size_t>(number)];
    }

    [[nodiscard]] bool interrupted() const { return options_.interrupted && options_.interrupted(); }

    [[nodiscard]] bool out_of_time() const {
        return options_.max_seconds > 0 &&
               std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count() > options_.max_seconds;
    }

    template <class P>
    [[nodiscard]] static proposal_counters counters_of(const P& proposer) {
        if constexpr (CountingProposer<P>) return proposer.counters();
        return {};
    }
    template <class P>
    [[nodiscard]] proposal_counters spent_by(const P& proposer) const {
        return since(counted_, counters_of(proposer));
    }

    [[nodiscard]] search_context<space> context_of(const search_outcome& known) const {
        return {judge_.limits(), study_.trials(),
                known.front,     known.best,
                recent_,         [this](const network_of<space>& net) { return judge_.judge(net); },
                rejected_,       objective_infos<typename D::objectives>,
                judge_.memory()};
    }
    /// The random stream belongs to (study seed, trial number, attempt).
    [[nodiscard]] splitmix64 stream(std::uint64_t attempt) const {
        return {mix_seed(mix_seed(options_.seed, 2 * study_.trials().size() + 1), attempt)};
    }

    /// Lets the proposer work while a network trains.
    template <class P>
    void look_ahead(P& proposer) const {
        if constexpr (PreparingProposer<P, space>) {
            const auto known = outcome_of<typename D::objectives, space>(study_.trials());
            splitmix64 rng = stream(~std::uint64_t{0});  // no attempt has this number
            proposer.prepare(context_of(known), rng,
                             options_.trials - static_cast<std::int32_t>(study_.trials().size()));
        }
    }

    /// Why the proposer is not asked for this one, said once where it is for good; empty where it is asked.
    template <class P>
    [[nodiscard]] std::string reason_for_evolution(const P& proposer, std::int32_t attempt, std::int32_t silences) {
        if constexpr (RetiringProposer<P>)
            if (auto why = proposer.retired()) {
                if (!std::exchange(retired_, true)) observer_.message(*why + ": evolution proposes from now on");
                return *std::move(why);
            }
        if (attempt < options_.max_rejections_in_row && silences < options_.max_silences_in_row) return {};
        std::string why = fmt::format("{} proposals of {} in a row were refused", attempt, proposer.name());
        observer_.message(why + ": evolution proposes this one");
        return why;
    }

    template <class P>
    [[nodiscard]] result<chosen> propose(P& proposer, evolution_proposer<space>& fallback) {
        const auto known = outcome_of<typename D::objectives, space>(study_.trials());
        std::int32_t silences = 0;
        std::string instead_of;
        for (std::int32_t attempt = 0;; ++attempt) {
            if (interrupted()) return fail(errc::interrupted, "stopped by the user", "search");
            if (!recent_.empty() && (!instead_of.empty() || recent_.back().kind == rejection_kind::exhausted))
                return tl::unexpected<error>(no_network(recent_.back()));  // sampling found none either
            instead_of = reason_for_evolution(proposer, attempt, silences);
            const auto context = context_of(known);
            splitmix64 rng = stream(static_cast<std::uint64_t>(attempt));
            auto asked = instead_of.empty() ? proposer.ask(context, rng) : fallback.ask(context, rng);
            if (!asked && asked.error().why.code == errc::interrupted) return tl::unexpected<error>(asked.error().why);
            const std::string who = asked ? asked->proposer : std::string(proposer.name());
            auto judged = asked ? judge_proposal(asked->network) : tl::unexpected<rejection>(asked.error());
            chosen next;
            next.record.proposer = who;
            next.record.history.instead_of = instead_of;
            if (asked) next.record.history.shown = asked->shown;
            if (!judged && asked && options_.repair && is_repairable(judged.error().kind))
                if (const auto mended = repair<space>(asked->network, judge_, *options_.repair)) {
                    next.record.history.repaired = fmt::format("{}: {}", name_of(judged.error().kind), mended->text());
                    judged.error().why.wanted += "; trained with " + mended->text();
                    next.repaired = std::move(judged).error();
                    next.proposed = std::move(asked->network);
                    judged = mended->result;
                }
            if (judged) {
                next.network = std::move(*judged);
                return next;
            }
            rejection refused = std::move(judged).error();
            if (refused.kind == rejection_kind::duplicate) add_known_result(refused.why, asked->network);
            ++pending_[static_cast<std::size_t>(refused.kind)];
            observer_.rejected(who, refused);
            if (refused.kind == rejection_kind::no_reply) {
                ++silences;
                observer_.message(refused.why.text());
            }
            recent_.push_back(std::move(refused));
            rejected_.push_back(asked ? std::optional(std::move(asked->network)) : std::nullopt);
        }
    }

    /// What became of the trial that a proposal repeats.
    void add_known_result(error& why, const network_of<space>& net) const {
        const auto measured = judge_.measure_costs(net);
        const auto number = measured ? judge_.find(net, measured->hash) : std::nullopt;
        if (!number) return;
        const trial<space>& t = at(*number);
        why.got = fmt::format("trial {}, ", *number);
        if (t.state == trial_state::complete)
            why.got += fmt::format("accuracy {:.2f} %", 100 * t.training.accuracy);
        else
            why.got += t.state == trial_state::failed ? "whose training failed" : "in training";
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
        auto number = study_.start(*measured, {"included"}, options_.fidelity, options_.seed,
                                   std::numeric_limits<std::int32_t>::max());
        if (number && *number) checkpoints_.forget(**number);
        return number;
    }

    /// Trains an open trial to its end. A failed training is a failed trial; only a broken journal, an interruption or
    /// failures without end stop the search.
    [[nodiscard]] result<void> train(std::int32_t number) {
        const trial<space> t = at(number);
        observer_.trial_started(t);
        const std::filesystem::path checkpoint = checkpoints_.prepare(number);
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
            checkpoints_.forget(number);
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
        checkpoints_.forget(number);
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

    study_type& study_;
    gate_type& judge_;
    Where& where_;
    Observer& observer_;
    search_options options_;
    checkpoint_folder checkpoints_{options_.checkpoints};
    rejection_counts pending_{};  ///< since the last trial
    proposal_counters counted_;   ///< of the proposer at the last trial
    bool retired_ = false;        ///< the proposer is done, and it was said
    std::vector<rejection> recent_;
    std::vector<std::optional<network_of<space>>> rejected_;  ///< of recent_, where they held a network
    std::int32_t failures_in_row_ = 0;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace llmnas
