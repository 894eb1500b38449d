// SPDX-License-Identifier: MIT
// Plans take no more than they need: a correct plan with one row less in a ring or delay, one byte less in another
// buffer, or its input more than one row of the output closer, fails when it is executed.
#include <algorithm>
#include <cstdint>
#include <string>

#include <boost/hana/for_each.hpp>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/zoo/list.hpp>

#include "support/catch.hpp"
#include "support/memory_simulator.hpp"
#include "support/random_networks.hpp"

using namespace llmnas;

namespace {

bool runs(const graph_view& g, const memory_plan& plan, bool kernel_scratch) {
    try {
        static_cast<void>(memory_simulation::simulate(g, plan, kernel_scratch));
        return true;
    } catch (const memory_simulation::failure&) {
        return false;
    }
}

/// A ring has min(k, H) rows. A window of a small map, wide and with a stride, may reach over the edges everywhere and
/// never cover so many; the row that is left over is not worth the search for it.
bool never_full(const graph_view& g, const plan_part& p, const memory_buffer& ring) {
    for (std::int32_t i = p.first; i <= p.last; ++i) {
        const op& o = g.ops[static_cast<std::size_t>(i)];
        if (g.inputs_of(o)[0] != ring.tensor || !memory_simulation::has_window(o)) continue;
        std::int32_t most = 0;
        for (std::int32_t r = 0; r < o.out.height; ++r) {
            std::int32_t rows = 0;
            memory_simulation::for_each_window_row(o, r, 0, [&](auto, auto, auto) { ++rows; });
            most = std::max(most, rows);
        }
        if (most == ring.rows) return false;
    }
    return true;
}

struct tried {
    int buffers = 0, never_full = 0, distances = 0;
};

/// The buffer of a plan that could be smaller, or nothing.
template <class Model>
std::string slack(const graph_view& g, tried& count) {
    memory_plan plan = Model::plan(g);
    REQUIRE(runs(g, plan, Model::options.kernel_scratch));
    for (const plan_part& p : plan.parts())
        for (std::int32_t k = p.first_buffer; k < p.first_buffer + p.buffer_count; ++k) {
            memory_buffer& b = plan.buffer_storage[k];
            const memory_buffer before = b;
            const bool by_rows = p.kind == part_kind::streamed || p.kind == part_kind::two_pass;
            if (b.kind == buffer_kind::map) {
                // Where the whole x stays, it lies behind y.
                if (!by_rows || b.tensor != p.x || p.x_arrives || g.last_use(p.x) > p.last) continue;
                const memory_buffer y = plan.map(p, p.y);
                const shape& s = g.shape_of(p.y);
                // By rows: all of y's row r lies before the first row of x that is needed at its end. At its beginning
                // that row of x is still whole, so that at most one row of y is given away.
                const std::uint64_t row = static_cast<std::uint64_t>(s.width) * static_cast<std::uint64_t>(s.channels);
                if (b.offset.value < y.offset.value + row + 1) continue;
                b.offset.value -= row + 1;
                ++count.distances;
            } else {
                if ((b.kind == buffer_kind::ring || b.kind == buffer_kind::delay) && b.rows > 1) {
                    if (b.kind == buffer_kind::ring && never_full(g, p, b) && !(p.x_arrives && b.tensor == p.x)) {
                        ++count.never_full;
                        continue;
                    }
                    b.size.value -= b.size.value / static_cast<std::uint64_t>(b.rows);
                    --b.rows;
                } else {
                    --b.size.value;
                }
                ++count.buffers;
            }
            if (runs(g, plan, Model::options.kernel_scratch))
                return std::string(Model::name) + ": " + std::string(name_of(b.kind)) + " of t" +
                       std::to_string(b.tensor) + " in the part of operators " + std::to_string(p.first) + " to " +
                       std::to_string(p.last);
            b = before;
        }
    return {};
}

tried shorten_random_networks(std::uint64_t seed, int count, std::int64_t largest) {
    splitmix64 rng{seed};
    tried all;
    for (int legal = 0; legal < count;) {
        const auto net = random_networks::draw(rng, 8, largest);
        const dynamic_graph graph(net);
        if (graph.error()) continue;
        ++legal;
        const graph_view g = graph.view();
        const std::string text =
            slack<planned<>>(g, all) + slack<planned_rows>(g, all) + slack<planned_rows_two_pass>(g, all) +
            slack<planned<plan_options{.kernel_scratch = true}>>(g, all) + slack<streamed_prefix_rows>(g, all);
        if (!text.empty()) FAIL(text << "\n" << random_networks::text(net));
    }
    return all;
}

}  // namespace

TEST_CASE("plans are tight: less of any buffer fails, 30 random networks", "[cost][memory]") {
    const tried all = shorten_random_networks(201, 30, 14);
    CHECK(all.buffers > 3'000);
    CHECK(all.distances > 30);
    CHECK(all.never_full * 20 < all.buffers);
}

TEST_CASE("plans are tight: less of any buffer fails, published designs", "[cost][memory]") {
    tried all;
    boost::hana::for_each(zoo::entries, [&](auto e) {
        using entry = typename decltype(e)::type;
        const dynamic_graph graph(entry::design);
        INFO(entry::name);
        CHECK(slack<planned<>>(graph.view(), all) == "");
    });
    CHECK(all.buffers > 400);
}

TEST_CASE("plans are tight: less of any buffer fails, 400 random networks", "[.long][cost][memory]") {
    CHECK(shorten_random_networks(202, 400, 32).buffers > 40'000);
}
