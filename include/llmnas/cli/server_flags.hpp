// SPDX-License-Identifier: MIT
/// \file
/// `--llm-url`, `--llm-model`, `--llm-key-file`: which server of a language model.
#pragma once

#include <cstdlib>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include <llmnas/cli/interrupt.hpp>
#include <llmnas/cli/progress.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/llm/openai_backend.hpp>

namespace llmnas::cli {

class server_flags {
public:
    /// Gives the option of the URL.
    CLI::Option* add_to(CLI::App& command, const std::string& what =
                                               "Server with the OpenAI interface; else $LLMNAS_LLM_URL, "
                                               "or one on this machine") {
        auto* const url = command.add_option("--llm-url", url_, what);
        command.add_option("--llm-model", model_, "Model name; else the server's first");
        command.add_option("--llm-key-file", key_file_, "File with the API key; else $LLMNAS_LLM_API_KEY");
        return url;
    }

    /// The URL asked for; empty where none is.
    [[nodiscard]] std::string url() const {
        const char* const from_environment = std::getenv("LLMNAS_LLM_URL");
        return !url_.empty() ? url_ : from_environment ? from_environment : "";
    }

    [[nodiscard]] const std::string& key_file() const { return key_file_; }

    /// The URL asked for, or that of a server on this machine.
    [[nodiscard]] result<std::string> find() const {
        if (auto asked = url(); !asked.empty()) return asked;
        if (auto found = find_local_server()) return *std::move(found);
        return fail(errc::unreachable, "no language model found", "this machine",
                    "no answer on ports 8080, 11434, 8000", "--llm-url or $LLMNAS_LLM_URL");
    }

    /// Options for the server at a URL, with the key; waits and tokens are shown, Ctrl-C ends a call.
    [[nodiscard]] result<openai_options> options(std::string url) const {
        auto key = key_file_.empty() ? api_key::from_environment() : api_key::from_file(key_file_);
        if (!key) return tl::unexpected<error>(key.error());
        openai_options o;
        o.url = std::move(url);
        o.model = model_;
        o.key = *std::move(key);
        o.unwanted = interrupt_requested;
        o.on_wait = show_wait;
        o.on_tokens = show_tokens;
        return o;
    }

private:
    std::string url_, model_, key_file_;
};

}  // namespace llmnas::cli
