// SPDX-License-Identifier: MIT
/// \file
/// Memory model e: each block by rows, its expanded map in a ring of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <llmnas/cost/memory/overlaid.hpp>
#include <llmnas/cost/memory/segment.hpp>
#include <llmnas/cost/memory_layout.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

namespace detail {

/// A step that streams rows from its whole input to its whole output.
[[nodiscard]] constexpr segment alone(const graph_view& g, const chain_step& s) noexcept {
    segment run(g, false);
    run.append(s);
    return run;
}

}  // namespace detail

/// Expansion, depthwise convolution and projection of a block run together, row by row, between the block's input and
/// output, which overlap by rows; only min(k, H) rows of the expanded map exist (compare the fused blocks of msf-CNN
/// and the in-place update of TinyEngine). Squeeze-and-excitation needs the map before its pooling whole. Operators
/// outside blocks run as in `overlaid`. The input frame is inside. Any directed acyclic graph with at most max_steps
/// places where one map carries everything. Of several steps with the same peak the first is named.
struct fused_blocks {
private:
    // Before its users: clang evaluates a member template in a constant expression only behind its definition.
    template <class F>
    [[nodiscard]] static constexpr memory_peak find(const graph_view& g, F&& at_peak) noexcept {
        std::int64_t most = detail::size_of(g.input);
        std::int32_t peak_at = -1;
        const auto keep = [&](std::int64_t size, std::int32_t at, const detail::chain_step& s) {
            if (size <= most) return;
            most = size;
            peak_at = at;
            at_peak(s);
        };
        detail::step_reader reader(g);
        detail::chain_step s;
        while (reader.next(s)) {
            if (s.kind == detail::step_kind::block) {
                keep(detail::alone(g, s).size(), detail::center_of(s), s);
                continue;
            }
            detail::live_maps live(g, s.x);
            for (std::int32_t i = s.first; i <= s.last; ++i) {
                live.enter(static_cast<std::size_t>(i));
                keep(overlaid::size_at(live), i, s);
                live.leave();
            }
        }
        return {bytes{static_cast<std::uint64_t>(most)}, peak_at};
    }

public:
    static constexpr std::string_view name = "fused_blocks";
    static constexpr bool max_of_stages = true;

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        return find(g, [](const detail::chain_step&) {});
    }

    static constexpr void usage(const graph_view& g, std::span<bytes> by_operator) noexcept {
        detail::step_reader reader(g);
        detail::chain_step s;
        while (reader.next(s)) {
            detail::live_maps live(g, s.x);
            for (std::int32_t i = s.first; i <= s.last; ++i) {
                live.enter(static_cast<std::size_t>(i));
                const bool lone = s.kind != detail::step_kind::block;
                const std::int64_t size = lone ? overlaid::size_at(live) : detail::alone(g, s).size();
                if (static_cast<std::size_t>(i) < by_operator.size())
                    by_operator[static_cast<std::size_t>(i)] = bytes{static_cast<std::uint64_t>(size)};
                live.leave();
            }
        }
    }

    [[nodiscard]] static constexpr memory_layout layout(const graph_view& g) noexcept {
        auto at_peak = detail::make_step(detail::step_kind::region, 0, 0);
        memory_layout l{.peak = find(g, [&](const detail::chain_step& s) { at_peak = s; })};
        if (l.peak.at < 0) {
            l.stack(buffer_kind::map, 0, int8_size(g.input));
        } else if (at_peak.kind != detail::step_kind::block) {
            l = overlaid::layout_at(g, static_cast<std::size_t>(l.peak.at));
        } else {
            const detail::segment alone = detail::alone(g, at_peak);
            const detail::step_buffers b = detail::buffers_of(g, at_peak, true);
            const auto put = [&](buffer_kind kind, std::int32_t tensor, std::int64_t size, std::int64_t rows = 0) {
                l.stack(kind, tensor, bytes{static_cast<std::uint64_t>(size)}, static_cast<std::int32_t>(rows));
            };
            put(buffer_kind::map, at_peak.y, alone.size_of_last());
            l.add({buffer_kind::map, at_peak.x, 0, bytes{static_cast<std::uint64_t>(alone.distance())},
                   int8_size(g.shape_of(at_peak.x))});
            if (alone.held() > 0) put(buffer_kind::map, at_peak.held, alone.held());
            put(buffer_kind::ring, at_peak.expand >= 0 ? at_peak.expand + 1 : at_peak.x, b.ring, b.ring_rows);
            put(buffer_kind::pixel, -1, alone.pixels());
            put(buffer_kind::accumulator, at_peak.squeeze + 1, alone.sums());
        }
        return l;
    }
};

static_assert(ExplainsPeak<fused_blocks>);

}  // namespace llmnas
