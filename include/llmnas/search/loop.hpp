// SPDX-License-Identifier: MIT
/// \file
/// The search: propose, judge, train, keep the front, tell back (the paper's Fig. 2 up to the front).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/search/evolution_proposer.hpp>
#include <llmnas/search/executor.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/halving.hpp>
#include <llmnas/search/judge_proposal.hpp>
#include <llmnas/search/outcome.hpp>
#include <llmnas/search/proposer.hpp>
#include <llmnas/search/repair.hpp>
#include <llmnas/search/search_budget.hpp>
#include <llmnas/search/search_options.hpp>
#include <llmnas/search/study.hpp>
#include <llmnas/search/trial_runner.hpp>

namespace llmnas {

/// Runs a search until the study has the wanted number of trials or of proposals. The policies come in from outside:
/// who proposes, where candidates train, who watches.
template <SearchDefinition D, Executor<typename D::space> Where, class Observer = search_observer>
class search_loop {
public:
    using space = typename D::space;
    using study_type = study<space, typename D::objectives, typename D::memory_model>;
    using gate_type = gate<space, typename D::memory_model>;

    search_loop(study_type& s, gate_type& judge, Where& where, Observer& observer, search_options options)
        : study_(s),
          judge_(judge),
          observer_(observer),
          options_(std::move(options)),
          runner_(s, where, observer, options_) {}

    /// `included` networks become the first trials, over a limit or not.
    template <Proposer<space> P>
    [[nodiscard]] result<search_outcome> run(P& proposer, std::span<const network_of<space>> included = {}) {
        auto outcome = search(proposer, included);
        if constexpr (PreparingProposer<P, space>) proposer.close();
        // What was spent on the way to a trial that did not come is no less spent.
        auto settled = study_.settle(pending_, spent_by(proposer));
        begin_record(proposer);
        if (outcome && !settled) return tl::unexpected<error>(settled.error());
        return outcome;
    }

    /// Makes given networks trials that no worker has yet: whoever is on the study takes them over.
    [[nodiscard]] result<void> leave_to_others(std::span<const network_of<space>> included) {
        for (const auto& net : included) {
            auto number = include(net);
            if (!number) return tl::unexpected<error>(number.error());
            if (!*number) continue;
            if (auto left = study_.release(**number); !left) return left;
        }
        return {};
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
        known_ = {};
        told_ = 0;
        evolution_proposer<space> fallback;
        std::size_t given = 0;  // of `included`
        while (true) {
            if (auto read = study_.refresh(); !read) return tl::unexpected<error>(read.error());
            catch_up(proposer, fallback);
            const bool in_time = !budget_.out_of_time();
            if (const auto left_behind = study_.abandoned(); in_time && !left_behind.empty()) {
                look_ahead(proposer);
                if (auto run = runner_.take_over(left_behind.front()); !run) return tl::unexpected<error>(run.error());
                continue;
            }
            if (in_time && given < included.size()) {
                auto number = include(included[given++]);
                if (!number) return tl::unexpected<error>(number.error());
                if (!*number) continue;
                look_ahead(proposer);
                if (auto trained = runner_.train(**number); !trained) return tl::unexpected<error>(trained.error());
                continue;
            }
            if (const auto from = in_time ? promotable() : std::nullopt) {
                auto number = study_.promote(*from, *options_.halving, budget_.trials());
                if (!number) return tl::unexpected<error>(number.error());
                if (!*number) continue;
                runner_.forget_checkpoint(**number);
                look_ahead(proposer);
                if (auto trained = runner_.train(**number); !trained) return tl::unexpected<error>(trained.error());
                continue;
            }
            if (budget_.left(spending()) == 0) {
                if (!options_.wait_for_others || study_.open_trials().empty()) break;
                if (auto waited = wait_for_others(); !waited) return tl::unexpected<error>(waited.error());
                continue;
            }
            if (!in_time) {
                observer_.message(
                    fmt::format("time limit of {:.0f} s: {}", options_.max_seconds, budget_.text(spending())));
                break;
            }
            auto asked = propose(proposer, fallback);
            if (!asked) return tl::unexpected<error>(asked.error());
            if (!*asked) break;
            chosen* const next = &**asked;
            next->record.rejected = pending_;
            next->record.counters = spent_by(proposer);
            if (options_.halving) next->record.rung = options_.halving->position(0);
            const fidelity& f = options_.halving ? options_.halving->rungs.front().fidelity : options_.fidelity;
            auto number = study_.start(next->network, next->record, f, options_.seed, budget_.trials());
            if (!number) return tl::unexpected<error>(number.error());
            if (!*number) {  // another worker was faster, with this network or with the last trial
                if (!next->record.history.instead_of.empty()) continue;
                if (auto judged = judge_.judge(next->network.network); !judged)
                    refuse(next->record.proposer, std::move(judged).error(), std::move(next->network.network));
                else
                    ++late_;
                continue;
            }
            begin_record(proposer);
            runner_.forget_checkpoint(**number);
            look_ahead(proposer);
            recent_.clear();
            rejected_.clear();
            if (next->repaired) {
                recent_.push_back(std::move(*next->repaired));
                rejected_.push_back(std::move(next->proposed));
            }
            if (auto trained = runner_.train(**number); !trained) return tl::unexpected<error>(trained.error());
        }
        runner_.forget_ended_checkpoints();
        return known_.known();
    }

