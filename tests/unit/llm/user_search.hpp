// SPDX-License-Identifier: MIT
/// \file
/// A search of a user's own in the middle: own stage, block, axes under conditions, objective and memory model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <boost/hana/tuple.hpp>

#include "search_state.hpp"

namespace llmnas::test {

struct mix_stage {
    std::int32_t width = 8;
    bool mixed = false;
    std::int32_t window = 4;  ///< no choice of its axis: where the axis exists, a change must give it one
    std::int32_t shrink = 2;
    friend constexpr bool operator==(const mix_stage&, const mix_stage&) = default;
};
/// A pointwise convolution behind a depthwise one where `mixed`, else alone; stride `shrink`.
struct mix_block {
    static constexpr std::string_view name = "mix";
    static constexpr tensor lower(graph_builder& g, const mix_stage& s, std::size_t, tensor x) {
        if (s.mixed) x = g.depthwise(x, s.window, 1, activation_kind::relu);
        return g.depthwise(g.pointwise(x, role::main, s.width, activation_kind::relu), 3, s.shrink,
                           activation_kind::none);
    }
};
struct mix_blocks {
    static constexpr auto types = boost::hana::tuple_t<mix_block>;
};
struct mix_space {
    static constexpr std::string_view name = "mix";
    using stage_type = mix_stage;
    using blocks = mix_blocks;
    static constexpr std::size_t stages = 3;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"width", &mix_stage::width, 8, 16, 24, 64>{}, axis<"mixed", &mix_stage::mixed, false, true>{},
        axis_when<axis<"window", &mix_stage::window, 3, 5>, is<&mix_stage::mixed, true>>{},
        axis<"shrink", &mix_stage::shrink, 1, 2>{});
};

/// Layer by layer and a fixed sum; says nothing about single operators.
struct with_reserve {
    static constexpr std::string_view name = "with_reserve";
    static constexpr memory_peak peak(const graph_view& g) {
        memory_peak p = layerwise::peak(g);
        p.size += bytes{1'000};
        return p;
    }
};
struct kilobytes_of_flash {
    static constexpr std::string_view name = "kilobytes_of_flash";
    static constexpr direction towards = direction::minimize;
    static double value(const costs& c, const training_metrics&) { return static_cast<double>(c.flash.value) / 1000; }
};
struct user_objectives {
    static constexpr auto types = boost::hana::tuple_t<accuracy_objective, kilobytes_of_flash, sram_objective>;
};

inline constexpr problem user_problem{.input = {3, 48, 32},
                                      .classes = 10,
                                      .min_macs = macs{150'000},
                                      .max_macs = macs{1'500'000},
                                      .limits = {bytes{40'000}, bytes{8'000}}};

struct user_search : basic_search_state<mix_space, with_reserve, user_objectives> {
    user_search() : basic_search_state(user_problem) {}
};

inline user_search user_search_trained() {
    user_search s;
    const auto net = [](std::int32_t a, std::int32_t b, std::int32_t c) {
        network_of<mix_space> n{.input = user_problem.input, .classes = user_problem.classes};
        n.stages[0].width = a;
        n.stages[1].width = b;
        n.stages[2].width = c;
        return n;
    };
    s.add(net(8, 16, 24), trial_state::complete, 0.55);
    s.add(net(16, 16, 64), trial_state::complete, 0.61);
    s.add(net(8, 24, 64), trial_state::running);
    s.front = {0, 1};
    s.best = 1;
    return s;
}

}  // namespace llmnas::test
