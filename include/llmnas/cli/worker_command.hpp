// SPDX-License-Identifier: MIT
/// \file
/// `llmnas worker`: one more process on a study that `llmnas search` started, on this host or another one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <sys/prctl.h>

#include <CLI/CLI.hpp>

#include <llmnas/cli/interrupt.hpp>
#include <llmnas/cli/search_command.hpp>
#include <llmnas/search/study_reader.hpp>

namespace llmnas::cli {

class worker_command {
public:
    void add_to(CLI::App& app) {
        command_ = app.add_subcommand(
            "worker", "Joins a study that llmnas search started; proposer, limits, fidelity, recipe and data are its");
        command_->add_option("--study", study_, "Directory of the study")->required();
        // Flags of the search that may differ on this host.
        for (const auto& [flag, what] : std::vector<std::pair<const char*, const char*>>{
                 {"--data", "Place of the study's data on this host"},
                 {"--threads", "Threads of a training; 0: all cores"},
                 {"--time-limit", "Starts no trial after so many seconds"},
                 {"--llm-url", "Server of the study's language model as this host sees it"},
                 {"--llm-model", "Model name"},
                 {"--llm-key-file", "File with the API key; else $LLMNAS_LLM_API_KEY"}})
            command_->add_option(flag, what);
        command_->add_flag("--quiet", quiet_, "Says nothing but errors");
        command_->add_flag("--json", json_, "Events as JSON lines on stdout");
        command_->add_flag("--supervised", supervised_, "Ends with the process that started it")->group("");
    }

    [[nodiscard]] bool chosen() const { return command_->parsed(); }

    [[nodiscard]] result<exit_code> run() {
        if (supervised_) {
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);
            keep_interrupts_orderly();
        }
        auto stored = read_study_attr(study_, study_command_attr);
        if (!stored) return tl::unexpected<error>(std::move(stored).error());
        const std::string where = (std::filesystem::path(study_) / journal_file_name).string();
        if (stored->is_null())
            return fail(errc::bad_input, "the study does not say how its search was started", where, "",
                        "a study of llmnas search");
        if (!stored->is_array() ||
            !std::all_of(stored->begin(), stored->end(), [](const json_value& word) { return word.is_string(); }))
            return fail(errc::bad_input, "the search's command is not a list of words", where, stored->dump());
        auto words = stored->get<std::vector<std::string>>();
        for (const CLI::Option* option : command_->get_options()) {
            const std::string flag = option->get_name();
            if (option->count() == 0 || flag.empty() || flag == "--study") continue;  // a hidden one has no name
            remove_flag(words, flag);
            words.push_back(flag);
            if (option->get_items_expected_max() > 0) words.push_back(option->results().front());
        }
        words.insert(words.end(), {"--out", study_});
        CLI::App app("", "llmnas");
        search_command search;
        search.add_to(app);
        std::reverse(words.begin(), words.end());  // as CLI11 wants them
        try {
            app.parse(words);
        } catch (const CLI::ParseError& e) {
            return fail(errc::bad_input, "the search's command is not one of this version", where, e.what());
        }
        if (!search.chosen()) return fail(errc::bad_input, "the study's command is no search", where);
        return search.work();
    }

private:
    static void remove_flag(std::vector<std::string>& words, const std::string& flag) {
        const auto at = std::find(words.begin(), words.end(), flag);
        if (at == words.end()) return;
        const bool has_value = at + 1 != words.end() && !(at + 1)->starts_with("--");
        words.erase(at, at + (has_value ? 2 : 1));
    }

    CLI::App* command_ = nullptr;
    std::string study_;
    bool quiet_ = false;
    bool json_ = false;
    bool supervised_ = false;
};

}  // namespace llmnas::cli
