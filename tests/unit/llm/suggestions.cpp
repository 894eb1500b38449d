// SPDX-License-Identifier: MIT
// Suggestions as a model reads them: each line of the prompt is applied to the network's JSON, and the costs of the
// result are computed anew.
#include <llmnas/llm/suggestion_section.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/search/evolution_proposer.hpp>
#include <llmnas/space/sampling.hpp>

#include "support/catch.hpp"
#include "user_search.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

std::uint64_t number_of(std::string text) {
    text.erase(std::remove(text.begin(), text.end(), ','), text.end());
    return std::stoull(text);
}

/// A suggestion read back from its line.
struct read_suggestion {
    std::size_t stage = 0;
    std::string field, from, to, with_field, with_value;
    struct effect {
        std::optional<std::uint64_t> before;
        std::uint64_t after = 0;
    } mac_count, sram, flash;
};

std::optional<read_suggestion> read(const std::string& line) {
    static const std::regex pattern(R"(.*stage (\d+): (\w+) (\S+) -> (\S+?)(?: with (\w+) (\S+))?\. MACs (.*),)"
                                    R"( peak SRAM (.*) bytes(.*), flash (.*) bytes(.*)\.)");
    std::smatch m;
    if (!std::regex_match(line, m, pattern)) return std::nullopt;
    const auto effect = [](const std::string& text) {
        static const std::regex changed(R"(([\d,]+) -> ([\d,]+))"), same(R"(([\d,]+) as before)"),
            unknown(R"(then ([\d,]+))");
        std::smatch e;
        if (std::regex_match(text, e, changed)) return read_suggestion::effect{number_of(e[1]), number_of(e[2])};
        if (std::regex_match(text, e, same)) return read_suggestion::effect{number_of(e[1]), number_of(e[1])};
        REQUIRE(std::regex_match(text, e, unknown));
        return read_suggestion::effect{std::nullopt, number_of(e[1])};
    };
    return read_suggestion{std::stoul(m[1]) - 1,
                           m[2],
                           m[3],
                           m[4],
                           m[5],
                           m[6],
                           effect(m[7]),
                           effect(m[8].str() + m[9].str()),
                           effect(m[10].str() + m[11].str())};
}

/// The value that a field has in JSON when a line of text names it.
nlohmann::ordered_json json_of(const std::string& text) {
    auto j = nlohmann::ordered_json::parse(text, nullptr, false);
    return j.is_discarded() ? nlohmann::ordered_json(text) : j;
}

/// What a model would answer that follows the suggestion.
template <class Search>
auto applied(const Search& s, const network_of<typename Search::space>& net, const read_suggestion& r) {
    using space = typename Search::space;
    auto json = proposal_json<space>(net);
    CHECK(json[r.stage][r.field] == json_of(r.from));
    json[r.stage][r.field] = json_of(r.to);
    if (!r.with_field.empty()) json[r.stage][r.with_field] = json_of(r.with_value);
    // An answer holds exactly the fields that exist.
    const auto all = proposal_from_json<space>(json, s.task.input, s.task.classes);
    REQUIRE(all);
    const auto form = proposal_json<space>(*all);
    for (const auto& field : form[r.stage].items()) CHECK(json[r.stage].contains(field.key()));
    const auto changed = proposal_from_json<space>(form, s.task.input, s.task.classes);
    REQUIRE(changed);
    return *changed;
}

template <class Search>
std::optional<costs> costs_at(const Search& s, const network_of<typename Search::space>& net) {
    const dynamic_graph graph(net);
    if (graph.error()) return std::nullopt;
    return evaluate(graph.view(), s.judge.memory());
}

void check_effect(const read_suggestion::effect& said, std::optional<std::uint64_t> before, std::uint64_t after) {
    CHECK(said.before == before);
    CHECK(said.after == after);
}

/// Applies a suggestion, and sees exactly the effect that its line claims.
template <class Search>
auto check_line(const Search& s, const network_of<typename Search::space>& net, const std::string& line) {
    const auto r = read(line);
    INFO(line);
    REQUIRE(r);
    const auto changed = applied(s, net, *r);
    const auto before = costs_at(s, net);
    const auto after = costs_at(s, changed);
    REQUIRE(after);
    const auto of = [&](auto f) { return before ? std::optional(f(*before)) : std::nullopt; };
    check_effect(r->mac_count, of([](const costs& c) { return c.mac_count.value; }), after->mac_count.value);
    check_effect(r->sram, of([](const costs& c) { return c.sram.size.value; }), after->sram.size.value);
    check_effect(r->flash, of([](const costs& c) { return c.flash.value; }), after->flash.value);
    return changed;
}

struct seen {
    int networks = 0, alone = 0, in_turn = 0, kept_in_turn = 0, suggestions = 0;
};

