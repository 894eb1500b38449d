// SPDX-License-Identifier: MIT
/// \file
/// What the records of a study's journal amount to: its trials, in memory.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <llmnas/json/json_value.hpp>

#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/space_json.hpp>
#include <llmnas/json/training_json.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/history_json.hpp>
#include <llmnas/search/journal_file.hpp>
#include <llmnas/search/lease.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/search/proposal_counters.hpp>
#include <llmnas/search/rejection.hpp>
#include <llmnas/search/rung.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

namespace detail {

/// Numbers of Optuna's journal records.
enum class journal_op : int {
    create_study = 0,
    delete_study = 1,
    set_study_user_attr = 2,
    set_study_system_attr = 3,
    create_trial = 4,
    set_trial_param = 5,
    set_trial_state = 6,
    set_trial_intermediate = 7,
    set_trial_user_attr = 8,
    set_trial_system_attr = 9,
};

/// UTC with zone and microseconds: Optuna 3.1 and 5.0 both read it.
[[nodiscard]] inline std::string journal_time() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    const std::time_t seconds = static_cast<std::time_t>(us / 1'000'000);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    return fmt::format("{}.{:06}+00:00", text, us % 1'000'000);
}

[[nodiscard]] inline double unix_time() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace detail

/// Name of the journal in a study's directory, and of the user attribute that holds the study's configuration.
inline constexpr std::string_view journal_file_name = "journal.log";
inline constexpr std::string_view study_config_attr = "llmnas";
/// User attribute that holds how the last search was started.
inline constexpr std::string_view study_command_attr = "llmnas_command";

/// Trials of one study, by replaying its records. Costs are computed anew from each network, and the gate remembers it.
template <SearchSpace Space, ObjectiveList Objectives, MemoryModel Memory = layerwise>
class study_state {
public:
    using trial_type = trial<Space>;
    using record = journal_file::record;
    static constexpr std::string_view config_attr = study_config_attr;
    static constexpr std::string_view rest_attr =
        "llmnas_rest";  ///< spent without a trial behind it, all runs together
    static constexpr std::string_view command_attr = study_command_attr;

    /// What a trial has beside its public part.
    struct extra {
        std::size_t id = 0;  ///< of Optuna: counts trials of all studies in the file
        trial_lease lease;
        std::int32_t deaths = 0;           ///< of its workers, one behind another without an epoch between
        std::vector<std::string> crashes;  ///< of its training, which ran again: how they ended
        bool has_metrics = false;
        std::int32_t ended = 0;  ///< how many trials had ended with this one; 0 while it has not
        std::map<std::int32_t, double> epochs;
    };

    study_state(gate<Space, Memory>& judge, std::string name) : judge_(&judge), name_(std::move(name)) {}

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::optional<std::size_t> id() const { return id_; }  ///< none where the file lacks the study
    [[nodiscard]] std::size_t next_id() const { return studies_; }
    [[nodiscard]] const std::vector<trial_type>& trials() const { return trials_; }
    [[nodiscard]] const extra& more(std::int32_t number) const { return extras_[static_cast<std::size_t>(number)]; }
    /// Numbers of the running trials.
    [[nodiscard]] const std::set<std::int32_t>& open() const { return open_; }
    /// Numbers of those that ended, in the order of their ends.
    [[nodiscard]] const std::vector<std::int32_t>& ended() const { return ended_; }
    /// Trials that are proposals of a search's own proposer.
    [[nodiscard]] std::uint64_t proposals() const { return proposals_; }
    [[nodiscard]] const json_value& config() const { return config_; }
    /// How the last search was started, for workers that join it; null where the journal does not say.
    [[nodiscard]] const json_value& command() const { return command_; }
    [[nodiscard]] const rejection_counts& rejections() const { return rejections_; }
    [[nodiscard]] const proposal_counters& counters() const { return counters_; }
    /// The part of both that belongs to no trial.
    [[nodiscard]] const std::pair<rejection_counts, proposal_counters>& rest() const { return rest_; }
    [[nodiscard]] gate<Space, Memory>& judge() const { return *judge_; }

