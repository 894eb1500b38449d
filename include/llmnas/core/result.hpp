// SPDX-License-Identifier: MIT
/// \file
/// Expected failures as values. Not part of <llmnas/static.hpp>.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace llmnas {

/// Kinds of expected failures; exit codes of the program and counters of a search follow them.
enum class errc {
    bad_input,         ///< malformed file, JSON or flag
    out_of_space,      ///< legal, but not a point of the search space
    over_budget,       ///< outside the MAC range, over the memory or flash limit
    duplicate,         ///< proposed before
    io,                ///< file cannot be read or written
    unreachable,       ///< server does not answer
    server,            ///< server answers with an error
    timeout,           ///< no answer within the time allowed
    training,          ///< NaN loss, child process died
    unavailable,       ///< feature or data that is not here
    interrupted,       ///< stopped by the user
    context_overflow,  ///< a prompt longer than the model's context: a shorter one may do
    crashed,           ///< a process died on the way: another attempt may do
};

[[nodiscard]] constexpr std::string_view name_of(errc e) noexcept {
    constexpr std::string_view names[] = {"bad_input",   "out_of_space",     "over_budget", "duplicate", "io",
                                          "unreachable", "server",           "timeout",     "training",  "unavailable",
                                          "interrupted", "context_overflow", "crashed"};
    return names[static_cast<std::size_t>(e)];
}

/// What went wrong, where, what was found and what was wanted. Empty parts are left out of the text.
struct error {
    errc code = errc::bad_input;
    std::string what;
    std::string where = {};
    std::string got = {};
    std::string wanted = {};

    /// One line: `where: what (got X, wanted Y)`.
    [[nodiscard]] std::string text() const {
        std::string t = where.empty() ? what : where + ": " + what;
        if (!got.empty() && !wanted.empty()) return t + " (got " + got + ", wanted " + wanted + ")";
        if (!got.empty()) return t + " (got " + got + ")";
        if (!wanted.empty()) return t + " (wanted " + wanted + ")";
        return t;
    }
};

template <class T>
using result = tl::expected<T, error>;

/// `return fail(errc::io, "cannot open", path);`
[[nodiscard]] inline tl::unexpected<error> fail(errc code, std::string what, std::string where = {},
                                                std::string got = {}, std::string wanted = {}) {
    return tl::unexpected<error>(error{code, std::move(what), std::move(where), std::move(got), std::move(wanted)});
}

}  // namespace llmnas
