// SPDX-License-Identifier: MIT
// The proposer over the real backend and a server in this process that plays scripted replies.
#include <llmnas/llm/llm_proposer.hpp>

#include <string>

#include <llmnas/space/membership.hpp>
#include "search_state.hpp"
#include "servers.hpp"
#include "support/catch.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;

using proposer = llm_proposer<table1_se, openai_backend>;
static_assert(Proposer<proposer, table1_se>);

namespace {

proposer ask_server(const scripted_server& server) {
    return proposer(openai_backend::open(quick(server.url())).value());
}

/// A point of the space; the published networks have values outside it.
network_of<table1_se> some_network() { return decode(space_point<table1_se>{}); }

}  // namespace

TEST_CASE("llm_proposer: a reply becomes a proposal", "[llm]") {
    const auto net = some_network();
    const auto json = proposal_json<table1_se>(net);
    const std::string text = GENERATE_COPY(
        as<std::string>{}, json.dump(), "Here:\n```json\n" + json.dump(2) + "\n```\n", to_json<table1_se>(net).dump());
    const scripted_server server({{200, chat_body(text)}});
    auto p = ask_server(server);
    const search_state s;
    splitmix64 rng{5};
    const auto answer = p.ask(s.context(), rng);
    INFO((answer ? std::string() : answer.error().why.text()));
    REQUIRE(answer);
    CHECK(answer->network == net);
    CHECK(answer->proposer == "llm");
    CHECK(p.last_reply() == text);
    CHECK(p.counters().calls == 1);
    CHECK(p.counters().prompt_tokens == 11);
    CHECK(p.counters().completion_tokens == 7);

    const auto sent = server.requests()[0].body;
    CHECK_THAT(sent["messages"][1]["content"].get<std::string>(), ContainsSubstring("Propose the next network"));
    CHECK(sent["response_format"]["json_schema"]["schema"]["maxItems"] == 5);
    splitmix64 same{5};
    CHECK(sent["seed"] == same() >> 33U);
}

TEST_CASE("llm_proposer: failures are rejections that say why", "[llm]") {
    auto json = proposal_json<table1_se>(some_network());
    const std::string good = json.dump();
    json[1]["kernel_size"] = 9;
    const std::string outside = json.dump();
    json[1]["kernel_size"] = "three";
    const std::string illegal = json.dump();
    json.erase(0);
    struct failure {
        scripted_reply reply;
        rejection_kind kind;
        const char* words;
    };
    const search_state s;
    for (const failure& f : {
             failure{{400, R"({"error":{"message":"no such model"}})"}, rejection_kind::no_reply, "no such model"},
             failure{{200, chat_body("Once upon a time.")}, rejection_kind::malformed, "no JSON"},
             failure{{200, chat_body("")}, rejection_kind::malformed, "an empty reply"},
             failure{{200, chat_body(good.substr(0, 300), "length")}, rejection_kind::malformed, "limit of tokens"},
             failure{{200, chat_body(json.dump())}, rejection_kind::malformed, "wrong number of stages"},
             failure{{200, chat_body(illegal)}, rejection_kind::out_of_space, "wanted one of 3, 5, 7"},
         }) {
        const scripted_server server({f.reply});
        auto p = ask_server(server);
        splitmix64 rng{5};
        const auto answer = p.ask(s.context(), rng);
        REQUIRE_FALSE(answer);
        INFO(answer.error().why.text());
        CHECK(name_of(answer.error().kind) == name_of(f.kind));
        CHECK_THAT(answer.error().why.text(), ContainsSubstring(f.words));
        CHECK(p.counters().calls == 1);
        CHECK(p.counters().failed_calls == (f.kind == rejection_kind::no_reply ? 1U : 0U));
    }
    // A legal value that the space lacks is judged by the search, which knows the space's limits.
    const scripted_server server({{200, chat_body(outside)}});
    auto p = ask_server(server);
    splitmix64 rng{5};
    const auto answer = p.ask(s.context(), rng);
    REQUIRE(answer);
    CHECK_FALSE(contains<table1_se>(answer->network));
}