    /// Takes in one record. Records of other studies in the file, and kinds that do not concern llmnas, change nothing.
    [[nodiscard]] result<void> apply(const record& r) try {
        switch (static_cast<detail::journal_op>(r.at("op_code").get<int>())) {
            case detail::journal_op::create_study:
                return apply_study(r);
            case detail::journal_op::delete_study:
                if (ours(r))
                    return fail(errc::bad_input, "the study was deleted", "study " + name_, "", "another directory");
                return {};
            case detail::journal_op::set_study_user_attr:
                if (ours(r)) set_study_attr(r.at("user_attr"));
                return {};
            case detail::journal_op::create_trial:
                return apply_trial(r);
            case detail::journal_op::set_trial_state:
                return with_trial(r, [&](trial_type& t, extra& e) { set_state(t, e, r); });
            case detail::journal_op::set_trial_intermediate:
                return with_trial(r, [&](trial_type&, extra& e) {
                    e.deaths = 0;
                    e.epochs[r.at("step").get<std::int32_t>()] =
                        r.at("intermediate_value").is_number() ? r.at("intermediate_value").get<double>() : 0.0;
                });
            case detail::journal_op::set_trial_user_attr:
                return with_trial(r, [&](trial_type& t, extra& e) {
                    for (const auto& attr : r.at("user_attr").items()) set_user_attr(t, e, attr.key(), attr.value());
                });
            case detail::journal_op::set_study_system_attr:
            case detail::journal_op::set_trial_param:
            case detail::journal_op::set_trial_system_attr:
                return {};  // Optuna's own
            default:
                return fail(errc::bad_input, "a record of a newer Optuna", "", r.at("op_code").dump(),
                            "op_code 0 to 9");
        }
    } catch (const json_exception& e) {
        return fail(errc::bad_input, "not a record of an Optuna journal", "", e.what());
    }

private:
    [[nodiscard]] bool ours(const record& r) const { return id_ && r.at("study_id").get<std::size_t>() == *id_; }

    [[nodiscard]] static bool has_ended(const trial_type& t) {
        return t.state != trial_state::running && t.state != trial_state::waiting;
    }

    result<void> apply_study(const record& r) {
        const std::size_t id = studies_;
        const auto name = r.at("study_name").get<std::string>();
        if (!names_.emplace(name, id).second) return {};  // Optuna refuses a second study of one name; no id is spent
        ++studies_;
        if (name != name_) return {};
        const auto directions = r.at("directions").get<std::vector<int>>();
        bool same = directions.size() == objective_count<Objectives>;
        for (std::size_t i = 0; same && i < directions.size(); ++i)
            same = directions[i] == static_cast<int>(objective_directions<Objectives>[i]);
        if (!same)
            return fail(errc::bad_input, "the study has other objectives", "study " + name,
                        fmt::format("{} objectives", directions.size()),
                        fmt::format("{}", fmt::join(objective_names<Objectives>, ", ")));
        id_ = id;
        return {};
    }

    result<void> apply_trial(const record& r) {
        const std::size_t id = all_trials_++;
        if (!ours(r)) return {};
        const problem& p = judge_->limits();
        trial_type t;
        t.number = static_cast<std::int32_t>(trials_.size());
        const auto user = r.value("user_attrs", record::object());
        if (!user.contains("architecture") && r.value("params", record::object()).empty()) {
            // Optuna's own ask() writes parameters one by one: not a trial that llmnas can run, but it has its number.
            t.state = trial_state::failed;
            t.failure = "made by another program";
            t.candidate.feasible = false;
            extra e;
            note_state(t, e);
            if (is_proposal(t)) ++proposals_;
            trials_.push_back(std::move(t));
            extras_.push_back(std::move(e));
            return {};
        }
        network_of<Space> net;
        if (user.contains("architecture")) {
            auto parsed = network_from_json<Space>(user["architecture"], p.input, p.classes);
            if (!parsed) return tl::unexpected<error>(parsed.error());
            net = *parsed;
        } else {
            auto point = point_from_params<Space>(r.value("params", record::object()),
                                                  r.value("distributions", record::object()));
            if (!point) return tl::unexpected<error>(point.error());
            net = decode(*point, p.input, p.classes);
        }
        auto measured = judge_->measure_costs(net);
        if (!measured) return tl::unexpected<error>(measured.error().why);
        t.candidate = *measured;
        extra e;
        e.id = id;
        t.state = static_cast<trial_state>(r.value("state", 0));
        if (user.contains("fidelity")) t.fidelity = user["fidelity"].get<fidelity>();
        for (const auto& attr : user.items()) set_user_attr(t, e, attr.key(), attr.value());
        if (t.rung && t.rung->promoted_from && (*t.rung->promoted_from < 0 || *t.rung->promoted_from >= t.number))
            return fail(errc::bad_input, "a trial promoted from none before it", fmt::format("trial {}", t.number),
                        fmt::format("trial {}", *t.rung->promoted_from));
        if (r.contains("values") && r["values"].is_array()) t.values = r["values"].get<std::vector<double>>();
        by_id_[id] = trials_.size();
        if (!t.rung || !t.rung->promoted_from) judge_->remember(t.candidate, t.number);
        if (is_proposal(t)) ++proposals_;
        note_state(t, e);
        trials_.push_back(std::move(t));
        extras_.push_back(std::move(e));
        return {};
    }

