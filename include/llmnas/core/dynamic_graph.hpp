// SPDX-License-Identifier: MIT
/// \file
/// A lowered network at run time, in storage of exactly the size it needs. Not part of <llmnas/static.hpp>.
#pragma once

#include <cstdint>
#include <vector>

#include <llmnas/core/network.hpp>

namespace llmnas {

/// Owns the operators of a network of any size.
class dynamic_graph {
public:
    /// Lowers the network; error() then says whether it was legal. The view of an illegal one is empty.
    template <LowersToOperators N>
    explicit dynamic_graph(const N& net) : input_(net.input) {
        const graph_size size = measure(net, &error_);
        if (error_) return;
        ops_.resize(size.ops);
        inputs_.resize(size.inputs);
        graph_builder builder(net.input, ops_, inputs_);
        net.lower(builder);
        input_last_use_ = builder.input_last_use();
    }

    [[nodiscard]] const graph_error& error() const noexcept { return error_; }
    [[nodiscard]] graph_view view() const noexcept { return {ops_, inputs_, input_, input_last_use_}; }

private:
    std::vector<op> ops_;
    std::vector<std::int32_t> inputs_;
    shape input_;
    std::int32_t input_last_use_ = 0;
    graph_error error_;
};

}  // namespace llmnas
