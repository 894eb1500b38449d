// SPDX-License-Identifier: MIT
/// \file
/// Designs that differ from one in a single field, for each kind of design.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include <llmnas/core/architecture.hpp>
#include <llmnas/core/block_list.hpp>
#include <llmnas/json/field_json.hpp>
#include <llmnas/space/axis_roles.hpp>
#include <llmnas/space/table1.hpp>

namespace llmnas {

/// One field of a design with another value.
struct field_change {
    std::string place;       ///< `stage 3`, counted from 1 as in the table of operators; empty: the whole network
    std::string_view field;  ///< as in JSON and in the struct
    std::string from;
    std::string to;
    std::int32_t steps = 1;  ///< along the ordered choices of the field
    std::string with = {};   ///< fields that exist only then, and their values: `se_ratio 0.25`; mostly empty
    friend bool operator==(const field_change&, const field_change&) = default;

    [[nodiscard]] bool same_field(const field_change& other) const {
        return place == other.place && field == other.field;
    }
    /// `stage 3 expansion_factor 6 -> 4`, `stage 3 use_se false -> true with se_ratio 0.25`.
    [[nodiscard]] std::string text() const {
        return fmt::format("{}{}{} {} -> {}{}{}", place, place.empty() ? "" : " ", field, from, to,
                           with.empty() ? "" : " with ", with);
    }
};

namespace detail {

/// A value as in JSON, strings without quotes.
template <BlockTypeList Blocks, class T>
[[nodiscard]] std::string value_text(const T& value) {
    if constexpr (std::is_integral_v<T>) return fmt::format("{}", value);
    const auto j = value_to_json<Blocks>(value);
    return j.is_string() ? j.template get<std::string>() : j.dump();
}

/// Steps from one value of an axis to one of its choices: the choices between the two, and one. Where values have no
/// order, every other one is one step away. The value itself may lie beside the choices.
template <class Axis>
[[nodiscard]] std::int32_t steps_between(const typename Axis::value_type& from, const typename Axis::value_type& to) {
    using T = typename Axis::value_type;
    std::int32_t steps = 1;
    if constexpr (Ordered<T> && !std::is_enum_v<T>)
        for (const T& choice : Axis::choices)
            if ((from < choice && choice < to) || (to < choice && choice < from)) ++steps;
    return steps;
}

/// f(value, steps) for other numbers of channels: the multiples of 8 down to 8, and up to twice the number.
template <class F>
void for_each_channel_count(std::int32_t now, F&& f) {
    std::int32_t steps = 0;
    for (std::int32_t c = (now - 1) / 8 * 8; c >= 8; c -= 8) f(c, ++steps);
    steps = 0;
    for (std::int32_t c = now / 8 * 8 + 8; c <= std::min(2 * now, max_extent); c += 8) f(c, ++steps);
}

/// f(value, steps) for the other numbers of a list in rising order.
template <class F>
void for_each_number(std::int32_t now, std::initializer_list<std::int32_t> numbers, F&& f) {
    for (const std::int32_t to : numbers) {
        if (to == now) continue;
        std::int32_t steps = 1;
        for (const std::int32_t c : numbers)
            if ((now < c && c < to) || (to < c && c < now)) ++steps;
        f(to, steps);
    }
}

/// Sets fields of a design one after the other, and back.
template <class Design, class F>
class field_changer {
public:
    field_changer(const Design& design, F& f) : design_(design), f_(f) {}

    [[nodiscard]] Design& design() { return design_; }

    /// Calls f(change, design) with a field, which is a member of design(), at another value.
    template <class T>
    void try_value(std::string_view place, std::string_view name, T& field, const T& value, std::int32_t steps) {
        const T before = std::exchange(field, value);
        f_(field_change{std::string(place), name, fmt::format("{}", before), fmt::format("{}", value), steps},
           std::as_const(design_));
        field = before;
    }

