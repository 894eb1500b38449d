// SPDX-License-Identifier: MIT
/// \file
/// What an explanation says of a network, as a value: which stages, which property, which relation, which values.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace llmnas {

/// What a claim is about: a field of a stage, a cost of a stage or of the network, or the number of stages.
enum class claim_property : std::uint8_t {
    kernel_size,
    expansion_factor,
    stride,
    use_se,
    se_ratio,
    activation,
    skip_op,
    output_channels,
    num_layers,
    conv_type,
    macs,
    parameters,
    sram,
    flash,
    stages,
};

[[nodiscard]] constexpr std::string_view name_of(claim_property p) noexcept {
    constexpr std::string_view names[] = {
        "kernel_size",     "expansion_factor", "stride",    "use_se", "se_ratio",   "activation", "skip_op",
        "output_channels", "num_layers",       "conv_type", "macs",   "parameters", "sram",       "flash",
        "stages"};
    return names[static_cast<std::size_t>(p)];
}
/// A cost, of a stage or of the network.
[[nodiscard]] constexpr bool is_cost(claim_property p) noexcept {
    return p >= claim_property::macs && p <= claim_property::flash;
}
/// A property whose values are words.
[[nodiscard]] constexpr bool is_word(claim_property p) noexcept {
    return p == claim_property::use_se || p == claim_property::activation || p == claim_property::skip_op ||
           p == claim_property::conv_type;
}

enum class claim_relation : std::uint8_t {
    equal,
    less,
    at_most,
    more,
    at_least,
    about,
    between,  ///< the smallest and the largest value (of a cost: within the two)
    set_of,   ///< exactly these values occur
    same,     ///< one value in all of them
    rises,    ///< never falls from stage to stage, and is larger at the end
    falls,
    never_rises,
    never_falls,
    highest,  ///< of all stages
    lowest,
    peak,  ///< the memory model's peak is in these stages
};

[[nodiscard]] constexpr std::string_view name_of(claim_relation r) noexcept {
    constexpr std::string_view names[] = {"=",           "<",       "<=",     ">",     ">=",    "~",
                                          "..",          "set",     "same",   "rises", "falls", "never rises",
                                          "never falls", "highest", "lowest", "peak"};
    return names[static_cast<std::size_t>(r)];
}

/// How many of the stages of the scope.
enum class claim_quantifier : std::uint8_t {
    all,
    none,
    any,   ///< at least one
    some,  ///< at least one, and not all
    most,  ///< more than half
    only,  ///< these, and no other stage
    not_all,
    exactly,
    at_least,
    fewer,
};

/// Which stages.
enum class scope_kind : std::uint8_t {
    stages,   ///< all of them
    numbers,  ///< those in `numbers`
    vague,    ///< `early`, `middle`, `late`
    except,   ///< all but those in `numbers`
    of_type,  ///< those with conv_type `type`
    network,  ///< the network as a whole
};

struct claim_scope {
    static constexpr std::size_t max_stages = 64;

    scope_kind kind = scope_kind::stages;
    std::uint64_t numbers = 0;  ///< bit i: stage i + 1
    bool early = false, middle = false, late = false;
    std::string_view type;
    friend bool operator==(const claim_scope&, const claim_scope&) = default;

    /// `stages`, `stage 3`, `stages 1,2`, `early+middle`, `all except stage 3`, `network`.
    [[nodiscard]] std::string text() const {
        switch (kind) {
            case scope_kind::stages:
                return "stages";
            case scope_kind::network:
                return "network";
            case scope_kind::of_type:
                return fmt::format("stages with conv_type = {}", type);
            case scope_kind::vague: {
                std::string t;
                const auto add = [&](bool is, const char* name) {
                    if (is) t.append(t.empty() ? "" : "+").append(name);
                };
                add(early, "early"), add(middle, "middle"), add(late, "late");
                return t;
            }
            case scope_kind::numbers:
            case scope_kind::except:
                break;
        }
        std::string t;
        for (std::size_t i = 0; i < max_stages; ++i)
            if ((numbers >> i & 1U) != 0) t += fmt::format("{}{}", t.empty() ? "" : ",", i + 1);
        t = (std::popcount(numbers) == 1 ? "stage " : "stages ") + t;
        return kind == scope_kind::except ? "all except " + t : t;
    }
};

/// How a number is written: bytes keep their unit, because `KB` has two readings.
enum class claim_unit : std::uint8_t { none, percent, b, kb, kib, mb, mib };

[[nodiscard]] constexpr std::string_view name_of(claim_unit u) noexcept {
    constexpr std::string_view names[] = {"", "%", "B", "KB", "KiB", "MB", "MiB"};
    return names[static_cast<std::size_t>(u)];
}

/// A number, or a word in the spelling of the JSON fields.
struct claim_value {
    double number = 0;
    double precision = 0;  ///< half a unit of the last digit written
    claim_unit unit = claim_unit::none;
    std::string_view word;
    bool loose = false;  ///< `depthwise convolution`: the block type, or any convolution of that kind

    [[nodiscard]] std::string text() const {
        if (!word.empty()) return std::string(word);
        // Shortest form, but without an exponent.
        std::string t = number == static_cast<double>(static_cast<std::int64_t>(number))
                            ? fmt::format("{}", static_cast<std::int64_t>(number))
                            : fmt::format("{}", number);
        if (unit != claim_unit::none) t.append(" ").append(name_of(unit));
        return t;
    }
};

/// One claim. `text()` is its canonical notation (docs/explanations.md).
struct claim {
    claim_quantifier quantifier = claim_quantifier::all;
    std::int32_t count = 0;  ///< of exactly, at_least and fewer
    claim_scope scope;
    bool negated = false;  ///< the relation holds not
    claim_property property = claim_property::kernel_size;
    bool share = false;  ///< of the whole network's cost
    claim_relation relation = claim_relation::equal;
    std::vector<claim_value> values;
    bool compared = false;  ///< with the same property of the stages in `other`
    claim_scope other;

    [[nodiscard]] std::string text() const {
        std::string t;
        const auto write = [&](auto&&... parts) { (t.append(parts), ...); };
        switch (quantifier) {
            case claim_quantifier::all:
                break;
            case claim_quantifier::none:
                t = "no ";
                break;
            case claim_quantifier::any:
                t = "any ";
                break;
            case claim_quantifier::some:
                t = "some ";
                break;
            case claim_quantifier::most:
                t = "most ";
                break;
            case claim_quantifier::only:
                t = "only ";
                break;
            case claim_quantifier::not_all:
                t = "not all ";
                break;
            case claim_quantifier::exactly:
                t = fmt::format("{} ", count);
                break;
            case claim_quantifier::at_least:
                t = fmt::format(">={} ", count);
                break;
            case claim_quantifier::fewer:
                t = fmt::format("<{} ", count);
                break;
        }
        write(scope.text(), negated ? ": not " : ": ", name_of(property), share ? " share" : "");
        if (relation == claim_relation::between && values.size() == 2)
            return t + " " + values[0].text() + ".." + values[1].text();
        write(" ", name_of(relation));
        if (compared) write(" ", other.text());
        for (std::size_t i = 0; i < values.size(); ++i) write(i == 0 ? " " : ",", values[i].text());
        return t;
    }
};

}  // namespace llmnas
