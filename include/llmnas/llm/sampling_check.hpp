// SPDX-License-Identifier: MIT
/// \file
/// Which sampling parameters a server honours, as far as eight short answers show it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/llm/language_model.hpp>

namespace llmnas {

/// What became of a parameter.
enum class parameter_use : std::uint8_t { honoured, ignored, refused, unknown };

[[nodiscard]] constexpr std::string_view name_of(parameter_use u) noexcept {
    constexpr std::string_view names[] = {"honoured", "ignored", "refused", "cannot be told"};
    return names[static_cast<std::size_t>(u)];
}

struct parameter_finding {
    std::string name;
    parameter_use use = parameter_use::unknown;
    std::string reason;
    friend bool operator==(const parameter_finding&, const parameter_finding&) = default;
};

namespace detail {

/// The experiments. All but the three hot ones leave only the likeliest token where the parameter that they are named
/// after is honoured; seeds differ, so that what is drawn at random differs.
struct sampling_answers {
    static constexpr int max_tokens = 24;
    static constexpr double hot_temperature = 2;

    std::optional<completion> cold, cold_too;       ///< temperature 0
    std::optional<completion> hot, hot_too, again;  ///< temperature 2: seeds 1, 2 and 1 again
    std::optional<completion> min_p, top_k, top_p;  ///< hot, but for min_p 1, top_k 1, top_p 0.001

    template <LanguageModel Model>
    [[nodiscard]] static result<sampling_answers> ask(Model& model) {
        sampling_answers a;
        const auto request = [](std::uint32_t seed, auto change) {
            completion_request r;
            r.messages = {{chat_role::user, "Tell a story about the sea with many names and colours in it."}};
            r.sampling = {hot_temperature, 0, 0, 1, max_tokens, seed};
            change(r.sampling);
            return r;
        };
        const auto unchanged = [](sampling_options&) {};
        const auto cold = [](sampling_options& s) { s.temperature = 0; };
        const std::pair<std::optional<completion> sampling_answers::*, completion_request> all[] = {
            {&sampling_answers::cold, request(1, cold)},
            {&sampling_answers::cold_too, request(2, cold)},
            {&sampling_answers::hot, request(1, unchanged)},
            {&sampling_answers::hot_too, request(2, unchanged)},
            {&sampling_answers::again, request(1, unchanged)},
            {&sampling_answers::min_p, request(3, [](sampling_options& s) { s.min_p = 1; })},
            {&sampling_answers::top_k, request(4, [](sampling_options& s) { s.top_k = 1; })},
            {&sampling_answers::top_p, request(5, [](sampling_options& s) { s.top_p = 0.001; })},
        };
        for (const auto& [member, asked] : all) {
            auto answer = model.complete(asked);
            if (!answer) return tl::unexpected<error>(std::move(answer).error());
            a.*member = *std::move(answer);
        }
        return a;
    }

    [[nodiscard]] std::array<const completion*, 8> all() const {
        return {&*cold, &*cold_too, &*min_p, &*top_k, &*top_p, &*hot, &*hot_too, &*again};
    }

    /// What the likeliest tokens give: a text that two of the answers without chance share.
    [[nodiscard]] std::optional<std::string> likeliest() const {
        const auto a = all();
        for (std::size_t i = 0; i < 5; ++i)
            for (std::size_t k = i + 1; k < 5; ++k)
                if (a[i]->text == a[k]->text) return a[i]->text;
        return std::nullopt;
    }

    [[nodiscard]] bool refused(std::string_view name) const {
        const auto a = all();
        return std::any_of(a.begin(), a.end(), [&](const completion* c) {
            return std::find(c->left_out.begin(), c->left_out.end(), name) != c->left_out.end();
        });
    }
};

class sampling_judge {
public:
    explicit sampling_judge(const sampling_answers& a) : a_(a), likeliest_(a.likeliest()) {
        const auto all = a.all();
        one_text_ = std::all_of(all.begin(), all.end(), [&](const completion* c) { return c->text == all[0]->text; });
    }

