// SPDX-License-Identifier: MIT
/// \file
/// Numbers, costs and objectives in the words of a prompt.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <llmnas/cost/costs.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas::detail {

/// 81,963,264
[[nodiscard]] inline std::string grouped(std::uint64_t n) {
    std::string text = fmt::format("{}", n);
    for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
    return text;
}

[[nodiscard]] inline std::string percent(double fraction) { return fmt::format("{:.2f} %", 100 * fraction); }

[[nodiscard]] inline std::string cost_words(const costs& c) {
    return fmt::format("{} MACs, {} parameters, {} bytes of peak SRAM, {} bytes of flash", grouped(c.mac_count.value),
                       grouped(c.parameters.value), grouped(c.sram.size.value), grouped(c.flash.value));
}

/// `MACs 91,000,000 -> 80,000,000`, `flash 200,000 bytes as before`; `MACs then 80,000,000` where nothing is known of
/// before.
[[nodiscard]] inline std::string change_words(std::string_view what, std::string_view unit,
                                              std::optional<std::uint64_t> before, std::uint64_t after) {
    if (!before) return fmt::format("{} then {}{}", what, grouped(after), unit);
    if (*before == after) return fmt::format("{} {}{} as before", what, grouped(after), unit);
    return fmt::format("{} {} -> {}{}", what, grouped(*before), grouped(after), unit);
}

/// The built-in objectives as the prompt names them; of a user's own the name, with blanks.
[[nodiscard]] inline std::string objective_words(std::string_view name) {
    if (name == mac_objective::name) return "MACs";
    if (name == parameter_objective::name) return "parameters";
    if (name == sram_objective::name) return "peak SRAM";
    std::string words(name);
    std::replace(words.begin(), words.end(), '_', ' ');
    return words;
}

/// Whether a prompt states the objective's value anyway: accuracy and costs.
[[nodiscard]] inline bool is_built_in(std::string_view name) {
    return name == accuracy_objective::name || name == mac_objective::name || name == parameter_objective::name ||
           name == sram_objective::name || name == flash_objective::name;
}

/// 12,345 of whole numbers, else six digits.
[[nodiscard]] inline std::string value_words(double v) {
    if (v >= 0 && v < 1e15 && std::floor(v) == v) return grouped(static_cast<std::uint64_t>(v));
    return fmt::format("{:.6g}", v);
}

/// `, kilobytes of flash 312.4` for each objective that is not built in.
[[nodiscard]] inline std::string own_objective_words(std::span<const objective_info> objectives,
                                                     std::span<const double> values) {
    std::string text;
    for (std::size_t i = 0; i < std::min(objectives.size(), values.size()); ++i)
        if (!is_built_in(objectives[i].name))
            text += fmt::format(", {} {}", objective_words(objectives[i].name), value_words(values[i]));
    return text;
}

}  // namespace llmnas::detail
