// SPDX-License-Identifier: MIT
/// \file
/// A study on disk: trials of one space as an Optuna journal, so that `optuna.load_study`, its plots and
/// optuna-dashboard open it, finished or running.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <llmnas/json/json_value.hpp>

#include <llmnas/core/random.hpp>
#include <llmnas/search/config_difference.hpp>
#include <llmnas/search/proposal_record.hpp>
#include <llmnas/search/study_state.hpp>
#include <llmnas/search/trial_json.hpp>
#include <llmnas/search/worker_identity.hpp>

namespace llmnas {

/// Trials of a study, in memory and in its journal. Every change is on disk before the call returns.
template <SearchSpace Space, ObjectiveList Objectives, MemoryModel Memory = layerwise>
class study {
public:
    using trial_type = trial<Space>;
    static constexpr std::string_view file_name = journal_file_name;
    static constexpr std::string_view config_attr = study_state<Space, Objectives, Memory>::config_attr;

    /// Opens the study in a directory, or makes it. `config` is what a later run must agree with: a difference refuses
    /// the directory and names the first one.
    [[nodiscard]] static result<study> open(const std::filesystem::path& dir, const json_value& config,
                                            gate<Space, Memory>& judge, std::string name = "llmnas") {
        if constexpr (objectives_have_limits<Objectives>) judge.set_further_limit(broken_objective_limit<Objectives>);
        std::error_code ec;
        std::filesystem::create_directories(dir, ec);
        if (ec) return fail(errc::io, "cannot make the study's directory", dir.string(), ec.message());
        auto file = journal_file::open(dir / file_name);
        if (!file) return tl::unexpected<error>(file.error());
        study s(std::move(*file), judge, std::move(name));
        const auto make = [&]() -> result<std::vector<record>> {
            std::vector<record> records;
            if (s.state_.id() && (!s.config().is_null() || !s.trials().empty())) return records;
            // A study without configuration and trials is one whose creation was cut off: it is completed.
            const auto id = s.state_.id().value_or(s.state_.next_id());
            if (!s.state_.id()) {
                auto created = s.base(detail::journal_op::create_study);
                created["study_name"] = s.state_.name();
                created["directions"] = record::array();
                for (const direction d : objective_directions<Objectives>)
                    created["directions"].push_back(static_cast<int>(d));
                records.push_back(std::move(created));
            }
            auto names = s.base(detail::journal_op::set_study_system_attr);
            names["study_id"] = id;
            names["system_attr"]["study:metric_names"] = objective_names<Objectives>;
            auto configured = s.base(detail::journal_op::set_study_user_attr);
            configured["study_id"] = id;
            configured["user_attr"][std::string(config_attr)] = config;
            records.push_back(std::move(names));
            records.push_back(std::move(configured));
            return records;
        };
        if (auto made = s.file_.append(s.applier(), make); !made) return tl::unexpected<error>(made.error());
        if (s.config().is_null())
            return fail(errc::bad_input, "the study has no llmnas configuration", (dir / file_name).string());
        if (auto difference = detail::first_difference(s.config(), config)) {
            difference->where = fmt::format("{}, {}", (dir / file_name).string(), difference->where);
            return tl::unexpected<error>(std::move(*difference));
        }
        return s;
    }

    [[nodiscard]] std::span<const trial_type> trials() const { return state_.trials(); }
    [[nodiscard]] const std::string& notice() const { return file_.notice(); }
    [[nodiscard]] const rejection_counts& rejections() const { return state_.rejections(); }
    /// Of all runs.
    [[nodiscard]] const proposal_counters& counters() const { return state_.counters(); }
    [[nodiscard]] const json_value& config() const { return state_.config(); }
    /// Most recent state of each epoch of a trial, as journalled.
    [[nodiscard]] const std::map<std::int32_t, double>& epochs(std::int32_t number) const {
        return state_.more(number).epochs;
    }

