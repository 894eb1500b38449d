// SPDX-License-Identifier: MIT
// What memory models do with sizes at and beyond the limits: illegal designs are refused by name before any model sees
// them, everything legal has a peak. Operators at random, of any kind and attributes, and networks of inverted
// bottlenecks; small ones against plain loops over their maps, the largest against sums of 128 bits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <boost/hana/unpack.hpp>

#include <llmnas/core/block_list.hpp>
#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/core/random.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/space/table1.hpp>

#include "support/catch.hpp"
#include "support/rounds.hpp"

using namespace llmnas;

namespace {

__extension__ using wide = __int128;  // no product of three extents, or sum of them, comes near its limit

wide bytes_of(const shape& s) { return wide{s.channels} * s.height * s.width; }

// --- illegal designs -------------------------------------------------------------------------------------------------

constexpr stage first_stage(auto change) {
    stage s{};
    change(s);
    return s;
}
constexpr architecture<1> with_stage(auto change) { return {.stages = {first_stage(change)}}; }

constexpr std::int32_t lowest = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t highest = std::numeric_limits<std::int32_t>::max();

struct refusal {
    architecture<1> net;
    graph_errc code;
};

constexpr refusal refused[] = {
    {{.input = {0, 160, 160}}, graph_errc::input_size},
    {{.input = {3, -1, 160}}, graph_errc::input_size},
    {{.input = {3, 160, 32769}}, graph_errc::input_size},
    {{.input = {highest, highest, highest}}, graph_errc::input_size},
    {{.input = {lowest, lowest, lowest}}, graph_errc::input_size},
    {{.classes = 0}, graph_errc::channels},
    {{.classes = lowest}, graph_errc::channels},
    {{.classes = 32769}, graph_errc::channels},
    {with_stage([](stage& s) { s.output_channels = 0; }), graph_errc::channels},
    {with_stage([](stage& s) { s.output_channels = 32769; }), graph_errc::channels},
    {with_stage([](stage& s) { s.output_channels = highest; }), graph_errc::channels},
    {with_stage([](stage& s) { s.num_layers = 0; }), graph_errc::layers},
    {with_stage([](stage& s) { s.num_layers = highest; }), graph_errc::layers},
    {with_stage([](stage& s) { s.kernel_size = 0; }), graph_errc::kernel_size},
    {with_stage([](stage& s) { s.kernel_size = -7; }), graph_errc::kernel_size},
    {with_stage([](stage& s) { s.kernel_size = 256; }), graph_errc::kernel_size},
    {with_stage([](stage& s) { s.kernel_size = highest; }), graph_errc::kernel_size},
    {with_stage([](stage& s) { s.stride = 0; }), graph_errc::stride},
    {with_stage([](stage& s) { s.stride = highest; }), graph_errc::stride},
    {with_stage([](stage& s) { s.expansion_factor = 0; }), graph_errc::expansion_factor},
    {with_stage([](stage& s) { s.expansion_factor = highest; }), graph_errc::expansion_factor},
    {with_stage([](stage& s) { s.expansion_factor = 10923; }), graph_errc::channels},  // 3 x 10,923 = 32,769
    {with_stage([](stage& s) {
         s.use_se = true, s.se_ratio = {1, 0};
     }),
     graph_errc::se_ratio},
    {with_stage([](stage& s) {
         s.use_se = true, s.se_ratio = {-1, 4};
     }),
     graph_errc::se_ratio},
    {with_stage([](stage& s) {
         s.use_se = true, s.se_ratio = {highest, 1};
     }),
     graph_errc::channels},
    {with_stage([](stage& s) { s.conv_type = {255}; }), graph_errc::block_type},
    // An even kernel adds a row and a column, so that the sum does not fit.
    {with_stage([](stage& s) { s.kernel_size = 4, s.skip_op = skip_kind::residual; }), graph_errc::shapes_differ},
};

constexpr bool refused_when_compiled() {
    for (const refusal& r : refused) {
        const auto g = lower_into<8, 8>(r.net);
        if (check(r.net).code != r.code || g.error.code != r.code) return false;
        if (layerwise::peak(g.view()).size.value > std::uint64_t{1} << 46) return false;  // whoever ignores the error
    }
    return true;
}
static_assert(refused_when_compiled());

// --- plain loops over any graph --------------------------------------------------------------------------------------

struct plain_models {
    wide a = 0, c = 0, d = 0;
    bool has_d = true;  // where maps are small enough to visit every pixel

