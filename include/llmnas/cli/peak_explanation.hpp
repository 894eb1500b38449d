// SPDX-License-Identifier: MIT
/// \file
/// What a peak is made of: the buffers with their addresses, and the parts of a plan.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <boost/hana/unpack.hpp>

#include <llmnas/cli/memory_picture.hpp>
#include <llmnas/cli/operator_table.hpp>
#include <llmnas/cli/terminal.hpp>
#include <llmnas/cli/text_table.hpp>
#include <llmnas/cli/units.hpp>
#include <llmnas/core/graph.hpp>
#include <llmnas/cost/memory/plan.hpp>
#include <llmnas/cost/memory_layout.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/search/gate.hpp>

namespace llmnas::cli {

/// `stage 2 block 1 expand, 64x80x80`: the operator that writes a map, and the map's shape.
[[nodiscard]] inline std::string map_text(const graph_view& g, std::int32_t tensor) {
    const std::string writer =
        tensor == 0 ? "network's input" : place_of(g.ops[static_cast<std::size_t>(tensor) - 1].from);
    return writer + ", " + shape_text(g.shape_of(tensor));
}

/// The buffers at a peak by their offsets: what they hold, which earlier ones they share bytes with, and a bar of the
/// addresses.
[[nodiscard]] inline std::string buffer_table(const graph_view& g, const memory_layout& layout,
                                              const terminal_style& style) {
    std::vector<memory_buffer> buffers(layout.buffers().begin(), layout.buffers().end());
    std::stable_sort(buffers.begin(), buffers.end(),
                     [](const memory_buffer& a, const memory_buffer& b) { return a.offset < b.offset; });
    text_table table({{"#"},
                      {"offset"},
                      {"bytes"},
                      {"kind", align::left},
                      {"what", align::left},
                      {"shares", align::left},
                      {"address", align::left}});
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        const memory_buffer& b = buffers[i];
        std::string what = b.rows > 0 ? fmt::format("{} row{} of ", b.rows, b.rows == 1 ? "" : "s") : "";
        if (b.tensor >= 0) what += map_text(g, b.tensor);
        std::string shared;
        for (std::size_t k = 0; k < i; ++k)
            if (buffers[k].end() > b.offset)
                shared += fmt::format("{}{} B with #{}", shared.empty() ? "" : ", ",
                                      grouped(std::min(buffers[k].end(), b.end()).value - b.offset.value), k + 1);
        table.add({fmt::format("{}", i + 1), grouped(b.offset.value), grouped(b.size.value),
                   std::string(name_of(b.kind)), what, shared,
                   address_bar(b.offset, b.end(), layout.end(), 24, style.unicode)});
    }
    return table.text();
}

/// The plan of a built-in model that plans; nothing of the others, or where the model does not cover the network.
[[nodiscard]] inline std::optional<memory_plan> plan_by(std::string_view model, const graph_view& g) {
    std::optional<memory_plan> plan;
    boost::hana::unpack(memory_models, [&](auto... models) {
        const auto look = [&](auto type) {
            using Model = typename decltype(type)::type;
            if constexpr (requires { Model::plan(g); })
                if (Model::name == model && coverage_of(Model{}, g).complete()) plan = Model::plan(g);
        };
        (look(models), ...);
    });
    return plan;
}

/// Bytes that are moved at the start of each part; their sum is memory_plan::moved.
[[nodiscard]] inline std::vector<bytes> moved_by_part(const memory_plan& plan) {
    std::map<std::int32_t, bytes> offsets;  // of the maps that exist; the input comes to where the first part has it
    std::vector<bytes> moved;
    for (const plan_part& p : plan.parts()) {
        bytes here;
        std::map<std::int32_t, bytes> left;
        for (const memory_buffer& b : plan.buffers(p)) {
            const bool is_map = b.kind == buffer_kind::map;
            if (!is_map && b.tensor != p.y) continue;  // the sums of a global pooling stand for its map
            const auto before = offsets.find(b.tensor);
            if (is_map && before != offsets.end() && before->second != b.offset) here += b.size;
            left[b.tensor] = b.offset;
        }
        offsets = std::move(left);
        moved.push_back(here);
    }
    return moved;
}

/// MACs that a part does a second time: what a block does up to its pooling, in a part of two passes.
[[nodiscard]] inline macs recomputed_by(const graph_view& g, const plan_part& p) {
    macs sum;
    if (p.kind != part_kind::two_pass) return sum;
    for (std::int32_t i = p.first; i <= p.last; ++i) {
        const op& o = g.ops[static_cast<std::size_t>(i)];
        if (o.kind == op_kind::global_avg_pool) break;
        sum += mac_count::of(o);
    }
    return sum;
}

/// The parts of a plan: operators, how they run, bytes; moved bytes and MACs done twice. `>` marks parts as large as
/// the peak.
[[nodiscard]] inline std::string plan_table(const graph_view& g, const memory_plan& plan) {
    text_table table({{"part"},
                      {"operators", align::left},
                      {"from", align::left},
                      {"to", align::left},
                      {"kind", align::left},
                      {"bytes"},
                      {"moved B"},
                      {"MACs twice"}});
    const std::vector<bytes> moved = moved_by_part(plan);
    for (std::size_t k = 0; k < plan.part_count; ++k) {
        const plan_part& p = plan.parts()[k];
        const auto place = [&](std::int32_t i) { return place_of(g.ops[static_cast<std::size_t>(i)].from); };
        table.add({fmt::format("{}{}", p.size == plan.peak.size ? "> " : "", k + 1),
                   p.first == p.last ? fmt::format("{}", p.first + 1) : fmt::format("{}-{}", p.first + 1, p.last + 1),
                   place(p.first), p.first == p.last ? "" : place(p.last), std::string(name_of(p.kind)),
                   grouped(p.size.value), moved[k].value > 0 ? grouped(moved[k].value) : "",
                   p.kind == part_kind::two_pass ? grouped(recomputed_by(g, p).value) : ""});
    }
    return table.text();
}

}  // namespace llmnas::cli
