// SPDX-License-Identifier: MIT
/// \file
/// Architectures as JSON, in the paper's published format:
/// `{"candidate_config": {"input_channels": 3, "blocks": [{"output_channels": 16, ...}, ...]}}`.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>
#include <boost/hana/tuple.hpp>
#include <boost/hana/unpack.hpp>
#include <nlohmann/json.hpp>

#include <llmnas/core/block_types.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/space/membership.hpp>
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

/// Shown in messages; long values are cut.
[[nodiscard]] inline std::string shown(const nlohmann::ordered_json& j) {
    std::string text = j.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    return text.size() <= 40 ? text : text.substr(0, 37) + "...";
}

template <SearchSpace Space, class F>
void for_each_field(F&& f) {
    if constexpr (stage_fields<typename Space::stage_type>::known)
        boost::hana::unpack(stage_fields<typename Space::stage_type>::list,
                            [&](auto... fields) { (static_cast<void>(f(fields)), ...); });
    else
        for_each_axis<Space>(f);
}

/// Enumerators by name: the named values from zero on, as many as name_of() knows.
template <class E>
bool enum_from_name(std::string_view name, E& out, std::string& names) {
    constexpr int count = std::is_same_v<E, skip_kind> ? 2 : 6;
    for (int i = 0; i < count; ++i) {
        const E e = static_cast<E>(i);
        names += (names.empty() ? "" : ", ") + std::string(name_of(e));
        if (name_of(e) == name) return out = e, true;
    }
    return false;
}

/// Nearest ratio with a denominator up to 4,096; JSON has only doubles.
[[nodiscard]] inline bool ratio_from(double value, ratio& out) {
    if (!(value >= 0) || value > 1024) return false;
    for (std::int32_t den = 1; den <= 4096; ++den) {
        const double num = std::round(value * den);
        if (std::abs(value - num / den) < 1e-12) return out = {static_cast<std::int32_t>(num), den}, true;
    }
    return false;
}

/// Reads one value; on failure `wanted` says what would have been right.
template <BlockTypeList Blocks, class T>
bool value_from_json(const nlohmann::ordered_json& j, T& out, std::string& wanted) {
    if constexpr (std::is_same_v<T, bool>) {
        wanted = "true or false";
        if (!j.is_boolean()) return false;
        out = j.get<bool>();
        return true;
    } else if constexpr (std::is_integral_v<T>) {
        wanted = "an integer";
        if (!j.is_number_integer()) return false;
        const bool too_large = j.is_number_unsigned()
                                   ? j.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<T>::max()}
                                   : j.get<std::int64_t>() > std::int64_t{std::numeric_limits<T>::max()};
        if (too_large ||
            (!j.is_number_unsigned() && j.get<std::int64_t>() < std::int64_t{std::numeric_limits<T>::min()})) {
            wanted = fmt::format("an integer of at most {}", std::numeric_limits<T>::max());
            return false;
        }
        out = j.get<T>();
        return true;
    } else if constexpr (std::is_floating_point_v<T>) {
        wanted = "a number";
        if (!j.is_number()) return false;
        out = j.get<T>();
        return true;
    } else if constexpr (std::is_same_v<T, ratio>) {
        wanted = "a fraction from 0 to 1024 with a denominator of at most 4096, like 0.25";
        return j.is_number() && ratio_from(j.get<double>(), out);
    } else if constexpr (std::is_same_v<T, block_type>) {
        for (std::size_t i = 0; i < block_type_count<Blocks>; ++i) {
            const block_type t{static_cast<std::uint8_t>(i)};
            wanted += (i ? ", " : "one of ") + std::string(name_of<Blocks>(t));
            if (j.is_string() && j.get_ref<const std::string&>() == name_of<Blocks>(t)) return out = t, true;
        }
        return false;
    } else {
        static_assert(std::is_enum_v<T>, "llmnas: this type of field has no JSON form");
        std::string names;
        const bool found = enum_from_name(j.is_string() ? j.get<std::string>() : std::string(), out, names);
        wanted = "one of " + names;
        return found;
    }
}

[[nodiscard]] inline std::string field_place(std::size_t stage, std::string_view field) {
    return fmt::format("stage {}: {}", stage + 1, field);
}

template <SearchSpace Space>
[[nodiscard]] result<typename Space::stage_type> stage_from_json(const nlohmann::ordered_json& j, std::size_t index) {
    using blocks = typename Space::blocks;
    if (!j.is_object())
        return fail(errc::bad_input, "not a stage", fmt::format("stage {}", index + 1), shown(j), "an object");
    typename Space::stage_type s{};
    std::size_t known = 0;
    error problem;
    bool failed = false;
    for_each_field<Space>([&](auto field) {
        const auto it = failed ? j.end() : j.find(std::string(field.name));
        if (failed || it == j.end()) return;
        ++known;
        std::string wanted;
        if (value_from_json<blocks>(*it, s.*decltype(field)::member, wanted)) return;
        failed = true;
        problem = {errc::bad_input, "not a legal value", field_place(index, field.name), shown(*it), wanted};
    });
    // Absence is judged when all values are known: a field without effect may be left out.
    for_each_field<Space>([&](auto field) {
        using Field = decltype(field);
        if (failed || j.contains(std::string(Field::name)) || is_inert<blocks, Field::member>(s)) return;
        bool optional = true;  // a field without an axis has the value that the space gives it
        for_each_axis<Space>([&](auto a) {
            if constexpr (same_member<decltype(a)::member, Field::member>) optional = !decltype(a)::active(s);
        });
        if (optional) return;
        failed = true;
        problem = {errc::bad_input, "missing field", field_place(index, field.name), "", ""};
    });
    if (!failed && known != j.size())
        for (const auto& member : j.items()) {
            bool found = false;
            for_each_field<Space>([&](auto field) { found = found || field.name == member.key(); });
            if (found) continue;
            return fail(errc::bad_input, "unknown field", field_place(index, member.key().substr(0, 40)),
                        shown(member.value()));
        }
    if (failed) return tl::unexpected<error>(std::move(problem));
    return s;
}

}  // namespace detail

