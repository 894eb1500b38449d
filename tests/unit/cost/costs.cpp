// SPDX-License-Identifier: MIT
// The cost formulas against an independent model that is written from the paper's description of the blocks, without
// operators: it walks the stages and counts.
#include <algorithm>
#include <cstdint>
#include <vector>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/cost/term_list.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/rounds.hpp"

using namespace llmnas;

namespace {

struct counted {
    std::uint64_t macs = 0, params = 0, channels = 0, peak = 0;
};

// Peak by model a: input, output, and the block's input while a residual is pending (or its projection).
counted count_by_hand(const architecture<5>& net) {
    counted n;
    std::uint64_t c = static_cast<std::uint64_t>(net.input.channels);
    std::uint64_t h = static_cast<std::uint64_t>(net.input.height), w = static_cast<std::uint64_t>(net.input.width);
    for (const stage& s : net.stages)
        for (int b = 0; b < s.num_layers; ++b) {
            const bool mb = s.conv_type == block_type::mbconv;
            const auto stride = static_cast<std::uint64_t>(b == 0 ? s.stride : 1);
            const auto k = static_cast<std::uint64_t>(s.kernel_size);
            const auto co = static_cast<std::uint64_t>(s.output_channels);
            const std::uint64_t ho = (h + 2 * (k / 2) - k) / stride + 1, wo = (w + 2 * (k / 2) - k) / stride + 1;
            const std::uint64_t in = c * h * w;
            const bool residual = s.skip_op == skip_kind::residual && stride == 1;
            const std::uint64_t held = residual ? in : 0;  // beside whatever does not read it itself
            std::uint64_t ce = c, map = in;
            if (mb) {
                ce = c * static_cast<std::uint64_t>(s.expansion_factor);
                n.macs += c * ce * h * w;
                n.params += c * ce + 2 * ce;
                n.channels += ce;
                map = ce * h * w;
                n.peak = std::max(n.peak, in + map);
            }
            const std::uint64_t dw_out = ce * ho * wo;
            n.macs += k * k * dw_out;
            n.params += k * k * ce + 2 * ce;
            n.channels += ce;
            n.peak = std::max(n.peak, map + dw_out + (mb ? held : 0));
            if (s.use_se) {
                const std::uint64_t r = std::max<std::uint64_t>(
                    1, ce * static_cast<std::uint64_t>(s.se_ratio.num) / static_cast<std::uint64_t>(s.se_ratio.den));
                n.macs += 2 * ce * r;
                n.params += 2 * ce * r + ce + r;
                n.channels += ce + r;
                n.peak = std::max({n.peak, dw_out + ce + held, dw_out + ce + r + held, 2 * dw_out + ce + held});
            }
            const std::uint64_t out = co * ho * wo;
            n.macs += ce * co * ho * wo;
            n.params += ce * co + 2 * co;
            n.channels += co;
            n.peak = std::max(n.peak, dw_out + out + held);
            if (residual && c != co) {
                n.macs += c * co * ho * wo;
                n.params += c * co + 2 * co;
                n.channels += co;
                n.peak = std::max({n.peak, in + out + out, 3 * out});
            } else if (residual) {
                n.peak = std::max(n.peak, in + out + out);
            }
            c = co, h = ho, w = wo;
        }
    const auto classes = static_cast<std::uint64_t>(net.classes);
    n.peak = std::max({n.peak, c * h * w + c, c + classes});
    n.macs += c * classes;
    n.params += c * classes + classes;
    n.channels += classes;
    return n;
}

}  // namespace

TEST_CASE("costs: 20,000 random networks equal an independent count", "[cost]") {
    splitmix64 rng{7};
    for (int i = 0; i < rounds(20'000); ++i) {
        const auto net = decode(sample<table1_se>(rng), shape{3, 32 + i % 129, 32 + i % 97}, 1 + i % 200);
        const dynamic_graph g(net);
        const costs c = evaluate(g.view());
        const counted n = count_by_hand(net);
        const auto weights = n.params - [&] {
            std::uint64_t extras = 0;
            for (const op& o : g.view().ops)
                extras += static_cast<std::uint64_t>(o.out.channels) * ((o.batch_norm ? 2U : 0U) + (o.bias ? 1U : 0U));
            return extras;
        }();
        if (c.mac_count.value != n.macs || c.parameters.value != n.params || c.sram.size.value != n.peak ||
            c.flash.value != weights + 9 * n.channels)
            FAIL(i << ": MACs " << c.mac_count.value << " " << n.macs << ", params " << c.parameters.value << " "
                   << n.params << ", SRAM " << c.sram.size.value << " " << n.peak);
    }
    SUCCEED();
}

TEST_CASE("costs: the peak is the largest live set, and the last of equal ones", "[cost]") {
    for (const auto& g : {network<zoo::lmanet_elite>::view, network<zoo::lmanet_core>::view}) {
        const memory_peak p = layerwise::peak(g);
        for (std::size_t i = 0; i < g.ops.size(); ++i) {
            const bytes live = layerwise::live_at(g, i);
            CHECK(live <= p.size);
            if (static_cast<std::int32_t>(i) > p.at) CHECK(live < p.size);
        }
        CHECK(layerwise::live_at(g, static_cast<std::size_t>(p.at)) == p.size);
    }
}

TEST_CASE("costs: a map that is read twice by one operator, or by nobody, is released once", "[cost]") {
    struct odd {
        shape input{2, 4, 4};
        void lower(graph_builder& g) const {
            const tensor x = g.pointwise(g.input(), role::main, 3, activation_kind::none);
            const tensor twice = g.add(x, x);
            static_cast<void>(g.pointwise(twice, role::main, 50, activation_kind::none));  // read by nobody
            g.pointwise(twice, role::main, 1, activation_kind::none);
        }
    };
    const dynamic_graph g((odd{}));
    CHECK(layerwise::live_at(g.view(), 0) == bytes{32 + 48});
    CHECK(layerwise::live_at(g.view(), 1) == bytes{48 + 48});
    CHECK(layerwise::live_at(g.view(), 2) == bytes{48 + 800});
    CHECK(layerwise::live_at(g.view(), 3) == bytes{48 + 16});
    CHECK(layerwise::peak(g.view()) == memory_peak{bytes{848}, 2});
}

TEST_CASE("costs: lists name the built-in terms and models", "[cost]") {
    int terms = 0;
    boost::hana::unpack(cost_terms, [&](auto... t) { terms = (0 + ... + (decltype(t)::type::name.empty() ? 0 : 1)); });
    CHECK(terms == 6);
    bool found = false;
    for_each_memory_model([&](const any_memory_model& m) {
        found = found || (m.name == "layerwise" && m.peak(network<zoo::lmanet_elite>::view).size == bytes{204'800});
    });
    CHECK(found);
}
