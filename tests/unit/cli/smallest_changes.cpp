// SPDX-License-Identifier: MIT
// The smallest single-field changes that make a network fit: a case by hand, and equality with an enumeration of its
// own over points of the space.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <llmnas/cli/what_would_fit.hpp>
#include <llmnas/search/smallest_changes.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/zoo/list.hpp>

#include "support/catch.hpp"
#include "support/random_networks.hpp"

using namespace llmnas;
using namespace llmnas::cli;

namespace {

// Steps, change of MACs, SRAM.
using size_of_change = std::tuple<std::int32_t, std::uint64_t, std::uint64_t>;

template <class Net>
std::optional<costs> costs_at(const Net& net, const any_memory_model& memory) {
    const dynamic_graph graph(net);
    if (graph.error()) return std::nullopt;
    return evaluate(graph.view(), memory);
}

change_suggestions changes_of(const checked_network& net, const cost_limits& limits, const any_memory_model& memory) {
    return smallest_changes(net.graph.view(), net.for_each_change, limits, memory);
}

std::uint64_t distance(macs a, macs b) { return a > b ? a.value - b.value : b.value - a.value; }

// What the enumerations below find: the smallest fitting change of each field, and the least excess of any change.
struct brute_force {
    std::map<std::string, size_of_change> best;
    double least_excess;
    costs before;
    cost_limits limits;
    any_memory_model memory;

    template <class Net>
    brute_force(const Net& net, const cost_limits& l, const any_memory_model& m)
        : before(costs_at(net, m).value()), limits(l), memory(m) {
        least_excess = excess(before, limits);
    }

    template <class Net>
    void look(const std::string& field, const Net& changed, std::int32_t steps) {
        const auto c = costs_at(changed, memory);
        if (!c) return;
        least_excess = std::min(least_excess, excess(*c, limits));
        if (!limits.allow(*c)) return;
        const size_of_change size{steps, distance(c->mac_count, before.mac_count), c->sram.size.value};
        const auto [it, is_new] = best.emplace(field, size);
        if (!is_new) it->second = std::min(it->second, size);
    }

    void compare(const change_suggestions& found) const {
        REQUIRE(found.fitting.size() == best.size());
        size_of_change last{};
        for (const suggestion& s : found.fitting) {
            const std::string field = s.change.place + ' ' + std::string(s.change.field);
            INFO(s.change.text());
            REQUIRE(best.count(field) == 1);
            const size_of_change size{s.change.steps, distance(s.after.mac_count, before.mac_count),
                                      s.after.sram.size.value};
            CHECK(size == best.at(field));
            CHECK(limits.allow(s.after));
            CHECK(last <= size);
            last = size;
        }
        if (!best.empty())
            CHECK_FALSE(found.nearest);
        else if (found.nearest)
            CHECK(excess(found.nearest->after, limits) == least_excess);
        else
            CHECK(excess(before, limits) == least_excess);
    }
};

template <class Net>
void compare_stages(const Net& net, const cost_limits& limits, const any_memory_model& memory) {
    const auto point = encode<table1_se>(net);
    REQUIRE_FALSE(point.violation);
    brute_force wanted(net, limits, memory);
    for (std::size_t s = 0; s < table1_se::stages; ++s)
        for (std::size_t k = 0; k < axis_count<table1_se>; ++k) {
            const std::string_view name = axis_names<table1_se>[k];
            if (name == "se_ratio" && !net.stages[s].use_se) continue;
            const int now = point.point.choice[s][k];
            for (int c = 0; c < static_cast<int>(axis_sizes<table1_se>[k]); ++c) {
                if (c == now) continue;
                auto changed = point.point;
                changed.choice[s][k] = static_cast<std::uint8_t>(c);
                wanted.look("stage " + std::to_string(s + 1) + ' ' + std::string(name),
                            decode(changed, net.input, net.classes), name == "activation" ? 1 : std::abs(c - now));
            }
        }
    wanted.compare(changes_of(make_checked(net, "net"), limits, memory));
}

}  // namespace