    /// Tells what ended since, whoever ran it, in the order of the numbers: of successive halving the lowest rung,
    /// whose accuracies can be compared with each other.
    template <class P>
    void catch_up(P& proposer, evolution_proposer<space>& fallback) {
        const auto& ended = study_.ended_trials();
        std::vector<std::int32_t> fresh(ended.begin() + static_cast<std::ptrdiff_t>(told_), ended.end());
        told_ = ended.size();
        std::sort(fresh.begin(), fresh.end());
        for (const std::int32_t number : fresh) {
            const trial<space>& t = at(number);
            known_.add(t);
            if (t.rung && t.rung->number == 0 && t.state == trial_state::pruned) {
                trial<space> first = t;
                first.state = trial_state::complete;
                proposer.tell(first), fallback.tell(first);
            } else if ((!t.rung || t.rung->number == 0) &&
                       (t.state == trial_state::complete || t.state == trial_state::failed)) {
                proposer.tell(t), fallback.tell(t);
            }
        }
    }

    /// The trial whose network is to climb a rung, where trials are left.
    [[nodiscard]] std::optional<std::int32_t> promotable() const {
        if (!options_.halving || static_cast<std::int32_t>(study_.trials().size()) >= budget_.trials())
            return std::nullopt;
        return next_promotion<space>(study_.trials(), *options_.halving, objective_directions<typename D::objectives>);
    }

    /// Looks a few times a second what became of the trials of other workers.
    [[nodiscard]] result<void> wait_for_others() {
        if (!std::exchange(waiting_, true))
            observer_.message(fmt::format("waiting for {} trials of other workers", study_.open_trials().size()));
        if (options_.interrupted && options_.interrupted())
            return fail(errc::interrupted, "stopped by the user", "search");
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        return {};
    }

    [[nodiscard]] const trial<space>& at(std::int32_t number) const {
        return study_.trials()[static_cast<std::size_t>(number)];
    }

    /// Of the study, with the rejections that wait for the next record of the journal.
    [[nodiscard]] search_spending spending() const {
        search_spending s{static_cast<std::int32_t>(study_.trials().size()), study_.proposals()};
        for (std::size_t k = 0; k < rejection_kinds; ++k) s.proposals += study_.rejections()[k] + pending_[k];
        return s;
    }

    /// Since the last record of the journal.
    template <class P>
    [[nodiscard]] proposal_counters spent_by(const P& proposer) const {
        proposal_counters spent = since(counted_, counters_of(proposer));
        if constexpr (CountingProposer<P>) spent.unused += late_;
        return spent;
    }
    /// What was spent stands in the journal.
    template <class P>
    void begin_record(const P& proposer) {
        pending_ = {};
        counted_ = counters_of(proposer);
        late_ = 0;
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
            splitmix64 rng = stream(~std::uint64_t{0});  // no attempt has this number
            proposer.prepare(context_of(known_.known()), rng, budget_.left(spending()));
        }
    }

    /// Why the proposer is not asked for this one, said once where it is for good; empty where it is asked.
    [[nodiscard]] std::string reason_for_evolution(std::string_view who, const std::optional<std::string>& retired,
                                                   std::int32_t attempt, std::int32_t silences) {
        if (retired && !std::exchange(retired_, true)) observer_.message(*retired + ": evolution proposes from now on");
        if (retired) return *retired;
        if (attempt < options_.max_rejections_in_row && silences < options_.max_silences_in_row) return {};
        std::string why = fmt::format("{} proposals of {} in a row were refused", attempt, who);
        observer_.message(why + ": evolution proposes this one");
        return why;
    }