TEST_CASE("llm_proposer: a rejection stands in the next prompt, and trials may be open", "[llm]") {
    const scripted_server server(
        {{200, chat_body("no")}, {200, chat_body(proposal_json<table1_se>(some_network()).dump())}});
    auto p = ask_server(server);
    auto s = two_trained();
    splitmix64 rng{5};
    auto answer = p.ask(s.context(), rng);
    REQUIRE_FALSE(answer);
    s.rejections.push_back(answer.error());
    REQUIRE(p.ask(s.context(), rng));
    const auto text = server.requests()[1].body["messages"][1]["content"].get<std::string>();
    CHECK_THAT(text, ContainsSubstring("reply of the language model: no JSON (got no") &&
                         ContainsSubstring("In training now (1 of 1)\n- trial 2") &&
                         ContainsSubstring("array of 5 objects alone"));
}

TEST_CASE("llm_proposer: several networks a call, each with its own outcome", "[llm]") {
    const auto good = proposal_json<table1_se>(some_network());
    auto other = good, bad = good;
    other[0]["kernel_size"] = 5;
    bad[4].erase("stride");
    const scripted_server server({{200, chat_body(nlohmann::ordered_json({good, bad, other}).dump())}});
    llm_proposer_options options;
    options.batch = 3;
    options.conversation = 2;
    llm_proposer<table1_se, openai_backend> p(openai_backend::open(quick(server.url())).value(), options);
    const search_state s;
    splitmix64 rng{5};
    int networks = 0;
    std::vector<std::string> refused;
    for (int i = 0; i < 3; ++i) {
        auto answer = p.ask(s.context(), rng);
        if (answer)
            ++networks;
        else
            refused.push_back(answer.error().why.text());
    }
    CHECK(networks == 2);
    REQUIRE(refused.size() == 1);
    CHECK_THAT(refused[0], ContainsSubstring("stage 5"));
    CHECK(p.counters().calls == 1);
    CHECK(p.counters().proposals == 3);
    REQUIRE(p.ask(s.context(), rng));

    const auto asked = server.requests();
    REQUIRE(asked.size() == 2);
    const auto& schema = asked[0].body["response_format"]["json_schema"]["schema"];
    CHECK(schema["minItems"] == 3);
    CHECK(schema["items"]["minItems"] == 5);
    REQUIRE(asked[1].body["messages"].size() == 4);
    CHECK(asked[1].body["messages"][2]["role"] == "assistant");
    CHECK(asked[1].body["messages"][2]["content"] == nlohmann::ordered_json({good, other}).dump());
    CHECK_THAT(asked[1].body["messages"][3]["content"].get<std::string>(), ContainsSubstring("3 different networks"));
    p.close();
    CHECK(p.counters().unused == 2);
}

TEST_CASE("llm_proposer: tokens and money are counted, caps end its use with a sentence", "[llm]") {
    const scripted_server server({{200, chat_body(proposal_json<table1_se>(some_network()).dump())}});
    llm_proposer_options options;
    options.prices = {2.0, 10.0};
    options.caps.tokens = 50;
    options.earlier.prompt_tokens = 10;
    llm_proposer<table1_se, openai_backend> p(openai_backend::open(quick(server.url())).value(), options);
    const search_state s;
    splitmix64 rng{5};
    REQUIRE(p.ask(s.context(), rng));
    REQUIRE(p.ask(s.context(), rng));
    CHECK_FALSE(p.retired());
    REQUIRE(p.ask(s.context(), rng));
    CHECK(p.counters().cost == Catch::Approx(3 * (11 * 2.0 + 7 * 10.0) / 1e6));
    CHECK(p.retired() == "the language model has used 64 tokens of the 50 allowed");

    const spending_caps money{.cost = 0.5};
    CHECK_FALSE(money.reached({.cost = 0.49}));
    CHECK(money.reached({.cost = 0.5}) == "the language model has cost 0.5000 of the 0.5000 allowed");
}
