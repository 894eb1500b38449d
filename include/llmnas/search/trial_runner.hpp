// SPDX-License-Identifier: MIT
/// \file
/// One trial of a search, from open to ended.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include <llmnas/search/checkpoint_folder.hpp>
#include <llmnas/search/executor.hpp>
#include <llmnas/search/search_options.hpp>
#include <llmnas/search/study.hpp>

namespace llmnas {

/// Trains open trials of a study where the executor does, and journals what comes of it.
template <SearchDefinition D, Executor<typename D::space> Where, class Observer>
class trial_runner {
public:
    using space = typename D::space;
    using study_type = study<space, typename D::objectives, typename D::memory_model>;

    trial_runner(study_type& s, Where& where, Observer& observer, const search_options& options)
        : study_(s),
          where_(where),
          observer_(observer),
          checkpoints_(options.checkpoints),
          interrupted_(options.interrupted),
          max_failures_in_row_(options.max_failures_in_row),
          max_retries_(options.max_retries),
          max_dead_workers_(options.max_dead_workers),
          halving_(options.halving) {
        if constexpr (TickingExecutor<Where>) study_.set_lease_seconds(lease_silence);
    }

    /// A new trial continues no checkpoint of another study that lies under its number.
    void forget_checkpoint(std::int32_t number) const { checkpoints_.forget(number); }

    /// Removes checkpoints of ended trials, which killed workers left. A network that may climb on keeps its own.
    void forget_ended_checkpoints() const {
        const auto known = static_cast<std::int32_t>(study_.trials().size());
        std::set<std::int32_t> climbed;
        for (const auto& t : study_.trials())
            if (t.rung && t.rung->promoted_from && !study_.open_trials().contains(t.number))
                climbed.insert(*t.rung->promoted_from);
        checkpoints_.forget_all([&](std::int32_t n) {
            return n < known && !study_.open_trials().contains(n) && (!may_climb(at(n)) || climbed.contains(n));
        });
    }

    /// Takes over a trial that another worker left, and trains it on; nothing where a third one was faster. One that
    /// its workers did not survive again and again has failed.
    [[nodiscard]] result<void> take_over(std::int32_t number) {
        const auto taken = study_.take_over(number);
        if (!taken) return tl::unexpected<error>(taken.error());
        if (!*taken) return {};
        observer_.message(fmt::format("continuing trial {} of an earlier run", number));
        const std::int32_t deaths = study_.dead_workers(number);
        if (deaths <= max_dead_workers_) return train(number);
        auto ended = study_.fail_trial(number, fmt::format("{} workers in a row died while they ran it", deaths));
        if (ended) observer_.trial_ended(at(number));
        return ended;
    }

    /// Trains an open trial to its end. A training whose process died is run again, and is a failed trial after that;
    /// another failed training is a failed trial at once. Only a broken journal, an interruption or failures without
    /// end stop the search. A trial that another worker took over meanwhile is left to it.
    [[nodiscard]] result<void> train(std::int32_t number) {
        const trial<space> t = at(number);
        observer_.trial_started(t);
        const std::filesystem::path checkpoint = checkpoints_.prepare(number);
        if (t.rung && t.rung->promoted_from && halving_ &&
            halving_->continues(static_cast<std::size_t>(t.rung->number)))
            checkpoints_.hand_over(*t.rung->promoted_from, number);
        std::optional<error> journal_problem;
        const auto note = [&](const result<void>& written) {
            if (!written && !journal_problem) journal_problem = written.error();
        };
        if constexpr (TickingExecutor<Where>) where_.on_tick([&] { note(study_.renew(number)); });
        const auto attempt = [&] {
            const trial_request<space> request{t.candidate.network, t.fidelity, t.seed, checkpoint,
                                               t.rung ? t.rung->epochs : 0};
            return where_.run(request, [&](const epoch_report& e) {
                observer_.epoch_done(t, e);
                note(study_.report(number, e));
                return journal_problem || interrupted() || !study_.holds(number) ? training_control::stop
                                                                                 : training_control::proceed;
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
        while (!trained && trained.error().code == errc::crashed && !journal_problem && !interrupted() &&
               study_.holds(number) && static_cast<std::int32_t>(study_.crashes(number).size()) < max_retries_) {
            observer_.message(fmt::format("trial {} runs again: {}", number, trained.error().text()));
            note(study_.crashed(number, trained.error().text()));
            if (!journal_problem) trained = attempt();
        }
        if constexpr (TickingExecutor<Where>) where_.on_tick({});
        if (journal_problem) return tl::unexpected<error>(*journal_problem);
        if ((!trained && trained.error().code == errc::interrupted) ||
            (trained && trained->epochs < t.last_epoch() && interrupted())) {
            static_cast<void>(study_.release(number));
            return fail(errc::interrupted, "stopped by the user", "search");
        }
        if (!study_.holds(number)) {
            observer_.message(fmt::format("trial {} was taken over by another worker", number));
            return {};
        }
        if (trained) trained = sound(t, *trained);
        auto ended = trained ? study_.finish(number, *trained) : study_.fail_trial(number, trained.error().text());
        if (!ended) return ended;
        if (!may_climb(at(number))) checkpoints_.forget(number);
        observer_.trial_ended(at(number));
        failures_in_row_ = trained ? 0 : failures_in_row_ + 1;
        if (failures_in_row_ >= max_failures_in_row_)
            return fail(errc::training, fmt::format("{} trainings in a row failed; the last one", failures_in_row_),
                        fmt::format("trial {}", number), trained.error().text());
        return {};
    }

private:
    [[nodiscard]] const trial<space>& at(std::int32_t number) const {
        return study_.trials()[static_cast<std::size_t>(number)];
    }
    /// Whether a higher rung would go on from the checkpoint of an ended trial.
    [[nodiscard]] bool may_climb(const trial<space>& t) const {
        return t.state == trial_state::pruned && t.rung && t.candidate.feasible && halving_ &&
               halving_->continues(static_cast<std::size_t>(t.rung->number) + 1);
    }
    [[nodiscard]] bool interrupted() const { return interrupted_ && interrupted_(); }

    /// Metrics and objective values must be numbers: Pareto dominance and the journal know no NaN.
    [[nodiscard]] static result<training_metrics> sound(const trial<space>& t, const training_metrics& m) {
        const auto values = objective_values<typename D::objectives>(t.candidate, m);
        bool finite = std::isfinite(m.accuracy) && std::isfinite(m.loss) && std::isfinite(m.top5);
        for (const double v : values) finite = finite && std::isfinite(v);
        if (finite) return m;
        return fail(errc::training, "a result of the training is not a number", fmt::format("trial {}", t.number),
                    fmt::format("accuracy {}, top-5 {}, loss {}", m.accuracy, m.top5, m.loss));
    }

    study_type& study_;
    Where& where_;
    Observer& observer_;
    checkpoint_folder checkpoints_;
    std::function<bool()> interrupted_;
    std::int32_t max_failures_in_row_;
    std::int32_t max_retries_;
    std::int32_t max_dead_workers_;
    std::optional<halving_options> halving_;
    std::int32_t failures_in_row_ = 0;
};

}  // namespace llmnas
