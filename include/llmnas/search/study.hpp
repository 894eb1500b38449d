// SPDX-License-Identifier: MIT
/// \file
/// A study on disk: trials of one space as an Optuna journal, so that `optuna.load_study`, its plots and
/// optuna-dashboard open it, finished or running.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/space_json.hpp>
#include <llmnas/json/training_json.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/journal_file.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/search/rejection.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

namespace detail {

/// Numbers of Optuna's journal records.
enum class journal_op : int {
    create_study = 0,
    set_study_user_attr = 2,
    set_study_system_attr = 3,
    create_trial = 4,
    set_trial_state = 6,
    set_trial_intermediate = 7,
    set_trial_user_attr = 8,
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

/// First difference between two JSON values, as a path with both sides.
[[nodiscard]] inline std::optional<error> first_difference(const nlohmann::ordered_json& stored,
                                                           const nlohmann::ordered_json& wanted,
                                                           const std::string& path = "") {
    if (stored.is_object() && wanted.is_object()) {
        for (const auto& member : wanted.items())
            if (auto d = first_difference(stored.value(member.key(), nlohmann::ordered_json()), member.value(),
                                          path + (path.empty() ? "" : ".") + member.key()))
                return d;
        for (const auto& member : stored.items())
            if (!wanted.contains(member.key()))
                return error{errc::bad_input, "the study was made with another configuration",
                             path + (path.empty() ? "" : ".") + member.key(), shown(member.value()), "nothing"};
        return std::nullopt;
    }
    if (stored == wanted) return std::nullopt;
    return error{errc::bad_input, "the study was made with another configuration", path, shown(stored), shown(wanted)};
}

}  // namespace detail

/// Trials of a study, in memory and in its journal. Every change is on disk before the call returns.
template <SearchSpace Space, ObjectiveList Objectives, MemoryModel Memory = layerwise>
class study {
public:
    using trial_type = trial<Space>;
    static constexpr std::string_view file_name = "journal.log";
    static constexpr std::string_view config_attr = "llmnas";

