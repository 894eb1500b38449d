// SPDX-License-Identifier: MIT
// Networks that are scored before one of them is trained.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <llmnas/search/gate.hpp>
#include <llmnas/search/prescreened_proposer.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/space/table1.hpp>

#include "support/catch.hpp"

using namespace llmnas;
using space = table1_se;

namespace {

// Fewer operators score better; what it refuses has no score.
struct shallow {
    std::int64_t most = 1'000'000;
    static std::string_view name() { return "shallow"; }
    result<double> operator()(const graph_view& net, std::uint64_t) const {
        const auto ops = static_cast<std::int64_t>(net.ops.size());
        if (ops > most) return fail(errc::training, "too deep");
        return -static_cast<double>(ops);
    }
};

// Proposes nothing.
struct silent_proposer {
    static std::string_view name() { return "silent"; }
    static tl::expected<proposal<space>, rejection> ask(const search_context<space>&, splitmix64&) {
        return tl::unexpected<rejection>(rejection{rejection_kind::exhausted, {errc::bad_input, "nothing left"}});
    }
    static void tell(const trial<space>&) {}
};

std::size_t operators(const network_of<space>& net) { return dynamic_graph(net).view().ops.size(); }

}  // namespace

TEST_CASE("prescreening proposes the best of several networks", "[search]") {
    const problem p;
    const gate<space> judge{p};
    const search_context<space> context{p,  {}, {},
                                        {}, {}, [&](const network_of<space>& net) { return judge.judge(net); }};
    // What it will be asked to choose from: its stream also gives a seed for each score.
    splitmix64 alone{7};
    random_proposer<space> inner;
    std::vector<network_of<space>> drawn;
    for (int i = 0; i < 5; ++i) {
        drawn.push_back(inner.ask(context, alone)->network);
        alone();
    }
    prescreened_proposer<space, random_proposer<space>, shallow> proposer(random_proposer<space>{}, {}, 5);
    splitmix64 rng{7};
    const auto chosen = proposer.ask(context, rng);
    REQUIRE(chosen);
    bool among = false;
    for (const auto& net : drawn) {
        CHECK(operators(chosen->network) <= operators(net));
        among = among || net == chosen->network;
    }
    CHECK(among);
    CHECK(chosen->proposer == "random, best of 5 by shallow");
    CHECK(proposer.search_name() == chosen->proposer);
}

TEST_CASE("a network without a score is proposed only where none has one", "[search]") {
    const problem p;
    const gate<space> judge{p};
    const search_context<space> context{p,  {}, {},
                                        {}, {}, [&](const network_of<space>& net) { return judge.judge(net); }};
    prescreened_proposer<space, random_proposer<space>, shallow> never(random_proposer<space>{}, {.most = 0}, 3);
    splitmix64 rng{1};
    CHECK(never.ask(context, rng));
}

TEST_CASE("prescreening of a proposer with nothing to propose is refused with its reason", "[search]") {
    const problem p;
    const gate<space> judge{p};
    const search_context<space> context{p,  {}, {},
                                        {}, {}, [&](const network_of<space>& net) { return judge.judge(net); }};
    prescreened_proposer<space, silent_proposer, shallow> proposer({}, {}, 3);
    splitmix64 rng{1};
    const auto refused = proposer.ask(context, rng);
    REQUIRE(!refused);
    CHECK(refused.error().kind == rejection_kind::exhausted);
    CHECK(refused.error().why.what == "nothing left");
}