    /// Trials that nobody has ended, whoever runs them.
    [[nodiscard]] const std::set<std::int32_t>& open_trials() const { return state_.open(); }
    /// Trials in the order of their ends: a reader that keeps its place in it sees each once.
    [[nodiscard]] const std::vector<std::int32_t>& ended_trials() const { return state_.ended(); }
    /// Trials that are proposals of a search's own proposer.
    [[nodiscard]] std::uint64_t proposals() const { return state_.proposals(); }
    /// How the last search was started; null where nobody said.
    [[nodiscard]] const json_value& command() const { return state_.command(); }
    /// How each training of a trial that was run again ended.
    [[nodiscard]] const std::vector<std::string>& crashes(std::int32_t number) const {
        return state_.more(number).crashes;
    }
    /// Of a trial, one behind another without an epoch between.
    [[nodiscard]] std::int32_t dead_workers(std::int32_t number) const { return state_.more(number).deaths; }
    [[nodiscard]] const lock_waits& waits() const { return file_.waits(); }

    /// Reads what other workers have appended since. A record that another host is writing may look broken over NFS:
    /// it is read again under the lock.
    [[nodiscard]] result<void> refresh() {
        auto seen = file_.read(applier());
        if (seen || seen.error().code != errc::bad_input) return seen;
        return file_.append(applier(), [] { return result<std::vector<record>>(); });
    }

    /// Open trials whose worker is gone: they are to be run again.
    [[nodiscard]] std::vector<std::int32_t> abandoned() const {
        std::vector<std::int32_t> numbers;
        for (const std::int32_t number : open_trials())
            if (is_abandoned(number)) numbers.push_back(number);
        return numbers;
    }

    /// Length of the leases that this study takes and renews, seconds: longer than the time between two renewals.
    void set_lease_seconds(double seconds) { lease_seconds_ = seconds; }

    /// Whether the trial is this study's to run: another worker may have taken it over while this one was stopped.
    [[nodiscard]] bool holds(std::int32_t number) const {
        return state_.open().contains(number) && state_.more(number).lease.worker == owner_.name();
    }

    /// Journals how a search was started, for workers that join it.
    [[nodiscard]] result<void> set_command(const json_value& command) {
        if (command == state_.command()) return {};
        return file_.append(applier(), [&]() -> result<std::vector<record>> {
            return std::vector<record>{study_attr_record(state_type::command_attr, command)};
        });
    }

    /// Makes a candidate the next trial, unless another worker has meanwhile made the same one or the last of `limit`:
    /// then nothing is written, and there is no number.
    [[nodiscard]] result<std::optional<std::int32_t>> start(const candidate<Space>& c, const proposal_record& proposal,
                                                            const fidelity& f, std::uint64_t study_seed,
                                                            std::int32_t limit) {
        return create(c, proposal, f, limit, [&](std::int32_t number) -> std::optional<std::uint64_t> {
            if (state_.judge().find(c.network, c.hash)) return std::nullopt;
            return mix_seed(study_seed, static_cast<std::uint64_t>(number));
        });
    }

    /// Makes the network of an ended trial the next trial, on the rung above its own and with its seed, unless another
    /// worker has meanwhile done so or made the last of `limit`.
    [[nodiscard]] result<std::optional<std::int32_t>> promote(std::int32_t from, const halving_options& halving,
                                                              std::int32_t limit) {
        const trial_type t = trials()[static_cast<std::size_t>(from)];
        const auto number = static_cast<std::size_t>(t.rung->number) + 1;
        proposal_record proposal{t.proposer};
        proposal.history.search = t.history.search;
        proposal.rung = halving.position(number);
        proposal.rung->promoted_from = from;
        return create(t.candidate, proposal, halving.rungs[number].fidelity, limit,
                      [&](std::int32_t) -> std::optional<std::uint64_t> {
                          for (const trial_type& other : trials())
                              if (other.rung && other.rung->promoted_from == from) return std::nullopt;
                          return t.seed;
                      });
    }

    /// Journals what was spent since the last trial where no other follows in this run.
    [[nodiscard]] result<void> settle(const rejection_counts& rejected, const proposal_counters& counters) {
        if (spent_json(rejected, counters).empty()) return {};
        return file_.append(applier(), [&]() -> result<std::vector<record>> {
            auto [all, sum] = state_.rest();
            for (std::size_t k = 0; k < rejection_kinds; ++k) all[k] += rejected[k];
            sum += counters;
            return std::vector<record>{study_attr_record(state_type::rest_attr, spent_json(all, sum))};
        });
    }

