// SPDX-License-Identifier: MIT
// Costs of changed networks from the sums of their stages are those of the whole networks, legal or not.
#include <llmnas/cost/bounds/stage_sums.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

#include <llmnas/core/random.hpp>
#include <llmnas/search/field_changes.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>

#include "support/catch.hpp"
#include "support/rounds.hpp"

using namespace llmnas;

namespace {

// Blocks that read what an earlier block published: their costs do not add up stage by stage.
struct publishing_block {
    static constexpr std::string_view name = "publishing";
    static constexpr bool reads_earlier_blocks = true;
    static constexpr tensor lower(graph_builder& g, const stage& s, std::size_t, tensor x) {
        const tensor y = g.pointwise(x, role::main, s.output_channels, activation_kind::relu);
        g.publish(y);
        return y;
    }
};
struct publishing_blocks {
    static constexpr auto types = boost::hana::tuple_t<publishing_block>;
};
struct publishing_space {
    static constexpr std::string_view name = "publishing";
    using stage_type = stage;
    using blocks = publishing_blocks;
    static constexpr std::size_t stages = 2;
    static constexpr auto axes = boost::hana::make_tuple(axis<"output_channels", &stage::output_channels, 8, 16>{},
                                                         axis<"num_layers", &stage::num_layers, 1, 2>{});
};
static_assert(detail::stages_add_up<table1_se> && !detail::stages_add_up<publishing_space>);

template <class Space>
std::optional<costs> whole(const network_of<Space>& net) {
    const dynamic_graph g(net);
    if (g.error()) return std::nullopt;
    return costs{total<mac_count>(g.view()), total<parameter_count>(g.view()), total<int8_flash>(g.view()), {}};
}

template <class Space>
void check_changes(int networks, const shape& input) {
    splitmix64 rng{7};
    for (int i = 0; i < networks; ++i) {
        const auto base = decode(sample<Space>(rng), input, 100);
        stage_sums<Space> sums(base);
        REQUIRE(sums.of(base) == whole<Space>(base));
        const auto other = decode(sample<Space>(rng), input, 10);
        REQUIRE(sums.of(other) == whole<Space>(other));
        for_each_axis_change<Space>(base, [&](const field_change& change, const network_of<Space>& changed) {
            const auto expected = whole<Space>(changed);
            if (sums.of(changed) != expected) FAIL(change.text());
        });
        auto wider = base;
        wider.input = {1, input.height + 8, input.width};
        REQUIRE(sums.of(wider) == whole<Space>(wider));
    }
}

}  // namespace

TEST_CASE("stage sums: changed networks cost what they cost as a whole", "[cost]") {
    check_changes<table1_se>(rounds(200), {3, 160, 160});
    check_changes<table1_se>(rounds(100), {3, 2, 3});
    check_changes<publishing_space>(rounds(100), {3, 32, 32});
}

TEST_CASE("stage sums: a network that cannot be built has none, and around it others have", "[cost]") {
    auto base = decode(space_point<table1_se>{}, {3, 32, 32}, 10);
    base.stages[2].output_channels = 40'000;  // over the limit of channels
    stage_sums<table1_se> sums(base);
    CHECK_FALSE(sums.of(base));
    auto mended = base;
    mended.stages[2].output_channels = 40;
    CHECK(sums.of(mended) == whole<table1_se>(mended));
    mended.classes = 0;
    CHECK_FALSE(sums.of(mended));
}
