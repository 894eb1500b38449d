// SPDX-License-Identifier: MIT
/// \file
/// `--llm-record` and `--llm-replay`: exchanges with a language model kept and played again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/core/result.hpp>
#include <llmnas/llm/any_language_model.hpp>
#include <llmnas/llm/api_key.hpp>
#include <llmnas/llm/recorder.hpp>
#include <llmnas/llm/replay.hpp>
#include <llmnas/llm/transcript.hpp>

namespace llmnas::cli {

class transcript_flags {
public:
    void add_to(CLI::App& command) {
        command.add_flag(
            "--llm-record,!--no-llm-record", record_,
            fmt::format("Keeps every exchange with the language model in {} of --out (default)", transcript_file_name));
        command.add_option("--llm-replay", replayed_file_,
                           "Plays such a file instead of asking a server; a prompt that differs ends the search");
    }

    [[nodiscard]] bool replays() const { return !replayed_file_.empty(); }

    /// The model that plays the file.
    [[nodiscard]] result<any_language_model> open_replay() {
        auto played = replay::open(replayed_file_, api_key::from_environment().value_or(api_key{}));
        if (!played) return tl::unexpected<error>(std::move(played).error());
        if (!played->notice().empty()) fmt::print(stderr, "{}\n", played->notice());
        fmt::print(stderr, "language model: {} replayed exchanges of {}\n", played->remaining(), played->name());
        return any_language_model(watched_replay{*std::move(played), divergence_});
    }

    /// Puts the model, where there is one, behind a recorder in the study's directory, where its exchanges are to be
    /// kept. A replay needs no second record.
    [[nodiscard]] result<void> keep(std::optional<any_language_model>& model, const std::filesystem::path& study,
                                    const api_key& key) const {
        if (!model || !record_ || replays()) return {};
        auto kept = recorder<any_language_model>::open(*std::move(model), study / transcript_file_name, key);
        if (!kept) return tl::unexpected<error>(std::move(kept).error());
        if (!kept->notice().empty()) fmt::print(stderr, "{}\n", kept->notice());
        model.emplace(*std::move(kept));
        return {};
    }

    /// The first request that the replayed file did not answer: the search is another one from there on.
    [[nodiscard]] std::optional<error> divergence() const {
        const std::lock_guard lock(divergence_->mutex);
        return divergence_->first;
    }

private:
    struct failure {
        std::mutex mutex;  // models are asked ahead in a thread of their own
        std::optional<error> first;
    };
    /// Tells the search of a failure of the recording; those of the recorded server are part of the replay.
    struct watched_replay {
        replay played;
        std::shared_ptr<failure> seen;
        [[nodiscard]] std::string name() const { return played.name(); }
        [[nodiscard]] std::optional<std::int32_t> context_length() const { return played.context_length(); }
        [[nodiscard]] result<completion> complete(const completion_request& request) {
            auto answer = played.complete(request);
            const std::lock_guard lock(seen->mutex);
            seen->first = played.failure();
            return answer;
        }
    };

    bool record_ = true;
    std::string replayed_file_;
    std::shared_ptr<failure> divergence_ = std::make_shared<failure>();
};

}  // namespace llmnas::cli
