// SPDX-License-Identifier: MIT
// The buffers that models a to e name at their peak: all maps that are needed then, apart except where the model says
// so, up to the peak; and the operator or block of the peak runs in them. Model b equals a greedy planner written here.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/hana/for_each.hpp>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/zoo/list.hpp>

#include "support/catch.hpp"
#include "support/memory_simulator.hpp"
#include "support/random_graphs.hpp"
#include "support/random_networks.hpp"
#include "support/rounds.hpp"

using namespace llmnas;
using memory_simulation::failure;
using memory_simulation::i64;
using memory_simulation::size_of;

namespace {

i64 begin(const memory_buffer& b) { return static_cast<i64>(b.offset.value); }
i64 length(const memory_buffer& b) { return static_cast<i64>(b.size.value); }
std::string name_of(const memory_buffer& b) {
    return std::string(name_of(b.kind)) + " of t" + std::to_string(b.tensor);
}

memory_buffer find(const memory_layout& l, buffer_kind kind, std::int32_t tensor) {
    for (const memory_buffer& b : l.buffers())
        if (b.kind == kind && (b.tensor == tensor || kind != buffer_kind::map)) return b;
    return {};
}

/// Buffers that end at the peak, maps of the right size, and no two that share bytes except y and `overwritten`.
void check_buffers(const graph_view& g, const memory_layout& l, std::int32_t y, std::int32_t overwritten) {
    if (!l.complete) throw failure("too many buffers");
    if (l.end() != l.peak.size) throw failure("ends at " + std::to_string(l.end().value));
    for (const memory_buffer& a : l.buffers()) {
        if (a.kind == buffer_kind::map && length(a) != size_of(g.shape_of(a.tensor)))
            throw failure("size of " + name_of(a));
        for (const memory_buffer& b : l.buffers()) {
            if (&a >= &b || !memory_simulation::overlap(begin(a), length(a), begin(b), length(b))) continue;
            const bool maps = a.kind == buffer_kind::map && b.kind == buffer_kind::map;
            if (maps && std::min(a.tensor, b.tensor) == overwritten && std::max(a.tensor, b.tensor) == y) continue;
            throw failure(name_of(a) + " and " + name_of(b) + " share bytes");
        }
    }
}

/// Operators first to last, which make map y, run in the buffers; what they and later ones need is there.
template <class F>
void run_in(const graph_view& g, const memory_layout& l, std::int32_t first, std::int32_t last, F&& run) {
    memory_simulation::machine m(g, static_cast<std::size_t>(l.peak.size.value));
    const std::int32_t y = last + 1;
    std::vector<std::int32_t> needed;
    for (std::int32_t t = 0; t <= first; ++t)
        if (g.last_use(t) >= first) needed.push_back(t);
    std::size_t maps = 0;
    for (const memory_buffer& b : l.buffers()) maps += b.kind == buffer_kind::map ? 1 : 0;
    if (maps != needed.size() + 1)
        throw failure(std::to_string(maps) + " maps, needed " + std::to_string(needed.size() + 1));
    const auto place = [&](std::int32_t t) {
        const memory_buffer b = find(l, buffer_kind::map, t);
        if (length(b) == 0) throw failure("t" + std::to_string(t) + " is missing");
        return b;
    };
    for (const std::int32_t t : needed) m.write(place(t), 0, t, 0, 0, 0, size_of(g.shape_of(t)));
    run(m);
    m.read(place(y), 0, y, 0, 0, 0, size_of(g.shape_of(y)));
    for (const std::int32_t t : needed)
        if (g.last_use(t) > last) m.read(place(t), 0, t, 0, 0, 0, size_of(g.shape_of(t)));
}

/// The operator of the peak alone, its output perhaps over one input.
void run_operator(const graph_view& g, const memory_layout& l, bool may_overlay, bool in_place) {
    const std::int32_t i = l.peak.at, y = i + 1;
    const op& o = g.ops[static_cast<std::size_t>(i)];
    std::vector<memory_buffer> inputs;
    std::int32_t overwritten = -1;
    const memory_buffer output = find(l, buffer_kind::map, y);
    for (const std::int32_t t : g.inputs_of(o)) {
        inputs.push_back(find(l, buffer_kind::map, t));
        if (may_overlay && g.last_use(t) == i &&
            memory_simulation::overlap(begin(inputs.back()), length(inputs.back()), begin(output), length(output)))
            overwritten = t;
    }
    check_buffers(g, l, y, overwritten);
    run_in(g, l, i, i, [&](memory_simulation::machine& m) {
        memory_simulation::whole_operator run(m, static_cast<std::size_t>(i), inputs, output,
                                              find(l, buffer_kind::pixel, -1));
        if (in_place && overwritten >= 0)
            run.run_in_place(find(l, buffer_kind::scratch, -1));
        else
            run.run();
    });
}

/// The block of the peak by rows.
void run_block(const graph_view& g, const memory_layout& l) {
    detail::step_reader reader(g);
    detail::chain_step s{};
    while (reader.next(s))
        if (l.peak.at <= s.last) break;
    if (s.kind != detail::step_kind::block) return run_operator(g, l, true, false);
    check_buffers(g, l, s.y, s.x);
    const auto plan = std::make_unique<memory_plan>();
    plan->part_count = 1;
    plan->part_storage[0] = {
        .kind = part_kind::streamed, .first = s.first, .last = s.last, .x = s.x, .y = s.y, .size = {}};
    plan->part_storage[0].buffer_count = static_cast<std::int32_t>(l.count);
    std::copy(l.buffers().begin(), l.buffers().end(), plan->buffer_storage);
    run_in(g, l, s.first, s.last,
           [&](memory_simulation::machine& m) { memory_simulation::row_part(m, *plan, plan->part_storage[0]).run(); });
}

// --- model b
// ------------------------------------------------------------------------------------------------------------

struct lifetime {
    i64 size = 0;
    std::int32_t first = 0, last = 0;
    i64 offset = -1;
};

/// Maps in the order of their numbers, then scratch, as TFLite Micro's allocator lists them.
std::vector<lifetime> lifetimes_of(const graph_view& g) {
    const auto end = static_cast<std::int32_t>(g.ops.size()) - 1;
    std::vector<lifetime> all;
    const auto add = [&](i64 size, std::int32_t first, std::int32_t last) {
        if (size > 0) all.push_back({(size + 15) / 16 * 16, first, last});
    };
    for (std::int32_t t = 0; t <= end + 1; ++t)
        add(size_of(g.shape_of(t)), std::max(t - 1, 0), t == end + 1 ? end : g.last_use(t));
    for (std::int32_t i = 0; i <= end; ++i) {
        const op& o = g.ops[static_cast<std::size_t>(i)];
        const i64 k = i64{o.kernel_h} * o.kernel_w, c = o.in.channels / o.groups;
        if (o.kind == op_kind::avg_pool || o.kind == op_kind::global_avg_pool)
            add(4 * i64{o.in.channels}, i, i);
        else if (o.kind == op_kind::conv && k > 1 && o.is_depthwise())
            add(o.kernel_h == 3 && o.kernel_w == 3 ? 0 : 2 * k * o.in.channels, i, i);
        else if (o.kind == op_kind::conv && k > 1)
            add(2 * ((k * c + 3) / 4 * 4) * 2, i, i);
    }
    return all;
}

/// The greedy planner: largest first, each into the first gap between the placed ones that live at the same time.
i64 place(std::vector<lifetime>& all) {
    std::stable_sort(all.begin(), all.end(), [](const lifetime& a, const lifetime& b) { return a.size > b.size; });
    i64 end = 0;
    std::vector<const lifetime*> placed;
    for (lifetime& next : all) {
        std::vector<const lifetime*> around;
        for (const lifetime* p : placed)
            if (p->first <= next.last && next.first <= p->last) around.push_back(p);
        std::stable_sort(around.begin(), around.end(),
                         [](const lifetime* a, const lifetime* b) { return a->offset < b->offset; });
        i64 at = 0;
        for (const lifetime* p : around) {
            if (p->offset - at >= next.size) break;
            at = std::max(at, p->offset + p->size);
        }
        next.offset = at;
        placed.push_back(&next);
        end = std::max(end, at + next.size);
    }
    return end;
}

void check_arena(const graph_view& g) {
    const detail::greedy_arena planned(g);
    for (std::size_t a = 0; a < planned.count(); ++a) {
        const auto& x = planned[a];
        if (x.offset % 16 != 0 || x.size % 16 != 0) throw failure("alignment");
        for (std::size_t b = a + 1; b < planned.count(); ++b) {
            const auto& y = planned[b];
            if (x.first <= y.last && y.first <= x.last && x.offset < y.offset + y.size && y.offset < x.offset + x.size)
                throw failure("t" + std::to_string(x.tensor) + " and t" + std::to_string(y.tensor) + " share bytes");
        }
    }
    auto all = lifetimes_of(g);
    const i64 expected = place(all);
    if (static_cast<i64>(planned.size()) != expected)
        throw failure(std::to_string(planned.size()) + " bytes instead of " + std::to_string(expected));
    if (arena::peak(g).activations() < layerwise::peak(g).size) throw failure("less than all live maps");
}

/// All live maps are listed, apart from each other.
void check_layout_of_arena(const graph_view& g) {
    const memory_layout l = arena::layout(g);
    if (!l.complete || l.end() != l.peak.size || l.peak != arena::peak(g)) throw failure("layout");
    for (std::int32_t t = 0; t <= l.peak.at + 1; ++t) {
        const bool live = t == l.peak.at + 1 || g.last_use(t) >= l.peak.at;
        if (live != (length(find(l, buffer_kind::map, t)) > 0)) throw failure("t" + std::to_string(t));
    }
    for (const memory_buffer& a : l.buffers())
        for (const memory_buffer& b : l.buffers())
            if (&a < &b && memory_simulation::overlap(begin(a), length(a), begin(b), length(b)))
                throw failure(name_of(a) + " and " + name_of(b) + " share bytes");
}

/// What models a to e say wrongly of a network, or nothing.
std::string layout_errors(const graph_view& g) {
    std::string all;
    const auto check = [&](std::string_view name, auto&& f) {
        try {
            f();
        } catch (const failure& e) {
            all += std::string(name) + ": " + e.what() + "\n";
        }
    };
    const auto at_peak = [&](const memory_layout& l, auto&& f) {
        if (l.peak.at >= 0) return f(l);
        check_buffers(g, l, -1, -1);  // the input is the largest of all
    };
    check("a", [&] { at_peak(layerwise::layout(g), [&](auto& l) { run_operator(g, l, false, false); }); });
    check("b", [&] { check_layout_of_arena(g); });
    check("c", [&] { at_peak(in_place_depthwise::layout(g), [&](auto& l) { run_operator(g, l, true, true); }); });
    check("d", [&] { at_peak(overlaid::layout(g), [&](auto& l) { run_operator(g, l, true, false); }); });
    check("e", [&] { at_peak(fused_blocks::layout(g), [&](auto& l) { run_block(g, l); }); });
    return all;
}

}  // namespace

