// SPDX-License-Identifier: MIT
/// \file
/// What a lowered network has, stage by stage, in the terms of explanations. Read from the operators, so that the facts
/// are of the network that exists: a field without effect (the expansion of a depthwise block) is not there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <llmnas/core/graph.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/memory_model_list.hpp>

namespace llmnas {

/// One stage. Nothing where the stage has no such thing or no single value of it.
struct stage_facts {
    std::optional<std::int32_t> kernel_size;
    std::optional<double> expansion_factor;  ///< nothing: no expansion convolution
    std::optional<std::int32_t> stride;
    std::optional<bool> use_se;
    std::vector<std::pair<std::int32_t, std::int32_t>> se_channels;  ///< channels and hidden channels, block by block
    std::optional<activation_kind> activation;
    std::optional<bool> residual;  ///< at least one block adds its input
    std::int32_t output_channels = 0;
    std::int32_t num_layers = 0;
    std::string_view conv_type;          ///< `depthwise`, `mbconv`; empty: of another kind
    bool depthwise_convolution = false;  ///< at least one
    macs mac_count;
    params parameters;
    bytes flash;
    bytes sram;  ///< the most that the memory model takes while an operator of the stage runs
};

/// A network: its stages and its costs as a whole (which hold stem, head and classifier too).
struct network_facts {
    std::vector<stage_facts> stages;
    costs total;
    std::string memory_model;
    bool memory_covered = true;  ///< the memory model judges this network
};

namespace claim_grammar {

/// One value for all, nothing where they differ or there is none.
template <class T>
class single_value {
public:
    void add(const T& v) {
        if (!seen_)
            value_ = v;
        else if (value_ && !(*value_ == v))
            value_.reset();
        seen_ = true;
    }
    [[nodiscard]] const std::optional<T>& value() const { return value_; }

private:
    bool seen_ = false;
    std::optional<T> value_;
};

/// Gathers the operators of one stage.
class stage_gatherer {
public:
    void add(const op& o, bytes sram) {
        const bool is_new = o.from.block != block_ || facts_.num_layers == 0;
        if (is_new) begin_block(o.from.block);
        facts_.output_channels = o.out.channels;
        facts_.mac_count += mac_count::of(o);
        facts_.parameters += parameter_count::of(o);
        facts_.flash += int8_flash::of(o);
        facts_.sram = std::max(facts_.sram, sram);
        if (o.kind == op_kind::scale) ++scales_;
        switch (o.from.role) {
            case role::expand:
                expansions_.add(static_cast<double>(o.out.channels) / o.in.channels);
                has_expand_ = true;
                break;
            case role::se_reduce:
                facts_.se_channels.emplace_back(o.in.channels, o.out.channels);
                ++se_blocks_;
                return;
            case role::se_pool:
            case role::se_expand:
            case role::se_scale:
                return;
            case role::skip_add:
                facts_.residual = true;
                break;
            case role::skip_proj:
                return;
            case role::depthwise:
            case role::project:
                break;
            default:
                known_form_ = false;
        }
        if (o.kind == op_kind::avg_pool || o.kind == op_kind::max_pool) pools_ = true;
        if (o.activation != activation_kind::none) activations_.add(o.activation);
        if (o.kind == op_kind::conv && (o.from.role == role::depthwise || o.from.role == role::main)) {
            facts_.depthwise_convolution = facts_.depthwise_convolution || o.is_depthwise();
            if (o.kernel_h != o.kernel_w) square_ = false;
            if (o.kernel_h > 1) kernels_.add(o.kernel_h);
        }
        if (o.kind == op_kind::conv || o.kind == op_kind::max_pool) stride_ *= o.stride_h;
    }

    [[nodiscard]] stage_facts finish() {
        if (square_) facts_.kernel_size = kernels_.value();
        if (has_expand_) facts_.expansion_factor = expansions_.value();
        end_block();
        facts_.stride = strides_;
        if (scales_ != se_blocks_ || (se_blocks_ > 0 && se_blocks_ < facts_.num_layers))  // gates of another kind
            facts_.use_se.reset();
        else
            facts_.use_se = se_blocks_ > 0;
        facts_.activation = activations_.value();
        if (!facts_.residual) facts_.residual = false;
        if (pools_) facts_.residual.reset();  // sums of another kind
        if (known_form_) facts_.conv_type = has_expand_ ? "mbconv" : "depthwise";
        return std::move(facts_);
    }

private:
    void begin_block(std::int16_t block) {
        if (facts_.num_layers > 0) end_block();
        block_ = block;
        stride_ = 1;
        ++facts_.num_layers;
    }
    /// A stage's stride is its first block's; the others have 1.
    void end_block() {
        if (facts_.num_layers == 1) strides_ = stride_;
    }

    stage_facts facts_;
    std::int16_t block_ = 0;
    std::int32_t stride_ = 1;
    std::int32_t strides_ = 1;
    std::int32_t se_blocks_ = 0;
    std::int32_t scales_ = 0;
    bool has_expand_ = false, known_form_ = true, pools_ = false, square_ = true;
    single_value<std::int32_t> kernels_;
    single_value<double> expansions_;
    single_value<activation_kind> activations_;
};

}  // namespace claim_grammar

/// Facts of a network under a memory model. Stages are numbered as the operators say; at most 64 of them are read.
[[nodiscard]] inline network_facts facts_of(const graph_view& g, const any_memory_model& memory = {}) {
    constexpr std::int16_t most = 64;
    network_facts facts;
    facts.total = evaluate(g, memory);
    facts.memory_model = std::string(memory.name);
    facts.memory_covered = memory.covers(g).complete();
    std::vector<bytes> usage(g.ops.size());
    if (facts.memory_covered) memory.usage(g, usage);

    std::vector<claim_grammar::stage_gatherer> stages;
    for (std::size_t i = 0; i < g.ops.size(); ++i) {
        const op& o = g.ops[i];
        if (o.from.stage < 0 || o.from.stage >= most) continue;
        const auto s = static_cast<std::size_t>(o.from.stage);
        if (stages.size() <= s) stages.resize(s + 1);
        stages[s].add(o, usage[i]);
    }
    for (auto& s : stages) facts.stages.push_back(s.finish());
    return facts;
}

}  // namespace llmnas