    /// Takes over an abandoned trial; false where another worker was faster.
    [[nodiscard]] result<bool> take_over(std::int32_t number) {
        bool taken = false;
        const auto make = [&]() -> result<std::vector<record>> {
            taken = is_abandoned(number);
            if (!taken) return std::vector<record>{};
            return std::vector<record>{user_attr_record(number, "lease", to_json(lease()))};
        };
        if (auto done = file_.append(applier(), make); !done) return tl::unexpected<error>(done.error());
        return taken;
    }

    /// Journals an epoch of a trial that this study holds, and renews the lease.
    [[nodiscard]] result<void> report(std::int32_t number, const epoch_report& e) {
        const auto make = [&]() -> result<std::vector<record>> {
            if (!holds(number)) return std::vector<record>{};
            auto r = trial_record(detail::journal_op::set_trial_intermediate, number);
            r["step"] = e.epoch;
            r["intermediate_value"] = e.accuracy;
            std::vector<record> records{std::move(r)};
            if (lease_is_old(number)) records.push_back(user_attr_record(number, "lease", to_json(lease())));
            return records;
        };
        return file_.append(applier(), make);
    }

    /// Renews the lease where a fifth of it has passed: a heartbeat, to be called as often as one likes.
    [[nodiscard]] result<void> renew(std::int32_t number) {
        if (!holds(number) || !lease_is_old(number)) return {};
        return file_.append(applier(), [&]() -> result<std::vector<record>> {
            if (!holds(number)) return std::vector<record>{};
            return std::vector<record>{user_attr_record(number, "lease", to_json(lease()))};
        });
    }

    /// Journals that the training of a trial died, and is run again.
    [[nodiscard]] result<void> crashed(std::int32_t number, const std::string& reason) {
        return file_.append(applier(), [&]() -> result<std::vector<record>> {
            auto all = crashes(number);
            all.push_back(reason);
            return std::vector<record>{user_attr_record(number, "crashes", all)};
        });
    }

    /// Ends a trial with its metrics: pruned below the top rung, where Optuna too keeps it out of the front.
    [[nodiscard]] result<void> finish(std::int32_t number, const training_metrics& m) {
        const auto& t = trials()[static_cast<std::size_t>(number)];
        const auto state = t.rung && !t.rung->is_top() ? trial_state::pruned : trial_state::complete;
        return end(number, state, objective_values<Objectives>(t.candidate, m), "training", m);
    }

    /// Ends a trial without a result.
    [[nodiscard]] result<void> fail_trial(std::int32_t number, const std::string& reason) {
        return end(number, trial_state::failed, {}, "failure", reason);
    }

    /// Gives an open trial up at once, without waiting for the lease to end, where this study has it.
    [[nodiscard]] result<void> release(std::int32_t number) {
        return file_.append(applier(), [&]() -> result<std::vector<record>> {
            if (!holds(number)) return std::vector<record>{};
            return std::vector<record>{user_attr_record(number, "lease", to_json(trial_lease{}))};
        });
    }

private:
    using state_type = study_state<Space, Objectives, Memory>;
    using record = journal_file::record;

    /// `seed_of` gives the seed of the trial with this number, or nothing where there is to be no trial.
    template <class SeedOf>
    [[nodiscard]] result<std::optional<std::int32_t>> create(const candidate<Space>& c, const proposal_record& proposal,
                                                             const fidelity& f, std::int32_t limit, SeedOf&& seed_of) {
        std::optional<std::int32_t> number;
        const auto make = [&]() -> result<std::vector<record>> {
            const auto next = static_cast<std::int32_t>(trials().size());
            const auto seed = next < limit ? seed_of(next) : std::nullopt;
            if (!seed) return std::vector<record>{};
            number = next;
            auto r = base(detail::journal_op::create_trial);
            r["study_id"] = *state_.id();
            r.update(new_trial_json(c, proposal, f, *seed));
            r["user_attrs"]["memory_model"] = state_.judge().memory().name;
            r["user_attrs"]["lease"] = to_json(lease());
            r["system_attrs"]["constraints"] = constraints(c.cost);
            return std::vector<record>{std::move(r)};
        };
        if (auto done = file_.append(applier(), make); !done) return tl::unexpected<error>(done.error());
        return number;
    }

