// SPDX-License-Identifier: MIT
/// \file
/// Costs of one stage and of the head, each lowered alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <llmnas/cost/bounds/model_promises.hpp>
#include <llmnas/cost/memory_model.hpp>
#include <llmnas/cost/terms.hpp>
#include <llmnas/space/axis_roles.hpp>

namespace llmnas::detail {

/// The costs that have bounds; peak SRAM and its overhead are the maximum over the parts of a network, the others sums.
/// Only a model that promises no more than that of its two parts has an overhead of its own here.
enum class criterion : std::uint8_t { mac_count, parameters, flash, sram, sram_overhead };
inline constexpr std::size_t criteria = 5;
using cost_vector = std::array<std::uint64_t, criteria>;

[[nodiscard]] constexpr std::uint64_t combined(std::size_t c, std::uint64_t a, std::uint64_t b) noexcept {
    if (c < static_cast<std::size_t>(criterion::sram)) return saturating_add(a, b);
    return a > b ? a : b;
}

/// In place of a memory model where only sums are wanted.
struct no_memory {};

template <class Net>
inline constexpr bool is_architecture = false;
template <std::size_t N, class Stage, class Blocks>
inline constexpr bool is_architecture<architecture<N, Stage, Blocks>> = true;

/// A part of a network lowered alone.
struct part_costs {
    bool legal = false;
    shape out{};
    cost_vector cost{};

    /// Peak SRAM of this part alone.
    [[nodiscard]] constexpr bytes peak() const noexcept {
        return bytes{cost[static_cast<std::size_t>(criterion::sram)]} +
               bytes{cost[static_cast<std::size_t>(criterion::sram_overhead)]};
    }
};

/// Costs of two parts one behind the other.
[[nodiscard]] constexpr part_costs joined(part_costs first, const part_costs& second) noexcept {
    if (!first.legal || !second.legal) return {};
    first.out = second.out;
    for (std::size_t c = 0; c < criteria; ++c) first.cost[c] = combined(c, first.cost[c], second.cost[c]);
    return first;
}

/// Lowers blocks one at a time into storage that it keeps.
template <SearchSpace Space, class Memory>
class stage_evaluator {
    using network_type = network_of<Space>;
    static_assert(is_architecture<network_type>,
                  "llmnas: bounds need a space whose networks are an architecture<N, Stage, Blocks>: stages one behind "
                  "the other, global average pooling and a classifier");
    static_assert(blocks_stand_alone<typename Space::blocks>,
                  "llmnas: bounds lower each block alone, but a block type of this space reads what earlier blocks "
                  "published (its member reads_earlier_blocks)");

public:
    constexpr explicit stage_evaluator(const Memory& memory = {}) : memory_(memory) { grow(16); }
    stage_evaluator(const stage_evaluator&) = delete;
    stage_evaluator& operator=(const stage_evaluator&) = delete;
    constexpr ~stage_evaluator() {
        delete[] ops_;
        delete[] inputs_;
    }

    /// Sums over the blocks of a stage; peak SRAM is the largest of its blocks.
    [[nodiscard]] constexpr part_costs stage(const typename Space::stage_type& s, const shape& in) {
        part_costs total{true, in, {}};
        const std::int32_t layers = network_type::layers_of(s);
        for (std::int32_t b = 0; b == 0 || b < layers; ++b) {
            const shape x = total.out;
            const part_costs one = part(x, [&](graph_builder& g) {
                return network_type::lower_block(g, s, 0, static_cast<std::size_t>(b), g.input()).shape;
            });
            if (!one.legal) return {};
            total.out = one.out;
            const bool repeated = b > 0 && one.out == x && repeats(block_type_of(s));
            const auto times = static_cast<std::uint64_t>(repeated ? layers - b : 1);
            for (std::size_t c = 0; c < criteria; ++c)
                total.cost[c] = combined(c, total.cost[c], repeated_cost(c, times, one.cost[c]));
            if (repeated) break;
        }
        return total;
    }

    [[nodiscard]] constexpr part_costs head(const shape& in, std::int32_t classes) {
        return part(in, [&](graph_builder& g) {
            network_type::lower_head(g, g.input(), classes);
            return shape{};
        });
    }

    /// A whole network.
    [[nodiscard]] constexpr part_costs network(const network_type& net) {
        return part(net.input, [&](graph_builder& g) {
            net.lower(g);
            return shape{};
        });
    }

    /// Whether a block read a map of an earlier one: then blocks cannot be lowered alone.
    [[nodiscard]] constexpr bool blocks_depend() const noexcept { return blocks_depend_; }

private:
    [[nodiscard]] static constexpr std::uint64_t repeated_cost(std::size_t c, std::uint64_t times, std::uint64_t cost) {
        return c < static_cast<std::size_t>(criterion::sram) ? saturating_mul(times, cost) : cost;
    }

    template <class Lower>
    [[nodiscard]] constexpr part_costs part(const shape& in, Lower lower) {
        for (;;) {
            graph_builder g(in, std::span<op>(ops_, capacity_), std::span<std::int32_t>(inputs_, 2 * capacity_));
            const shape out = lower(g);
            if (g.error().code == graph_errc::capacity) {
                grow(2 * capacity_);
                continue;
            }
            blocks_depend_ = blocks_depend_ || g.error().code == graph_errc::not_published;
            if (g.error()) return {};
            const graph_view view{std::span<const op>(ops_, g.size().ops),
                                  std::span<const std::int32_t>(inputs_, g.size().inputs), in, g.input_last_use()};
            part_costs p{true, out, {}};
            for (const op& o : view.ops) {
                p.cost[0] = saturating_add(p.cost[0], mac_count::of(o).value);
                p.cost[1] = saturating_add(p.cost[1], parameter_count::of(o).value);
                p.cost[2] = saturating_add(p.cost[2], int8_flash::of(o).value);
            }
            if constexpr (MemoryModel<Memory>) {
                const memory_peak peak = memory_.peak(view);
                p.cost[3] = PartsMaxOfStages<Memory> ? peak.activations().value : peak.size.value;
                p.cost[4] = PartsMaxOfStages<Memory> ? peak.overhead.value : 0;
            }
            return p;
        }
    }

    [[nodiscard]] static constexpr bool repeats(block_type t) {
        return boost::hana::unpack(Space::blocks::types, [t](auto... blocks) {
            constexpr bool promised[] = {promises<typename decltype(blocks)::type, llmnas::blocks_repeat>()...};
            return t.index < sizeof...(blocks) && promised[t.index];
        });
    }

    constexpr void grow(std::size_t capacity) {
        delete[] ops_;
        delete[] inputs_;
        ops_ = new op[capacity];
        inputs_ = new std::int32_t[2 * capacity]{};
        capacity_ = capacity;
    }

    Memory memory_;
    op* ops_ = nullptr;
    std::int32_t* inputs_ = nullptr;
    std::size_t capacity_ = 0;
    bool blocks_depend_ = false;
};

}  // namespace llmnas::detail