TEST_CASE("layouts: published designs at their peaks", "[cost][memory]") {
    boost::hana::for_each(zoo::entries, [](auto e) {
        using entry = typename decltype(e)::type;
        const dynamic_graph graph(entry::design);
        INFO(entry::name);
        CHECK_NOTHROW(check_arena(graph.view()));
        CHECK(layout_errors(graph.view()) == "");
    });
}

TEST_CASE("layouts: 500 random networks of the paper's space at their peaks, the arena of 2,000", "[cost][memory]") {
    splitmix64 rng{301};
    for (int legal = 0; legal < rounds(2'000);) {
        const auto net = random_networks::draw(rng, 8, 18);
        const dynamic_graph graph(net);
        if (graph.error()) continue;
        CHECK_NOTHROW(check_arena(graph.view()));
        if (++legal > 500) continue;
        if (const std::string text = layout_errors(graph.view()); !text.empty())
            FAIL(text << random_networks::text(net));
    }
}

TEST_CASE("layouts: 20,000 random graphs at their peaks", "[cost][memory]") {
    splitmix64 rng{302};
    for (int legal = 0; legal < rounds(20'000);) {
        const random_graph net = next_random_graph(rng, 14);
        const dynamic_graph graph(net);
        if (graph.error() || graph.view().ops.empty()) continue;
        ++legal;
        CHECK_NOTHROW(check_arena(graph.view()));
        if (const std::string text = layout_errors(graph.view()); !text.empty())
            FAIL(text << "seed " << net.seed << ", input " << net.input.channels << "x" << net.input.height << "x"
                      << net.input.width);
    }
}