    explicit plain_models(const graph_view& g) {
        if (g.ops.empty()) a = c = d = bytes_of(g.input);
        const auto count = static_cast<std::int32_t>(g.ops.size());
        std::vector<std::int32_t> last(g.ops.size() + 1, -1);
        for (std::int32_t i = 0; i < count; ++i)
            for (const std::int32_t t : g.inputs_of(at(g, i))) last[static_cast<std::size_t>(t)] = i;
        for (std::int32_t i = 0; i < count; ++i) {
            const op& o = at(g, i);
            const auto read = g.inputs_of(o);
            wide others = 0;  // what exists beside the first input and the output
            for (std::int32_t t = 0; t <= i; ++t)
                if (t != read[0] && (last[static_cast<std::size_t>(t)] >= i || (t == 0 && i == 0)))
                    others += bytes_of(g.shape_of(t));
            const wide in = bytes_of(o.in), out = bytes_of(o.out);
            const bool dies = last[static_cast<std::size_t>(read[0])] == i;
            const bool channelwise =
                o.kind == op_kind::conv && o.groups > 1 && o.groups == o.in.channels && o.in.channels == o.out.channels;
            a = std::max(a, others + in + out);
            c = std::max(c, others + (channelwise && dies ? std::max(in, out) : in + out));
            d = std::max(d, others + overlaid_alone(g, o, i, last, channelwise));
        }
    }

private:
    static const op& at(const graph_view& g, std::int32_t i) { return g.ops[static_cast<std::size_t>(i)]; }

