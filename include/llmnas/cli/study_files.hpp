// SPDX-License-Identifier: MIT
/// \file
/// Studies of the program, read from their directories.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/cli/study_config.hpp>
#include <llmnas/search/outcome.hpp>
#include <llmnas/search/study_comparison.hpp>
#include <llmnas/search/study_reader.hpp>

namespace llmnas::cli {

/// A study as its journal has it; nothing of it is written.
struct study_on_disk {
    using state = study_state<table1_se, paper_objectives, any_memory_model>;

    std::string dir;
    json_value config;
    llmnas::cli::task task;
    llmnas::fidelity fidelity;
    std::unique_ptr<gate<table1_se, any_memory_model>> judge;  ///< what the state points to
    state journal;

    [[nodiscard]] std::span<const trial<table1_se>> trials() const { return journal.trials(); }
    [[nodiscard]] search_outcome outcome() const { return outcome_of<paper_objectives, table1_se>(trials()); }
    [[nodiscard]] std::string search() const { return search_of<table1_se>(trials()); }
};

[[nodiscard]] inline result<study_on_disk> read_study_on_disk(const std::string& dir) try {
    const std::string journal = (std::filesystem::path(dir) / journal_file_name).string();
    std::error_code ec;
    if (!std::filesystem::exists(journal, ec))
        return fail(errc::bad_input, "no study", dir, "", fmt::format("a directory with a {}", journal_file_name));
    auto config = read_study_config(dir);
    if (!config) return tl::unexpected<error>(std::move(config).error());
    auto task = task_of(*config, journal);
    if (!task) return tl::unexpected<error>(std::move(task).error());
    auto judge = std::make_unique<gate<table1_se, any_memory_model>>(task->limits, task->memory);
    auto state = read_study<table1_se, paper_objectives>(dir, *judge);
    if (!state) return tl::unexpected<error>(std::move(state).error());
    const auto f = config->at("fidelity").get<fidelity>();
    return study_on_disk{dir, *std::move(config), *std::move(task), f, std::move(judge), *std::move(state)};
} catch (const json_exception& e) {
    return fail(errc::bad_input, "the study's configuration is not one of the program", dir, e.what());
}

/// Directories with a journal: this one, or all below it, sorted. Error: none.
[[nodiscard]] inline result<std::vector<std::string>> find_studies(const std::string& dir) {
    namespace fs = std::filesystem;
    std::error_code ec;
    if (!fs::is_directory(dir, ec))
        return fail(errc::bad_input, "no such directory", dir, "", "a study, or a directory with studies below it");
    if (fs::exists(fs::path(dir) / journal_file_name, ec)) return std::vector<std::string>{dir};
    std::vector<std::string> found;
    for (fs::recursive_directory_iterator at(dir, fs::directory_options::skip_permission_denied, ec), end;
         !ec && at != end; at.increment(ec))
        if (at->path().filename() == journal_file_name) found.push_back(at->path().parent_path().string());
    if (ec) return fail(errc::io, "cannot list the directory", dir, ec.message());
    if (found.empty())
        return fail(errc::bad_input, "no study below the directory", dir, "",
                    fmt::format("directories with a {}", journal_file_name));
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace llmnas::cli
