// SPDX-License-Identifier: MIT
/// \file
/// When to ask a server again.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include <llmnas/core/random.hpp>

namespace llmnas {

/// Exponential backoff with jitter. A server's Retry-After is honoured up to `longest_delay`.
struct retry_policy {
    int attempts = 8;                            ///< requests in all, the first included
    std::chrono::milliseconds first_delay{500};  ///< doubled each time, with up to half of it added at random
    std::chrono::milliseconds longest_delay{20'000};
    std::chrono::milliseconds total_wait{120'000};   ///< of all delays of one call
    std::chrono::milliseconds refused_wait{10'000};  ///< of all delays where nothing listens at the address

    /// One request and no more.
    [[nodiscard]] static retry_policy never() {
        retry_policy p;
        p.attempts = 1;
        return p;
    }
};

/// Seconds in a Retry-After header: a number, or an HTTP date relative to `now`. Nothing where it is neither.
[[nodiscard]] inline std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, std::time_t now) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    std::int64_t seconds = 0;
    const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (ec == std::errc{} && stop == text.data() + text.size()) {
        if (seconds < 0) return std::nullopt;
        return std::chrono::seconds{std::min<std::int64_t>(seconds, 1'000'000)};
    }
    std::tm tm{};
    const std::string copy(text);
    const char* const end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return std::chrono::seconds{std::max<std::int64_t>(0, static_cast<std::int64_t>(::timegm(&tm) - now))};
}

/// The delays of one call.
class backoff {
public:
    explicit backoff(const retry_policy& policy, std::uint64_t seed) : policy_(policy), rng_{seed} {}

    /// The delay before the next request, or nothing where it is time to give up. `refused`: nothing listens there.
    [[nodiscard]] std::optional<std::chrono::milliseconds> next(std::optional<std::chrono::seconds> retry_after,
                                                                bool refused) {
        using std::chrono::milliseconds;
        if (attempts_ >= policy_.attempts) return std::nullopt;
        milliseconds delay = delay_ + milliseconds{rng_.between(0, delay_.count() / 2)};
        if (retry_after) delay = std::max(delay, std::chrono::duration_cast<milliseconds>(*retry_after));
        delay = std::min(delay, policy_.longest_delay);
        if (waited_ + delay > (refused ? std::min(policy_.refused_wait, policy_.total_wait) : policy_.total_wait))
            return std::nullopt;
        delay_ = std::min(delay_ * 2, policy_.longest_delay);
        waited_ += delay;
        ++attempts_;
        return delay;
    }

    /// Requests begun so far.
    [[nodiscard]] int attempts() const noexcept { return attempts_; }
    /// Sum of the delays so far.
    [[nodiscard]] std::chrono::milliseconds waited() const noexcept { return waited_; }

private:
    retry_policy policy_;
    splitmix64 rng_;
    std::chrono::milliseconds delay_ = policy_.first_delay;
    std::chrono::milliseconds waited_{0};
    int attempts_ = 1;
};

}  // namespace llmnas