    wide overlaid_alone(const graph_view& g, const op& o, std::int32_t i, const std::vector<std::int32_t>& last,
                        bool channelwise) {
        const wide in = bytes_of(o.in), out = bytes_of(o.out);
        const auto read = g.inputs_of(o);
        if (o.kind == op_kind::add || o.kind == op_kind::scale) {
            for (const std::int32_t t : read)
                if (last[static_cast<std::size_t>(t)] == i && g.shape_of(t) == o.out) return in;
            return in + out;
        }
        const bool pool = o.kind == op_kind::avg_pool || o.kind == op_kind::max_pool;
        if ((o.kind != op_kind::conv && !pool) || last[static_cast<std::size_t>(read[0])] != i) return in + out;
        if (in > 1 << 16 || out > 1 << 16) {
            has_d = false;
            return 0;
        }
        wide distance = 0, needed = -1;  // first input pixel that a later output pixel reads
        for (std::int64_t y = o.out.height - 1; y >= 0; --y)
            for (std::int64_t x = o.out.width - 1; x >= 0; --x) {
                if (needed >= 0)
                    distance = std::max(distance,
                                        wide{y * o.out.width + x + 1} * o.out.channels - needed * wide{o.in.channels});
                const wide first = std::max<std::int64_t>(0, y * o.stride_h - o.pad.top) * o.in.width +
                                   std::max<std::int64_t>(0, x * o.stride_w - o.pad.left);
                needed = needed < 0 ? first : std::min(needed, first);
            }
        const bool one_pixel = o.kernel_h == 1 && o.kernel_w == 1;
        const wide copy = channelwise || pool ? 0 : one_pixel ? o.in.channels : o.out.channels;
        return std::max(out, distance + in) + copy;
    }
};

// What is wrong with the peaks of a legal graph, or nothing.
std::string flaw(const graph_view& g) {
    std::string text;
    const auto expect = [&](bool holds, const char* what) {
        if (!holds) text += std::string(what) + "; ";
    };
    const auto maps = [&](auto model) { return wide{model.peak(g).activations().value}; };
    const plain_models plain(g);
    expect(maps(layerwise{}) == plain.a, "a");
    expect(maps(in_place_depthwise{}) == plain.c, "c");
    if (plain.has_d) expect(maps(overlaid{}) == plain.d, "d");
    wide sum = bytes_of(g.input);
    for (const op& o : g.ops) sum += bytes_of(o.out);
    if (arena::covers(g).complete()) {
        const wide slack = wide{16 + 4 * 255 * 255} * max_extent * static_cast<wide>(g.ops.size() + 1);  // scratch
        expect(maps(arena{}) >= plain.a && maps(arena{}) <= sum + slack, "b");
    }
    if (planned<>::covers(g).complete()) {
        const wide d = maps(overlaid{}), e = maps(fused_blocks{}), best = maps(planned<>{});
        expect(best <= d && best <= e, "g");
        expect(best <= maps(streamed_prefix<>{}), "f");
        expect(maps(planned<plan_options{.two_pass_se = true}>{}) <= best, "g, two passes");
        expect(best <= maps(planned_rows{}) + bytes_of(g.input), "g, rows");
        expect(maps(planned_rows_two_pass{}) <= maps(planned_rows{}), "g, rows, two passes");
        expect(maps(planned_rows{}) <= maps(streamed_prefix_rows{}), "f, rows");
    }
    boost::hana::unpack(memory_models, [&](auto... models) {
        const auto ends_at_peak = [&](auto model) {
            const memory_layout l = model.layout(g);
            return !coverage_of(model, g).complete() || !l.complete || l.end() == l.peak.size;
        };
        expect((ends_at_peak(typename decltype(models)::type{}) && ...), "layout");
    });
    return text;
}

// --- random graphs ---------------------------------------------------------------------------------------------------

// Any operators on any earlier maps, a pure function of its seed.
struct any_operators {
    shape input{};
    std::uint64_t seed = 0;
    bool large = false;

    void lower(graph_builder& g) const {
        splitmix64 rng{seed};
        std::vector<tensor> maps{g.input()};
        const std::int64_t count = rng.between(1, rng.below(50) == 0 ? 90 : 14);
        for (std::int64_t n = 0; n < count && !g.error(); ++n) {
            // Mostly the newest map: a network, not a heap of operators.
            const tensor x = rng.below(4) != 0 ? maps.back() : maps[rng.below(maps.size())];
            maps.push_back(append(g, rng, maps, x));
        }
    }

    static std::int32_t extent(splitmix64& rng, bool large) {
        if (!large) return static_cast<std::int32_t>(rng.between(1, 12));
        if (rng.below(3) == 0) return max_extent;
        return static_cast<std::int32_t>(rng.between(1, std::int64_t{1} << rng.between(0, 15)));
    }

private:
    [[nodiscard]] conv_attributes window(splitmix64& rng, const shape& x) const {
        const auto size = [&](std::int32_t most) {
            return static_cast<std::int32_t>(rng.between(1, std::min<std::int64_t>(large ? max_kernel : 7, most)));
        };
        conv_attributes a{.out_channels = extent(rng, large), .kernel_h = size(x.height), .kernel_w = size(x.width)};
        a.stride_h = size(large ? max_kernel : 3);
        a.stride_w = rng.below(2) == 0 ? a.stride_h : size(large ? max_kernel : 3);
        const auto pad = [&](std::int32_t k) { return static_cast<std::int32_t>(rng.between(0, k - 1)); };
        switch (rng.below(3)) {
            case 0:
                a.pad = {pad(a.kernel_h), pad(a.kernel_h), pad(a.kernel_w), pad(a.kernel_w)};
                break;
            case 1:
                a.pad = same_padding(x, a.kernel_h, a.kernel_w, a.stride_h, a.stride_w);
                break;
            default:
                break;
        }
        return a;
    }

