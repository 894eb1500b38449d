// SPDX-License-Identifier: MIT
// A search against a server that answers with the kinds of replies that models and servers really give: every call ends
// in one way, and is counted so.
#include <llmnas/llm/llm_proposer.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <llmnas/llm/openai_backend.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/results.hpp>
#include <llmnas/space/sampling.hpp>
#include "servers.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "unit/search/scripted_search.hpp"

using namespace llmnas;
using namespace llmnas::test;
using space = table1_se;
using study_type = study<space, paper_objectives>;

namespace {

/// The n-th network that is refused for a reason, or taken.
network_of<space> drawn(std::optional<rejection_kind> wanted, std::uint64_t n) {
    const gate<space> judge{problem{}};
    splitmix64 rng{n};
    for (;;) {
        const auto net = decode(sample<space>(rng));
        const auto judged = judge.judge(net);
        if (judged ? !wanted : wanted == judged.error().kind) return net;
    }
}

constexpr std::size_t kinds_of_replies = 10;

/// Ten kinds in turn, other networks in each round. The last is taken, so that a search may end there.
scripted_reply reply_to(std::size_t n) {
    const std::uint64_t round = n / kinds_of_replies + 1;
    const auto text_of = [](const network_of<space>& net) { return proposal_json<space>(net).dump(); };
    switch (n % kinds_of_replies) {
        case 0:
            return {200, chat_body(text_of(drawn({}, round)))};
        case 1:
            return {200, chat_body("I'm sorry, but I can't help with that.")};
        case 2:
            return {200, chat_body(text_of(drawn({}, round)).substr(0, 200), "length")};
        case 3: {
            auto net = drawn({}, 100 + round);
            net.stages[2].kernel_size = 9;
            return {200, chat_body(text_of(net))};
        }
        case 4:  // what it said at the beginning of the round
            return {200, chat_body(text_of(drawn({}, round)))};
        case 5:
            return {200, chat_body(text_of(drawn(rejection_kind::macs_high, round)))};
        case 6:
            return {200, chat_body(text_of(drawn(rejection_kind::macs_low, round)))};
        case 7:
            return {200, chat_body(text_of(drawn(rejection_kind::sram, round)))};
        case 8:
            return {400, R"({"error":{"message":"the model crashed"}})"};
        default: {
            std::string text = text_of(drawn({}, 200 + round));
            text.insert(text.size() - 1, ",");
            return {200, chat_body("Sure! Here is the network:\n```json\n" + text + "\n```\nEnjoy.")};
        }
    }
}

struct yield {
    std::vector<trial<space>> trials;
    rejection_counts rejections{};
    proposal_counters counters;
    json_value results;
    std::size_t requests = 0;
    std::string prompt_after_duplicate;

    [[nodiscard]] std::uint64_t refused(rejection_kind k) const { return rejections[static_cast<std::size_t>(k)]; }
    [[nodiscard]] std::uint64_t all_refused() const {
        std::uint64_t sum = 0;
        for (const auto n : rejections) sum += n;
        return sum;
    }
    [[nodiscard]] std::int64_t repaired() const {
        return std::count_if(trials.begin(), trials.end(), [](const auto& t) { return !t.history.repaired.empty(); });
    }
};

yield search(std::int32_t trials, std::optional<repair_options> repair, std::size_t ahead = 0,
             spending_caps caps = {}) {
    const scripted_server server([](const nlohmann::json&, std::size_t n) { return reply_to(n); });
    const temporary_directory dir;
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), {{"seed", 5}}, judge).value();
    in_process<scripted_search> here;
    search_observer observer;
    search_options options{.trials = trials, .fidelity = {.epochs = 1}, .seed = 5};
    options.repair = repair;
    search_loop<scripted_search, in_process<scripted_search>> loop(s, judge, here, observer, options);
    auto backend = quick(server.url());
    backend.probe = false;
    llm_proposer_options llm;
    llm.ahead = ahead;
    llm.prices = {1.0, 2.0};
    llm.caps = caps;
    llm_proposer<space, openai_backend> p(openai_backend::open(backend).value(), llm);
    const auto outcome = loop.run(p);
    REQUIRE(outcome);
    yield y{{s.trials().begin(), s.trials().end()}, s.rejections(),           s.counters(),
            results_json(s, *outcome, s.trials()),  server.requests().size(), ""};
    if (server.requests().size() > 5)
        y.prompt_after_duplicate = server.requests()[5].body["messages"].back()["content"].get<std::string>();
    return y;
}

}  // namespace

