// SPDX-License-Identifier: MIT
// Networks written by hand for the corners of the planner: each runs on addresses under every model, and the plan takes
// the way that the case is about.
#include <cstdint>
#include <string>
#include <string_view>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/memory_model_list.hpp>

#include "support/catch.hpp"
#include "support/plan_check.hpp"

using namespace llmnas;

namespace {

struct network_by_hand {
    shape input;
    void (*build)(graph_builder&, tensor);
    void lower(graph_builder& g) const { build(g, g.input()); }
};

/// Runs the network under every model; its operators, and how models g and f run them.
struct executed {
    dynamic_graph graph;
    memory_plan plan, prefix;

    explicit executed(const network_by_hand& net) : graph(net) {
        REQUIRE_FALSE(graph.error());
        CHECK(plan_check::errors(graph.view(), false) == "");
        plan = planned<>::plan(graph.view());
        prefix = streamed_prefix_rows::plan(graph.view());
    }
    [[nodiscard]] std::string parts(const memory_plan& p) const {
        std::string text;
        for (const plan_part& part : p.parts())
            text += (text.empty() ? "" : ", ") + std::string(name_of(part.kind)) + " " + std::to_string(part.first) +
                    (part.last == part.first ? "" : "-" + std::to_string(part.last));
        return text;
    }
};

tensor pw(graph_builder& g, tensor x, std::int32_t channels) {
    return g.conv(x, role::main, {.out_channels = channels});
}
tensor conv(graph_builder& g, tensor x, std::int32_t channels, std::int32_t kernel, std::int32_t stride = 1) {
    return g.conv(x, role::main,
                  {.out_channels = channels,
                   .kernel_h = kernel,
                   .kernel_w = kernel,
                   .stride_h = stride,
                   .stride_w = stride,
                   .pad = half_padding(kernel)});
}
tensor dw(graph_builder& g, tensor x, std::int32_t kernel, std::int32_t stride = 1) {
    return g.depthwise(x, kernel, stride, activation_kind::relu);
}
void block(graph_builder& g, std::size_t b) { g.begin_block(b, 0); }

}  // namespace

TEST_CASE("plans by hand: one operator", "[cost][memory]") {
    executed({{3, 7, 5}, [](graph_builder& g, tensor x) { conv(g, x, 4, 3, 2); }});
    executed({{3, 7, 5}, [](graph_builder& g, tensor x) { g.linear(x, 10); }});
    executed({{3, 7, 5}, [](graph_builder& g, tensor x) { g.global_avg_pool(x); }});
    executed({{1, 1, 1}, [](graph_builder& g, tensor x) { pw(g, x, 1); }});
    executed({{3, 7, 5}, [](graph_builder& g, tensor x) { g.add(x, x); }});
    executed({{3, 7, 5}, [](graph_builder& g, tensor x) { g.concat({x, x}); }});
    executed({{3, 7, 5}, [](graph_builder& g, tensor x) { g.multiply(x, x); }});
}

TEST_CASE("plans by hand: no operator", "[cost][memory]") {
    const dynamic_graph graph(network_by_hand{{3, 7, 5}, [](graph_builder&, tensor) {}});
    const memory_plan plan = planned<>::plan(graph.view());
    CHECK(plan.complete);
    CHECK(plan.parts().empty());
    CHECK(plan.peak == memory_peak{bytes{105}, -1});
}

TEST_CASE("plans by hand: maps of one pixel and windows larger than the map", "[cost][memory]") {
    executed({{5, 1, 1}, [](graph_builder& g, tensor x) {
                  for (std::size_t b = 0; b < 3; ++b) {
                      block(g, b);
                      x = g.squeeze_excite(dw(g, pw(g, x, 8), 7), 2);
                      x = pw(g, x, 5);
                  }
                  g.linear(g.global_avg_pool(x), 3);
              }});
    executed({{2, 3, 4}, [](graph_builder& g, tensor x) {
                  block(g, 0);
                  x = g.add(pw(g, dw(g, pw(g, x, 6), 7), 2), x);
                  block(g, 1);
                  x = pw(g, dw(g, x, 7, 2), 4);
                  block(g, 2);
                  x = g.add(pw(g, dw(g, pw(g, x, 6), 5), 4), x);
                  g.linear(g.global_avg_pool(x), 3);
              }});
}

