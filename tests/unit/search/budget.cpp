// SPDX-License-Identifier: MIT
// Budgets of a search: trials, proposals whatever becomes of them, and what does not count.
#include <llmnas/search/search_budget.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <llmnas/search/executor.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include "support/catch.hpp"
#include "support/files.hpp"
#include "unit/search/scripted_search.hpp"

using namespace llmnas;
using test::scripted_search;
using space = table1_se;
using study_type = study<space, paper_objectives>;

namespace {

struct listener : search_observer {
    std::vector<std::string> said;
    void message(std::string_view text) { said.emplace_back(text); }
};

/// Every n-th proposal is a new network within the limits, the others lie outside the space.
struct wasteful {
    std::size_t good_every = 3;
    std::size_t retires_after = 1000;
    std::size_t asked = 0;
    std::vector<std::int32_t> more = {};

    static std::string_view name() { return "wasteful"; }
    tl::expected<proposal<space>, rejection> ask(const search_context<space>& context, splitmix64& rng) {
        auto net = zoo::lmanet_elite;
        net.stages[2].kernel_size = 9;
        if (++asked % good_every == 0) do
                net = decode(sample<space>(rng));
            while (!context.judge(net));
        return proposal<space>{net, "wasteful"};
    }
    static void tell(const trial<space>&) {}
    void prepare(const search_context<space>&, splitmix64&, std::int32_t wanted) { more.push_back(wanted); }
    static void close() {}
    [[nodiscard]] std::optional<std::string> retired() const {
        return asked < retires_after ? std::nullopt : std::optional<std::string>("nothing is left to say");
    }
};
static_assert(PreparingProposer<wasteful, space> && RetiringProposer<wasteful>);

struct run_result {
    std::vector<trial<space>> trials;
    std::uint64_t refused = 0;
    std::vector<std::string> said;
};

run_result run(const std::filesystem::path& dir, wasteful& p, search_options options,
               std::span<const network_of<space>> included = {}) {
    gate<space> judge{problem{}};
    auto s = study_type::open(dir, {{"seed", 5}}, judge).value();
    in_process<scripted_search> here;
    listener observer;
    options.fidelity = {.epochs = 1};
    search_loop<scripted_search, in_process<scripted_search>, listener> loop(s, judge, here, observer, options);
    const auto outcome = loop.run(p, included);
    INFO((outcome ? std::string() : outcome.error().text()));
    REQUIRE(outcome);
    run_result r{{s.trials().begin(), s.trials().end()}, 0, observer.said};
    for (const auto n : s.rejections()) r.refused += n;
    return r;
}

}  // namespace

TEST_CASE("budget: a search ends after so many proposals, trials or not", "[search]") {
    const test::temporary_directory dir;
    wasteful p;
    const auto r = run(dir.path(), p, {.trials = 0, .proposals = 10});
    CHECK(r.trials.size() == 3);
    CHECK(r.refused == 7);  // the last one behind the last trial
    CHECK(p.asked == 10);
    CHECK(p.more == std::vector<std::int32_t>{7, 4, 1});
    CHECK(r.said.empty());
}

TEST_CASE("budget: proposals of earlier runs count, given networks do not", "[search]") {
    const test::temporary_directory dir;
    const std::vector<network_of<space>> included{zoo::lmanet_elite};
    wasteful first, second, third;
    CHECK(run(dir.path(), first, {.trials = 0, .proposals = 4}, included).trials.size() == 2);
    CHECK(first.asked == 4);
    const auto r = run(dir.path(), second, {.trials = 0, .proposals = 9});
    CHECK(second.asked == 5);
    CHECK(r.trials.size() == 3);
    CHECK(r.refused == 7);
    run(dir.path(), third, {.trials = 0, .proposals = 9});
    CHECK(third.asked == 0);
}

TEST_CASE("budget: the smaller of trials and proposals limits", "[search]") {
    const test::temporary_directory a, b;
    wasteful p, q;
    const auto by_trials = run(a.path(), p, {.trials = 2, .proposals = 100});
    CHECK(by_trials.trials.size() == 2);
    CHECK(p.asked == 6);
    CHECK(p.more == std::vector<std::int32_t>{1, 0});
    const auto by_proposals = run(b.path(), q, {.trials = 100, .proposals = 7});
    CHECK(by_proposals.trials.size() == 2);
    CHECK(q.asked == 7);
}

