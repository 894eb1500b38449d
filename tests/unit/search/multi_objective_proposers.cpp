// SPDX-License-Identifier: MIT
// NSGA-II and local search: feasible and new proposals, the same for one seed however the trials were told, and better
// fronts than chance on a problem whose front is known.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include <llmnas/search/executor.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/hypervolume.hpp>
#include <llmnas/search/local_search_proposer.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/nsga2_proposer.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/space/table1.hpp>
#include "support/catch.hpp"
#include "support/files.hpp"
#include "unit/search/scripted_search.hpp"

using namespace llmnas;
using Catch::Detail::Approx;
using space = table1_se;
static_assert(Proposer<nsga2_proposer<space>, space> && Proposer<local_search_proposer<space>, space>);

namespace {

constexpr objective_info two[] = {{"f1", direction::minimize}, {"f2", direction::maximize}};

/// As ZDT1 (Zitzler, Deb, Thiele 2000): f1 is the mean of the stages' output channels, as parts of their axis; f2 is at
/// most sqrt(f1) - 1, which it is where every other field that has an effect is at its first choice.
std::vector<double> zdt(const network_of<space>& net) {
    const auto p = canonical(encode<space>(net).point);
    double first = 0, others = 0, fields = 0;
    std::size_t channels = 0;
    std::size_t k = 0;
    detail::for_each_axis<space>([&](auto a) {
        if (decltype(a)::name == "output_channels") channels = k;
        ++k;
    });
    for (std::size_t s = 0; s < space::stages; ++s)
        for (std::size_t axis = 0; axis < axis_count<space>; ++axis) {
            const double part = axis_sizes<space>[axis] > 1 ? static_cast<double>(p.choice[s][axis]) /
                                                                  static_cast<double>(axis_sizes<space>[axis] - 1)
                                                            : 0;
            (axis == channels ? first : others) += part;
            fields += axis != channels;
        }
    const double f1 = first / space::stages, g = 1 + 9 * others / fields;
    return {f1, -g * (1 - std::sqrt(f1 / g))};
}

/// Hypervolume of the known front: every sum of channel choices.
double known_front(const std::vector<double>& ref) {
    std::vector<double> points;
    std::size_t k = 0, choices = 0;
    detail::for_each_axis<space>([&](auto a) {
        if (decltype(a)::name == "output_channels") choices = axis_sizes<space>[k];
        ++k;
    });
    for (std::size_t sum = 0; sum <= space::stages * (choices - 1); ++sum) {
        const double f1 = static_cast<double>(sum) / static_cast<double>(space::stages * (choices - 1));
        points.push_back(f1);
        points.push_back(std::sqrt(f1) - 1);
    }
    return hypervolume(points, ref, std::vector{direction::minimize, direction::maximize}).value();
}

problem without_limits() {
    problem p;
    p.min_macs = macs{0};
    p.max_macs = macs{1'000'000'000'000};
    p.limits = {.sram = bytes{1'000'000'000}, .flash = bytes{1'000'000'000}};
    return p;
}

/// A search without training: proposals, their values, and what was told.
struct replay {
    problem task = without_limits();
    std::span<const objective_info> objectives = two;
    std::function<std::vector<double>(const candidate<space>&)> values = [](const auto& c) { return zdt(c.network); };
    gate<space> judge{task};
    std::vector<trial<space>> trials = {};

    template <class P>
    tl::expected<proposal<space>, rejection> ask(P& proposer, std::uint64_t seed) {
        const search_context<space> context{.task = task,
                                            .trials = trials,
                                            .front = {},
                                            .best = {},
                                            .rejections = {},
                                            .judge = [&](const network_of<space>& net) { return judge.judge(net); },
                                            .objectives = objectives};
        splitmix64 rng{mix_seed(seed, trials.size())};
        return proposer.ask(context, rng);
    }

