// SPDX-License-Identifier: MIT
/// \file
/// Which members a stage of a space can have together: what a schema and a grammar are generated from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <llmnas/core/quantities.hpp>
#include <llmnas/space/search_space.hpp>

namespace llmnas::detail {

/// One axis in one form of a stage.
struct axis_form {
    static constexpr std::size_t any_choice = ~std::size_t{0};

    bool exists = false;
    bool required = false;
    std::size_t only = any_choice;  ///< number of the only choice
};

template <SearchSpace Space>
using stage_form = std::array<axis_form, axis_count<Space>>;

/// Whether a condition of some axis reads the member.
template <SearchSpace Space, auto Member>
[[nodiscard]] constexpr bool decides_axes() {
    bool result = false;
    for_each_axis<Space>([&](auto a) { result = result || decltype(a)::template reads<Member>; });
    return result;
}

/// Combinations of the fields that conditions read.
template <SearchSpace Space>
[[nodiscard]] constexpr std::uint64_t form_count() {
    std::uint64_t n = 1;
    for_each_axis<Space>([&](auto a) {
        if constexpr (decides_axes<Space, decltype(a)::member>()) n = saturating_mul(n, decltype(a)::size);
    });
    return n;
}

template <SearchSpace Space, std::size_t K = 0>
void append_forms(typename Space::stage_type s, stage_form<Space> form, std::vector<stage_form<Space>>& out) {
    if constexpr (K == axis_count<Space>) {
        out.push_back(form);
    } else {
        using Axis = axis_at<Space, K>;
        form[K].exists = form[K].required = Axis::active(s);
        if constexpr (decides_axes<Space, Axis::member>()) {
            if (form[K].exists) {
                for (std::size_t c = 0; c < Axis::size; ++c) {
                    s.*Axis::member = Axis::choices[c];
                    form[K].only = c;
                    append_forms<Space, K + 1>(s, form, out);
                }
                return;
            }
        }
        append_forms<Space, K + 1>(s, form, out);
    }
}

/// The forms of a stage, one for each combination of values of the fields that conditions read. Where that would be
/// more than 16, one form in which every axis under a condition is optional.
template <SearchSpace Space>
[[nodiscard]] std::vector<stage_form<Space>> stage_forms() {
    std::vector<stage_form<Space>> forms;
    if constexpr (form_count<Space>() <= 16) {
        append_forms<Space>({}, {}, forms);
    } else {
        stage_form<Space> form;
        std::size_t k = 0;
        for_each_axis<Space>([&](auto a) { form[k++] = {true, !decltype(a)::conditional}; });
        forms.push_back(form);
    }
    return forms;
}

}  // namespace llmnas::detail