    /// The next network to train; nothing where the budget of proposals ends before there is one, or cannot be used up.
    template <class P>
    [[nodiscard]] result<std::optional<chosen>> propose(P& proposer, evolution_proposer<space>& fallback) {
        const search_outcome& known = known_.known();
        std::int32_t silences = 0;
        std::string instead_of;
        for (std::int32_t attempt = 0;; ++attempt) {
            if (options_.interrupted && options_.interrupted())
                return fail(errc::interrupted, "stopped by the user", "search");
            if (!recent_.empty() && (!instead_of.empty() || recent_.back().kind == rejection_kind::exhausted))
                return tl::unexpected<error>(no_network(recent_.back()));  // sampling found none either
            const auto retired = retirement_of(proposer);
            const bool cannot = retired && budget_.limits_proposals();
            if (cannot) observer_.message(fmt::format("{}: the search ends, {}", *retired, budget_.text(spending())));
            if (cannot || budget_.left(spending()) == 0) return std::optional<chosen>();
            instead_of = reason_for_evolution(proposer.name(), retired, attempt, silences);
            const auto context = context_of(known);
            splitmix64 rng = stream(static_cast<std::uint64_t>(attempt));
            auto asked = instead_of.empty() ? proposer.ask(context, rng) : fallback.ask(context, rng);
            if (!asked && asked.error().why.code == errc::interrupted) return tl::unexpected<error>(asked.error().why);
            const std::string who = asked ? asked->proposer : std::string(proposer.name());
            auto judged = asked ? judge_proposal(judge_, asked->network) : tl::unexpected<rejection>(asked.error());
            chosen next;
            next.record.proposer = who;
            next.record.history.instead_of = instead_of;
            next.record.history.search = search_name_of(proposer) + (options_.halving ? " with MO-ASHA" : "");
            if (asked) next.record.history.shown = asked->shown;
            if (asked) next.record.history.explanation = std::move(asked->explanation);
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
                return std::optional(std::move(next));
            }
            if (judged.error().kind == rejection_kind::no_reply) {
                ++silences;
                observer_.message(judged.error().why.text());
            }
            refuse(who, std::move(judged).error(), asked ? std::optional(std::move(asked->network)) : std::nullopt);
        }
    }

    /// Counts a rejection, and keeps it to be told back.
    void refuse(std::string_view who, rejection r, std::optional<network_of<space>> net) {
        if (r.kind == rejection_kind::duplicate && net) add_known_result(r.why, *net);
        ++pending_[static_cast<std::size_t>(r.kind)];
        observer_.rejected(who, r);
        recent_.push_back(std::move(r));
        rejected_.push_back(std::move(net));
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
        else if (t.state == trial_state::pruned)
            why.got += fmt::format("accuracy {:.2f} % after {} epochs", 100 * t.training.accuracy, t.training.epochs);
        else
            why.got += t.state == trial_state::failed ? "whose training failed" : "in training";
    }

    [[nodiscard]] static error no_network(const rejection& last) {
        return {errc::out_of_space,
                "no proposer finds a network within the limits; the last one was rejected: " + last.why.text(),
                "search", "", "wider limits or another space"};
    }

    /// Makes a given network a trial of the full fidelity, unless the study has it already.
    [[nodiscard]] result<std::optional<std::int32_t>> include(const network_of<space>& net) {
        auto measured = judge_.measure_costs(net);
        if (!measured) return tl::unexpected<error>(measured.error().why);
        if (judge_.find(net, measured->hash)) return std::optional<std::int32_t>{};
        proposal_record record{std::string(included_by_user)};
        if (options_.halving) record.rung = options_.halving->position(options_.halving->rungs.size() - 1);
        auto number =
            study_.start(*measured, record, options_.fidelity, options_.seed, std::numeric_limits<std::int32_t>::max());
        if (number && *number) runner_.forget_checkpoint(**number);
        return number;
    }

    study_type& study_;
    gate_type& judge_;
    Observer& observer_;
    search_options options_;
    trial_runner<D, Where, Observer> runner_;
    search_budget budget_{options_};
    rejection_counts pending_{};  ///< since the last trial
    proposal_counters counted_;   ///< of the proposer at the last trial
    std::uint64_t late_ = 0;      ///< proposals behind another worker's last trial, since then
    bool retired_ = false;        ///< the proposer is done, and it was said
    bool waiting_ = false;        ///< for other workers, and it was said
    outcome_tracker<typename D::objectives, space> known_;
    std::size_t told_ = 0;  ///< of the study's ended trials
    std::vector<rejection> recent_;
    std::vector<std::optional<network_of<space>>> rejected_;  ///< of recent_, where they held a network
};

}  // namespace llmnas