TEST_CASE("yield: thirty proposals, every failure counted by kind, no call lost", "[llm]") {
    const auto y = search(6, {});
    CHECK(y.requests == 30);
    CHECK(y.counters.calls == 30);
    CHECK(y.counters.proposals == 30);
    CHECK(y.trials.size() == 6);
    CHECK(std::all_of(y.trials.begin(), y.trials.end(), [](const auto& t) { return t.proposer == "llm"; }));
    CHECK(y.refused(rejection_kind::malformed) == 6);
    CHECK(y.refused(rejection_kind::out_of_space) == 3);
    CHECK(y.refused(rejection_kind::duplicate) == 3);
    CHECK(y.refused(rejection_kind::macs_high) == 3);
    CHECK(y.refused(rejection_kind::macs_low) == 3);
    CHECK(y.refused(rejection_kind::sram) == 3);
    CHECK(y.refused(rejection_kind::no_reply) == 3);
    CHECK(y.trials.size() + y.all_refused() == y.counters.proposals);
    CHECK(y.counters.failed_calls == 3);
    CHECK(y.counters.cut_replies == 3);
    CHECK(y.counters.repaired_replies == 3);
    CHECK(y.counters.reply_repairs[repair_kind::trailing_comma] == 3);
    CHECK(y.counters.prompt_tokens == 27 * 11);
    CHECK(y.counters.completion_tokens == 27 * 7);
    CHECK(y.counters.cost == Catch::Approx(27 * (11 + 2 * 7) / 1e6));
    CHECK(y.results["calls"]["calls"] == 30);
    CHECK(y.results["rejections"]["duplicate"] == 3);
    // The model is told what became of the network that it repeated.
    CHECK_THAT(y.prompt_after_duplicate, Catch::Matchers::ContainsSubstring(fmt::format(
                                             "trial 0, accuracy {:.2f} %", 100 * y.trials[0].training.accuracy)));
}

TEST_CASE("yield: with repair infeasible proposals become trials, counted apart", "[llm]") {
    const auto y = search(18, repair_options{});
    CHECK(y.requests == 30);
    CHECK(y.trials.size() == 18);
    CHECK(y.repaired() == 12);
    CHECK(y.all_refused() == 12);
    CHECK(y.refused(rejection_kind::malformed) == 6);
    CHECK(y.refused(rejection_kind::duplicate) == 3);
    CHECK(y.refused(rejection_kind::no_reply) == 3);
    CHECK(y.trials.size() + y.all_refused() == y.counters.proposals);
    CHECK_THAT(y.trials[1].history.repaired, Catch::Matchers::StartsWith("out_of_space: stage 3 kernel_size 9 -> "));
    for (const auto& t : y.trials) CHECK(t.candidate.feasible);
}

TEST_CASE("yield: asked ahead, no call is lost either", "[llm]") {
    const auto y = search(6, {}, 2);
    CHECK(y.counters.calls == y.requests);
    CHECK(y.trials.size() + y.all_refused() + y.counters.unused == y.counters.proposals);
}

TEST_CASE("yield: behind a cap evolution proposes, and each of its trials says why", "[llm]") {
    const auto y = search(4, {}, 0, {.tokens = 80});
    CHECK(y.requests == 5);  // 18 tokens each
    REQUIRE(y.trials.size() == 4);
    CHECK(y.trials[0].history.instead_of.empty());
    for (std::size_t t = 1; t < 4; ++t) {
        CHECK(y.trials[t].proposer != "llm");
        CHECK(y.trials[t].history.instead_of == "the language model has used 90 tokens of the 80 allowed");
    }
    CHECK(y.results["trials"][1]["instead_of"] == y.trials[1].history.instead_of);
    CHECK(1 + y.all_refused() == y.counters.proposals);
}