TEST_CASE("smallest changes: LMaNet-Core at 300,000 bytes of layerwise", "[cli][check]") {
    // Stage 2 expands 16 x 80 x 80 to 32 x 80 x 80: 307,200 B. Nothing before it can be smaller: 16 channels are the
    // fewest and a stride of 2 the largest. Expansion 2 is below all choices. As a depthwise block, stage 2 has no
    // expanded map; then stage 3 is the largest: 32 x 40 x 40 and 128 x 40 x 40.
    const auto net = network_from_zoo("lmanet_core");
    REQUIRE(net);
    const cost_limits limits{.sram = bytes{300'000}};
    const change_suggestions found = changes_of(*net, limits, {});
    REQUIRE(found.fitting.size() == 1);
    CHECK_FALSE(found.nearest);
    CHECK(found.fitting[0].change.text() == "stage 2 conv_type mbconv -> depthwise");
    CHECK(found.fitting[0].after.sram.size == bytes{256'000});
    // Both maps have ceil(side / 2) rows and columns; 48 * 79 * 79 = 299,568.
    const auto input = nearest_input(*net, limits, {});
    REQUIRE(input);
    CHECK(input->first == shape{3, 158, 158});
    CHECK(input->second.sram.size == bytes{299'568});
}

TEST_CASE("smallest changes: a field counts by its steps, an expansion beside the choices too", "[cli][check]") {
    // By E, 24 x 20 x 20 = 9,600 B expand to E times that, which stride 2 then quarters: the larger of 9,600 * (1 + E)
    // and 12,000 * E.
    const architecture<2> net{.input = {3, 40, 40},
                              .classes = 10,
                              .stages = {{.output_channels = 24, .stride = 2, .conv_type = block_type::depthwise},
                                         {.output_channels = 24, .stride = 2, .expansion_factor = 6}}};
    REQUIRE(costs_at(net, {}).value().sram.size == bytes{72'000});
    const auto expansion_of = [](const architecture<2>& design, std::uint64_t limit) {
        for (const suggestion& s : changes_of(make_checked(design, "net"), {.sram = bytes{limit}}, {}).fitting)
            if (s.change.field == "expansion_factor") return s.change.text() + ", " + std::to_string(s.change.steps);
        return std::string("none");
    };
    CHECK(expansion_of(net, 48'000) == "stage 2 expansion_factor 6 -> 4, 1");
    CHECK(expansion_of(net, 47'999) == "stage 2 expansion_factor 6 -> 3, 2");
    CHECK(expansion_of(net, 38'399) == "none");

    architecture<2> beside = net;
    beside.stages[1].expansion_factor = 100;
    CHECK(expansion_of(beside, 72'000) == "stage 2 expansion_factor 100 -> 6, 1");
    CHECK(expansion_of(beside, 71'999) == "stage 2 expansion_factor 100 -> 4, 2");
}

TEST_CASE("smallest changes: none is smaller, over random networks, limits and models", "[cli][check]") {
    splitmix64 rng{7};
    const any_memory_model models[] = {{}, erased<overlaid>, erased<planned<>>};
    int compared = 0;
    while (compared < 150) {
        const auto net = random_networks::draw(rng);
        const any_memory_model& memory = models[static_cast<std::size_t>(rng.below(3))];
        const auto c = costs_at(net, memory);
        if (!c) continue;
        const auto share = [&](std::uint64_t n) { return n / 100 * static_cast<std::uint64_t>(rng.between(40, 110)); };
        cost_limits limits;
        if (rng.below(4) > 0) limits.sram = bytes{share(c->sram.size.value)};
        if (rng.below(4) == 0) limits.flash = bytes{share(c->flash.value)};
        if (rng.below(4) == 0) limits.max_macs = macs{share(c->mac_count.value)};
        if (rng.below(8) == 0) {
            limits.min_macs = macs{c->mac_count.value / 100 * static_cast<std::uint64_t>(rng.between(101, 200))};
            limits.max_macs = cost_limits{}.max_macs;
        }
        if (limits.allow(*c)) continue;
        ++compared;
        INFO(random_networks::text(net) << "\n  " << memory.name << ", limits " << limits.sram.value << ' '
                                        << limits.flash.value << ' ' << limits.min_macs.value << ' '
                                        << limits.max_macs.value);
        compare_stages(net, limits, memory);
    }
}

TEST_CASE("smallest changes: block lists keep their form", "[cli][check]") {
    constexpr auto& net = zoo::mcunet_vww0;
    const auto expands = [](const auto& d, std::size_t s) {
        return d.blocks[s].expanded != (s == 0 ? d.stem_channels : d.blocks[s - 1].output_channels);
    };
    for (const std::uint64_t limit : {61'000U, 57'344U, 50'000U, 33'000U, 20'000U}) {
        INFO(limit);
        const cost_limits limits{.sram = bytes{limit}};
        brute_force wanted(net, limits, {});
        const auto try_all = [&](const std::string& field, auto member, const std::vector<std::int32_t>& values,
                                 bool steps_of_8) {
            auto changed = net;
            std::int32_t& value = member(changed);
            const std::int32_t now = value;
            for (const std::int32_t v : values) {
                value = v;
                bool same_form = v != now;
                for (std::size_t s = 0; s < std::size(net.blocks); ++s)
                    same_form = same_form && expands(changed, s) == expands(net, s);
                if (same_form) wanted.look(field, changed, std::abs(v - now) / (steps_of_8 ? 8 : 2));
            }
        };
        const auto channels = [](std::int32_t now) {  // those of this design are multiples of 8
            REQUIRE(now % 8 == 0);
            std::vector<std::int32_t> values;
            for (std::int32_t c = 8; c <= 2 * now; c += 8) values.push_back(c);
            return values;
        };
        try_all(
            " stem_channels", [](auto& d) -> std::int32_t& { return d.stem_channels; }, channels(net.stem_channels),
            true);
        for (std::size_t s = 0; s < std::size(net.blocks); ++s) {
            const std::string place = "stage " + std::to_string(s + 1) + ' ';
            try_all(
                place + "expanded", [s](auto& d) -> std::int32_t& { return d.blocks[s].expanded; },
                channels(net.blocks[s].expanded), true);
            try_all(
                place + "kernel_size", [s](auto& d) -> std::int32_t& { return d.blocks[s].kernel_size; }, {3, 5, 7},
                false);
            try_all(
                place + "output_channels", [s](auto& d) -> std::int32_t& { return d.blocks[s].output_channels; },
                channels(net.blocks[s].output_channels), true);
        }
        wanted.compare(changes_of(make_checked(net, "net"), limits, {}));
    }
}

TEST_CASE("smallest changes: a block with an expansion convolution keeps one", "[cli][check]") {
    // The second block expands 16 x 16 x 16 = 4,096 B, which wait for the residual, to E x 16 x 16 twice. E = 24 takes
    // 16,384 B, E = 16 would be a block without expansion, E = 8 takes 8,192 B.
    const block_list<2> net{
        .input = {3, 32, 32}, .classes = 10, .stem_channels = 16, .blocks = {{16, 3, 1, 16}, {48, 3, 1, 16, true}}};
    REQUIRE(costs_at(net, {}).value().sram.size == bytes{4'096 + 2 * 48 * 256});
    const auto found = changes_of(make_checked(net, "net"), {.sram = bytes{13'000}}, {}).fitting;
    REQUIRE(found.size() == 1);
    CHECK(found[0].change.text() == "stage 2 expanded 48 -> 8");
    CHECK(found[0].change.steps == 5);
}

TEST_CASE("smallest changes: the nearest input", "[cli][check]") {
    const auto elite = network_from_zoo("lmanet_elite");
    REQUIRE(elite);
    dynamic_graph graph;
    for (const any_memory_model& memory : {any_memory_model{}, erased<planned<>>})
        for (const std::uint64_t limit : {200'000U, 80'000U, 20'000U}) {
            const cost_limits limits{.sram = bytes{limit}};
            const auto found = nearest_input(*elite, limits, memory);
            REQUIRE(found);
            for (std::int32_t side = 160; side >= found->first.height; --side) {
                elite->lower_at(side, graph);
                const bool allowed = !graph.error() && limits.allow(evaluate(graph.view(), memory));
                CHECK(allowed == (side == found->first.height));
            }
        }
    CHECK_FALSE(nearest_input(*elite, {.sram = bytes{100}}, {}));
    // Too few MACs: the smallest larger one.
    const auto larger = nearest_input(*elite, {.min_macs = macs{90'000'000}}, {});
    REQUIRE(larger);
    CHECK(larger->second.mac_count >= macs{90'000'000});
    elite->lower_at(larger->first.height - 1, graph);
    CHECK(total<mac_count>(graph.view()) < macs{90'000'000});
    // Proportions are kept: 49 frames of 10 coefficients.
    const auto spectrogram = network_from_zoo("ds_cnn");
    REQUIRE(spectrogram);
    const auto shorter = nearest_input(*spectrogram, {.sram = bytes{8'000}}, {});
    REQUIRE(shorter);
    CHECK(shorter->first == shape{1, 31, 6});
    CHECK(scaled_to({1, 49, 10}, 1) == shape{1, 1, 1});
    CHECK(scaled_to({3, 1, 32768}, 32768) == shape{3, 1, 32768});
}

TEST_CASE("what would fit: text, other models, targets", "[cli][check]") {
    task_options options;
    options.sram = "300000";
    const task t = options.read().value();
    const auto net = network_from_zoo("lmanet_core");
    REQUIRE(net);
    const cost_limits limits{.sram = t.limits.limits.sram, .flash = t.limits.limits.flash};
    CHECK(what_would_fit(*net, limits, t, judge_by_all_models(net->graph.view(), limits.sram)) ==
          "  stage 2 conv_type mbconv -> depthwise: 256,000 B, MACs -6.2 %\n"
          "  input 3x160x160 -> 3x158x158: 299,568 B, MACs -0.2 %\n"
          "  another memory model: overlaid 207,488 B, fused_blocks 115,232 B, streamed_prefix 235,840 B,\n"
          "    streamed_prefix_rows 160,640 B, planned 92,512 B, planned_rows 67,968 B,\n"
          "    planned_rows_two_pass 67,968 B\n"
          "  a higher limit: AXI SRAM of stm32h743 has 524,288 B (512.0 KiB), its flash 2,097,152 B (2048.0 KiB)\n");

    const auto next = [](const target_info& from, std::uint64_t sram, std::uint64_t flash) {
        const auto found = next_target(from, costs{{}, {}, bytes{flash}, memory_peak{bytes{sram}}});
        return found ? found->name : std::string("none");
    };
    CHECK(next(info_of<mcu::rp2040>(), 307'200, 485'128) == "stm32f746");
    CHECK(next(info_of<mcu::stm32f746>(), 1, 2'000'000) == "rp2040");
    CHECK(next(info_of<mcu::stm32h743>(), 600'000, 1) == "stm32l4r5");
    CHECK(next(info_of<mcu::stm32h743>(), 700'000, 1) == "none");
}
