// SPDX-License-Identifier: MIT
// Complete prompts of both policies against tests/unit/llm/golden/*.txt. LLMNAS_UPDATE_GOLDEN=1 writes the files anew.
#include <llmnas/llm/cost_aware_prompt.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include <llmnas/json/reply.hpp>
#include "golden.hpp"
#include "search_state.hpp"
#include "support/catch.hpp"
#include "user_search.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;

static_assert(PromptPolicy<paper_prompt<table1_se>, table1_se> && SizedPrompt<paper_prompt<table1_se>>);
static_assert(PromptPolicy<cost_aware_prompt<mix_space>, mix_space> && SizedPrompt<cost_aware_prompt<mix_space>>);
static_assert(!PromptPolicy<int, table1_se> && !SizedPrompt<int>);

namespace {

/// A network of the paper over the limits of MACs and SRAM: no single change of a field is enough.
network_of<table1_se> too_large() {
    auto net = zoo::lmanet_elite;
    for (auto& s : net.stages) s.output_channels = 160;
    return net;
}

search_state refused_only() {
    search_state s;
    s.refuse(all_rejections()[1]);
    auto net = zoo::lmanet_elite;
    net.stages[2].kernel_size = 9;
    s.refuse(all_rejections()[2], net);
    net = zoo::lmanet_elite;
    net.stages[0].stride = 1;
    REQUIRE(s.refuse(net));
    return s;
}
search_state trained_and_refused() {
    auto s = two_trained();
    s.refuse(all_rejections()[2]);
    REQUIRE(s.refuse(too_large()));
    return s;
}

user_search user_refused_only() {
    user_search s;
    const auto net = user_search_trained().trials[0].candidate.network;
    auto large = net;
    for (auto& stage : large.stages) stage.width = 64;
    REQUIRE(s.refuse(large));
    auto small = net;
    small.stages[1].width = 8;
    small.stages[2].width = 8;
    REQUIRE(s.refuse(small));
    return s;
}
user_search user_trained_and_refused() {
    auto s = user_search_trained();
    auto net = s.trials[0].candidate.network;
    net.stages[0].shrink = 1;
    net.stages[1].width = 64;
    REQUIRE(s.refuse(net));
    return s;
}

template <template <class> class Prompt, class First, class Refused, class Trained>
void check_prompts(const std::string& name, const First& first, const Refused& refused, const Trained& trained,
                   std::size_t small) {
    using space = typename First::space;
    Prompt<space> prompt;
    check_golden(name + "_first", text_of(prompt.messages(first.context())));
    check_golden(name + "_refused", text_of(prompt.messages(refused.context())));
    check_golden(name + "_trained", text_of(prompt.messages(trained.context())));
    prompt.fit(small);
    check_golden(name + "_short", text_of(prompt.messages(trained.context())));
}

}  // namespace

TEST_CASE("prompt: complete prompts of the paper's space", "[llm]") {
    check_prompts<paper_prompt>("paper_table1_se", search_state(), refused_only(), trained_and_refused(), 1400);
    check_prompts<cost_aware_prompt>("cost_aware_table1_se", search_state(), refused_only(), trained_and_refused(),
                                     1400);
}

TEST_CASE("prompt: complete prompts of a user's space, objectives and memory model", "[llm]") {
    check_prompts<paper_prompt>("paper_user", user_search(), user_refused_only(), user_trained_and_refused(), 900);
    check_prompts<cost_aware_prompt>("cost_aware_user", user_search(), user_refused_only(), user_trained_and_refused(),
                                     900);
}

TEMPLATE_TEST_CASE("prompt: the example keeps the limits, in space and form, and stays the same", "[llm]",
                   paper_prompt<table1_se>, cost_aware_prompt<table1_se>) {
    const search_state s;
    TestType prompt;
    const std::string text = prompt.messages(s.context())[1].content;
    const std::size_t at = text.find("# Form of the answer");
    REQUIRE(at != std::string::npos);
    const auto example = parse_reply<table1_se>(text.substr(at), s.task.input, s.task.classes);
    REQUIRE(example);
    CHECK(contains<table1_se>(example->network));
    CHECK(s.judge.judge(example->network));
    CHECK(prompt.messages(s.context())[1].content == text);
}

TEST_CASE("prompt: the examples of cost_aware_prompt are answers of the space", "[llm]") {
    auto s = two_trained();  // LMaNet-Core is on the front, with expansions outside the space
    const std::string text = cost_aware_prompt<table1_se>().messages(s.context())[1].content;
    CHECK_THAT(text, ContainsSubstring("# Good answers so far (1 of 1)\ntrial 0, the most accurate"));
    CHECK(text.find("\"expansion_factor\":2") == std::string::npos);
    CHECK_THAT(paper_prompt<table1_se>().messages(s.context())[1].content,
               ContainsSubstring("It is not in the search space: stage 1: expansion_factor"));
}