    void try_channels(std::string_view place, std::string_view name, std::int32_t& field) {
        for_each_channel_count(field,
                               [&](std::int32_t c, std::int32_t steps) { try_value(place, name, field, c, steps); });
    }
    void try_numbers(std::string_view place, std::string_view name, std::int32_t& field,
                     std::initializer_list<std::int32_t> numbers) {
        for_each_number(field, numbers,
                        [&](std::int32_t n, std::int32_t steps) { try_value(place, name, field, n, steps); });
    }

private:
    Design design_;
    F& f_;
};

/// The block types that a design names its own by, else those of the space.
template <SearchSpace Space, class Design>
struct blocks_of {
    using type = typename Space::blocks;
};
template <SearchSpace Space, class Design>
    requires requires { typename Design::block_types; }
struct blocks_of<Space, Design> {
    using type = typename Design::block_types;
};

/// Gives the conditional fields of a stage, one of whose fields was changed, the values of the space: a field that
/// exists no more has its default, and one that exists from now on one of its choices. Returns the latter in words.
template <SearchSpace Space, BlockTypeList Blocks>
std::string settle_conditional_fields(const typename Space::stage_type& before, typename Space::stage_type& s) {
    std::string with;
    for_each_axis<Space>([&](auto axis) {
        using Axis = decltype(axis);
        if constexpr (Axis::conditional) {
            auto& field = s.*Axis::member;
            if (!Axis::active(s)) {
                if (Axis::active(before)) field = typename Space::stage_type{}.*Axis::member;
            } else if (!Axis::active(before)) {
                if (std::find(std::begin(Axis::choices), std::end(Axis::choices), field) == std::end(Axis::choices))
                    field = Axis::choices[0];
                with += fmt::format("{}{} {}", with.empty() ? "" : " and ", Axis::name, value_text<Blocks>(field));
            }
        }
    });
    return with;
}

/// for_each_axis_change() where `wanted(place, axis name)` holds.
template <SearchSpace Space, class Design, class Wanted, class F>
void for_each_wanted_change(const Design& design, Wanted&& wanted, F&& f) {
    using Blocks = typename blocks_of<Space, Design>::type;
    Design changed = design;
    for (std::size_t s = 0; s < std::size(design.stages); ++s) {
        const typename Space::stage_type& before = design.stages[s];
        const std::string place = fmt::format("stage {}", s + 1);
        for_each_axis<Space>([&](auto axis) {
            using Axis = decltype(axis);
            if (!Axis::active(before) || !wanted(place, Axis::name)) return;
            const auto& now = before.*Axis::member;
            field_change change{place, Axis::name, value_text<Blocks>(now), {}};
            for (const auto& choice : Axis::choices) {
                if (choice == now) continue;
                auto& here = changed.stages[s];
                here.*Axis::member = choice;
                change.to = value_text<Blocks>(choice);
                change.steps = steps_between<Axis>(now, choice);
                change.with = settle_conditional_fields<Space, Blocks>(before, here);
                f(std::as_const(change), std::as_const(changed));
                here = before;
            }
        });
    }
}

}  // namespace detail

/// Calls f(const field_change&, const Design&) for every other choice on every axis of a space that exists in a stage
/// of the design, field by field. The design has the space's stages and may lie outside the space.
template <SearchSpace Space, class Design, class F>
void for_each_axis_change(const Design& design, F&& f) {
    detail::for_each_wanted_change<Space>(
        design, [](std::string_view, std::string_view) { return true; }, f);
}

/// The design with a change that for_each_axis_change() names; nothing where it names no such one.
template <SearchSpace Space, class Design>
[[nodiscard]] std::optional<Design> with_change(const Design& design, const field_change& wanted) {
    std::optional<Design> found;
    detail::for_each_wanted_change<Space>(
        design,
        [&](std::string_view place, std::string_view axis) { return place == wanted.place && axis == wanted.field; },
        [&](const field_change& change, const Design& changed) {
            if (change == wanted) found = changed;
        });
    return found;
}

/// Calls f(const field_change&, const Design&) for every design that differs from this one in a single field, field by
/// field. This overload is for designs without fields that it knows: none.
template <class Design, class F>
void for_each_field_change(const Design&, F&&) {}

/// The paper's stages: every other choice on every axis of table1_se that exists there.
template <std::size_t N, BlockTypeList Blocks, class F>
void for_each_field_change(const architecture<N, stage, Blocks>& design, F&& f) {
    for_each_axis_change<table1_se>(design, f);
}

/// Other stages: the numbers that most of them have. Channels in steps of 8, kernels 3, 5 and 7.
template <std::size_t N, class Stage, BlockTypeList Blocks, class F>
void for_each_field_change(const architecture<N, Stage, Blocks>& design, F&& f) {
    detail::field_changer changer(design, f);
    for (std::size_t s = 0; s < N; ++s) {
        Stage& here = changer.design().stages[s];
        const std::string place = fmt::format("stage {}", s + 1);
        if constexpr (requires { here.output_channels; })
            changer.try_channels(place, "output_channels", here.output_channels);
        if constexpr (requires { here.num_layers; })
            changer.try_numbers(place, "num_layers", here.num_layers, {1, 2, 3, 4, 5, 6, 7, 8});
        if constexpr (requires { here.kernel_size; })
            changer.try_numbers(place, "kernel_size", here.kernel_size, {3, 5, 7});
        if constexpr (requires { here.stride; }) changer.try_numbers(place, "stride", here.stride, {1, 2});
    }
}

/// Inverted bottlenecks: channels in steps of 8, kernels 3, 5 and 7. A block keeps its expansion convolution, or that
/// it has none.
template <std::size_t N, class F>
void for_each_field_change(const block_list<N>& design, F&& f) {
    const auto expands = [](const block_list<N>& d, std::size_t s) {
        return d.blocks[s].expanded != (s == 0 ? d.stem_channels : d.blocks[s - 1].output_channels);
    };
    const auto same_form = [&](const field_change& change, const block_list<N>& changed) {
        for (std::size_t s = 0; s < N; ++s)
            if (expands(changed, s) != expands(design, s)) return;
        f(change, changed);
    };
    detail::field_changer changer(design, same_form);
    block_list<N>& d = changer.design();
    changer.try_channels("", "stem_channels", d.stem_channels);
    for (std::size_t s = 0; s < N; ++s) {
        const std::string place = fmt::format("stage {}", s + 1);
        changer.try_channels(place, "expanded", d.blocks[s].expanded);
        changer.try_numbers(place, "kernel_size", d.blocks[s].kernel_size, {3, 5, 7});
        changer.try_channels(place, "output_channels", d.blocks[s].output_channels);
    }
    if (d.head_channels > 0) changer.try_channels("", "head_channels", d.head_channels);
}

}  // namespace llmnas