    const trial<space>& train(const network_of<space>& net) {
        auto c = judge.judge(net);
        REQUIRE(c);
        trial<space> t;
        t.number = static_cast<std::int32_t>(trials.size());
        t.candidate = *c;
        t.state = trial_state::complete;
        t.values = values(*c);
        judge.remember(*c, t.number);
        trials.push_back(t);
        return trials.back();
    }

    template <class P>
    replay& run(P proposer, std::size_t count, std::uint64_t seed) {
        while (trials.size() < count) {
            const auto proposed = ask(proposer, seed);
            REQUIRE(proposed);
            proposer.tell(train(proposed->network));
        }
        return *this;
    }

    [[nodiscard]] double volume(const std::vector<double>& ref) const {
        std::vector<double> points;
        for (const auto& t : trials) points.insert(points.end(), t.values.begin(), t.values.end());
        return hypervolume(points, ref, directions_of(objectives)).value();
    }
};

/// Its rest told in another order, and to a proposer made anew before every proposal.
template <class P>
void check_resumption(std::size_t count) {
    replay uninterrupted;
    uninterrupted.run(P{}, count, 7);
    replay resumed;
    splitmix64 rng{3};
    for (std::size_t i = 0; i < count; ++i) {
        P fresh;
        auto order = resumed.trials;
        if (i % 2 == 1)
            for (std::size_t k = order.size(); k > 1; --k) std::swap(order[k - 1], order[rng.below(k)]);
        for (const auto& t : order) fresh.tell(t);
        const auto proposed = resumed.ask(fresh, 7);
        REQUIRE(proposed);
        REQUIRE(proposed->network == uninterrupted.trials[i].candidate.network);
        resumed.train(proposed->network);
    }
    CHECK(replay{}.run(P{}, 20, 8).trials.back().candidate.network != uninterrupted.trials[19].candidate.network);
}

}  // namespace

TEST_CASE("NSGA-II, local search: hypervolume beyond chance on a problem whose front is known", "[search]") {
    const std::vector<double> ref{1.1, -6};
    const double whole = known_front(ref);
    const auto volumes = [&](auto proposer) {
        std::vector<double> v;
        for (std::uint64_t seed = 0; seed < 7; ++seed)
            v.push_back(replay{}.run(proposer, 200, seed).volume(ref) / whole);
        std::sort(v.begin(), v.end());
        return v;
    };
    const auto random = volumes(random_proposer<space>{});
    const auto nsga2 = volumes(nsga2_proposer<space>{});
    const auto local = volumes(local_search_proposer<space>{});
    INFO("of the known front: random " << random[0] << " to " << random[6] << ", NSGA-II " << nsga2[0] << " to "
                                       << nsga2[6] << ", local search " << local[0] << " to " << local[6]);
    CHECK(nsga2.front() > random.back() + 0.1);
    CHECK(local.front() > random.back() + 0.05);
    CHECK(nsga2.back() < 1);
    CHECK(local.back() < 1);
    // With more trials it comes close to the known front and never beyond it.
    const double longer = replay{}.run(nsga2_proposer<space>{}, 1000, 1).volume(ref) / whole;
    CHECK(longer > 0.9);
    CHECK(longer <= 1);
}

TEST_CASE("NSGA-II, local search: resumed before every proposal, and told in another order, they go on alike",
          "[search]") {
    check_resumption<nsga2_proposer<space>>(60);
    check_resumption<local_search_proposer<space>>(60);
}