TEST_CASE("prompt: all numbers come from the problem and the space", "[llm]") {
    problem task{.input = {1, 96, 64}, .classes = 7};
    task.min_macs = {1'000'001};
    task.max_macs = {2'000'002};
    task.limits = {{100'003}, {200'004}};
    search_state s(task);
    const std::string text = paper_prompt<table1_se>({.target_accuracy = 0.5}).messages(s.context())[1].content;
    for (const char* const part :
         {"1x96x64 (channels, height, width) into 7 classes", "at least 1,000,001 and at most 2,000,002",
          "at most 100,003 bytes", "at most 200,004 bytes", "An accuracy of 50 %"})
        CHECK_THAT(text, ContainsSubstring(part));
    CHECK(text.find("350,000,000") == std::string::npos);

    // Without limits the prompt names none.
    task.min_macs = {};
    task.max_macs = cost_limits{}.max_macs;
    task.limits = {cost_limits{}.sram, cost_limits{}.flash};
    search_state unlimited(task);
    auto net = zoo::lmanet_elite;
    net.input = task.input;
    unlimited.add(net, trial_state::complete, 0.2);
    unlimited.best = 0;
    const std::string free_text = paper_prompt<table1_se>().messages(unlimited.context())[1].content;
    CHECK(free_text.find("at most") == std::string::npos);
    CHECK(free_text.find("largest number of MACs") == std::string::npos);
    CHECK(free_text.find("18,446") == std::string::npos);

    const std::string general = paper_prompt<mix_space>().messages(user_search().context())[1].content;
    CHECK_THAT(general, ContainsSubstring("\"width\": [8,16,24,64]") && ContainsSubstring("array of 3 objects") &&
                            ContainsSubstring("As little as possible: kilobytes of flash, peak SRAM.") &&
                            ContainsSubstring("memory model with_reserve") &&
                            ContainsSubstring("\"window\" exists only where \"mixed\" is true."));
    for (const char* const absent : {"stride", "expansion", "squeeze", "se_ratio"})
        CHECK(general.find(absent) == std::string::npos);
}

TEST_CASE("prompt: each kind of rejection is told with its value and the wanted range", "[llm]") {
    for (const rejection& r : all_rejections()) {
        search_state s;
        s.refuse(r);
        const std::string text = paper_prompt<table1_se>().messages(s.context())[1].content;
        INFO(text);
        CHECK_THAT(text, ContainsSubstring("# Refused since the last trial (1 of 1)") &&
                             ContainsSubstring(one_line(r.why.text())));
    }
}

TEST_CASE("prompt: notes follow the state of the search", "[llm]") {
    auto s = two_trained();
    const auto text = [&](feedback_options options = {}) {
        return paper_prompt<table1_se>(options).messages(s.context())[1].content;
    };
    CHECK_THAT(text(),
               ContainsSubstring("28.75 points short of the target at 23 %") && ContainsSubstring("spend more"));
    CHECK_THAT(text({.target_accuracy = 0.4}),
               ContainsSubstring("Trial 0 reaches the target") && ContainsSubstring("fewer than 81,963,264 MACs"));
    s.trials[0].candidate.feasible = false;
    CHECK_THAT(text(), ContainsSubstring("over a limit"));
    s.best = 1;  // 307,200 of 327,680 bytes
    CHECK_THAT(text(), ContainsSubstring("Trial 1 has its peak SRAM at stage 2 block 1 expand, 307,200 of 327,680"));
    s.task.max_macs = {100'000'000};
    CHECK_THAT(text(), ContainsSubstring("at 76 % of the largest number of MACs"));
    s.trials[1].fidelity.epochs = 3;
    CHECK_THAT(text(), ContainsSubstring("a short training (3 epochs at"));
    s.front.clear();
    CHECK_THAT(text(), ContainsSubstring("# Most accurate\n- trial 1"));
}

TEST_CASE("prompt: coverage counts what has an effect and names what never changes", "[llm]") {
    space_coverage<table1_se> coverage;
    auto net = decode(space_point<table1_se>{});  // depthwise with SE: the expansion is without effect
    coverage.add(net);
    net.stages[1].kernel_size = 5;
    net.stages[4].use_se = false;
    net.stages[4].conv_type = block_type::mbconv;
    coverage.add(net);
    CHECK(coverage.networks() == 2);
    const auto lines = coverage.lines();
    REQUIRE(lines.size() == 10);
    CHECK(lines[2] == "kernel_size: 3 (9 times), 5 (once), 7 (never); always 3 in stages 1, 3, 4, 5");
    CHECK(lines[4] == "expansion_factor: 3 (once), 4 (never), 6 (never)");
    CHECK(lines[9] == "se_ratio: 0.25 (9 times), 0.5 (never); always 0.25 in stages 1, 2, 3, 4");
}

TEST_CASE("prompt: costs by stage are those of the network", "[llm]") {
    const dynamic_graph graph(zoo::lmanet_elite);
    const auto by_stage = costs_by_stage(graph.view(), 5, layerwise{});
    REQUIRE(by_stage.size() == 6);
    macs all;
    params parameters;
    bytes peak;
    for (const stage_costs& c : by_stage) {
        all += c.mac_count;
        parameters += c.parameters;
        peak = std::max(peak, c.sram);
    }
    CHECK(all == macs{81'963'264});
    CHECK(parameters == params{497'997});
    CHECK(peak == bytes{204'800});
}