TEST_CASE("plans by hand: residuals", "[cost][memory]") {
    SECTION("with a convolution on the skip path, at the start and inside a part") {
        executed({{3, 12, 9}, [](graph_builder& g, tensor x) {
                      for (std::size_t b = 0; b < 3; ++b) {
                          block(g, b);
                          const tensor y = pw(g, dw(g, pw(g, x, 12), 3), 4 + static_cast<std::int32_t>(b));
                          x = g.add(y, pw(g, x, y.shape.channels));
                      }
                      g.linear(g.global_avg_pool(x), 3);
                  }});
    }
    SECTION("around windows without expansion and without projection") {
        const executed e({{4, 12, 9}, [](graph_builder& g, tensor x) {
                              block(g, 0);
                              x = g.add(x, conv(g, x, 4, 3));
                              block(g, 1);
                              x = g.add(pw(g, dw(g, x, 5), 4), x);
                              block(g, 2);
                              x = g.add(dw(g, x, 7), x);
                              g.linear(g.global_avg_pool(x), 3);
                          }});
        CHECK(e.parts(e.prefix) == "streamed 0-7, overlaid 8");
    }
    SECTION("around pixels alone") {
        executed({{4, 9, 9}, [](graph_builder& g, tensor x) {
                      for (std::size_t b = 0; b < 4; ++b) {
                          block(g, b);
                          x = g.add(pw(g, x, b == 2 ? 6 : x.shape.channels), b == 2 ? pw(g, x, 6) : x);
                      }
                      block(g, 4);
                      conv(g, x, 2, 3);
                  }});
    }
    SECTION("around a stride that padding makes up for: row r of the sum needs row r of x, not 2r") {
        const executed e({{4, 3, 3}, [](graph_builder& g, tensor x) {
                              const conv_attributes a{.out_channels = 4,
                                                      .kernel_h = 3,
                                                      .kernel_w = 3,
                                                      .stride_h = 2,
                                                      .stride_w = 2,
                                                      .pad = {2, 2, 2, 2}};
                              block(g, 0);
                              x = g.add(g.conv(pw(g, x, 4), role::main, a), x);
                              block(g, 1);
                              x = g.add(g.conv(x, role::main, a), x);
                              block(g, 2);
                              const tensor y = g.squeeze_excite(g.conv(x, role::main, a), 2);
                              g.add(pw(g, y, 4), x);
                          }});
        CHECK(e.parts(e.plan).find("streamed") == std::string::npos);
    }
    SECTION("of two convolutions, as in ResNet") {
        executed({{3, 16, 16}, [](graph_builder& g, tensor x) {
                      block(g, 0);
                      x = conv(g, x, 8, 3);
                      block(g, 1);
                      x = g.add(conv(g, conv(g, x, 8, 3), 8, 3), x);
                      block(g, 2);
                      x = g.add(conv(g, conv(g, x, 12, 3, 2), 12, 3), conv(g, x, 12, 1, 2));
                      g.linear(g.global_avg_pool(x), 10);
                  }});
    }
}