    /// Opens the study in a directory, or makes it. `config` is what a later run must agree with: a difference refuses
    /// the directory and names the first one.
    [[nodiscard]] static result<study> open(const std::filesystem::path& dir, const nlohmann::ordered_json& config,
                                            gate<Space, Memory>& judge, std::string name = "llmnas") {
        std::error_code ec;
        std::filesystem::create_directories(dir, ec);
        if (ec) return fail(errc::io, "cannot make the study's directory", dir.string(), ec.message());
        auto file = journal_file::open(dir / file_name);
        if (!file) return tl::unexpected<error>(file.error());
        study s(std::move(*file), judge, std::move(name));
        const auto make = [&]() -> result<std::vector<record>> {
            std::vector<record> records;
            if (s.id_ && (!s.config_.is_null() || !s.trials_.empty())) return records;
            // A study without configuration and trials is one whose creation was cut off: it is completed.
            const auto id = s.id_.value_or(s.studies_);
            if (!s.id_) {
                auto created = s.base(detail::journal_op::create_study);
                created["study_name"] = s.name_;
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
        if (s.config_.is_null())
            return fail(errc::bad_input, "the study has no llmnas configuration", (dir / file_name).string());
        if (auto difference = detail::first_difference(s.config_, config)) {
            difference->where = fmt::format("{}, {}", (dir / file_name).string(), difference->where);
            return tl::unexpected<error>(std::move(*difference));
        }
        return s;
    }

    [[nodiscard]] std::span<const trial_type> trials() const { return trials_; }
    [[nodiscard]] const std::string& notice() const { return file_.notice(); }
    [[nodiscard]] const rejection_counts& rejections() const { return rejections_; }
    [[nodiscard]] const nlohmann::ordered_json& config() const { return config_; }
    /// Most recent state of each epoch of a trial, as journalled.
    [[nodiscard]] const std::map<std::int32_t, double>& epochs(std::int32_t number) const {
        return extras_[static_cast<std::size_t>(number)].epochs;
    }

    /// Open trials whose worker is gone, or whose lease ran out: they are to be run again.
    [[nodiscard]] std::vector<std::int32_t> abandoned() const {
        std::vector<std::int32_t> numbers;
        for (const trial_type& t : trials_) {
            const extra& e = extras_[static_cast<std::size_t>(t.number)];
            if (t.state == trial_state::running &&
                (e.worker == worker_ || worker_is_gone(e.worker) || e.lease_until < detail::unix_time()))
                numbers.push_back(t.number);
        }
        return numbers;
    }

    /// Makes a candidate the next trial. `rejected` counts the proposals refused on the way to it.
    [[nodiscard]] result<std::int32_t> start(const candidate<Space>& c, std::string_view proposer, const fidelity& f,
                                             std::uint64_t study_seed, const rejection_counts& rejected) {
        std::int32_t number = 0;
        const auto make = [&]() -> result<std::vector<record>> {
            number = static_cast<std::int32_t>(trials_.size());
            auto r = base(detail::journal_op::create_trial);
            r["study_id"] = *id_;
            r["datetime_start"] = detail::journal_time();
            r["state"] = static_cast<int>(trial_state::running);
            r["value"] = nullptr;
            r["values"] = nullptr;
            record user;  // not a reference into r, whose members move when it grows
            const auto point = encode<Space>(c.network);
            if (point.violation) {
                r["distributions"] = record::object();
                r["params"] = record::object();
                user["architecture"] = to_json<Space>(c.network)["candidate_config"]["blocks"];
            } else {
                auto stored = point_to_params<Space>(point.point);
                r["distributions"] = std::move(stored.distributions);
                r["params"] = std::move(stored.params);
            }
            user["proposer"] = proposer;
            user["macs"] = c.cost.mac_count.value;
            user["params"] = c.cost.parameters.value;
            user["flash"] = c.cost.flash.value;
            user["sram"] = c.cost.sram.size.value;
            user["memory_model"] = judge_->memory().name;
            user["feasible"] = c.feasible;
            user["fidelity"] = f;
            user["seed"] = mix_seed(study_seed, static_cast<std::uint64_t>(number));
            user["lease"] = lease();
            for (std::size_t k = 0; k < rejection_kinds; ++k)
                if (rejected[k] != 0)
                    user["rejected"][std::string(name_of(static_cast<rejection_kind>(k)))] = rejected[k];
            r["user_attrs"] = std::move(user);
            r["system_attrs"]["constraints"] = constraints(c.cost);
            r["intermediate_values"] = record::object();
            return std::vector<record>{std::move(r)};
        };
        if (auto done = file_.append(applier(), make); !done) return tl::unexpected<error>(done.error());
        return number;
    }

    /// Takes over an abandoned trial.
    [[nodiscard]] result<void> take_over(std::int32_t number) { return write_user_attr(number, "lease", lease()); }

    /// Journals an epoch and renews the lease.
    [[nodiscard]] result<void> report(std::int32_t number, const epoch_report& e) {
        const auto make = [&]() -> result<std::vector<record>> {
            auto r = trial_record(detail::journal_op::set_trial_intermediate, number);
            r["step"] = e.epoch;
            r["intermediate_value"] = e.accuracy;
            std::vector<record> records{std::move(r)};
            if (extras_[static_cast<std::size_t>(number)].lease_until - detail::unix_time() < lease_seconds / 2)
                records.push_back(user_attr_record(number, "lease", lease()));
            return records;
        };
        return file_.append(applier(), make);
    }

    /// Ends a trial with its metrics.
    [[nodiscard]] result<void> finish(std::int32_t number, const training_metrics& m) {
        const auto& t = trials_[static_cast<std::size_t>(number)];
        return end(number, trial_state::complete, objective_values<Objectives>(t.candidate.cost, m), "training", m);
    }

    /// Ends a trial without a result.
    [[nodiscard]] result<void> fail_trial(std::int32_t number, const std::string& reason) {
        return end(number, trial_state::failed, {}, "failure", reason);
    }

    /// Keeps an open trial for a later run at once, without waiting for the lease to end.
    [[nodiscard]] result<void> release(std::int32_t number) {
        return write_user_attr(number, "lease", {{"worker", ""}, {"until", 0.0}});
    }

private:
    using record = journal_file::record;
    static constexpr double lease_seconds = 600;

    struct extra {
        std::size_t id = 0;  ///< of Optuna: counts trials of all studies in the file
        std::string worker;
        double lease_until = 0;
        std::map<std::int32_t, double> epochs;
    };

    study(journal_file file, gate<Space, Memory>& judge, std::string name)
        : file_(std::move(file)), judge_(&judge), name_(std::move(name)), worker_(this_worker()) {}

    [[nodiscard]] auto applier() {
        return [this](const record& r) { return apply(r); };
    }

    [[nodiscard]] record base(detail::journal_op op) const {
        return {{"op_code", static_cast<int>(op)}, {"worker_id", worker_}};
    }
    [[nodiscard]] record trial_record(detail::journal_op op, std::int32_t number) const {
        auto r = base(op);
        r["trial_id"] = extras_[static_cast<std::size_t>(number)].id;
        return r;
    }
    [[nodiscard]] record user_attr_record(std::int32_t number, std::string_view key, record value) const {
        auto r = trial_record(detail::journal_op::set_trial_user_attr, number);
        r["user_attr"][std::string(key)] = std::move(value);
        return r;
    }
    [[nodiscard]] record lease() const { return {{"worker", worker_}, {"until", detail::unix_time() + lease_seconds}}; }

    [[nodiscard]] result<void> write_user_attr(std::int32_t number, std::string_view key, record value) {
        return file_.append(applier(), [&]() -> result<std::vector<record>> {
            return std::vector<record>{user_attr_record(number, key, value)};
        });
    }

    /// As Optuna stores constraints: a value above 0 is a violation.
    [[nodiscard]] record constraints(const costs& c) const {
        const problem& p = judge_->limits();
        const auto over = [](std::uint64_t used, std::uint64_t allowed) {
            return static_cast<double>(used) - static_cast<double>(allowed);
        };
        return {over(p.min_macs.value, c.mac_count.value), over(c.mac_count.value, p.max_macs.value),
                over(c.sram.size.value, p.limits.sram.value), over(c.flash.value, p.limits.flash.value)};
    }

    [[nodiscard]] result<void> end(std::int32_t number, trial_state state, const std::vector<double>& values,
                                   std::string_view key, record detail) {
        return file_.append(applier(), [&]() -> result<std::vector<record>> {
            // Somebody else may have finished it after this worker's lease ran out: it counts once.
            if (trials_[static_cast<std::size_t>(number)].state != trial_state::running) return std::vector<record>{};
            auto r = trial_record(detail::journal_op::set_trial_state, number);
            r["state"] = static_cast<int>(state);
            r["values"] = values.empty() ? record(nullptr) : record(values);
            r["datetime_complete"] = detail::journal_time();
            return std::vector<record>{user_attr_record(number, key, detail), std::move(r)};
        });
    }

    [[nodiscard]] result<void> apply(const record& r) try {
        switch (static_cast<detail::journal_op>(r.at("op_code").get<int>())) {
            case detail::journal_op::create_study:
                return apply_study(r);
            case detail::journal_op::set_study_user_attr:
                if (ours(r) && r.at("user_attr").contains(std::string(config_attr)))
                    config_ = r.at("user_attr").at(std::string(config_attr));
                return {};
            case detail::journal_op::create_trial:
                return apply_trial(r);
            case detail::journal_op::set_trial_state:
                return with_trial(r, [&](trial_type& t, extra&) { set_state(t, r); });
            case detail::journal_op::set_trial_intermediate:
                return with_trial(r, [&](trial_type&, extra& e) {
                    e.epochs[r.at("step").get<std::int32_t>()] =
                        r.at("intermediate_value").is_number() ? r.at("intermediate_value").get<double>() : 0.0;
                });
            case detail::journal_op::set_trial_user_attr:
                return with_trial(r, [&](trial_type& t, extra& e) {
                    for (const auto& attr : r.at("user_attr").items()) set_user_attr(t, e, attr.key(), attr.value());
                });
            default:
                return {};  // other records of Optuna do not concern llmnas
        }
    } catch (const nlohmann::json::exception& e) {
        return fail(errc::bad_input, "not a record of an Optuna journal", "", e.what());
    }

    [[nodiscard]] bool ours(const record& r) const { return id_ && r.at("study_id").get<std::size_t>() == *id_; }

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
        if (r.contains("values") && r["values"].is_array()) t.values = r["values"].get<std::vector<double>>();
        by_id_[id] = trials_.size();
        judge_->remember(t.candidate, t.number);
        trials_.push_back(std::move(t));
        extras_.push_back(std::move(e));
        return {};
    }

    template <class F>
    result<void> with_trial(const record& r, F&& f) {
        const auto it = by_id_.find(r.at("trial_id").get<std::size_t>());
        if (it == by_id_.end()) return {};
        trial_type& t = trials_[it->second];
        if (t.state == trial_state::running || t.state == trial_state::waiting) f(t, extras_[it->second]);
        return {};  // what comes behind the end of a trial does not count, as in Optuna
    }

    static void set_state(trial_type& t, const record& r) {
        t.state = static_cast<trial_state>(r.at("state").get<int>());
        if (r.at("values").is_array()) t.values = r.at("values").get<std::vector<double>>();
        if (t.state == trial_state::complete && t.training.epochs == 0 && !t.values.empty())
            t.training.accuracy = t.values.front();
    }

    void set_user_attr(trial_type& t, extra& e, const std::string& key, const record& value) {
        if (key == "proposer") t.proposer = value.get<std::string>();
        if (key == "seed") t.seed = value.get<std::uint64_t>();
        if (key == "training") t.training = value.get<training_metrics>();
        if (key == "failure") t.failure = value.get<std::string>();
        if (key == "lease") {
            e.worker = value.at("worker").get<std::string>();
            e.lease_until = value.at("until").get<double>();
        }
        if (key == "rejected")
            for (std::size_t k = 0; k < rejection_kinds; ++k)
                rejections_[k] += value.value(std::string(name_of(static_cast<rejection_kind>(k))), std::uint64_t{0});
    }

    journal_file file_;
    gate<Space, Memory>* judge_;
    std::string name_;
    std::string worker_;
    std::optional<std::size_t> id_;
    std::size_t studies_ = 0;
    std::size_t all_trials_ = 0;
    std::map<std::string, std::size_t> names_;
    std::map<std::size_t, std::size_t> by_id_;
    nlohmann::ordered_json config_;
    rejection_counts rejections_{};
    std::vector<trial_type> trials_;
    std::vector<extra> extras_;
};

}  // namespace llmnas
