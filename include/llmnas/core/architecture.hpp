// SPDX-License-Identifier: MIT
/// \file
/// A network made of stages, as a structural value.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/block_types.hpp>

namespace llmnas {

/// N stages of blocks, global average pooling and a linear classifier: the paper's networks, and with a stage struct
/// and a block list of the user's own, the networks of any space built by stages. There is no stem: the first stage
/// takes the image.
///
/// A `Stage` may have a member `num_layers` (else one block a stage) and `conv_type` (else the list's first type).
template <std::size_t N, class Stage = stage, BlockTypeList Blocks = table1_blocks>
    requires(N > 0)
struct architecture {
    using stage_type = Stage;
    using block_types = Blocks;
    static constexpr std::size_t stage_count = N;

    shape input{3, 160, 160};
    std::int32_t classes = 100;
    Stage stages[N]{};
    friend constexpr bool operator==(const architecture&, const architecture&) = default;

    /// Appends the operators of the whole network.
    constexpr void lower(graph_builder& g) const {
        tensor x = g.input();
        for (std::size_t s = 0; s < N; ++s) {
            const std::int32_t layers = layer_count(stages[s]);
            g.begin_block(s, 0);
            if (layers < 1 || layers > max_layers) g.fail(graph_errc::layers, layers, max_layers);
            for (std::int32_t b = 0; b < layers && !g.error(); ++b) {
                g.begin_block(s, static_cast<std::size_t>(b));
                x = lower_block<Blocks>(g, stages[s], type_of(stages[s]), static_cast<std::size_t>(b), x);
            }
        }
        g.end_blocks();
        x = g.global_avg_pool(x);
        g.linear(x, classes);
    }

private:
    static constexpr std::int32_t layer_count(const Stage& s) {
        if constexpr (requires { s.num_layers; })
            return s.num_layers;
        else
            return 1;
    }
    static constexpr block_type type_of(const Stage& s) {
        if constexpr (requires { s.conv_type; })
            return s.conv_type;
        else
            return {};
    }
};

}  // namespace llmnas