TEST_CASE("plans by hand: squeeze-and-excitation with a residual keeps the order of maps", "[cost][memory]") {
    // The excitation runs operator by operator with the block's input below, the projection streams into the next
    // block.
    executed({{8, 6, 6}, [](graph_builder& g, tensor x) {
                  block(g, 0);
                  x = g.add(pw(g, g.squeeze_excite(dw(g, pw(g, x, 64), 7), 16), 8), x);
                  block(g, 1);
                  x = pw(g, dw(g, pw(g, x, 8), 3, 2), 4);
                  g.linear(g.global_avg_pool(x), 3);
              }});
    executed({{8, 6, 6}, [](graph_builder& g, tensor x) {
                  block(g, 0);
                  x = g.add(pw(g, g.squeeze_excite(dw(g, x, 3), 100), 6), pw(g, x, 6));
                  block(g, 1);
                  x = g.add(x, pw(g, g.squeeze_excite(dw(g, x, 3), 1), 6));
                  g.squeeze_excite(dw(g, x, 5), 2);
              }});
    SECTION("a projection that adds the scaled map itself cannot run in two passes") {
        const executed e({{2, 9, 9}, [](graph_builder& g, tensor x) {
                              block(g, 0);
                              x = g.squeeze_excite(dw(g, pw(g, x, 40), 3), 4);
                              block(g, 1);
                              x = g.add(pw(g, x, 40), x);
                              block(g, 2);
                              pw(g, x, 1);
                          }});
        const auto parts = e.parts(planned<plan_options{.two_pass_se = true}>::plan(e.graph.view()));
        CHECK(parts.find("two passes") == std::string::npos);
    }
}

TEST_CASE("plans by hand: chains of 1x1 convolutions", "[cost][memory]") {
    SECTION("growing, shrinking and growing again: two pixels on their way at a time") {
        executed({{3, 8, 8}, [](graph_builder& g, tensor x) {
                      for (const std::int32_t channels : {9, 2, 14, 5, 1, 6}) {
                          block(g, static_cast<std::size_t>(channels));
                          x = pw(g, x, channels);
                      }
                  }});
    }
    SECTION("behind a window, before a pooling: the sums begin while the first row is read") {
        executed({{3, 8, 2}, [](graph_builder& g, tensor x) {
                      block(g, 0);
                      x = dw(g, x, 3, 2);
                      for (const std::int32_t channels : {9, 12}) {
                          block(g, static_cast<std::size_t>(channels));
                          x = pw(g, x, channels);
                      }
                      g.linear(g.global_avg_pool(x), 3);
                  }});
        executed({{8, 5, 1}, [](graph_builder& g, tensor x) { g.global_avg_pool(pw(g, x, 7)); }});
        executed({{8, 5, 1}, [](graph_builder& g, tensor x) { g.global_avg_pool(dw(g, x, 3, 2)); }});
    }
}