TEST_CASE("budget: evolution in the proposer's stead does not count", "[search]") {
    const test::temporary_directory dir;
    wasteful p{.good_every = 1000};
    const auto r = run(dir.path(), p, {.trials = 0, .proposals = 12, .max_rejections_in_row = 5});
    CHECK(p.asked == 12);
    CHECK(r.refused == 12);
    REQUIRE(r.trials.size() == 2);
    for (const auto& t : r.trials) CHECK_FALSE(t.history.instead_of.empty());
}

TEST_CASE("budget: a proposer that is done ends a search that counts its proposals", "[search]") {
    const test::temporary_directory a, b;
    wasteful p{.good_every = 3, .retires_after = 7}, q{.good_every = 3, .retires_after = 7};
    const auto r = run(a.path(), p, {.trials = 0, .proposals = 12});
    CHECK(r.trials.size() == 2);
    CHECK(r.said == std::vector<std::string>{"nothing is left to say: the search ends, 2 trials, 7 of 12 proposals"});
    const auto goes_on = run(b.path(), q, {.trials = 4});
    CHECK(goes_on.trials.size() == 4);
    CHECK(goes_on.said == std::vector<std::string>{"nothing is left to say: evolution proposes from now on"});
}

TEST_CASE("budget: a network that another worker was faster with is a duplicate, not a proposal lost", "[search]") {
    const test::temporary_directory dir;
    gate<space> other_judge{problem{}};
    auto other = study_type::open(dir.path(), {{"seed", 5}}, other_judge).value();
    struct slow {
        study_type& other;
        gate<space>& judge;
        std::size_t asked = 0;
        static std::string_view name() { return "slow"; }
        tl::expected<proposal<space>, rejection> ask(const search_context<space>& context, splitmix64& rng) {
            auto net = decode(sample<space>(rng));
            while (!context.judge(net)) net = decode(sample<space>(rng));
            if (++asked == 1) {
                const auto stolen = other.start(judge.judge(net).value(), {"other"}, {.epochs = 1}, 5, 100);
                REQUIRE((stolen && *stolen));
                REQUIRE(other.finish(**stolen, {.accuracy = 0.5, .epochs = 1}));
            } else if (asked == 2) {
                REQUIRE(context.rejections.size() == 1);
                CHECK(context.rejections[0].kind == rejection_kind::duplicate);
                CHECK(context.rejections[0].why.got == "trial 0, accuracy 50.00 %");
            }
            return proposal<space>{net, "slow"};
        }
        static void tell(const trial<space>&) {}
    } p{other, other_judge};
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), {{"seed", 5}}, judge).value();
    in_process<scripted_search> here;
    search_observer observer;
    search_loop<scripted_search, in_process<scripted_search>> loop(s, judge, here, observer,
                                                                   {.trials = 2, .fidelity = {.epochs = 1}, .seed = 5});
    REQUIRE(loop.run(p));
    CHECK(p.asked == 2);
    CHECK(s.trials().size() == 2);
    CHECK(s.rejections()[static_cast<std::size_t>(rejection_kind::duplicate)] == 1);
}

TEST_CASE("budget: a proposal that comes behind another worker's last trial is unused, not lost", "[search]") {
    const test::temporary_directory dir;
    gate<space> other_judge{problem{}};
    auto other = study_type::open(dir.path(), {{"seed", 5}}, other_judge).value();
    struct late {
        study_type& other;
        gate<space>& judge;
        proposal_counters counted = {};
        static std::string_view name() { return "late"; }
        [[nodiscard]] const proposal_counters& counters() const { return counted; }
        tl::expected<proposal<space>, rejection> ask(const search_context<space>& context, splitmix64& rng) {
            const auto some = [&] {
                auto net = decode(sample<space>(rng));
                while (!context.judge(net)) net = decode(sample<space>(rng));
                return net;
            };
            const auto last = other.start(judge.judge(some()).value(), {"other"}, {.epochs = 1}, 5, 1);
            REQUIRE((last && *last));
            REQUIRE(other.finish(**last, {.accuracy = 0.5, .epochs = 1}));
            ++counted.proposals;
            return proposal<space>{some(), "late"};
        }
        static void tell(const trial<space>&) {}
    } p{other, other_judge};
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), {{"seed", 5}}, judge).value();
    in_process<scripted_search> here;
    search_observer observer;
    search_loop<scripted_search, in_process<scripted_search>> loop(s, judge, here, observer,
                                                                   {.trials = 1, .fidelity = {.epochs = 1}, .seed = 5});
    REQUIRE(loop.run(p));
    CHECK(s.trials().size() == 1);
    CHECK(s.counters() == proposal_counters{.proposals = 1, .unused = 1});
}
