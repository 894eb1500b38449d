// SPDX-License-Identifier: MIT
/// \file
/// How long a prompt may be: tokens of a text, estimated, and what a model's context leaves for the prompt.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace llmnas {

namespace detail {

/// Thirds of a token: 1 a byte, but 3 a digit, as tokenizers that take each digit for itself do (Qwen2.5), and 3 a byte
/// beyond ASCII. Adds up over the parts of a text.
[[nodiscard]] constexpr std::size_t token_thirds(std::string_view text) noexcept {
    std::size_t sum = 0;
    for (const char c : text) sum += (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80 ? 3 : 1;
    return sum;
}

/// What a chat template puts around a message, in tokens.
inline constexpr std::size_t message_tokens = 8;

}  // namespace detail

/// Number of tokens of a text, estimated without the model's tokenizer: a digit or a byte beyond ASCII is one token,
/// and 3 other bytes are one. Of our prompts that is 6 to 20 % more than Qwen's tokenizer counts and 20 to 30 % more
/// than Llama 3's (docs/language_models.md).
[[nodiscard]] constexpr std::size_t token_estimate(std::string_view text) noexcept {
    return (detail::token_thirds(text) + 2) / 3;
}

/// Context length of a model and what of it is for the answer, in tokens.
struct context_window {
    std::int32_t tokens = 8192;
    std::int32_t answer = 2048;  ///< max_tokens of the request

    /// What is left for the prompt: a quarter of the context even where the answer may fill more than the rest, as it
    /// then ends where the context does; and never less than least_prompt.
    [[nodiscard]] constexpr std::size_t prompt_tokens() const noexcept {
        const std::int64_t left = std::max<std::int64_t>(std::int64_t{tokens} - answer, tokens / 4);
        return static_cast<std::size_t>(std::max<std::int64_t>(left, least_prompt));
    }

    static constexpr std::int32_t least_prompt = 64;
};

/// Tokens that a request may have; falls when a server says that they were too many.
class prompt_budget {
public:
    explicit constexpr prompt_budget(const context_window& window = {}) noexcept : tokens_(window.prompt_tokens()) {}

    [[nodiscard]] constexpr std::size_t tokens() const noexcept { return tokens_; }

    /// Takes note of the estimated length of the request that is sent now.
    constexpr void spend(std::size_t tokens) noexcept { spent_ = tokens; }

    /// Three quarters of the last request's length or of the budget, whatever is less; false where the budget is the
    /// smallest already.
    constexpr bool shrink() noexcept {
        constexpr std::size_t least = context_window::least_prompt;
        if (tokens_ <= least) return false;
        const std::size_t base = spent_ > 0 ? std::min(tokens_, spent_) : tokens_;
        tokens_ = std::max(base - base / 4, least);
        return true;
    }

private:
    std::size_t tokens_;
    std::size_t spent_ = 0;
};

}  // namespace llmnas
