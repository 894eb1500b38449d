// SPDX-License-Identifier: MIT
/// \file
/// Designs that differ from one in a single field, for each kind of design.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

namespace llmnas::cli {

/// One field of a design with another value.
struct field_change {
    std::string place;       ///< `stage 3`, counted from 1 as in the table of operators; empty: the whole network
    std::string_view field;  ///< as in JSON and in the struct
    std::string from;
    std::string to;
    std::int32_t steps = 1;  ///< along the ordered choices of the field

    [[nodiscard]] bool same_field(const field_change& other) const {
        return place == other.place && field == other.field;
    }
    /// `stage 3 expansion_factor 6 -> 4`.
    [[nodiscard]] std::string text() const {
        return fmt::format("{}{}{} {} -> {}", place, place.empty() ? "" : " ", field, from, to);
    }
};

namespace detail {

template <BlockTypeList Blocks, class T>
[[nodiscard]] std::string value_text(const T& value) {
    const auto j = value_to_json<Blocks>(value);
    return j.is_string() ? j.template get<std::string>() : j.dump();
}

/// Steps from one value of an axis to one of its choices: the choices between the two, and one. Where values have no
/// order, every other one is one step away. The value itself may lie beside the choices.
template <class Axis>
[[nodiscard]] std::int32_t steps_between(const typename Axis::value_type& from, const typename Axis::value_type& to) {
    using T = typename Axis::value_type;
    std::int32_t steps = 1;
    if constexpr (llmnas::detail::Ordered<T> && !std::is_enum_v<T>)
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
        f_(field_change{std::string(place), name, text_of(before), text_of(value), steps}, std::as_const(design_));
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
    template <class T>
    [[nodiscard]] static std::string text_of(const T& value) {
        if constexpr (requires { typename Design::block_types; })
            return value_text<typename Design::block_types>(value);
        else
            return value_text<table1_blocks>(value);
    }

    Design design_;
    F& f_;
};

}  // namespace detail

/// Calls f(const field_change&, const Design&) for every design that differs from this one in a single field, field by
/// field. This overload is for designs without fields that it knows: none.
template <class Design, class F>
void for_each_field_change(const Design&, F&&) {}

/// The paper's stages: every other choice on every axis of table1_se that exists there.
template <std::size_t N, BlockTypeList Blocks, class F>
void for_each_field_change(const architecture<N, stage, Blocks>& design, F&& f) {
    detail::field_changer changer(design, f);
    for (std::size_t s = 0; s < N; ++s) {
        stage& here = changer.design().stages[s];
        const std::string place = fmt::format("stage {}", s + 1);
        llmnas::detail::for_each_axis<table1_se>([&](auto axis) {
            using Axis = decltype(axis);
            if (!Axis::active(here)) return;
            const auto now = here.*Axis::member;
            for (const auto& choice : Axis::choices)
                if (!(choice == now))
                    changer.try_value(place, Axis::name, here.*Axis::member, choice,
                                      detail::steps_between<Axis>(now, choice));
        });
    }
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

}  // namespace llmnas::cli
