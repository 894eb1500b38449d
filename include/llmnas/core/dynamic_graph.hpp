// SPDX-License-Identifier: MIT
/// \file
/// A lowered network at run time, in storage that grows as needed. Not part of <llmnas/static.hpp>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <llmnas/core/network.hpp>

namespace llmnas {

/// Owns the operators of a network of any size. One object may lower many networks in turn: its storage is kept, and a
/// network that fits into it is lowered in one pass.
class dynamic_graph {
public:
    dynamic_graph() = default;
    template <LowersToOperators N>
    explicit dynamic_graph(const N& net) {
        lower(net);
    }

    /// Lowers another network in place of the one before; error() then says whether it was legal. The view of an
    /// illegal one is empty, with an input of one element. Views of the one before end.
    template <LowersToOperators N>
    void lower(const N& net) {
        input_ = net.input;
        if (!fill(net)) {
            used_ = measure(net, &error_);
            if (!error_) {
                if (ops_.size() < used_.ops) ops_.resize(used_.ops);
                if (inputs_.size() < used_.inputs) inputs_.resize(used_.inputs);
                fill(net);
            }
        }
        if (error_) used_ = {}, input_ = {};
    }

    [[nodiscard]] const graph_error& error() const noexcept { return error_; }
    [[nodiscard]] graph_view view() const noexcept {
        return {std::span(ops_).first(used_.ops), std::span(inputs_).first(used_.inputs), input_, input_last_use_};
    }

private:
    /// Whether the storage was large enough.
    template <LowersToOperators N>
    bool fill(const N& net) {
        graph_builder builder(net.input, ops_, inputs_);
        net.lower(builder);
        used_ = builder.size();
        input_last_use_ = builder.input_last_use();
        error_ = builder.error();
        return error_.code != graph_errc::capacity;
    }

    /// At first what most networks fit into, then what the largest one so far needed.
    std::vector<op> ops_ = std::vector<op>(64);
    std::vector<std::int32_t> inputs_ = std::vector<std::int32_t>(96);
    graph_size used_;
    shape input_;
    std::int32_t input_last_use_ = 0;
    graph_error error_;
};

}  // namespace llmnas
