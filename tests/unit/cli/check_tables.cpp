// SPDX-License-Identifier: MIT
// The tables of `llmnas check`: alignment, exact text of a small network, and that a plan's parts add up.
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <llmnas/cli/checked_network.hpp>
#include <llmnas/cli/latency_table.hpp>
#include <llmnas/cli/model_table.hpp>
#include <llmnas/cli/operator_table.hpp>
#include <llmnas/cli/peak_explanation.hpp>
#include <llmnas/cli/text_table.hpp>

#include "support/catch.hpp"
#include "support/random_networks.hpp"

using namespace llmnas;
using namespace llmnas::cli;

namespace {

constexpr architecture<1> tiny{
    .input = {1, 8, 8}, .classes = 10, .stages = {{.output_channels = 4, .conv_type = block_type::depthwise}}};

std::string line_with(const std::string& text, std::string_view word) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.find(word) != std::string::npos) return line;
    return {};
}

}  // namespace

TEST_CASE("table: columns are as wide as what stands in them", "[cli][check]") {
    text_table table({{"#"}, {"name", align::left}, {"bytes"}, {"note", align::left}});
    CHECK(table.empty());
    table.add({"1", "a", "1,024", ""});
    table.add({"10", "longer"});
    table.add({"", "b", "7", "x"});
    CHECK(table.text() ==
          " #  name    bytes  note\n"
          " 1  a       1,024\n"
          "10  longer\n"
          "    b           7  x\n");
}

TEST_CASE("table of operators: a small network", "[cli][check]") {
    const dynamic_graph graph(tiny);
    const graph_view g = graph.view();
    std::vector<bytes> usage(g.ops.size());
    overlaid::usage(g, usage);
    CHECK(operator_table(g, usage, "overlaid", overlaid::peak(g).at) ==
          "     operator                   kernel     in     out  MACs  params  in B  out B  live B  overlaid B\n"
          "  1  stage 1 block 1 depthwise  3x3     1x8x8   1x8x8   576      11    64     64     128          74\n"
          "  2  stage 1 block 1 project    1x1     1x8x8   4x8x8   256      12    64    256     320         257\n"
          "> 3  head_pool                          4x8x8   4x1x1     0       0   256      4     260         260\n"
          "  4  classifier                         4x1x1  10x1x1    40      50     4     10      14          14\n");
    op window;
    window.kernel_h = 10;
    window.kernel_w = 4;
    CHECK(window_text(window) == "10x4");
    window.stride_h = 2;
    CHECK(window_text(window) == "10x4/2x1");
    window.stride_w = 2;
    CHECK(window_text(window) == "10x4/2");
    window.kind = op_kind::add;
    CHECK(window_text(window).empty());
}

TEST_CASE("buffers at the peak: kinds, maps, rows and shared bytes", "[cli][check]") {
    const auto net = network_from_zoo("lmanet_elite");
    REQUIRE(net);
    const graph_view g = net->graph.view();
    CHECK(buffer_table(g, overlaid::layout(g), {}) ==
          "#  offset    bytes  kind  what                                 shares            address\n"
          "1       0   38,400  map   stage 3 block 1 depthwise, 96x20x20                    "
          "#####...................\n"
          "2   2,016  153,600  map   stage 3 block 1 expand, 96x40x40     36,384 B with #1  "
          "########################\n");
    const std::string planned_buffers = buffer_table(g, planned<>::layout(g), {});
    CHECK(line_with(planned_buffers, "network's input").find("51,200 B with #1") != std::string::npos);
    CHECK(planned_buffers.find("ring   5 rows of stage 1 block 2 project, 16x80x80") != std::string::npos);
}

TEST_CASE("plans: moved bytes and MACs done twice add up over the parts", "[cli][check]") {
    CHECK_FALSE(plan_by("layerwise", {}));
    splitmix64 rng{3};
    int moving = 0, twice = 0;
    for (int i = 0; i < 400; ++i) {
        const auto net = random_networks::draw(rng);
        const dynamic_graph graph(net);
        if (graph.error()) continue;
        const graph_view g = graph.view();
        for_each_memory_model([&](const any_memory_model& m) {
            const auto plan = plan_by(m.name, g);
            if (!plan || !plan->complete) return;
            INFO(random_networks::text(net) << "\n  " << m.name);
            bytes moved;
            macs recomputed;
            for (const bytes b : moved_by_part(*plan)) moved += b;
            for (const plan_part& p : plan->parts()) recomputed += recomputed_by(g, p);
            REQUIRE(moved == plan->moved);
            REQUIRE(recomputed == plan->recomputed);
            moving += moved.value > 0;
            twice += recomputed.value > 0;
        });
    }
    CHECK(moving > 100);
    CHECK(twice > 100);
}

