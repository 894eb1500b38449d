// SPDX-License-Identifier: MIT
/// \file
/// Names of a network's weights, from the origin of its operators alone: those of the paper's published weights, and
/// analogous ones for every other network. No torch.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/graph.hpp>

namespace llmnas {

/// Module paths of one operator's weights: `{weights}.weight`, `{weights}.bias`, and for its batch norm
/// `{norm}.weight`, `{norm}.bias`, `{norm}.running_mean`, `{norm}.running_var`, `{norm}.num_batches_tracked`.
struct parameter_paths {
    std::string weights;  ///< empty for an operator without weights
    std::string norm;     ///< empty without batch norm
    friend bool operator==(const parameter_paths&, const parameter_paths&) = default;
};

namespace detail {

/// What stands before the position of an operator in its sequence: `layers.1.layers.0.conv`.
inline std::string sequence_of(const origin& o) {
    const std::string block =
        o.stage == origin::outside ? std::string{} : fmt::format("layers.{}.layers.{}.", o.stage, o.block);
    switch (o.role) {
        case role::skip_proj:
            return block + "res_proj";
        case role::classifier:
            return block + "classifier";
        case role::stem:
            return block + "stem";
        case role::head_conv:
            return block + "head";
        default:
            return block + "conv";
    }
}

}  // namespace detail

/// Module paths of one operator. Names follow the published weights (spec: `layers.S.layers.B.conv.{slot}` with the
/// batch norm in the next slot, `conv.{slot}.se.1` and `.se.3`, `res_proj.0` and `.1`, `classifier`); a stem and a head
/// convolution are `stem.0`, `head.0` with their batch norm in `.1`. Other convolutions outside of all stages:
/// `conv.{slot}`.
[[nodiscard]] inline parameter_paths parameter_paths_of(const op& o) {
    if (!o.has_weights()) return {};
    const std::string sequence = detail::sequence_of(o.from);
    switch (o.from.role) {
        case role::se_reduce:
            return {fmt::format("{}.{}.se.1", sequence, o.from.slot), {}};
        case role::se_expand:
            return {fmt::format("{}.{}.se.3", sequence, o.from.slot), {}};
        case role::classifier:
            return {sequence, o.batch_norm ? sequence + "_norm" : ""};
        case role::skip_proj:
        case role::stem:
        case role::head_conv:
            return {sequence + ".0", o.batch_norm ? sequence + ".1" : ""};
        default:
            return {fmt::format("{}.{}", sequence, o.from.slot),
                    o.batch_norm ? fmt::format("{}.{}", sequence, o.from.slot + 1) : ""};
    }
}

/// Module paths of all operators, in order. A name that an earlier operator has taken (two projections in one block,
/// two classifiers) gets `_2`, `_3`, ... behind its sequence, so that names are unique in every network.
[[nodiscard]] inline std::vector<parameter_paths> parameter_paths_of(const graph_view& net) {
    std::vector<parameter_paths> paths;
    std::set<std::string> taken;
    paths.reserve(net.ops.size());
    for (const op& o : net.ops) {
        parameter_paths p = parameter_paths_of(o);
        if (!p.weights.empty()) {
            const parameter_paths wanted = p;
            const std::size_t sequence = detail::sequence_of(o.from).size();
            const auto is_taken = [&] {
                return taken.contains(p.weights) || (!p.norm.empty() && taken.contains(p.norm));
            };
            for (int n = 2; is_taken(); ++n) {
                p.weights =
                    fmt::format("{}_{}{}", wanted.weights.substr(0, sequence), n, wanted.weights.substr(sequence));
                if (!wanted.norm.empty())
                    p.norm = fmt::format("{}_{}{}", wanted.norm.substr(0, sequence), n, wanted.norm.substr(sequence));
            }
            taken.insert(p.weights);
            if (!p.norm.empty()) taken.insert(p.norm);
        }
        paths.push_back(std::move(p));
    }
    return paths;
}

/// Names of all tensors of the network's state dict, parameters and buffers, in the order of the operators.
[[nodiscard]] inline std::vector<std::string> state_names_of(const graph_view& net) {
    std::vector<std::string> names;
    const std::vector<parameter_paths> paths = parameter_paths_of(net);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (paths[i].weights.empty()) continue;
        names.push_back(paths[i].weights + ".weight");
        if (net.ops[i].bias) names.push_back(paths[i].weights + ".bias");
        if (paths[i].norm.empty()) continue;
        for (const char* part : {".weight", ".bias", ".running_mean", ".running_var", ".num_batches_tracked"})
            names.push_back(paths[i].norm + part);
    }
    return names;
}

}  // namespace llmnas
