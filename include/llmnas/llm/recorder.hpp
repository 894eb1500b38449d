// SPDX-License-Identifier: MIT
/// \file
/// A language model that writes down what passes through it.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/json/json_value.hpp>
#include <llmnas/llm/api_key.hpp>
#include <llmnas/llm/language_model.hpp>
#include <llmnas/llm/transcript.hpp>
#include <llmnas/search/journal_file.hpp>

namespace llmnas {

/// LanguageModel that appends every exchange of another one to a file of JSON lines, errors too, and hands on what it
/// wrote: secrets are taken out of both, so that a replay equals the run. On disk before complete() returns; a torn
/// last line of a killed process is cut off; several processes may write one file (search/journal_file.hpp).
/// Interruptions by the user are no exchanges.
template <LanguageModel Model>
class recorder {
public:
    /// Opens or makes the file. `key` is the one that the model uses: it is taken out wherever it may occur.
    [[nodiscard]] static result<recorder> open(Model model, const std::filesystem::path& file, api_key key = {}) {
        auto journal = journal_file::open(file);
        if (!journal) return tl::unexpected<error>(std::move(journal).error());
        recorder r(std::move(model), *std::move(journal), secret_filter(std::move(key)));
        // At once rather than with the first answer: a file that cannot be written ends the search before it starts.
        if (auto written = r.append({}); !written) return tl::unexpected<error>(std::move(written).error());
        return r;
    }

    /// As of the model. Error (errc::io) where the exchange cannot be written.
    [[nodiscard]] result<completion> complete(const completion_request& request) {
        const auto begin = std::chrono::steady_clock::now();
        auto answer = filter_.answer(model_.complete(request));
        if (!answer && answer.error().code == errc::interrupted) return answer;
        const llm_exchange exchange{filter_.message(model_.name()), filter_.request(request), answer,
                                    std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
                                    context_};
        json_value line{{"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
                        {"worker", this_process()}};
        line.update(to_json(exchange));
        if (auto written = append({std::move(line)}); !written)
            return tl::unexpected<error>(std::move(written).error());
        return answer;
    }

    /// The model's, kept with the exchanges: a replay builds its prompts for the same.
    [[nodiscard]] std::optional<std::int32_t> context_length() { return context_ = context_length_of(model_); }
    [[nodiscard]] std::string name() const { return model_.name(); }
    [[nodiscard]] const Model& model() const noexcept { return model_; }
    /// What was repaired in the file, or empty.
    [[nodiscard]] const std::string& notice() const { return file_.notice(); }

private:
    recorder(Model model, journal_file file, secret_filter filter)
        : model_(std::move(model)), file_(std::move(file)), filter_(std::move(filter)) {}

    [[nodiscard]] result<void> append(std::vector<json_value> lines) {
        return file_.append([](const json_value&) -> result<void> { return {}; },
                            [&]() -> result<std::vector<json_value>> { return std::move(lines); });
    }

    Model model_;
    journal_file file_;
    secret_filter filter_;
    std::optional<std::int32_t> context_;
};

}  // namespace llmnas