    study(journal_file file, gate<Space, Memory>& judge, std::string name)
        : file_(std::move(file)), state_(judge, std::move(name)) {}

    [[nodiscard]] auto applier() {
        return [this](const record& r) { return state_.apply(r); };
    }

    [[nodiscard]] bool is_abandoned(std::int32_t number) const {
        return state_.open().contains(number) && is_over(state_.more(number).lease, owner_, detail::unix_time());
    }
    [[nodiscard]] bool lease_is_old(std::int32_t number) const {
        const auto age = trial_lease::clock::now() - state_.more(number).lease.seen;
        return std::chrono::duration<double>(age).count() > lease_seconds_ / 5;
    }

    [[nodiscard]] record base(detail::journal_op op) const {
        return {{"op_code", static_cast<int>(op)}, {"worker_id", owner_.name()}};
    }
    [[nodiscard]] record trial_record(detail::journal_op op, std::int32_t number) const {
        auto r = base(op);
        r["trial_id"] = state_.more(number).id;
        return r;
    }
    [[nodiscard]] record user_attr_record(std::int32_t number, std::string_view key, record value) const {
        auto r = trial_record(detail::journal_op::set_trial_user_attr, number);
        r["user_attr"][std::string(key)] = std::move(value);
        return r;
    }
    [[nodiscard]] trial_lease lease() const {
        return {.worker = owner_.name(), .until = detail::unix_time() + lease_seconds_, .seconds = lease_seconds_};
    }
    [[nodiscard]] record study_attr_record(std::string_view key, record value) const {
        auto r = base(detail::journal_op::set_study_user_attr);
        r["study_id"] = *state_.id();
        r["user_attr"][std::string(key)] = std::move(value);
        return r;
    }

    /// As Optuna stores constraints: a value above 0 is a violation.
    [[nodiscard]] record constraints(const costs& c) const {
        const problem& p = state_.judge().limits();
        const auto over = [](std::uint64_t used, std::uint64_t allowed) {
            return static_cast<double>(used) - static_cast<double>(allowed);
        };
        return {over(p.min_macs.value, c.mac_count.value), over(c.mac_count.value, p.max_macs.value),
                over(c.sram.size.value, p.limits.sram.value), over(c.flash.value, p.limits.flash.value)};
    }

    /// The constraints with those of the objectives' limits behind them: known with the values.
    [[nodiscard]] record limits_record(std::int32_t number, const std::vector<double>& values) const {
        auto all = constraints(trials()[static_cast<std::size_t>(number)].candidate.cost);
        for (std::size_t k = 0; k < values.size(); ++k)
            if (objective_infos<Objectives>[k].limit) all.push_back(objective_infos<Objectives>[k].excess(values[k]));
        auto r = trial_record(detail::journal_op::set_trial_system_attr, number);
        r["system_attr"]["constraints"] = std::move(all);
        return r;
    }

    [[nodiscard]] result<void> end(std::int32_t number, trial_state state, const std::vector<double>& values,
                                   std::string_view key, record detail) {
        return file_.append(applier(), [&]() -> result<std::vector<record>> {
            // Somebody else may have finished it after this worker's lease ran out: it counts once.
            if (trials()[static_cast<std::size_t>(number)].state != trial_state::running) return std::vector<record>{};
            auto r = trial_record(detail::journal_op::set_trial_state, number);
            r["state"] = static_cast<int>(state);
            r["values"] = values.empty() ? record(nullptr) : record(values);
            r["datetime_complete"] = detail::journal_time();
            std::vector<record> records{user_attr_record(number, key, detail), std::move(r)};
            if constexpr (objectives_have_limits<Objectives>)
                if (!values.empty()) records.insert(records.begin(), limits_record(number, values));
            return records;
        });
    }

    journal_file file_;
    state_type state_;
    worker_identity owner_;
    double lease_seconds_ = 3600;  ///< longer than an epoch takes; renewed behind each
};

}  // namespace llmnas