/// Names of the allowed values of axis k, as in messages: `one of 3, 5, 7`.
template <SearchSpace Space>
[[nodiscard]] std::string allowed_values(std::size_t k) {
    std::string text;
    std::size_t i = 0;
    detail::for_each_axis<Space>([&](auto a) {
        if (i++ != k) return;
        for (const auto& choice : decltype(a)::choices) {
            const auto j = value_to_json<typename Space::blocks>(choice);
            text += (text.empty() ? "one of " : ", ") + (j.is_string() ? j.template get<std::string>() : j.dump());
        }
    });
    return text;
}

/// Message of a network outside a space: stage, field, value and allowed values.
template <SearchSpace Space>
[[nodiscard]] error describe(const space_violation& v, const network_of<Space>& net) {
    if (v.what == space_violation::kind::fixed_field) {
        const auto wanted = detail::canonical_stage<typename Space::blocks>(
            detail::decode_stage<Space>(encode<Space>(net).point.choice[v.stage]));
        const auto found = detail::canonical_stage<typename Space::blocks>(net.stages[v.stage]);
        error e{errc::out_of_space, "value outside the search space", fmt::format("stage {}", v.stage + 1), "",
                fmt::format("a point of {}", Space::name)};
        detail::for_each_field<Space>([&](auto field) {
            using Field = decltype(field);
            if (!e.got.empty() || found.*Field::member == wanted.*Field::member) return;
            e.where = detail::field_place(v.stage, Field::name);
            e.got = detail::shown(value_to_json<typename Space::blocks>(found.*Field::member));
            e.wanted = detail::shown(value_to_json<typename Space::blocks>(wanted.*Field::member)) + ", fixed by " +
                       std::string(Space::name);
        });
        return e;
    }
    std::string got;
    std::size_t i = 0;
    detail::for_each_axis<Space>([&](auto a) {
        if (i++ == v.axis)
            got = detail::shown(value_to_json<typename Space::blocks>(net.stages[v.stage].*decltype(a)::member));
    });
    return {errc::out_of_space, "value outside the search space",
            detail::field_place(v.stage, axis_names<Space>[v.axis]), got, allowed_values<Space>(v.axis)};
}

/// The network in the published format.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json to_json(const network_of<Space>& net) {
    auto blocks = nlohmann::ordered_json::array();
    for (const auto& s : net.stages) {
        nlohmann::ordered_json block;
        detail::for_each_field<Space>([&](auto field) {
            block[std::string(field.name)] = value_to_json<typename Space::blocks>(s.*decltype(field)::member);
        });
        blocks.push_back(std::move(block));
    }
    nlohmann::ordered_json j;
    j["candidate_config"]["input_channels"] = net.input.channels;
    j["candidate_config"]["blocks"] = std::move(blocks);
    return j;
}

/// Reads a network: an array of stages, or an object with `blocks`, or one with `candidate_config`. Any legal value is
/// taken; whether the network lies in the space is a question of its own (encode()). Errors name stage and field.
template <SearchSpace Space>
[[nodiscard]] result<network_of<Space>> network_from_json(const nlohmann::ordered_json& document,
                                                          const shape& input = network_of<Space>{}.input,
                                                          std::int32_t classes = network_of<Space>{}.classes) {
    const nlohmann::ordered_json* j = &document;
    network_of<Space> net{};
    net.input = input;
    net.classes = classes;
    if (j->is_object() && j->contains("candidate_config")) j = &(*j)["candidate_config"];
    if (j->is_object()) {
        if (const auto channels = j->find("input_channels"); channels != j->end() && *channels != input.channels)
            return fail(errc::bad_input, "input_channels differ from the input of the task", "architecture",
                        detail::shown(*channels), fmt::format("{}", input.channels));
        if (const auto pool = j->find("pool_type"); pool != j->end() && *pool != "average")
            return fail(errc::bad_input, "unknown pool_type", "architecture", detail::shown(*pool), "\"average\"");
        if (!j->contains("blocks"))
            return fail(errc::bad_input, "no stages in the JSON", "architecture", detail::shown(*j),
                        "an array of stages or an object with \"blocks\"");
        j = &(*j)["blocks"];
    }
    if (!j->is_array())
        return fail(errc::bad_input, "not an architecture", "architecture", detail::shown(*j),
                    "an array of stages or an object with \"blocks\"");
    if (j->size() != Space::stages)
        return fail(errc::bad_input, "wrong number of stages", "architecture", fmt::format("{}", j->size()),
                    fmt::format("{}", Space::stages));
    for (std::size_t s = 0; s < Space::stages; ++s) {
        auto parsed = detail::stage_from_json<Space>((*j)[s], s);
        if (!parsed) return tl::unexpected<error>(parsed.error());
        net.stages[s] = *parsed;
    }
    return net;
}

}  // namespace llmnas
