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
            const std::int32_t layers = layers_of(stages[s]);
            for (std::int32_t b = 0; b == 0 || (b < layers && !g.error()); ++b)
                x = lower_block(g, stages[s], s, static_cast<std::size_t>(b), x);
        }
        lower_head(g, x, classes);
    }

    /// Number of blocks of a stage, as it says.
    [[nodiscard]] static constexpr std::int32_t layers_of(const Stage& s) {
        if constexpr (requires { s.num_layers; })
            return s.num_layers;
        else
            return 1;
    }

    /// Appends block `b` of a stage, the stage with number `index`; the first block also checks the number of blocks.
    static constexpr tensor lower_block(graph_builder& g, const Stage& s, std::size_t index, std::size_t b, tensor x) {
        g.begin_block(index, b);
        const std::int32_t layers = layers_of(s);
        if (layers < 1 || layers > max_layers) g.fail(graph_errc::layers, layers, max_layers);
        return llmnas::lower_block<Blocks>(g, s, type_of(s), b, x);
    }

    /// Appends global average pooling and the classifier.
    static constexpr void lower_head(graph_builder& g, tensor x, std::int32_t classes) {
        g.end_blocks();
        g.linear(g.global_avg_pool(x), classes);
    }

private:
    static constexpr block_type type_of(const Stage& s) {
        if constexpr (requires { s.conv_type; })
            return s.conv_type;
        else
            return {};
    }
};

}  // namespace llmnas
