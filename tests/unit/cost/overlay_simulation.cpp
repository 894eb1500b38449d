// SPDX-License-Identifier: MIT
// Memory model d on addresses: one operator runs in an arena of max(out, D + in) bytes and a pixel, and every byte that
// it reads is checked. D as claimed passes, one byte less fails.
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/core/random.hpp>
#include <llmnas/cost/memory/overlaid.hpp>

#include "support/catch.hpp"
#include "support/operator_simulator.hpp"
#include "support/rounds.hpp"

using namespace llmnas;
using memory_simulation::i64;

namespace {

struct lone_conv {
    shape input;
    op_kind kind = op_kind::conv;
    conv_attributes attributes{};

    void lower(graph_builder& g) const {
        if (kind == op_kind::conv) g.conv(g.input(), role::main, attributes);
        if (kind == op_kind::avg_pool) g.avg_pool(g.input(), attributes);
        if (kind == op_kind::max_pool) g.max_pool(g.input(), attributes);
    }
};

lone_conv random_operator(splitmix64& rng, std::int32_t extent) {
    const auto between = [&](std::int32_t a, std::int32_t b) {
        return a + static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(b - a + 1)));
    };
    lone_conv n{.input = {between(1, 9), between(1, extent), between(1, extent)}};
    conv_attributes& a = n.attributes;
    a.out_channels = between(1, 9);
    a.kernel_h = between(1, 7), a.kernel_w = rng.below(3) == 0 ? between(1, 7) : a.kernel_h;
    a.stride_h = between(1, 3), a.stride_w = rng.below(4) == 0 ? between(1, 3) : a.stride_h;
    switch (rng.below(4)) {
        case 0:
            a.pad = {a.kernel_h / 2, a.kernel_h / 2, a.kernel_w / 2, a.kernel_w / 2};
            break;
        case 1:
            a.pad = same_padding(n.input, a.kernel_h, a.kernel_w, a.stride_h, a.stride_w);
            break;
        case 2:
            a.pad = {between(0, a.kernel_h - 1), between(0, a.kernel_h - 1), between(0, a.kernel_w - 1),
                     between(0, a.kernel_w - 1)};
            break;
        default:
            break;
    }
    switch (rng.below(6)) {
        case 0:  // depthwise
            a.groups = a.out_channels = n.input.channels;
            break;
        case 1:
            n.kind = op_kind::avg_pool;
            break;
        case 2:
            n.kind = op_kind::max_pool;
            break;
        case 3:  // pointwise
            a = {.out_channels = a.out_channels, .stride_h = a.stride_h, .stride_w = a.stride_w};
            break;
        case 4: {  // grouped, perhaps with several output channels for each input channel
            const std::int32_t groups = between(2, 4);
            n.input.channels = groups * between(1, 3);
            a.out_channels = groups * between(1, 3);
            a.groups = rng.below(2) == 0 ? groups : n.input.channels;
            if (a.out_channels % a.groups != 0) a.out_channels = a.groups;
            break;
        }
        default:
            break;
    }
    return n;
}

/// max over pixels t of (t + 1) * Co - A(t), A(t) the first input byte that a later pixel reads.
i64 literal_pixel_distance(const op& o) {
    i64 distance = 0, needed = -1;  // nothing behind the last pixel
    for (i64 t = i64{o.out.height} * o.out.width - 1; t >= 0; --t) {
        if (needed >= 0) distance = std::max(distance, (t + 1) * o.out.channels - needed);
        memory_simulation::for_each_window_row(o, t / o.out.width, t % o.out.width, [&](i64 row, i64 first, i64) {
            const i64 begin = (row * o.in.width + first) * o.in.channels;
            needed = needed < 0 ? begin : std::min(needed, begin);
        });
    }
    return distance;
}