TEST_CASE("NSGA-II, local search: under the paper's limits every proposal is new, canonical and within them",
          "[search]") {
    const auto check = [](auto proposer) {
        replay r{.task = problem{}, .objectives = objective_infos<paper_objectives>, .values = [](const auto& c) {
                     return objective_values<paper_objectives>(
                         c, {.accuracy = 1 / (1 + 1e8 / static_cast<double>(c.cost.mac_count.value))});
                 }};
        std::set<std::uint64_t> hashes;
        int own = 0;
        while (r.trials.size() < 40) {
            const auto proposed = r.ask(proposer, 5);
            REQUIRE(proposed);
            const auto found = encode<space>(proposed->network);
            REQUIRE_FALSE(found.violation);
            own += proposed->proposer == proposer.name();
            if (proposed->proposer == proposer.name())
                CHECK(proposed->network == decode(canonical(found.point), r.task.input, r.task.classes));
            const auto& t = r.train(proposed->network);
            CHECK(t.candidate.feasible);
            hashes.insert(t.candidate.hash);
            proposer.tell(t);
        }
        CHECK(hashes.size() == 40);
        return own;
    };
    CHECK(check(nsga2_proposer<space>{}) == 30);
    CHECK(check(local_search_proposer<space>{}) == 32);
}

TEST_CASE("NSGA-II, local search: a study in two runs is the study in one", "[search]") {
    const auto check = [](auto proposer) {
        test::temporary_directory once, twice;
        const auto run = [&](const std::filesystem::path& dir, std::int32_t trials) {
            gate<space> judge{problem{}};
            auto s = study<space, paper_objectives>::open(dir, {{"seed", 6}}, judge).value();
            in_process<test::scripted_search> here;
            search_observer silent;
            search_loop<test::scripted_search, in_process<test::scripted_search>> loop(
                s, judge, here, silent, {.trials = trials, .fidelity = {.epochs = 1}, .seed = 6});
            auto fresh = proposer;
            REQUIRE(loop.run(fresh));
            return std::vector<trial<space>>(s.trials().begin(), s.trials().end());
        };
        const auto whole = run(once.path(), 18);
        for (const std::int32_t trials : {3, 13, 18}) run(twice.path(), trials);
        const auto parts = run(twice.path(), 18);
        REQUIRE(whole.size() == 18);
        REQUIRE(parts.size() == 18);
        for (std::size_t i = 0; i < whole.size(); ++i) {
            CHECK(parts[i].candidate.network == whole[i].candidate.network);
            CHECK(parts[i].values == whole[i].values);
            CHECK(parts[i].proposer == whole[i].proposer);
        }
        CHECK(whole[17].proposer == proposer.name());
    };
    check(nsga2_proposer<space>{});
    check(local_search_proposer<space>{});
}

TEST_CASE("NSGA-II: the population is the best by rank, then by distance, then by what is over a limit", "[search]") {
    constexpr objective_info limited[] = {{"f1", direction::minimize}, {"f2", direction::minimize, 100.0}};
    replay r;
    splitmix64 rng{2};
    nsga2_proposer<space> all({.population = 100}), six({.population = 6});
    const auto told = [&](std::vector<double> values, trial_state state = trial_state::complete, bool feasible = true) {
        r.values = [&](const auto&) { return values; };
        trial<space> t = r.train(decode(sample<space>(rng), r.task.input, r.task.classes));
        t.state = state;
        t.candidate.feasible = feasible;
        all.tell(t);
        six.tell(t);
    };
    told({1, 9});      // 0: an end of the front
    told({5, 5.0});    // 1: on the front, the loneliest of its inner points
    told({2, 8});      // 2: on the front, crowded
    told({9, 1});      // 3: the other end
    told({6, 6});      // 4: behind 1
    told({3, 160});    // 5: over the limit by 60 %
    told({4, 120});    // 6: over the limit by 20 %
    told({1.5, 8.5});  // 7: on the front, the most crowded
    told({0, 0}, trial_state::failed);
    told({0, 0}, trial_state::running);
    told({0, 0}, trial_state::complete, false);
    told({0, std::nan("")});
    told({0});
    CHECK(all.population(limited) == std::vector<std::int32_t>{0, 3, 1, 2, 7, 4, 6, 5});
    CHECK(six.population(limited) == std::vector<std::int32_t>{0, 3, 1, 2, 7, 4});
    CHECK(nsga2_proposer<space>{}.population(limited).empty());
}