    [[nodiscard]] std::vector<parameter_finding> findings() const {
        return {judged("temperature", [this] { return temperature(); }),
                judged("min_p", [this] { return narrowed(*a_.min_p, "min_p 1"); }),
                judged("top_k", [this] { return narrowed(*a_.top_k, "top_k 1"); }),
                judged("top_p", [this] { return narrowed(*a_.top_p, "top_p 0.001"); }),
                judged("seed", [this] { return seed(); }),
                judged("max_tokens", [this] { return max_tokens(); })};
    }

private:
    using verdict = std::pair<parameter_use, std::string>;
    static constexpr auto honoured = parameter_use::honoured;
    static constexpr auto ignored = parameter_use::ignored;
    static constexpr auto unknown = parameter_use::unknown;

    template <class F>
    [[nodiscard]] parameter_finding judged(const char* name, F&& judge) const {
        if (a_.refused(name)) return {name, parameter_use::refused, "the server refuses it by name"};
        auto [use, reason] = judge();
        return {name, use, std::move(reason)};
    }

    /// Whether chance shows at all: hot answers that are not what the likeliest tokens give.
    [[nodiscard]] bool chance() const { return a_.hot->text != likeliest_ && a_.hot_too->text != likeliest_; }
    [[nodiscard]] bool repeats() const { return a_.hot->text == a_.again->text; }

    [[nodiscard]] verdict temperature() const {
        if (one_text_) return {unknown, "every answer is the same"};
        if (a_.cold->text != a_.cold_too->text) {
            if (repeats()) return {ignored, "answers at temperature 0 differ with the seed"};
            return {unknown, "answers at temperature 0 differ, but so do those with one seed"};
        }
        if (!chance()) return {unknown, "an answer at temperature 2 is that at 0"};
        return {honoured, "answers at temperature 0 are the same, those at 2 are others"};
    }

    [[nodiscard]] verdict narrowed(const completion& answer, std::string_view setting) const {
        if (one_text_) return {unknown, "every answer is the same"};
        if (!likeliest_) return {unknown, "no setting gives the likeliest tokens twice"};
        if (answer.text != *likeliest_) return {ignored, fmt::format("{} does not give the likeliest tokens", setting)};
        if (!chance()) return {unknown, "an answer at temperature 2 has the likeliest tokens anyway"};
        return {honoured, fmt::format("{} gives the likeliest tokens at temperature 2 too", setting)};
    }

    [[nodiscard]] verdict seed() const {
        if (!repeats()) return {ignored, "one seed gives different answers"};
        if (a_.hot->text != a_.hot_too->text) return {honoured, "one seed gives one answer, another seed another"};
        if (!likeliest_ || !chance()) return {unknown, "answers at temperature 2 are all the same"};
        return {ignored, "different seeds give one answer, which is not that of the likeliest tokens"};
    }

    [[nodiscard]] verdict max_tokens() const {
        bool ended = false;
        for (const completion* c : a_.all()) {
            if (c->usage && c->usage->completion > sampling_answers::max_tokens + 1)
                return {ignored, fmt::format("{} tokens for {}", c->usage->completion, sampling_answers::max_tokens)};
            ended = ended || (c->finish_reason == "length" && !c->text.empty());
        }
        if (ended) return {honoured, fmt::format("an answer ends at {} tokens", sampling_answers::max_tokens)};
        return {unknown, fmt::format("no answer says that it ends at {} tokens", sampling_answers::max_tokens)};
    }

    const sampling_answers& a_;
    std::optional<std::string> likeliest_;
    bool one_text_ = false;
};

}  // namespace detail

/// Asks a model eight times for 24 tokens. `unknown` for all of them, with the reason, where it gives no such answer (a
/// model that reasons first); errors: unreachable, timeout, interrupted.
template <LanguageModel Model>
[[nodiscard]] result<std::vector<parameter_finding>> check_sampling(Model& model) {
    const auto answers = detail::sampling_answers::ask(model);
    std::string none;
    if (answers) {
        const auto all = answers->all();
        if (std::any_of(all.begin(), all.end(), [](const completion* c) { return !c->text.empty(); }))
            return detail::sampling_judge(*answers).findings();
        none = fmt::format("the answers are empty; a model that reasons first needs more than {} tokens",
                           detail::sampling_answers::max_tokens);
    } else if (answers.error().code == errc::server) {
        none = answers.error().text();
    } else {
        return tl::unexpected<error>(answers.error());
    }
    std::vector<parameter_finding> findings;
    for (const char* name : {"temperature", "min_p", "top_k", "top_p", "seed", "max_tokens"})
        findings.push_back({name, parameter_use::unknown, none});
    return findings;
}

}  // namespace llmnas