/// What goes wrong where the input lies `distance` behind the output.
std::optional<std::string> run_overlaid(const graph_view& g, i64 distance) {
    const op& o = g.ops[0];
    const i64 in = memory_simulation::size_of(o.in), out = memory_simulation::size_of(o.out);
    const i64 maps = std::max(out, distance + in), copy = detail::pixel_copy(o);
    const auto at = [](buffer_kind kind, std::int32_t tensor, i64 offset, i64 size) {
        return memory_buffer{kind, tensor, 0, bytes{static_cast<std::uint64_t>(offset)},
                             bytes{static_cast<std::uint64_t>(size)}};
    };
    memory_simulation::machine m(g, static_cast<std::size_t>(maps + copy));
    const std::array inputs{at(buffer_kind::map, 0, distance, in)};
    const memory_buffer output = at(buffer_kind::map, 1, 0, out);
    m.write(inputs[0], 0, 0, 0, 0, 0, in);
    try {
        memory_simulation::whole_operator(m, 0, inputs, output, at(buffer_kind::pixel, -1, maps, copy)).run();
        m.read(output, 0, 1, 0, 0, 0, out);
    } catch (const memory_simulation::failure& f) {
        return f.what();
    }
    return {};
}

std::string describe(const op& o) {
    const auto s = [](const shape& x) {
        return std::to_string(x.channels) + "x" + std::to_string(x.height) + "x" + std::to_string(x.width);
    };
    return std::string(name_of(o.kind)) + " " + s(o.in) + " -> " + s(o.out) + " kernel " + std::to_string(o.kernel_h) +
           "x" + std::to_string(o.kernel_w) + " stride " + std::to_string(o.stride_h) + "x" +
           std::to_string(o.stride_w) + " padding " + std::to_string(o.pad.top) + " " + std::to_string(o.pad.bottom) +
           " " + std::to_string(o.pad.left) + " " + std::to_string(o.pad.right) + " groups " + std::to_string(o.groups);
}

}  // namespace

TEST_CASE("overlay: one operator reads every byte before it is overwritten, and one byte less fails",
          "[cost][memory]") {
    splitmix64 rng{11};
    int legal = 0, tight = 0;
    while (legal < rounds(100'000)) {
        const dynamic_graph net(random_operator(rng, 18));
        if (net.error()) continue;
        ++legal;
        const graph_view g = net.view();
        const op& o = g.ops[0];
        const i64 distance = detail::pixel_distance(o);
        if (distance != literal_pixel_distance(o))
            FAIL(describe(o) << ": D " << distance << ", over all pixels " << literal_pixel_distance(o));
        if (const auto wrong = run_overlaid(g, distance)) FAIL(describe(o) << " at D " << distance << ": " << *wrong);
        if (distance == 0) continue;
        ++tight;
        if (!run_overlaid(g, distance - 1)) FAIL(describe(o) << ": D " << distance << " is not minimal");
    }
    CHECK(tight > rounds(30'000));
}

TEST_CASE("overlay: the distance by pixels is the maximum over all pixels of larger maps", "[cost][memory]") {
    splitmix64 rng{13};
    for (int n = 0; n < rounds(20'000); ++n) {
        const dynamic_graph net(random_operator(rng, 64));
        if (net.error()) continue;
        const op& o = net.view().ops[0];
        if (detail::pixel_distance(o) != literal_pixel_distance(o))
            FAIL(describe(o) << ": D " << detail::pixel_distance(o) << ", over all pixels "
                             << literal_pixel_distance(o));
    }
    SUCCEED();
}

TEST_CASE("overlay: the distance by rows is the maximum over all rows", "[cost][memory]") {
    splitmix64 rng{12};
    const auto between = [&](i64 a, i64 b) {
        return a + static_cast<i64>(rng.below(static_cast<std::uint64_t>(b - a + 1)));
    };
    for (int n = 0; n < rounds(200'000); ++n) {
        const detail::row_need need{between(-20, 20), between(1, 12), between(0, 24)};
        const i64 output_row = between(1, 300), input_row = between(1, 300);
        i64 distance = 0;
        for (i64 r = 0; r < need.rows; ++r)
            distance = std::max(distance, (r + 1) * output_row - input_row * std::max<i64>(0, need.a + need.b * r));
        if (detail::row_distance(output_row, input_row, need) != distance)
            FAIL("rows of " << output_row << " and " << input_row << ", need " << need.a << " + " << need.b << " r, "
                            << need.rows << " rows");
    }
    SUCCEED();
}