/// The section for a refused network: every line applied.
template <class Search>
void check_mending(const Search& s, const network_of<typename Search::space>& net, seen& count) {
    using space = typename Search::space;
    suggestion_writer<space> writer;
    prompt_document document;
    writer.add_mending(document, s.context(), 4);
    const auto lines = lines_of(document.text());
    ++count.networks;
    if (lines.empty()) return;
    INFO(document.text());
    REQUIRE(lines.size() >= 5);
    CHECK(lines[1] == "# How to mend the network refused last");
    CHECK(nlohmann::ordered_json::parse(lines[2]) == proposal_json<space>(net));
    if (lines[3].find("alone is enough") != std::string::npos) {
        ++count.alone;
        for (std::size_t i = 4; i < lines.size(); ++i, ++count.suggestions) {
            const auto changed = check_line(s, net, lines[i]);
            CHECK(contains<space>(changed));
            CHECK(s.judge.judge(changed).has_value());
        }
    } else {
        ++count.in_turn;
        auto current = net;
        for (std::size_t i = 4; i + 1 < lines.size(); ++i, ++count.suggestions) {
            CHECK_FALSE(s.judge.judge(current).has_value());
            current = check_line(s, current, lines[i]);
        }
        const bool kept = lines.back() == "After all of them the limits are kept.";
        if (!kept) CHECK(lines.back() == "After all of them it is still over a limit.");
        CHECK(s.judge.judge(current).has_value() == kept);
        count.kept_in_turn += kept ? 1 : 0;
    }
}

/// Refused networks: random ones and, where there is one, neighbours of networks within the limits.
template <class Search>
seen check_refused(Search s, int networks, std::uint64_t seed,
                   std::vector<space_point<typename Search::space>> feasible = {}) {
    using space = typename Search::space;
    splitmix64 rng{seed};
    seen count;
    while (count.networks < networks) {
        auto point = sample<space>(rng);
        if (!feasible.empty() && rng.below(4) > 0) {
            point = feasible[static_cast<std::size_t>(rng.below(feasible.size()))];
            for (auto changes = 1 + rng.below(3); changes > 0; --changes) mutate(point, rng);
        }
        const auto net = decode(point, s.task.input, s.task.classes);
        if (!s.refuse(net)) {
            feasible.push_back(point);
            if (feasible.size() % 4 == 1) s.add(net, trial_state::complete, 0.4);  // a duplicate from now on
            continue;
        }
        check_mending(s, net, count);
    }
    return count;
}

}  // namespace

TEST_CASE("suggestions: applied to 700 refused networks, each has exactly the effect that it claims", "[llm]") {
    const auto told = [](const seen& c) {
        UNSCOPED_INFO(c.networks << " networks, " << c.alone << " mended by one change, " << c.in_turn
                                 << " in turn, of which " << c.kept_in_turn << " wholly; " << c.suggestions
                                 << " suggestions");
        CHECK(c.alone > 20);
        CHECK(c.in_turn > 20);
        CHECK(c.kept_in_turn > 0);
    };
    told(check_refused(search_state(), 400, 1, {encode<table1_se>(zoo::lmanet_elite).point}));
    told(check_refused(user_search(), 300, 2));
}

TEST_CASE("suggestions: under a memory model chosen at run time", "[llm]") {
    basic_search_state<table1_se, any_memory_model> s(problem{.limits = {bytes{60'000}, paper_budget.flash}},
                                                      erased<planned<>>);
    const seen c = check_refused(s, 60, 3);
    CHECK(c.suggestions > 60);
}

TEST_CASE("suggestions: next steps of a trained network are new, within the limits, and cost what is said", "[llm]") {
    splitmix64 rng{4};
    int suggestions = 0;
    for (int trained = 0; trained < 40;) {
        search_state s;
        const auto net = decode(sample<table1_se>(rng), s.task.input, s.task.classes);
        if (!s.judge.judge(net)) continue;
        ++trained;
        s.add(net, trial_state::complete, 0.4);
        s.best = 0;
        suggestion_writer<table1_se> writer;
        prompt_document document;
        writer.add_next_steps(document, s.context());
        const auto lines = lines_of(document.text());
        for (std::size_t i = 2; i < lines.size(); ++i, ++suggestions)
            CHECK(s.judge.judge(check_line(s, net, lines[i])).has_value());
    }
    CHECK(suggestions >= 40);
}

TEST_CASE("suggestions: a network outside the space, one that cannot be built, a known one, and none", "[llm]") {
    seen count;
    auto s = user_search_trained();
    auto net = s.trials[0].candidate.network;
    net.stages[1].width = 20;
    s.refuse({rejection_kind::out_of_space, {errc::out_of_space, "outside"}}, net);
    check_mending(s, net, count);
    CHECK(count.alone == 1);
    net = s.trials[0].candidate.network;
    s.refuse(net);
    check_mending(s, net, count);
    CHECK(count.alone == 2);

    net.stages[1].mixed = true;
    net.stages[1].window = 0;
    REQUIRE_FALSE(costs_at(s, net));
    s.refuse(net);
    check_mending(s, net, count);
    CHECK(count.alone == 3);

    suggestion_writer<mix_space> writer;
    prompt_document document;
    s.rejected.clear();
    s.rejections.clear();
    writer.add_mending(document, s.context(), 4);
    s.refuse({rejection_kind::malformed, {errc::bad_input, "no JSON"}});
    writer.add_mending(document, s.context(), 4);
    CHECK(document.text().empty());
}

TEST_CASE("suggestions: the text of a change", "[llm]") {
    const costs a{macs{1'000}, {}, bytes{3'000}, {bytes{2'000}}};
    const costs b{macs{900}, {}, bytes{3'000}, {bytes{1'999}}};
    advised_change c{{"stage 2", "use_se", "false", "true", 1, "se_ratio 0.25"}, a, b};
    CHECK(c.text() ==
          "stage 2: use_se false -> true with se_ratio 0.25. MACs 1,000 -> 900, peak SRAM 2,000 -> 1,999 "
          "bytes, flash 3,000 bytes as before");
    c.before.reset();
    CHECK_THAT(c.text(), ContainsSubstring("MACs then 900, peak SRAM then 1,999 bytes"));
}