    tensor append(graph_builder& g, splitmix64& rng, const std::vector<tensor>& maps, tensor x) const {
        conv_attributes a = window(rng, x.shape);
        switch (rng.below(12)) {
            case 0:
                return g.conv(x, role::main, a);
            case 1:
            case 2:
                a.out_channels = a.groups = x.shape.channels;
                return g.conv(x, role::depthwise, a);
            case 3:  // two outputs a channel
                a.groups = x.shape.channels;
                a.out_channels = 2 * x.shape.channels;
                return a.out_channels > max_extent ? x : g.conv(x, role::main, a);
            case 4:
            case 5:
            case 6:
                return g.pointwise(x, role::main, a.out_channels, activation_kind::none);
            case 7:
                return rng.below(2) == 0 ? g.avg_pool(x, a) : g.max_pool(x, a);
            case 8:
                return g.squeeze_excite(x, extent(rng, large));
            case 9: {
                const tensor y = maps[rng.below(maps.size())];
                if (y.shape == x.shape) return rng.below(2) == 0 ? g.add(x, y) : g.multiply(x, y);
                const bool joins = y.shape.height == x.shape.height && y.shape.width == x.shape.width &&
                                   y.shape.channels + x.shape.channels <= max_extent;
                return joins ? g.concat({x, y}) : x;
            }
            case 10:
                return rng.below(4) == 0 ? g.global_avg_pool(x) : g.add(x, x);
            default:
                return rng.below(8) == 0 ? g.linear(x, a.out_channels) : x;
        }
    }
};

any_operators any_network(splitmix64& rng, bool large) {
    any_operators net;
    net.seed = rng();
    net.large = large;
    net.input.channels = any_operators::extent(rng, large);
    net.input.height = any_operators::extent(rng, large);
    net.input.width = any_operators::extent(rng, large);
    return net;
}

template <std::size_t N>
block_list<N> any_bottlenecks(splitmix64& rng, bool large) {
    const auto extent = [&] { return any_operators::extent(rng, large); };
    const auto up_to = [&](std::int64_t most) { return static_cast<std::int32_t>(rng.between(1, most)); };
    block_list<N> net{.input = {3, extent(), 1}, .classes = up_to(100)};
    net.input.width = rng.below(4) == 0 ? extent() : net.input.height;
    net.stem_channels = extent();
    std::int32_t channels = net.stem_channels;
    for (bottleneck& b : net.blocks) {
        b.stride = rng.below(3) == 0 ? 2 : 1;
        b.kernel_size = large && rng.below(4) == 0 ? 255 : up_to(4) * 2 - 1;
        b.residual = b.stride == 1 && rng.below(2) == 0;
        b.expanded = rng.below(4) == 0 ? channels : extent();
        if (!b.residual) channels = extent();
        b.output_channels = channels;
    }
    if (rng.below(2) == 0) net.head_channels = extent();
    if (rng.below(2) == 0) net.pad = padding_kind::same;
    return net;
}

struct tally {
    int legal = 0, refused = 0;
};

template <class Draw>
tally fuzz(std::uint64_t seed, int count, Draw&& draw) {
    tally n;
    splitmix64 rng{seed};
    for (int i = 0; i < count; ++i) {
        const dynamic_graph g(draw(rng));
        if (g.error()) {
            ++n.refused;
            continue;
        }
        ++n.legal;
        if (const std::string text = flaw(g.view()); !text.empty()) FAIL("network " << i << ": " << text);
    }
    return n;
}

}  // namespace

TEST_CASE("memory: illegal sizes are refused by name, at run time as when compiled", "[cost][memory]") {
    for (const refusal& r : refused) {
        const dynamic_graph g(r.net);
        INFO(name_of(r.code) << " of design " << &r - refused);
        CHECK(g.error().code == r.code);
        // Whoever does not look at the error meets a network without operators.
        CHECK(g.view().ops.empty());
        for_each_memory_model([&](const any_memory_model& m) {
            if (m.peak(g.view()).at != -1) FAIL(m.name);
            static_cast<void>(m.layout(g.view()));
        });
    }
}