    template <class F>
    result<void> with_trial(const record& r, F&& f) {
        const auto it = by_id_.find(r.at("trial_id").get<std::size_t>());
        if (it == by_id_.end()) return {};
        trial_type& t = trials_[it->second];
        if (!has_ended(t)) f(t, extras_[it->second]);
        return {};  // what comes behind the end of a trial does not count, as in Optuna
    }

    void set_state(trial_type& t, extra& e, const record& r) {
        t.state = static_cast<trial_state>(r.at("state").get<int>());
        note_state(t, e);
        if (r.at("values").is_array()) t.values = r.at("values").get<std::vector<double>>();
        // A trial that another program finished has no metrics of ours; its accuracy may be among the objectives.
        if (t.state != trial_state::complete || e.has_metrics) return;
        for (std::size_t k = 0; k < objective_count<Objectives> && k < t.values.size(); ++k)
            if (objective_names<Objectives>[k] == accuracy_objective::name) t.training.accuracy = t.values[k];
    }

    void note_state(const trial_type& t, extra& e) {
        if (t.state == trial_state::running) open_.insert(t.number);
        if (!has_ended(t)) return;
        open_.erase(t.number);
        ended_.push_back(t.number);
        e.ended = static_cast<std::int32_t>(ended_.size());
    }

    void set_study_attr(const record& attrs) {
        if (const auto it = attrs.find(std::string(config_attr)); it != attrs.end()) config_ = *it;
        if (const auto it = attrs.find(std::string(command_attr)); it != attrs.end()) command_ = *it;
        if (const auto it = attrs.find(std::string(rest_attr)); it != attrs.end()) {
            for (std::size_t k = 0; k < rejection_kinds; ++k) rejections_[k] -= rest_.first[k];
            counters_ = since(rest_.second, counters_);
            rest_ = {rejections_from(it->value("rejected", record::object())),
                     counters_from_json(it->value("calls", record::object()))};
            for (std::size_t k = 0; k < rejection_kinds; ++k) rejections_[k] += rest_.first[k];
            counters_ += rest_.second;
        }
    }

    [[nodiscard]] static rejection_counts rejections_from(const record& by_kind) {
        rejection_counts counts{};
        for (std::size_t k = 0; k < rejection_kinds; ++k)
            counts[k] = by_kind.value(std::string(name_of(static_cast<rejection_kind>(k))), std::uint64_t{0});
        return counts;
    }

    void set_user_attr(trial_type& t, extra& e, const std::string& key, const record& value) {
        if (key == "proposer") t.proposer = value.get<std::string>();
        if (key == "seed") t.seed = value.get<std::uint64_t>();
        if (key == "training") {
            t.training = value.get<training_metrics>();
            e.has_metrics = true;
        }
        if (key == "rung") t.rung = rung_position_from_json(value);
        if (key == "failure") t.failure = value.get<std::string>();
        if (key == "crashes") e.crashes = value.get<std::vector<std::string>>();
        if (key == "lease") {
            trial_lease next = lease_from_json(value);
            if (!e.lease.worker.empty() && !next.worker.empty() && next.worker != e.lease.worker) ++e.deaths;
            e.lease = std::move(next);
        }
        set_history(t.history, key, value);
        if (key == "rejected") {
            const rejection_counts more = rejections_from(value);
            for (std::size_t k = 0; k < rejection_kinds; ++k) rejections_[k] += more[k];
        }
        if (key == "calls") counters_ += counters_from_json(value);
    }

    gate<Space, Memory>* judge_;
    std::string name_;
    std::optional<std::size_t> id_;
    std::size_t studies_ = 0;
    std::size_t all_trials_ = 0;
    std::vector<std::int32_t> ended_;
    std::set<std::int32_t> open_;
    std::uint64_t proposals_ = 0;
    std::map<std::string, std::size_t> names_;
    std::map<std::size_t, std::size_t> by_id_;
    json_value config_;
    json_value command_;
    rejection_counts rejections_{};
    proposal_counters counters_;
    std::pair<rejection_counts, proposal_counters> rest_{};
    std::vector<trial_type> trials_;
    std::vector<extra> extras_;
};

}  // namespace llmnas
