// SPDX-License-Identifier: MIT
/// \file
/// Checked explanations: any bytes, linear time, evidence, reports, and the question to a model.
#include "support/catch.hpp"
#include "support/rounds.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/core/random.hpp>
#include <llmnas/json/file.hpp>
#include <llmnas/llm/explanation.hpp>
#include <llmnas/zoo/list.hpp>

using namespace llmnas;

namespace {

design_evidence elite() { return evidence_of(zoo::lmanet_elite); }

/// Plumbing: answers with one text and keeps what it was asked.
class written_answer {
public:
    explicit written_answer(std::string text) : text_(std::move(text)) {}
    [[nodiscard]] static std::string name() { return "written answer"; }
    result<completion> complete(const completion_request& request) {
        asked = request;
        completion c;
        c.text = text_;
        return c;
    }
    completion_request asked;

private:
    std::string text_;
};
static_assert(LanguageModel<written_answer>);

}  // namespace

TEST_CASE("the committed explanation of LMaNet-Elite", "[llm][explanation]") {
    const auto text = read_text_file("examples/explanations/lmanet_elite.txt");
    REQUIRE(text);
    explanation_report r{"lmanet_elite", "Fig. 6 in our words", 0.7373, {}, elite()};
    r.statements = check_explanation(*text, r.evidence.facts);
    const verdict_counts n = count_verdicts(r.statements);
    CHECK(n.yes == 7);
    CHECK(n.no == 2);  // the stride of the later stages, the activation of the deeper ones
    CHECK(n.unclear == 0);
    CHECK(n.uncheckable == 1);
    CHECK(check_claim(statements_of("Stage 5 has stride 2.", 5).at(0).claims.at(0), r.evidence.facts).evidence ==
          "stride: 2 in stages 1, 2, 3, 5; 1 in stage 4");

    const std::string markdown = to_markdown(r);
    CHECK(markdown.find("**false**: `late: stride = 1` (stride: 2 in stages 1, 2, 3, 5; 1 in stage 4)") !=
          std::string::npos);
    CHECK(markdown.find("| stage 5 | 31,737,600 | 38.7 % | 285,120 | 57.3 % |") != std::string::npos);
    CHECK(markdown.find("73.73 %") != std::string::npos);
    // The committed report: llmnas explain lmanet_elite --text examples/explanations/lmanet_elite.txt --changes 8
    explanation_report committed{"lmanet_elite", "examples/explanations/lmanet_elite.txt", {}, r.statements, elite()};
    CHECK(to_markdown(committed, 8) == read_text_file("examples/explanations/lmanet_elite.md").value());
    const json_value j = to_json(r);
    CHECK(j["explanation"]["false"] == 2);
    CHECK(j["costs"]["macs"] == 81'963'264);
    CHECK(j["peak"]["place"] == "stage 3 block 1 expand");
}