TEST_CASE("memory: maps of one pixel or row, and strides that divide nothing, have peaks", "[cost][memory]") {
    for (const shape input : {shape{1, 1, 1}, {3, 1, 1}, {3, 1, 160}, {3, 160, 1}, {3, 31, 33}, {3, 2, 7}})
        for (const std::int32_t kernel : {1, 2, 3, 7, 255})
            for (const std::int32_t stride : {1, 2, 3, 255}) {
                const dynamic_graph g(architecture<2>{
                    .input = input,
                    .stages = {{.kernel_size = kernel, .stride = stride}, {.kernel_size = kernel, .use_se = true}}});
                INFO("kernel " << kernel << ", stride " << stride);
                if (g.error()) CHECK(g.error().code == graph_errc::kernel_exceeds_map);
                if (!g.error()) CHECK(flaw(g.view()).empty());
            }
}

TEST_CASE("memory: any operators on small maps", "[cost][memory]") {
    const tally n = fuzz(21, rounds(10'000), [](splitmix64& rng) { return any_network(rng, false); });
    CHECK(n.legal > n.refused);
}

TEST_CASE("memory: any operators on maps of any size", "[cost][memory]") {
    const tally n = fuzz(22, rounds(10'000), [](splitmix64& rng) { return any_network(rng, true); });
    CHECK(n.legal > n.refused);
}

TEST_CASE("memory: random inverted bottlenecks on small maps and on maps of any size", "[cost][memory]") {
    CHECK(fuzz(23, rounds(5'000), [](splitmix64& rng) { return any_bottlenecks<5>(rng, false); }).legal > 0);
    CHECK(fuzz(24, 3'000, [](splitmix64& rng) { return any_bottlenecks<12>(rng, true); }).legal > 0);
    CHECK(fuzz(25, 2'000, [](splitmix64& rng) { return any_bottlenecks<60>(rng, true); }).legal > 0);
}

TEST_CASE("memory: 150,000 more graphs at random", "[.long][cost][memory]") {
    CHECK(fuzz(31, 50'000, [](splitmix64& rng) { return any_network(rng, false); }).legal > 0);
    CHECK(fuzz(32, 50'000, [](splitmix64& rng) { return any_network(rng, true); }).legal > 0);
    CHECK(fuzz(33, 25'000, [](splitmix64& rng) { return any_bottlenecks<7>(rng, false); }).legal > 0);
    CHECK(fuzz(34, 25'000, [](splitmix64& rng) { return any_bottlenecks<20>(rng, true); }).legal > 0);
}

TEST_CASE("memory: the largest legal network does not overflow", "[cost][memory]") {
    // 32,768 x 32,768 x 32,768 bytes a map, 64 blocks.
    architecture<1> net{.input = {max_extent, max_extent, max_extent}, .classes = max_extent};
    net.stages[0] = {.output_channels = max_extent,
                     .num_layers = max_layers,
                     .kernel_size = 255,
                     .expansion_factor = 1,
                     .skip_op = skip_kind::residual};
    const wide map = wide{max_extent} * max_extent * max_extent;
    for (const bool se : {false, true}) {
        net.stages[0].use_se = se;
        const dynamic_graph g(net);
        REQUIRE(!g.error());
        CHECK(layerwise::peak(g.view()).size.value == static_cast<std::uint64_t>(3 * map + (se ? max_extent : 0)));
        CHECK(planned<>::covers(g.view()).gap == coverage_gap::cuts);
        CHECK(planned<>::peak(g.view()) == uncovered_peak);
        CHECK(flaw(g.view()).empty());
    }
    net.stages[0].num_layers = 31;
    const dynamic_graph g(net);
    CHECK(planned<>::covers(g.view()).complete());
    CHECK(flaw(g.view()).empty());
}
