// SPDX-License-Identifier: MIT
// Explanations asked for beside each proposal: prompts, schema, answers, what becomes of them.
#include <llmnas/llm/cost_aware_prompt.hpp>
#include <llmnas/llm/explanation.hpp>
#include <llmnas/llm/llm_proposer.hpp>
#include <llmnas/llm/strategies/genius.hpp>
#include <llmnas/llm/strategies/quality_diversity.hpp>

#include <string>
#include <vector>

#include "golden.hpp"
#include "search_state.hpp"
#include "servers.hpp"
#include "support/catch.hpp"
#include "user_search.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;
using nlohmann::ordered_json;

static_assert(ExplainingPrompt<paper_prompt<table1_se>> && ExplainingPrompt<cost_aware_prompt<mix_space>>);
static_assert(ExplainingPrompt<genius_prompt<table1_se>> && ExplainingPrompt<quality_diversity_prompt<table1_se>>);

namespace {

network_of<table1_se> some_network() { return decode(space_point<table1_se>{}); }

/// A policy without explain().
struct plain_prompt {
    static std::string_view name() { return "plain"; }
    static std::vector<chat_message> messages(const search_context<table1_se>&) {
        return {{chat_role::user, "A network, please.\n"}};
    }
};
static_assert(PromptPolicy<plain_prompt, table1_se> && !ExplainingPrompt<plain_prompt>);

template <class Prompt = paper_prompt<table1_se>>
auto explaining(const scripted_server& server, llm_proposer_options options = {}) {
    options.explain = true;
    return llm_proposer<table1_se, openai_backend, Prompt>(openai_backend::open(quick(server.url())).value(), options);
}

/// Whether a request was sent with a schema; the server has sorted its members.
bool was_sent(const ordered_json& schema, const nlohmann::json& body) {
    return body["response_format"]["json_schema"]["schema"] == nlohmann::json::parse(schema.dump());
}

}  // namespace

TEST_CASE("explained: complete prompts", "[llm]") {
    const auto golden = [](const std::string& name, auto prompt, const auto& state) {
        prompt.explain(true);
        const std::string text = text_of(prompt.messages(state.context()));
        CHECK(text.find("no explanation") == std::string::npos);
        CHECK(text.find("A JSON array") == std::string::npos);
        check_golden(name + "_explained", text);
        prompt.fit(64);
        CHECK_THAT(text_of(prompt.messages(state.context())), ContainsSubstring("Answer with a JSON object that"));
    };
    golden("paper_table1_se_first", paper_prompt<table1_se>(), search_state());
    golden("cost_aware_table1_se_trained", cost_aware_prompt<table1_se>(), two_trained());
    golden("paper_user_trained", paper_prompt<mix_space>(), user_search_trained());
    golden("genius", genius_prompt<table1_se>(), two_trained());
    golden("quality_diversity", quality_diversity_prompt<table1_se>(), two_trained());
}

TEST_CASE("explained: the example of the form is read as an answer", "[llm]") {
    const search_state s;
    paper_prompt<table1_se> prompt;
    prompt.explain(true);
    const std::string text = prompt.messages(s.context())[1].content;
    const auto example =
        parse_reply<table1_se>(text.substr(text.find("# Form of the answer")), s.task.input, s.task.classes);
    REQUIRE(example);
    CHECK(s.judge.judge(example->network));
    CHECK(example->explanation == "<why you chose these values>");
    prompt.explain(false);
    CHECK_THAT(prompt.messages(s.context())[0].content, ContainsSubstring("no explanation"));
}

TEST_CASE("explained: network and text become a proposal", "[llm]") {
    const auto net = some_network();
    const std::string text = "Stage 1 has a stride of 1. It is small.";
    const scripted_server server({{200, chat_body(explained_json<table1_se>(net, text).dump())},
                                  {200, chat_body(proposal_json<table1_se>(net).dump())}});
    llm_proposer_options options;
    options.conversation = 1;
    auto p = explaining(server, options);
    const search_state s;
    splitmix64 rng{5};
    const auto first = p.ask(s.context(), rng), second = p.ask(s.context(), rng);
    REQUIRE(first);
    CHECK(first->network == net);
    CHECK(first->explanation == text);
    REQUIRE(second);  // without one: no failure
    CHECK(second->explanation.empty());
    CHECK(p.counters().repaired_replies == 0);

    const auto asked = server.requests();
    CHECK(was_sent(explained_schema<table1_se>(), asked[0].body));
    CHECK_THAT(asked[0].body["messages"][1]["content"].get<std::string>(),
               ContainsSubstring("Propose the next network now and explain it"));
    CHECK(asked[1].body["messages"][2]["content"] == explained_json<table1_se>(net, text).dump());

    const auto checked = check_explanation(first->explanation, facts_of(dynamic_graph(net).view()));
    REQUIRE(checked.size() == 2);
    CHECK(checked[0].claims.at(0).second.is == claim_verdict::yes);
}

TEST_CASE("explained: each network of a batch", "[llm]") {
    const auto net = some_network();
    auto other = net;
    other.stages[0].kernel_size = 5;
    const auto batch =
        ordered_json::array({explained_json<table1_se>(net, "one"), explained_json<table1_se>(other, "two")});
    const scripted_server server({{200, chat_body(batch.dump())}});
    llm_proposer_options options;
    options.batch = 2;
    auto p = explaining(server, options);
    const search_state s;
    splitmix64 rng{5};
    CHECK(p.ask(s.context(), rng)->explanation == "one");
    CHECK(p.ask(s.context(), rng)->explanation == "two");
    const auto body = server.requests()[0].body;
    CHECK(was_sent(explained_batch_schema<table1_se>(2), body));
    CHECK_THAT(body["messages"][1]["content"].get<std::string>(), ContainsSubstring("a JSON array of 2 such objects"));
}

TEST_CASE("explained: an answer cut in its explanation keeps its network", "[llm]") {
    const std::string whole = explained_json<table1_se>(some_network(), "Stage 1 has a stride of 1.").dump();
    const scripted_server server({{200, chat_body(whole.substr(0, whole.size() - 10), "length")}});
    auto p = explaining(server);
    const search_state s;
    splitmix64 rng{5};
    const auto answer = p.ask(s.context(), rng);
    REQUIRE(answer);
    CHECK(answer->network == some_network());
    CHECK(answer->explanation.empty());
}

TEST_CASE("explained: a policy that cannot ask is helped, one that is not to ask is left alone", "[llm]") {
    const scripted_server server({{200, chat_body(explained_json<table1_se>(some_network(), "why").dump())}});
    auto p = explaining<plain_prompt>(server);
    const search_state s;
    splitmix64 rng{5};
    CHECK(p.ask(s.context(), rng)->explanation == "why");
    llm_proposer<table1_se, openai_backend, plain_prompt> silent(openai_backend::open(quick(server.url())).value());
    CHECK(silent.ask(s.context(), rng)->explanation == "why");  // said unasked
    const auto asked = server.requests();
    CHECK_THAT(asked[0].body["messages"][0]["content"].get<std::string>(),
               ContainsSubstring("A network, please.\nAnswer with a JSON object: \"blocks\", an array of 5 objects"));
    CHECK(asked[1].body["messages"][0]["content"] == "A network, please.\n");
    CHECK(was_sent(proposal_schema<table1_se>(), asked[1].body));
}
