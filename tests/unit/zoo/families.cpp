// SPDX-License-Identifier: MIT
// The families with parameters against definitions of their own: loops over the papers' tables and the released code,
// in floating point as there, without operators.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/zoo/mobilenet.hpp>
#include <llmnas/zoo/xinet.hpp>

#include "support/catch.hpp"

using namespace llmnas;

namespace {

struct counted {
    std::int64_t macs = 0, params = 0;

    // One convolution with `norm` trainable numbers a channel beside its weights.
    void conv(std::int64_t in, std::int64_t out, std::int64_t k, std::int64_t size, std::int64_t groups, int norm) {
        const std::int64_t weights = k * k * (in / groups) * out;
        macs += weights * size * size;
        params += weights + norm * out;
    }
};

template <class Net>
void check_equal(const Net& net, const counted& wanted) {
    const dynamic_graph g(net);
    REQUIRE_FALSE(g.error());
    CHECK(total<mac_count>(g.view()).value == static_cast<std::uint64_t>(wanted.macs));
    CHECK(total<parameter_count>(g.view()).value == static_cast<std::uint64_t>(wanted.params));
}

// Howard et al., Table 1: the rows from the top to the classifier.
counted mobilenet_v1_by_table(double width, std::int64_t size, std::int64_t classes) {
    const auto depth = [&](std::int64_t c) {
        return std::max<std::int64_t>(static_cast<std::int64_t>(static_cast<double>(c) * width), 8);
    };
    struct row {
        std::int64_t stride, out;
    };
    const std::vector<row> rows{{1, 64},  {2, 128}, {1, 128}, {2, 256}, {1, 256},  {2, 512}, {1, 512},
                                {1, 512}, {1, 512}, {1, 512}, {1, 512}, {2, 1024}, {1, 1024}};
    counted n;
    std::int64_t c = depth(32);
    size = (size + 1) / 2;
    n.conv(3, c, 3, size, 1, 2);
    for (const row& r : rows) {
        size = (size + r.stride - 1) / r.stride;
        n.conv(c, c, 3, size, c, 2);
        n.conv(c, depth(r.out), 1, size, 1, 2);
        c = depth(r.out);
    }
    n.conv(c, classes, 1, 1, 1, 1);
    return n;
}

// Sandler et al., Table 2, with _make_divisible of the released code in floating point.
counted mobilenet_v2_by_table(double width, std::int64_t size, std::int64_t classes) {
    const auto rounded = [&](double channels) {
        const double v = channels * width;
        auto c = std::max<std::int64_t>(8, static_cast<std::int64_t>(v + 4) / 8 * 8);
        if (static_cast<double>(c) < 0.9 * v) c += 8;
        return c;
    };
    const std::int64_t rows[7][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                     {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    counted n;
    std::int64_t c = rounded(32);
    size = (size + 1) / 2;
    n.conv(3, c, 3, size, 1, 2);
    for (const auto& [t, channels, repeats, stride] : rows)
        for (std::int64_t i = 0; i < repeats; ++i) {
            const std::int64_t wide = c * t, out = rounded(static_cast<double>(channels));
            if (t != 1) n.conv(c, wide, 1, size, 1, 2);
            if (i == 0) size = (size + stride - 1) / stride;
            n.conv(wide, wide, 3, size, wide, 2);
            n.conv(wide, out, 1, size, 1, 2);
            c = out;
        }
    const std::int64_t last = width > 1 ? rounded(1280) : 1280;
    n.conv(c, last, 1, size, 1, 2);
    n.conv(last, classes, 1, 1, 1, 1);
    return n;
}

// The constructors of XiNet and XiConv in micromind, as they nest.
counted xinet_by_code(double alpha, std::int64_t gamma, int layers, std::int64_t size, std::int64_t classes) {
    counted n;
    std::vector<std::int64_t> f;
    for (int i = 0; i < layers; ++i) f.push_back(static_cast<std::int64_t>(std::pow(2.0, 4.0 + i)));
    const auto scaled = [&](std::int64_t c) { return static_cast<std::int64_t>(static_cast<double>(c) * alpha); };
    const std::int64_t broadcast = scaled(32);
    const auto xiconv = [&](std::int64_t in, std::int64_t out, bool skip, bool pool, bool attention, std::int64_t g) {
        if (g > 1) n.conv(in, out / g, 1, size, 1, 0);
        if (skip) n.conv(broadcast, out / g, 1, size, 1, 0);
        if (pool) size /= 2;
        n.conv(g > 1 ? out / g : in, out, 3, size, 1, 2);
        if (attention) {
            n.conv(out, out / g / 2, 1, size, 1, 0);
            n.conv(out / g / 2, out, 3, size, 1, 0);
        }
    };
    size /= 2;
    n.conv(3, scaled(16), 7, size, 1, 2);
    const auto at = [&](int i) { return scaled(f[static_cast<std::size_t>(i)]); };
    for (int i = 0; i < layers - 2; ++i) {
        xiconv(at(i), at(i + 1), i != 0, true, true, gamma);
        xiconv(at(i + 1), at(i + 1), true, false, true, gamma);
    }
    xiconv(at(layers - 2), at(layers - 1), true, false, false, 4);
    xiconv(at(layers - 1), at(layers - 1), true, false, false, 4);
    n.conv(at(layers - 1), classes, 1, 1, 1, 1);
    return n;
}

}  // namespace

TEST_CASE("zoo: MobileNetV1 equals the paper's table at every published width and resolution", "[zoo]") {
    for (const ratio width : {ratio{1, 4}, ratio{1, 2}, ratio{3, 4}, ratio{1, 1}})
        for (const std::int32_t size : {96, 128, 160, 192, 224, 97}) {
            INFO(width.value() << " at " << size);
            check_equal(zoo::mobilenet_v1({width, size, 1001}), mobilenet_v1_by_table(width.value(), size, 1001));
        }
    CHECK(mobilenet_v1_by_table(1, 224, 1000).macs == 568'740'352);
    CHECK(mobilenet_v1_by_table(1, 224, 1000).params == 4'231'976);
}

TEST_CASE("zoo: MobileNetV2 equals the paper's table at every published width and resolution", "[zoo]") {
    for (const ratio width : {ratio{35, 100}, ratio{1, 2}, ratio{3, 4}, ratio{1, 1}, ratio{13, 10}, ratio{14, 10}})
        for (const std::int32_t size : {96, 128, 144, 160, 192, 224, 97}) {
            INFO(width.value() << " at " << size);
            check_equal(zoo::mobilenet_v2({width, size, 1001}), mobilenet_v2_by_table(width.value(), size, 1001));
        }
    CHECK(mobilenet_v2_by_table(1, 224, 1000).macs == 300'774'272);
    CHECK(mobilenet_v2_by_table(1, 224, 1000).params == 3'504'872);
}

TEST_CASE("zoo: XiNet equals the released code's constructors", "[zoo]") {
    for (const ratio alpha : {ratio{1, 1}, ratio{3, 4}, ratio{1, 2}, ratio{3, 2}})
        for (const std::int32_t gamma : {2, 4, 8})
            for (const std::int32_t size : {96, 128, 160, 224}) {
                INFO(alpha.value() << ", gamma " << gamma << ", at " << size);
                const zoo::xinet_options o{alpha, gamma, size, 10};
                check_equal(zoo::xinet<5>(o), xinet_by_code(alpha.value(), gamma, 5, size, 10));
                check_equal(zoo::xinet<6>(o), xinet_by_code(alpha.value(), gamma, 6, size, 10));
                check_equal(zoo::xinet<7>(o), xinet_by_code(alpha.value(), gamma, 7, size, 10));
            }
    // Without compression the broadcast tensor does not fit the sum, in the released code neither.
    CHECK(dynamic_graph(zoo::xinet<5>({.gamma = 1})).error().code == graph_errc::shapes_differ);
}

TEST_CASE("zoo: XiNet's broadcast tensor is the first block's output, and every later block reads it", "[zoo]") {
    const dynamic_graph net(zoo::xinet_l5);
    const graph_view g = net.view();
    std::int32_t first_gated = 0;  // the product at the end of block 0
    while (g.ops[static_cast<std::size_t>(first_gated)].kind != op_kind::scale) ++first_gated;
    const std::int32_t broadcast = first_gated + 1;
    CHECK(g.shape_of(broadcast) == shape{32, 40, 40});
    int direct = 0, pooled = 0, blocks = 0;
    for (const op& o : g.ops) {
        blocks += o.kind == op_kind::add ? 1 : 0;
        if (g.inputs_of(o)[0] != broadcast) continue;
        direct += o.from.role == role::skip_proj ? 1 : 0;
        pooled += o.kind == op_kind::avg_pool ? 1 : 0;
        if (o.kind == op_kind::avg_pool) {
            CHECK(o.kernel_h == o.stride_h);
            CHECK(40 % o.kernel_h == 0);
        }
    }
    CHECK(blocks == 7);
    CHECK(direct + pooled == 7);
    CHECK(direct == 2);  // the second block and the first half of the third work on the same 40 x 40
}
