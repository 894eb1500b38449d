// SPDX-License-Identifier: MIT
// One object lowers many networks in turn: small, illegal and larger than its storage.
#include <llmnas/core/dynamic_graph.hpp>

#include <cstddef>

#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include "support/catch.hpp"

using namespace llmnas;

TEST_CASE("dynamic graph: storage that is kept changes nothing", "[core]") {
    splitmix64 rng{8};
    dynamic_graph kept;
    CHECK(kept.view().ops.empty());
    std::size_t largest = 0;
    for (int i = 0; i < 2'000; ++i) {
        auto net = decode(sample<table1_se>(rng));
        if (i % 5 == 0) net.stages[rng.below(5)].kernel_size = 0;
        if (i % 7 == 0) net.input.height = 0;
        kept.lower(net);
        const dynamic_graph fresh(net);
        REQUIRE(kept.error().code == fresh.error().code);
        REQUIRE(kept.error().at == fresh.error().at);
        REQUIRE(kept.view() == fresh.view());
        REQUIRE(kept.view().input_last_use == fresh.view().input_last_use);
        REQUIRE(kept.view().ops.size() == (kept.error() ? 0 : measure(net).ops));
        if (kept.view().ops.size() > largest) largest = kept.view().ops.size();
    }
    CHECK(largest > 120);
    kept.lower(zoo::lmanet_elite);
    CHECK(kept.view() == network<zoo::lmanet_elite>::view);
}

TEST_CASE("dynamic graph: an error behind the end of the storage is found", "[core]") {
    architecture<5> net = zoo::lmanet_elite;
    for (auto& s : net.stages) s.num_layers = 40;
    net.stages[4].kernel_size = 0;
    const dynamic_graph graph(net);
    CHECK(graph.error().code == graph_errc::kernel_size);
    CHECK(graph.error().at.stage == 4);
    CHECK(graph.view().ops.empty());
    // Extents that are no extents are not computed with.
    net = zoo::lmanet_elite;
    net.input = {-2147483647 - 1, 2147483647, 2147483647};
    CHECK(dynamic_graph(net).error().code == graph_errc::input_size);
}
