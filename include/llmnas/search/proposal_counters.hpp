// SPDX-License-Identifier: MIT
/// \file
/// What proposals cost beside rejections: calls of a language model, tokens, time and money.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <llmnas/json/json_value.hpp>
#include <llmnas/json/repairs.hpp>

namespace llmnas {

/// Counters of a proposer that calls a language model. Each proposal ends in one way: as a trial, repaired or not, as a
/// rejection, or unused.
struct proposal_counters {
    std::uint64_t calls = 0;             ///< requests to the model
    std::uint64_t failed_calls = 0;      ///< those without a usable answer
    std::uint64_t cut_replies = 0;       ///< those that ended at the limit of tokens
    std::uint64_t proposals = 0;         ///< given to the search, failures to give one too, or unused
    std::uint64_t unused = 0;            ///< proposals that the search ended before
    std::uint64_t repaired_replies = 0;  ///< networks that were read after a repair of the reply's text
    std::uint64_t prompt_tokens = 0;     ///< as counted by the server
    std::uint64_t completion_tokens = 0;
    double seconds = 0;  ///< of calls, waits for retries included; they may pass while a network trains
    double cost = 0;     ///< in the currency of the price table
    repair_counts reply_repairs = {};

    friend bool operator==(const proposal_counters&, const proposal_counters&) = default;
};

namespace detail {

/// f(name, member) for each number.
template <class F>
constexpr void for_each_counter(F&& f) {
    f("calls", &proposal_counters::calls);
    f("failed_calls", &proposal_counters::failed_calls);
    f("cut_replies", &proposal_counters::cut_replies);
    f("proposals", &proposal_counters::proposals);
    f("unused", &proposal_counters::unused);
    f("repaired_replies", &proposal_counters::repaired_replies);
    f("prompt_tokens", &proposal_counters::prompt_tokens);
    f("completion_tokens", &proposal_counters::completion_tokens);
    f("seconds", &proposal_counters::seconds);
    f("cost", &proposal_counters::cost);
}

}  // namespace detail

inline proposal_counters& operator+=(proposal_counters& a, const proposal_counters& b) {
    detail::for_each_counter([&](std::string_view, auto member) { a.*member += b.*member; });
    a.reply_repairs += b.reply_repairs;
    return a;
}

/// What was added to `earlier` counters to become these.
[[nodiscard]] inline proposal_counters since(const proposal_counters& earlier, proposal_counters now) {
    detail::for_each_counter([&](std::string_view, auto member) { now.*member -= earlier.*member; });
    repair_counts repairs;
    for (std::size_t k = 0; k < repair_kinds; ++k) {
        const auto kind = static_cast<repair_kind>(k);
        repairs.add(kind, now.reply_repairs[kind] - earlier.reply_repairs[kind]);
    }
    now.reply_repairs = repairs;
    return now;
}

/// `{"calls": 3, "prompt_tokens": 4711}`: those that are not 0.
[[nodiscard]] inline json_value counters_json(const proposal_counters& c) {
    json_value j = json_value::object();
    detail::for_each_counter([&](std::string_view name, auto member) {
        if (c.*member > 0) j[std::string(name)] = c.*member;
    });
    if (c.reply_repairs.total() > 0) j["reply_repairs"] = to_json(c.reply_repairs);
    return j;
}

/// Throws json_exception where a member has another form; unknown ones are passed over.
[[nodiscard]] inline proposal_counters counters_from_json(const json_value& j) {
    proposal_counters c;
    detail::for_each_counter([&](std::string_view name, auto member) {
        if (const auto it = j.find(std::string(name)); it != j.end()) it->get_to(c.*member);
    });
    if (const auto it = j.find("reply_repairs"); it != j.end())
        for (std::size_t k = 0; k < repair_kinds; ++k) {
            const auto kind = static_cast<repair_kind>(k);
            c.reply_repairs.add(kind, it->value(std::string(name_of(kind)), std::uint64_t{0}));
        }
    return c;
}

}  // namespace llmnas
