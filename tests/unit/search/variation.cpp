// SPDX-License-Identifier: MIT
// Changes of canonical points: neighbours, mutants, children of two.
#include <llmnas/search/variation.hpp>

#include <cstddef>
#include <set>

#include <llmnas/search/local_search_proposer.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include "support/catch.hpp"

using namespace llmnas;
using space = table1_se;

TEST_CASE("local search: neighbours differ in one field, and in those that have an effect only then", "[search]") {
    splitmix64 rng{4};
    for (int round = 0; round < 100; ++round) {
        const auto p = canonical(sample<space>(rng));
        std::size_t expected = 0;
        for (const gene g : effective_genes(p)) expected += axis_sizes<space>[g.axis] - 1;
        const auto around = local_search_proposer<space>::neighbours(p, rng);
        REQUIRE(around.size() == expected);
        for (const auto& q : around) {
            REQUIRE(canonical(q) == q);
            std::size_t changed = 0;
            const auto before = effective_flags(p), behind = effective_flags(q);
            for (std::size_t s = 0; s < space::stages; ++s)
                for (std::size_t k = 0; k < axis_count<space>; ++k)
                    changed += before[s][k] && behind[s][k] && p.choice[s][k] != q.choice[s][k];
            REQUIRE(changed == 1);
        }
    }
}

TEST_CASE("variation: fields that a child has and its parents lack are drawn from all choices", "[search]") {
    splitmix64 rng{5};
    std::size_t ratio = 0, use = 0, k = 0;
    detail::for_each_axis<space>([&](auto a) {
        if (decltype(a)::name == "se_ratio") ratio = k;
        if (decltype(a)::name == "use_se") use = k;
        ++k;
    });
    std::set<int> seen;
    int crossed = 0;
    for (int round = 0; round < 4000; ++round) {
        const auto a = canonical(sample<space>(rng)), b = canonical(sample<space>(rng));
        const auto m = mutant(a, rng);
        for (std::size_t s = 0; s < space::stages; ++s)
            if (m.choice[s][use] != a.choice[s][use] && effective_axes(m, s)[ratio]) seen.insert(m.choice[s][ratio]);
        const auto c = uniform_crossover(a, b, rng);
        if (!(canonical(c) == c)) FAIL("a child is not canonical");
        for (std::size_t s = 0; s < space::stages; ++s)
            for (std::size_t axis = 0; axis < axis_count<space>; ++axis) {
                if (!effective_axes(c, s)[axis]) continue;
                const bool in_a = effective_axes(a, s)[axis], in_b = effective_axes(b, s)[axis];
                const auto choice = c.choice[s][axis];
                if ((in_a || in_b) && !(in_a && choice == a.choice[s][axis]) && !(in_b && choice == b.choice[s][axis]))
                    FAIL("a choice of neither parent");
                crossed += in_a && in_b && choice == b.choice[s][axis] && choice != a.choice[s][axis];
            }
    }
    CHECK(seen.size() == axis_sizes<space>[ratio]);
    CHECK(crossed > 10'000);
}
