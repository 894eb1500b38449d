// SPDX-License-Identifier: MIT
/// \file
/// MACs, parameters and flash of networks that share most of their stages with one network, without lowering those
/// again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/bounds/stage_costs.hpp>
#include <llmnas/cost/costs.hpp>

namespace llmnas {

namespace detail {

/// Whether the costs of a network of the space are those of its stages, each lowered alone.
template <class Space>
inline constexpr bool stages_add_up = is_architecture<network_of<Space>>&& blocks_stand_alone<typename Space::blocks>;

}  // namespace detail

/// Costs of networks around a base network. Peak SRAM is no sum over stages and left at 0.
template <SearchSpace Space>
class stage_sums {
    using network_type = network_of<Space>;
    static constexpr std::size_t stages = Space::stages;

public:
    explicit stage_sums(const network_type& base) : base_(base) {
        if constexpr (detail::stages_add_up<Space>) {
            before_[0] = {true, base.input, {}};
            for (std::size_t s = 0; s < stages; ++s) {
                alone_[s] = lowering_.stage(base.stages[s], before_[s].out);
                before_[s + 1] = detail::joined(before_[s], alone_[s]);
            }
            head_ = lowering_.head(before_[stages].out, base.classes);
        }
    }

    /// Nothing of a network that cannot be built.
    [[nodiscard]] std::optional<costs> of(const network_type& net) {
        if constexpr (!detail::stages_add_up<Space>) {
            lowering_.lower(net);
            if (lowering_.error()) return std::nullopt;
            const auto view = lowering_.view();
            return costs{total<mac_count>(view), total<parameter_count>(view), total<int8_flash>(view), {}};
        } else {
            std::size_t s = 0;
            if (net.input == base_.input)
                while (s < stages && net.stages[s] == base_.stages[s]) ++s;
            detail::part_costs sum = s > 0 ? before_[s] : detail::part_costs{true, net.input, {}};
            for (; s < stages && sum.legal; ++s) {
                const bool same = net.stages[s] == base_.stages[s] && before_[s].legal && sum.out == before_[s].out;
                sum = detail::joined(sum, same ? alone_[s] : lowering_.stage(net.stages[s], sum.out));
            }
            if (!sum.legal) return std::nullopt;
            const bool same_head = net.classes == base_.classes && head_.legal && sum.out == before_[stages].out;
            sum = detail::joined(sum, same_head ? head_ : lowering_.head(sum.out, net.classes));
            if (!sum.legal) return std::nullopt;
            const auto of = [&](detail::criterion c) { return sum.cost[static_cast<std::size_t>(c)]; };
            return costs{macs{of(detail::criterion::mac_count)},
                         params{of(detail::criterion::parameters)},
                         bytes{of(detail::criterion::flash)},
                         {}};
        }
    }

private:
    network_type base_;
    std::array<detail::part_costs, stages + 1> before_{};  ///< of the stages in front of each, and of all
    std::array<detail::part_costs, stages> alone_{};
    detail::part_costs head_{};
    template <class S>
    struct stage_lowering {
        using type = detail::stage_evaluator<S, detail::no_memory>;
    };
    struct whole_lowering {
        using type = dynamic_graph;
    };
    typename std::conditional_t<detail::stages_add_up<Space>, stage_lowering<Space>, whole_lowering>::type lowering_;
};

}  // namespace llmnas
