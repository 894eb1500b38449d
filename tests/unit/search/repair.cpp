// SPDX-License-Identifier: MIT
// Repairs against brute force over all networks within one and two changes, with the paper's limits.
#include <llmnas/search/repair.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <tuple>

#include <llmnas/space/sampling.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include "support/catch.hpp"

using namespace llmnas;
using space = table1_se;
using net_type = network_of<space>;

namespace {

/// Changes, steps, distance in MACs.
using size = std::tuple<std::size_t, std::int32_t, std::uint64_t>;

std::uint64_t macs_of(const net_type& net) {
    const dynamic_graph g(net);
    return g.error() ? 0 : total<mac_count>(g.view()).value;
}

/// The smallest repair with at most two changes, by trying them all.
std::optional<size> brute_force(const net_type& net, const gate<space>& judge) {
    std::optional<size> best;
    const std::uint64_t before = macs_of(net);
    const auto look = [&](std::size_t changes, std::int32_t steps, const net_type& changed) {
        if (best && std::tuple(changes, steps) > std::tuple(std::get<0>(*best), std::get<1>(*best))) return;
        if (!contains<space>(changed) || !judge.judge(changed)) return;
        const std::uint64_t after = macs_of(changed);
        const size s{changes, steps, before == 0 ? 0 : std::max(before, after) - std::min(before, after)};
        if (!best || s < *best) best = s;
    };
    for_each_axis_change<space>(net, [&](const field_change& c, const net_type& one) { look(1, c.steps, one); });
    if (best) return best;
    for_each_axis_change<space>(net, [&](const field_change& first, const net_type& one) {
        for_each_axis_change<space>(one, [&](const field_change& second, const net_type& two) {
            if (!first.same_field(second)) look(2, first.steps + second.steps, two);
        });
    });
    return best;
}

void check_minimal(const net_type& net, const gate<space>& judge) {
    const auto wanted = brute_force(net, judge);
    const auto found = repair<space>(net, judge);
    REQUIRE(found);
    INFO(found->text());
    CHECK(contains<space>(found->result.network));
    CHECK(judge.judge(found->result.network));
    if (!wanted) {
        CHECK(found->changes.size() > 2);
        return;
    }
    const std::uint64_t before = macs_of(net), after = found->result.cost.mac_count.value;
    CHECK(found->nearest);
    CHECK(size{found->changes.size(), found->steps(),
               before == 0 ? 0 : std::max(before, after) - std::min(before, after)} == *wanted);
}

/// A feasible network with a few random fields changed, refused: what a model that knows the limits a little proposes.
net_type near_miss(const gate<space>& judge, splitmix64& rng) {
    for (;;) {
        auto point = encode<space>(decode(sample<space>(rng))).point;
        while (!judge.judge(decode(point))) point = sample<space>(rng);
        for (int i = 0; i < 3; ++i) {
            const auto k = static_cast<std::size_t>(rng.below(axis_count<space>));
            point.choice[rng.below(space::stages)][k] = static_cast<std::uint8_t>(rng.below(axis_sizes<space>[k]));
        }
        if (const auto net = decode(point); !judge.judge(net)) return net;
    }
}

}  // namespace

TEST_CASE("repair: nothing is nearer within two changes", "[search]") {
    const gate<space> judge{problem{}};
    splitmix64 rng{3};
    for (int i = 0; i < 6; ++i) check_minimal(near_miss(judge, rng), judge);
    check_minimal(decode(sample<space>(rng)), judge);
}

TEST_CASE("repair: nothing is nearer within two changes, many", "[search][.long]") {
    const gate<space> judge{problem{}};
    splitmix64 rng{4};
    for (int i = 0; i < 60; ++i) check_minimal(near_miss(judge, rng), judge);
    for (int i = 0; i < 60; ++i) check_minimal(decode(sample<space>(rng)), judge);
}

TEST_CASE("repair: fields outside the space are brought in, each by its nearest choice", "[search]") {
    const gate<space> judge{problem{}};
    splitmix64 rng{5};
    net_type feasible = decode(sample<space>(rng));
    while (!judge.judge(feasible)) feasible = decode(sample<space>(rng));
    auto net = feasible;
    net.stages[4].activation = activation_kind::relu;
    auto found = repair<space>(net, judge);
    REQUIRE(found);
    CHECK(found->changes.size() == 1);
    CHECK(found->text().starts_with("stage 5 activation relu -> "));
    net.stages[1].kernel_size = 9;
    check_minimal(net, judge);
    // One change for each of five fields outside is more than the options' three.
    for (auto& s : net.stages) s.num_layers = 5;
    found = repair<space>(net, judge);
    REQUIRE(found);
    CHECK(judge.judge(found->result.network));
    CHECK_FALSE(found->nearest);
}

TEST_CASE("repair: a network that cannot be built, one without a repair, and a repair that is taken", "[search]") {
    gate<space> judge{problem{}};
    auto net = decode(space_point<space>{});
    for (auto& s : net.stages) s.stride = 2, s.kernel_size = 7, s.output_channels = 160;
    net.input = {3, 160, 160};
    const auto first = repair<space>(net, judge);
    REQUIRE(first);
    CHECK(first->result.feasible);
    // The same again: deterministic. Once it is a trial, another one is found.
    CHECK(repair<space>(net, judge)->text() == first->text());
    judge.remember(first->result, 0);
    const auto second = repair<space>(net, judge);
    REQUIRE(second);
    CHECK(second->result.hash != first->result.hash);

    problem impossible;
    impossible.limits.sram = bytes{100};
    CHECK_FALSE(repair<space>(net, gate<space>{impossible}, {.max_changes = 1, .max_draws = 100}));
}

TEST_CASE("repair: how often it succeeds on random proposals", "[search][.long]") {
    const gate<space> judge{problem{}};
    splitmix64 rng{6};
    int repaired = 0, nearest = 0, refused = 0;
    std::array<int, 16> by_changes{};
    for (int i = 0; i < 200; ++i) {
        const auto net = decode(sample<space>(rng));
        if (judge.judge(net)) continue;
        ++refused;
        const auto found = repair<space>(net, judge);
        if (!found) continue;
        ++repaired;
        nearest += found->nearest ? 1 : 0;
        ++by_changes[std::min(found->changes.size(), by_changes.size() - 1)];
    }
    WARN(repaired << " of " << refused << " repaired, " << nearest << " of them proved nearest");
    for (std::size_t n = 0; n < by_changes.size(); ++n)
        if (by_changes[n] > 0) WARN(by_changes[n] << " with " << n << " changes");
    CHECK(repaired >= refused * 99 / 100);
}