TEST_CASE("plans by hand: joins, broadcasts and dead ends", "[cost][memory]") {
    SECTION("a map that later blocks read again and again") {
        executed({{3, 12, 12}, [](graph_builder& g, tensor x) {
                      block(g, 0);
                      x = conv(g, x, 4, 3, 2);
                      const tensor broadcast = x;
                      for (std::size_t b = 1; b < 5; ++b) {
                          block(g, b);
                          x = conv(g, g.add(pw(g, x, 3), pw(g, broadcast, 3)), 4, 3);
                      }
                      g.linear(x, 3);  // on an unpooled map
                  }});
    }
    SECTION("the input is needed to the end") {
        executed({{3, 12, 12}, [](graph_builder& g, tensor x) {
                      tensor y = x;
                      for (std::size_t b = 0; b < 4; ++b) {
                          block(g, b);
                          y = conv(g, y, 3, 3);
                      }
                      g.concat({x, y, x});
                  }});
    }
    SECTION("outputs that nobody reads") {
        executed({{3, 9, 9}, [](graph_builder& g, tensor x) {
                      block(g, 0);
                      const tensor y = conv(g, x, 5, 3);
                      conv(g, y, 50, 3);
                      x = pw(g, y, 4);
                      pw(g, x, 7);
                      g.global_avg_pool(x);
                      conv(g, x, 2, 5);
                  }});
    }
    SECTION("pools inside") {
        const executed e({{3, 23, 17}, [](graph_builder& g, tensor x) {
                              block(g, 0);
                              x = conv(g, x, 8, 7, 2);
                              x = g.max_pool(
                                  x,
                                  {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad = half_padding(3)});
                              block(g, 1);
                              x = g.avg_pool(x, {.kernel_h = 2, .kernel_w = 3, .stride_h = 2, .stride_w = 1});
                              x = g.max_pool(x, {.kernel_h = 1, .kernel_w = 2, .stride_h = 1, .stride_w = 3});
                              g.linear(g.global_avg_pool(x), 3);
                          }});
        CHECK(e.parts(e.prefix) == "streamed 0-4, overlaid 5");
    }
    SECTION("a residual around a window of past rows, of which every other row is needed") {
        executed({{3, 8, 5}, [](graph_builder& g, tensor x) {
                      block(g, 0);
                      x = conv(g, x, 6, 3);
                      block(g, 1);
                      tensor y = g.max_pool(pw(g, x, 4), {.kernel_h = 3, .pad = {.top = 2}});
                      x = g.add(x, pw(g, y, 6));
                      block(g, 2);
                      x = conv(g, x, 4, 1, 2);
                      g.global_avg_pool(x);
                  }});
    }
    SECTION("windows that stride over rows") {
        executed({{3, 23, 17}, [](graph_builder& g, tensor x) {
                      block(g, 0);
                      x = g.add(pw(g, dw(g, pw(g, x, 8), 3), 3), x);
                      block(g, 1);
                      x = conv(g, x, 4, 1, 3);
                      block(g, 2);
                      x = g.conv(x, role::main, {.out_channels = 4, .kernel_h = 2, .kernel_w = 1, .stride_h = 3});
                      pw(g, x, 2);
                  }});
    }
}

TEST_CASE("plans by hand: a network of more steps than the planner takes is refused by name", "[cost][memory]") {
    const auto deep = [](graph_builder& g, tensor x) {
        for (std::size_t b = 0; b < max_steps + 1; ++b) {
            block(g, b);
            x = conv(g, x, 2, 3);
        }
    };
    const dynamic_graph graph(network_by_hand{{2, 5, 5}, deep});
    const coverage expected{coverage_gap::cuts, max_steps + 1, max_steps};
    CHECK(planned<>::covers(graph.view()) == expected);
    CHECK(streamed_prefix_rows::covers(graph.view()) == expected);
    CHECK(planned<>::peak(graph.view()) == uncovered_peak);
    const memory_plan plan = planned_rows::plan(graph.view());
    CHECK_FALSE(plan.complete);
    CHECK(plan.peak == uncovered_peak);
    CHECK(plan.parts().empty());
    CHECK_THROWS_AS(memory_simulation::simulate(graph.view(), plan), memory_simulation::failure);

    const auto as_deep_as_it_takes = [](graph_builder& g, tensor x) {
        for (std::size_t b = 0; b < max_steps; ++b) {
            block(g, b);
            x = conv(g, x, 2, 3);
        }
    };
    executed({{2, 5, 5}, as_deep_as_it_takes});
}

TEST_CASE("plans by hand: a network whose plan has more parts than fit is refused", "[cost][memory]") {
    const auto wide = [](graph_builder& g, tensor x) {
        tensor y = x;
        for (std::size_t b = 0; b < max_plan_parts; ++b) y = conv(g, y, 3, 3);
        g.add(x, y);
    };
    const dynamic_graph graph(network_by_hand{{3, 5, 5}, wide});
    CHECK(planned<>::covers(graph.view()) == coverage{coverage_gap::parts, max_plan_parts + 1, max_plan_parts});
    CHECK(planned<>::peak(graph.view()) == uncovered_peak);
    const memory_plan plan = planned<>::plan(graph.view());
    CHECK_FALSE(plan.complete);
    CHECK(plan.part_count == 0);
    CHECK_THROWS_AS(memory_simulation::simulate(graph.view(), plan), memory_simulation::failure);
}