TEST_CASE("plan: LMaNet-Elite", "[cli][check]") {
    const auto net = network_from_zoo("lmanet_elite");
    REQUIRE(net);
    const graph_view g = net->graph.view();
    const auto plan = plan_by("planned", g);
    REQUIRE(plan);
    const std::string table = plan_table(g, *plan);
    CHECK(line_with(table, " 1-6 ") ==
          " > 1  1-6        stage 1 block 1 depthwise  stage 2 block 1 project   streamed  87,056");
    CHECK_FALSE(plan_by("no model", g));
}

TEST_CASE("all models: peaks, what the chosen one is, and networks that a model does not cover", "[cli][check]") {
    const auto net = network_from_zoo("lmanet_elite");
    REQUIRE(net);
    const auto verdicts = judge_by_all_models(net->graph.view(), bytes{200'000});
    const std::string table = model_table(net->graph.view(), verdicts, "planned");
    const auto shows = [&](std::string_view model, std::string_view peak, std::string_view fits) {
        const std::string line = line_with(table, model);
        return line.find(' ' + std::string(peak) + ' ') != std::string::npos &&
               line.find("  " + std::string(fits) + ' ') != std::string::npos;
    };
    CHECK(shows("layerwise ", "204,800", "no"));
    CHECK(shows("arena ", "246,264", "no"));
    CHECK(shows("overlaid ", "155,616", "yes"));
    CHECK(shows("planned ", "87,056", "yes"));
    CHECK(line_with(table, "planned ").front() == '>');
    CHECK(line_with(table, "arena ").find(" 41,464 ") != std::string::npos);

    architecture<5> deep = zoo::lmanet_elite;
    for (stage& s : deep.stages) s.num_layers = 30;
    const dynamic_graph graph(deep);
    const auto of_deep = judge_by_all_models(graph.view(), bytes{1'000'000'000});
    const std::string text = model_table(graph.view(), of_deep, "planned");
    CHECK(line_with(text, "planned ").find("not covered: number of cut points over 64") != std::string::npos);
    CHECK(line_with(text, "layerwise ").find("yes") != std::string::npos);
    for (const model_verdict& v : of_deep) CHECK(v.fits == v.covered.complete());
}

TEST_CASE("latency: estimates with their errors, and what no model has seen", "[cli][check]") {
    const std::string core = latency_table(network<zoo::lmanet_core>::view);
    CHECK(line_with(core, "CMSIS-NN") == "STM32H743 480 MHz, CMSIS-NN        389        1.0 %  2.2 %");
    CHECK(line_with(core, "none of which") ==
          "The errors are those of MCUNet networks, none of which has an operator like 7 (stage 3 block 1 expand).");
    const std::string seen = latency_table(network<zoo::mcunet_in3>::view);
    CHECK(line_with(seen, "TinyEngine") == "STM32H743 480 MHz, TinyEngine      337        1.9 %  5.4 %");
    CHECK(line_with(seen, "none of which").empty());
    // A small network is no network of 0 ms.
    CHECK(line_with(latency_table(network<zoo::ds_cnn>::view), "TinyEngine").find(" 9.93 ") != std::string::npos);
}

TEST_CASE("names: those nearest to what was typed come first", "[cli][check]") {
    CHECK(nearest_first({"ds_cnn", "lmanet_elite", "lmanet_core", "resnet8"}, "lmanet_cor") ==
          "lmanet_core, lmanet_elite, resnet8, ds_cnn");
    CHECK(cli::detail::edit_distance("kitten", "sitting") == 3);
    CHECK(cli::detail::edit_distance("", "abc") == 3);
    const auto unknown = network_named("resnet9", {}, {3, 32, 32}, 10);
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().wanted.find("a JSON file or one of resnet8, ") == 0);
    CHECK(network_named(".", {}, {3, 32, 32}, 10).error().code == errc::io);
}
