// SPDX-License-Identifier: MIT
/// \file
/// Fields of a stage and their values in JSON: numbers, booleans, ratios, names of enumerators and block types.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <boost/hana/tuple.hpp>
#include <boost/hana/unpack.hpp>
#include <nlohmann/json.hpp>

#include <llmnas/core/block_types.hpp>
#include <llmnas/json/json_events.hpp>
#include <llmnas/space/search_space.hpp>

namespace llmnas {

/// Fields of a stage struct in JSON. The paper's stage has ten, whatever the space; of a user's stage the axes of the
/// space are read and written.
template <class Stage>
struct stage_fields {
    static constexpr bool known = false;
};

template <>
struct stage_fields<stage> {
    static constexpr bool known = true;
    template <fixed_string Name, auto Member>
    struct field {
        static constexpr std::string_view name = Name.view();
        static constexpr auto member = Member;
    };
    static constexpr auto list = boost::hana::make_tuple(
        field<"output_channels", &stage::output_channels>{}, field<"num_layers", &stage::num_layers>{},
        field<"kernel_size", &stage::kernel_size>{}, field<"stride", &stage::stride>{},
        field<"expansion_factor", &stage::expansion_factor>{}, field<"use_se", &stage::use_se>{},
        field<"se_ratio", &stage::se_ratio>{}, field<"conv_type", &stage::conv_type>{},
        field<"skip_op", &stage::skip_op>{}, field<"activation", &stage::activation>{});
};

/// How many values of an enumeration name_of() knows, from zero on. Specialised for each enumeration that is the type
/// of a field, a user's own too.
template <class E>
inline constexpr std::size_t named_values = 0;
template <>
inline constexpr std::size_t named_values<skip_kind> = 2;
template <>
inline constexpr std::size_t named_values<activation_kind> = 6;

/// Value of a field as JSON: numbers, booleans and the names of enumerators and block types.
template <BlockTypeList Blocks, class T>
[[nodiscard]] nlohmann::ordered_json value_to_json(const T& value) {
    if constexpr (std::is_same_v<T, ratio>)
        return value.num % value.den == 0 ? nlohmann::ordered_json(value.num / value.den)
                                          : nlohmann::ordered_json(value.value());
    else if constexpr (std::is_same_v<T, block_type>)
        return std::string(name_of<Blocks>(value));
    else if constexpr (std::is_enum_v<T>)
        return std::string(name_of(value));
    else
        return value;
}

namespace detail {

/// f(fields...), the fields as empty structs with `name` and `member`.
template <SearchSpace Space, class F>
constexpr decltype(auto) unpack_fields(F&& f) {
    if constexpr (stage_fields<typename Space::stage_type>::known)
        return boost::hana::unpack(stage_fields<typename Space::stage_type>::list, std::forward<F>(f));
    else
        return boost::hana::unpack(Space::axes, std::forward<F>(f));
}

template <SearchSpace Space, class F>
constexpr void for_each_field(F&& f) {
    unpack_fields<Space>([&](auto... fields) { (static_cast<void>(f(fields)), ...); });
}

/// `stage 2: kernel_size`, counted from 1 as in the paper.
[[nodiscard]] inline std::string field_place(std::size_t stage, std::string_view field) {
    return fmt::format("stage {}: {}", stage + 1, field);
}

/// The values of T that have names: enumerators and block types.
template <BlockTypeList Blocks, class T>
struct names_of {
    static_assert(named_values<T> > 0,
                  "llmnas: this type of field has no JSON form; an enumeration needs name_of() and a specialisation of "
                  "llmnas::named_values");
    static constexpr std::size_t count = named_values<T>;
    static constexpr T value(std::size_t i) { return static_cast<T>(i); }
    static constexpr std::string_view name(std::size_t i) { return name_of(value(i)); }
};
template <BlockTypeList Blocks>
struct names_of<Blocks, block_type> {
    static constexpr std::size_t count = block_type_count<Blocks>;
    static constexpr block_type value(std::size_t i) { return {static_cast<std::uint8_t>(i)}; }
    static constexpr std::string_view name(std::size_t i) { return name_of<Blocks>(value(i)); }
};

/// Nearest ratio with a denominator up to 4,096; JSON has only doubles.
[[nodiscard]] inline bool ratio_from(double value, ratio& out) {
    if (!(value >= 0) || value > 1024) return false;
    for (std::int32_t den = 1; den <= 4096; ++den) {
        const double num = std::round(value * den);
        if (std::abs(value - num / den) < 1e-12) return out = {static_cast<std::int32_t>(num), den}, true;
    }
    return false;
}

/// A number of any form as a double.
[[nodiscard]] inline bool number_from(const json_scalar& value, double& out) {
    if (const auto* d = std::get_if<double>(&value)) return out = *d, true;
    if (const auto* u = std::get_if<std::uint64_t>(&value)) return out = static_cast<double>(*u), true;
    if (const auto* i = std::get_if<std::int64_t>(&value)) return out = static_cast<double>(*i), true;
    return false;
}

/// Reads the value of a field; false where it is none, see wanted_value().
template <BlockTypeList Blocks, class T>
[[nodiscard]] bool value_from_json(const json_scalar& value, T& out) {
    if constexpr (std::is_same_v<T, bool>) {
        const bool* b = std::get_if<bool>(&value);
        if (b) out = *b;
        return b != nullptr;
    } else if constexpr (std::is_integral_v<T>) {
        const auto take = [&out](const auto* n) {
            if (!n || !std::in_range<T>(*n)) return false;
            return out = static_cast<T>(*n), true;
        };
        return take(std::get_if<std::uint64_t>(&value)) || take(std::get_if<std::int64_t>(&value));
    } else if constexpr (std::is_floating_point_v<T>) {
        double d = 0;
        if (!number_from(value, d)) return false;
        return out = static_cast<T>(d), true;
    } else if constexpr (std::is_same_v<T, ratio>) {
        double d = 0;
        return number_from(value, d) && ratio_from(d, out);
    } else {
        using names = names_of<Blocks, T>;
        const auto* text = std::get_if<std::string_view>(&value);
        if (!text) return false;
        for (std::size_t i = 0; i < names::count; ++i)
            if (*text == names::name(i)) return out = names::value(i), true;
        return false;
    }
}

/// What would have been right where value_from_json() failed.
template <BlockTypeList Blocks, class T>
[[nodiscard]] std::string wanted_value(const json_scalar& value) {
    if constexpr (std::is_same_v<T, bool>) {
        return "true or false";
    } else if constexpr (std::is_integral_v<T>) {
        const bool integer =
            std::holds_alternative<std::uint64_t>(value) || std::holds_alternative<std::int64_t>(value);
        return integer ? fmt::format("an integer from {} to {}", std::numeric_limits<T>::min(),
                                     std::numeric_limits<T>::max())
                       : "an integer";
    } else if constexpr (std::is_floating_point_v<T>) {
        return "a number";
    } else if constexpr (std::is_same_v<T, ratio>) {
        return "a fraction from 0 to 1024 with a denominator of at most 4096, like 0.25";
    } else {
        std::string list;
        for (std::size_t i = 0; i < names_of<Blocks, T>::count; ++i)
            list.append(i ? ", " : "one of ").append(names_of<Blocks, T>::name(i));
        return list;
    }
}

/// Reads the value into the field of a stage; where it fails, `wanted` says what would have been right.
template <BlockTypeList Blocks, class Field, class Stage>
[[nodiscard]] bool read_field(const json_scalar& value, Stage& s, std::string& wanted) {
    auto& member = s.*Field::member;
    if (value_from_json<Blocks>(value, member)) return true;
    wanted = wanted_value<Blocks, std::remove_reference_t<decltype(member)>>(value);
    return false;
}

}  // namespace detail
}  // namespace llmnas
