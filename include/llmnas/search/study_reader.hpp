// SPDX-License-Identifier: MIT
/// \file
/// A study read from its directory, finished or running; nothing is written.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <llmnas/json/json_value.hpp>
#include <llmnas/search/study_state.hpp>

namespace llmnas {

/// A user attribute of a study as it was set last; null where it never was.
[[nodiscard]] inline result<json_value> read_study_attr(const std::filesystem::path& dir, std::string_view attr,
                                                        const std::string& name = "llmnas") {
    const std::filesystem::path path = dir / journal_file_name;
    auto file = journal_file::open_to_read(path);
    if (!file) return tl::unexpected<error>(std::move(file).error());
    std::map<std::string, std::size_t> studies;  // by name; a second one of a name spends no id
    json_value value;
    const auto look = [&](const journal_file::record& r) -> result<void> {
        try {
            const auto op = static_cast<detail::journal_op>(r.at("op_code").get<int>());
            if (op == detail::journal_op::create_study)
                studies.emplace(r.at("study_name").get<std::string>(), studies.size());
            if (op != detail::journal_op::set_study_user_attr) return {};
            const auto ours = studies.find(name);
            if (ours == studies.end() || r.at("study_id").get<std::size_t>() != ours->second) return {};
            value = r.at("user_attr").value(std::string(attr), value);
            return {};
        } catch (const json_exception& e) {
            return fail(errc::bad_input, "not a record of an Optuna journal", "", e.what());
        }
    };
    if (auto read = file->read(look); !read) return tl::unexpected<error>(std::move(read).error());
    return value;
}

/// The configuration that a study was made with, as study::open() was given it.
[[nodiscard]] inline result<json_value> read_study_config(const std::filesystem::path& dir,
                                                          const std::string& name = "llmnas") {
    auto config = read_study_attr(dir, study_config_attr, name);
    if (config && config->is_null())
        return fail(errc::bad_input, "the study has no llmnas configuration", (dir / journal_file_name).string());
    return config;
}

/// The trials of a study, for the gate of its problem.
template <SearchSpace Space, ObjectiveList Objectives, MemoryModel Memory>
[[nodiscard]] result<study_state<Space, Objectives, Memory>> read_study(const std::filesystem::path& dir,
                                                                        gate<Space, Memory>& judge,
                                                                        const std::string& name = "llmnas") {
    auto file = journal_file::open_to_read(dir / journal_file_name);
    if (!file) return tl::unexpected<error>(std::move(file).error());
    study_state<Space, Objectives, Memory> state(judge, name);
    auto read = file->read([&](const journal_file::record& r) { return state.apply(r); });
    if (!read) return tl::unexpected<error>(std::move(read).error());
    return state;
}

}  // namespace llmnas