TEST_CASE("shares add up to the network's costs", "[llm][explanation]") {
    const json_value j = to_json({"lmanet_core", "", {}, {}, evidence_of(zoo::lmanet_core)});
    CHECK(j["explanation"].is_null());
    std::uint64_t macs = 16'000, params = 16'100;  // the classifier
    for (const auto& s : j["stages"]) {
        macs += s["macs"].get<std::uint64_t>();
        params += s["params"].get<std::uint64_t>();
    }
    CHECK(macs == 76'432'000);
    CHECK(params == 453'220);
}

TEST_CASE("effects of changes are those of the changed networks", "[llm][explanation]") {
    const design_evidence e = elite();
    REQUIRE(!e.effects.empty());
    bool seen = false;
    for (std::size_t i = 0; i < e.effects.size(); ++i) {
        if (i > 0)
            CHECK(relative_effect(e.facts.total, e.effects[i - 1].after) <=
                  relative_effect(e.facts.total, e.effects[i].after));
        if (e.effects[i].change.text() != "stage 2 stride 2 -> 1") continue;
        seen = true;
        auto net = zoo::lmanet_elite;
        net.stages[1].stride = 1;
        CHECK(e.effects[i].after == evaluate(dynamic_graph(net).view(), any_memory_model{}));
    }
    CHECK(seen);
    for (const auto& c : e.effects)
        CHECK(c.change.text() != "stage 1 expansion_factor 3 -> 4");  // depthwise: no effect

    const auto measured = [](const graph_view& g) -> std::optional<double> {
        auto net = zoo::lmanet_elite;
        net.stages[4].stride = 1;
        return equivalent(g, dynamic_graph(net).view()) ? std::optional(0.75) : std::nullopt;
    };
    explanation_report r{"lmanet_elite", "", {}, {}, evidence_of(zoo::lmanet_elite, any_memory_model{}, measured)};
    CHECK(to_markdown(r, 1000).find(" 75.00 % |") != std::string::npos);
    CHECK(to_markdown(r).find("No explanation was given") != std::string::npos);
}

TEST_CASE("every network of the zoo has facts and evidence", "[llm][explanation]") {
    boost::hana::unpack(zoo::entries, [](auto... entries) {
        const auto look = [](auto entry) {
            using E = typename decltype(entry)::type;
            INFO(E::name);
            const network_facts f = facts_of(dynamic_graph(E::design).view());
            CHECK(!f.stages.empty());
            bytes most;
            for (const stage_facts& s : f.stages) {
                CHECK(s.num_layers >= 1);
                CHECK(s.output_channels >= 1);
                most = std::max(most, s.sram);
            }
            CHECK(most <= f.total.sram.size);
        };
        (look(entries), ...);
    });
    const network_facts resnet = facts_of(dynamic_graph(zoo::resnet8).view());
    CHECK(resnet.stages[1].residual == true);
    CHECK(resnet.stages[2].stride == 2);
    CHECK(resnet.stages[1].kernel_size == 3);
    CHECK(resnet.stages[0].conv_type.empty());
    CHECK(!facts_of(dynamic_graph(zoo::xinet_l5).view()).stages[1].use_se);  // attention of another kind
}

TEST_CASE("any bytes are read, and what is not understood gives no claim", "[llm][explanation]") {
    const network_facts net = elite().facts;
    splitmix64 rng{7};
    const std::string_view pieces[] = {
        "stage ",       "stages ", "1",           "2, ",      "3x3 ",    "kernel ",       "and ",
        "all ",         "no ",     "only ",       "SE ",      "stride ", "from ",         "to ",
        "most of ",     "MACs ",   "320 KB ",     "%",        "first ",  "two ",          "except ",
        "but ",         ". ",      "\n- ",        "# ",       "**",      "\xFF",          "\xC3",
        "\xE2\x89\xA4", "(",       "more ",       "than ",    "ratio ",  "respectively ", "relu6 ",
        "the ",         "rest ",   "fewer than ", "between ", "same ",   "rises ",        "99999999999999999999 ",
        "0.5",          "1/0 ",    "stage 77 ",   "early ",   "middle ", "late ",         ": ",
        "replaces ",    "by "};
    for (int i = 0; i < rounds(20'000); ++i) {
        std::string text;
        for (std::uint64_t k = rng() % 24; k > 0; --k) text += pieces[rng() % std::size(pieces)];
        for (const checked_statement& s : check_explanation(text, net)) {
            CHECK(valid_utf8(s.text) == s.text);
            for (const auto& c : s.claims) CHECK(!c.first.text().empty());
        }
    }
    for (int i = 0; i < rounds(3'000); ++i) {
        std::string noise;
        for (std::uint64_t k = rng() % 200; k > 0; --k) noise += static_cast<char>(rng());
        (void)check_explanation(noise, net);
    }
    CHECK(check_explanation("", net).empty());
    CHECK(check_explanation("Stage 1 has stride 2.", network_facts{}).at(0).claims.empty());
}

TEST_CASE("long texts take time in proportion to their length", "[llm][explanation]") {
    const auto seconds = [](const std::string& text) {
        const auto begin = std::chrono::steady_clock::now();
        (void)statements_of(text, 5);
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    const auto repeated = [](std::string_view piece, std::size_t bytes) {
        std::string text;
        while (text.size() < bytes) text += piece;
        return text;
    };
    for (const std::string_view piece : {"stages 1, 2 and 3 use ", "3x3 and ", "stage but ", "a", "1", "1,", "- ",
                                         "Stage 1 has stride 2. ", "to ", "\n", "from 1 to "}) {
        INFO(piece);
        const double small = seconds(repeated(piece, 100'000)), large = seconds(repeated(piece, 1'000'000));
        CHECK(large < 40 * small + 0.2);
    }
}

TEST_CASE("a model is asked with the design, its costs and the accuracy", "[llm][explanation]") {
    const design_evidence e = elite();
    written_answer model("<think>Stage 1 has stride 1.</think>Stage 1 has a stride of 2.");
    const auto answer = ask_explanation(model, e, 0.7373);
    REQUIRE(answer);
    CHECK(answer->text == "Stage 1 has a stride of 2.");
    REQUIRE(model.asked.messages.size() == 2);
    const std::string& question = model.asked.messages[1].content;
    CHECK(question.find(
              "- Stage 4: mbconv, 64 output channels, layers 3, kernel size 3, stride 1, expansion factor 3, with "
              "squeeze-and-excitation (ratio 0.5), no residual connections, relu6;") != std::string::npos);
    CHECK(question.find("81,963,264 MACs, 497,997 parameters") != std::string::npos);
    CHECK(question.find("Accuracy 73.73 %") != std::string::npos);
    CHECK(explanation_messages(e, {})[1].content.find("Accuracy") == std::string::npos);

    written_answer silent(" \n");
    CHECK(ask_explanation(silent, e).error().code == errc::server);
}
