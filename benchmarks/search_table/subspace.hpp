// SPDX-License-Identifier: MIT
/// \file
/// A subspace small enough to train as a whole: of 32,768 points 181 keep the paper's limits, 70 to 124 M MACs.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <boost/hana/tuple.hpp>

#include <llmnas/search/gate.hpp>
#include <llmnas/space/canonical.hpp>
#include <llmnas/space/table1.hpp>

/// Part of Table I: four layers of kernel 5 with residuals a stage, without SE.
struct table_space {
    static constexpr std::string_view name = "table181";
    using stage_type = llmnas::stage;
    using blocks = llmnas::table1_blocks;
    static constexpr std::size_t stages = 5;
    static constexpr auto axes = boost::hana::make_tuple(
        llmnas::axis<"output_channels", &stage_type::output_channels, 16, 48>{},
        llmnas::axis<"num_layers", &stage_type::num_layers, 4>{},
        llmnas::axis<"kernel_size", &stage_type::kernel_size, 5>{}, llmnas::axis<"stride", &stage_type::stride, 1, 2>{},
        llmnas::axis<"conv_type", &stage_type::conv_type, llmnas::block_type::depthwise, llmnas::block_type::mbconv>{},
        llmnas::axis<"skip_op", &stage_type::skip_op, llmnas::skip_kind::residual>{});
};

/// All networks of the subspace that keep the limits, no two with the same operators, always in one order.
[[nodiscard]] inline std::vector<llmnas::candidate<table_space>> feasible_networks() {
    llmnas::gate<table_space> judge{llmnas::problem{}};
    std::vector<llmnas::candidate<table_space>> found;
    llmnas::space_point<table_space> p;
    constexpr std::size_t free_axes[] = {0, 3, 4};
    for (std::size_t code = 0; code < (std::size_t{1} << (3 * table_space::stages)); ++code) {
        for (std::size_t bit = 0; bit < 3 * table_space::stages; ++bit)
            p.choice[bit / 3][free_axes[bit % 3]] = static_cast<std::uint8_t>((code >> bit) & 1U);
        auto c = judge.judge(decode(p, judge.limits().input, judge.limits().classes));
        if (!c) continue;
        judge.remember(*c, static_cast<std::int32_t>(found.size()));
        found.push_back(*std::move(c));
    }
    return found;
}
