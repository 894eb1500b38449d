// SPDX-License-Identifier: MIT
/// \file
/// What a study's configuration differs in from the one that a run has.
#pragma once

#include <optional>
#include <string>

#include <llmnas/json/json_value.hpp>

#include <llmnas/core/result.hpp>
#include <llmnas/json/json_events.hpp>

namespace llmnas {

namespace detail {

/// First difference between two JSON values, as a path with both sides.
[[nodiscard]] inline std::optional<error> first_difference(const json_value& stored, const json_value& wanted,
                                                           const std::string& path = "") {
    if (stored.is_object() && wanted.is_object()) {
        for (const auto& member : wanted.items())
            if (auto d = first_difference(stored.value(member.key(), json_value()), member.value(),
                                          path + (path.empty() ? "" : ".") + member.key()))
                return d;
        for (const auto& member : stored.items())
            if (!wanted.contains(member.key()))
                return error{errc::bad_input, "the study was made with another configuration",
                             path + (path.empty() ? "" : ".") + member.key(), shown(member.value()), "nothing"};
        return std::nullopt;
    }
    if (stored == wanted) return std::nullopt;
    return error{errc::bad_input, "the study was made with another configuration", path, shown(stored), shown(wanted)};
}

}  // namespace detail

}  // namespace llmnas
