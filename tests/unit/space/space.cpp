// SPDX-License-Identifier: MIT
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <type_traits>
#include <vector>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/space/cardinality.hpp>
#include <llmnas/space/membership.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>

#include "support/catch.hpp"

using namespace llmnas;

namespace {

// One stage of the paper's space, so that every point can be visited.
template <class Space>
struct one_stage : Space {
    static constexpr std::size_t stages = 1;
};

template <class Space>
std::vector<space_point<Space>> all_points() {
    std::vector<space_point<Space>> points;
    for (std::uint64_t i = 0; i < stage_cardinality<Space>; ++i) points.push_back(unrank<Space>(i));
    return points;
}

// An axis with a condition on an axis that is itself conditional, and one whose condition needs two fields.
struct nested {
    static constexpr std::string_view name = "nested";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 3;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"stride", &stage::stride, 1, 2>{}, axis<"use_se", &stage::use_se, false, true>{},
        axis_when<axis<"se_ratio", &stage::se_ratio, ratio{1, 4}, ratio{1, 2}, ratio{3, 4}>, is<&stage::use_se, true>,
                  is<&stage::stride, 2>>{},
        axis_when<axis<"kernel_size", &stage::kernel_size, 3, 5>, is<&stage::se_ratio, ratio{1, 2}>>{});
};

// A chain: the second axis exists under a condition on the first, the third under one on the second.
struct chained {
    static constexpr std::string_view name = "chained";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 2;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"use_se", &stage::use_se, true, false>{},
        axis_when<axis<"conv_type", &stage::conv_type, block_type::depthwise, block_type::mbconv>,
                  is<&stage::use_se, true>>{},
        axis_when<axis<"expansion_factor", &stage::expansion_factor, 3, 4, 6>,
                  is<&stage::conv_type, block_type::mbconv>>{});
};

// The default of a condition field (stride 1) is not among its choices.
struct default_outside {
    static constexpr std::string_view name = "default_outside";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 1;
    static constexpr auto axes =
        boost::hana::make_tuple(axis<"use_se", &stage::use_se, true, false>{},
                                axis_when<axis<"stride", &stage::stride, 2, 3>, is<&stage::use_se, true>>{},
                                axis_when<axis<"kernel_size", &stage::kernel_size, 3, 5>, is<&stage::stride, 1>>{});
};

}  // namespace

TEMPLATE_TEST_CASE("space: every index of a stage is another point, and back", "[space]", one_stage<table1>,
                   one_stage<table1_se>) {
    std::set<std::vector<std::uint8_t>> seen;
    for (std::uint64_t i = 0; i < stage_cardinality<TestType>; ++i) {
        const auto p = unrank<TestType>(i);
        if (rank(p) != i) FAIL(i);
        const auto found = encode<TestType>(decode(p));
        if (found.violation || !(found.point == p)) FAIL(i);
        seen.emplace(p.choice[0].begin(), p.choice[0].end());
    }
    CHECK(seen.size() == stage_cardinality<TestType>);
}

TEMPLATE_TEST_CASE("space: the canonical count is the number of canonical forms", "[space]", one_stage<table1>,
                   one_stage<table1_se>) {
    std::set<std::vector<std::uint8_t>> forms;
    for (const auto& p : all_points<TestType>()) {
        const auto c = canonical(p);
        if (!(canonical(c) == c)) FAIL("canonical form of a canonical form differs");
        forms.emplace(c.choice[0].begin(), c.choice[0].end());
    }
    CHECK(forms.size() == canonical_stage_cardinality<TestType>);
}

TEST_CASE("space: equal canonical forms are equal networks, and on 64 channels also the reverse", "[space]") {
    using space = one_stage<table1_se>;
    // By position more can be equal: with 64 channels in front, SE ratios and projections all make a difference.
    std::map<std::vector<std::uint8_t>, std::uint64_t> hash_of_form;
    std::map<std::uint64_t, std::vector<std::uint8_t>> form_of_hash;
    for (const auto& p : all_points<space>()) {
        if (p.choice[0][2] != 0 || p.choice[0][0] > 2) continue;  // a sixth of them is enough and quick
        const auto c = canonical(p);
        const std::vector<std::uint8_t> form(c.choice[0].begin(), c.choice[0].end());
        const dynamic_graph g(decode(p, shape{64, 8, 8}, 10));
        std::uint64_t h = 0xcbf29ce484222325U;
        for (const op& o : g.view().ops)
            for (const auto v : {std::int64_t{o.out.channels}, std::int64_t{o.kernel_h}, std::int64_t{o.stride_h},
                                 static_cast<std::int64_t>(o.kind), static_cast<std::int64_t>(o.activation)})
                h = (h ^ static_cast<std::uint64_t>(v)) * 0x100000001b3U;
        const auto [it, fresh] = hash_of_form.emplace(form, h);
        if (!fresh && it->second != h) FAIL("one form, two networks");
        const auto [other, first] = form_of_hash.emplace(h, form);
        if (!first && other->second != form) FAIL("one network, two forms");
    }
    CHECK(hash_of_form.size() == form_of_hash.size());
    CHECK(hash_of_form.size() > 2000);
}

TEST_CASE("space: conditions on conditions count and rank", "[space]") {
    // stride 1: 2 (use_se); stride 2: 1 without SE, with SE ratios 1/4 and 3/4 one each, 1/2 with two kernels. The
    // default ratio is 1/4, so kernels exist only where the ratio axis says 1/2.
    CHECK(stage_cardinality<nested> == 2 + 1 + 1 + 2 + 1);
    for (std::uint64_t i = 0; i < 7 * 7 * 7; ++i) {
        const auto p = unrank<nested>(i);
        CHECK(rank(p) == i);
    }
}

TEMPLATE_TEST_CASE("space: conditions on conditional axes", "[space]", chained, default_outside) {
    // With the defaults (mbconv, stride 1) the last axis exists where the one before it does not.
    CHECK(stage_cardinality<TestType> == (std::is_same_v<TestType, chained> ? 1 + 3 + 3 : 2 + 2));
    std::set<std::vector<std::uint8_t>> forms;
    for (std::uint64_t i = 0; i < cardinality<TestType>; ++i) {
        const auto p = unrank<TestType>(i);
        CHECK(rank(p) == i);
        CHECK(encode<TestType>(decode(p)).point == p);
        const auto c = canonical(p);
        forms.emplace(c.choice[0].begin(), c.choice[0].end());
    }
    CHECK(forms.size() == canonical_stage_cardinality<TestType>);
}

TEST_CASE("space: sampling is uniform", "[space]") {
    using space = one_stage<nested>;
    constexpr int draws = 70'000;
    std::map<std::uint64_t, int> count;
    splitmix64 rng{42};
    for (int i = 0; i < draws; ++i) ++count[static_cast<std::uint64_t>(rank(sample<space>(rng)))];
    REQUIRE(count.size() == 7);
    double chi2 = 0;
    for (const auto& [index, n] : count) chi2 += (n - 10'000.0) * (n - 10'000.0) / 10'000.0;
    CHECK(chi2 < 22.46);  // 6 degrees of freedom, p = 0.001
}

TEST_CASE("space: equal seeds give equal samples, streams differ", "[space]") {
    splitmix64 a{mix_seed(1, 2)}, b{mix_seed(1, 2)}, c{mix_seed(1, 3)};
    const auto p = sample<table1_se>(a);
    CHECK(p == sample<table1_se>(b));
    CHECK_FALSE(p == sample<table1_se>(c));
}
