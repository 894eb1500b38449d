// SPDX-License-Identifier: MIT
/// \file
/// What lies where in memory: the explanation of a peak, and the parts of a memory plan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

enum class buffer_kind : std::uint8_t {
    map,          ///< a whole map
    ring,         ///< the last rows of a map that is never stored whole
    delay,        ///< rows of a block's input that wait for the residual sum
    pixel,        ///< one pixel of channels on its way from one operator to the next
    plane,        ///< one padded channel, beside a depthwise convolution that works in place
    accumulator,  ///< int32 sums of a global pooling; in squeeze-and-excitation then means, hidden units and gates
    gates,        ///< one int8 factor a channel
    scratch,      ///< working memory of a kernel
    persistent,   ///< tables that live as long as the network
    runtime,      ///< an allowance for what is not the network's
};

[[nodiscard]] constexpr std::string_view name_of(buffer_kind k) noexcept {
    constexpr std::string_view names[] = {"map",         "ring",  "delay",   "pixel",      "plane",
                                          "accumulator", "gates", "scratch", "persistent", "runtime"};
    return names[static_cast<std::size_t>(k)];
}

/// One buffer: which map (its tensor number in graph_view, -1 where none) and where.
struct memory_buffer {
    buffer_kind kind = buffer_kind::map;
    std::int32_t tensor = -1;
    std::int32_t rows = 0;  ///< of a ring or delay: rows that it holds
    bytes offset;           ///< from the start of the arena
    bytes size;
    friend constexpr bool operator==(const memory_buffer&, const memory_buffer&) = default;

    [[nodiscard]] constexpr bytes end() const noexcept { return offset + size; }
};

inline constexpr std::size_t max_layout_buffers = 192;

/// The buffers that exist at the peak of a model. An output that overwrites its input shares bytes with it; the largest
/// end of a buffer is the peak.
struct memory_layout {
    memory_peak peak;
    std::size_t count = 0;
    bool complete = true;  ///< false where more than max_layout_buffers exist
    memory_buffer storage[max_layout_buffers]{};

    [[nodiscard]] constexpr std::span<const memory_buffer> buffers() const noexcept { return {storage, count}; }
    [[nodiscard]] constexpr bytes end() const noexcept {
        bytes last;
        for (std::size_t i = 0; i < count; ++i)
            if (storage[i].end() > last) last = storage[i].end();
        return last;
    }

    constexpr void add(const memory_buffer& b) noexcept {
        if (b.size.value == 0) return;
        if (count < max_layout_buffers)
            storage[count++] = b;
        else
            complete = false;
    }
    /// Adds a buffer behind all others.
    constexpr void stack(buffer_kind kind, std::int32_t tensor, bytes size, std::int32_t rows = 0) noexcept {
        add({kind, tensor, rows, end(), size});
    }
};

/// A memory model that can say what its peak is made of, and what it takes while each operator runs (element i is
/// operator i's; elements behind the operators are left alone).
template <class M>
concept ExplainsPeak = MemoryModel<M> && requires(const M& m, const graph_view& g, std::span<bytes> by_operator) {
    { m.layout(g) } -> std::same_as<memory_layout>;
    m.usage(g, by_operator);
};

}  // namespace llmnas
