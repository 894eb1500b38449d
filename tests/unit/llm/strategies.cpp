// SPDX-License-Identifier: MIT
// Prompts of other papers' strategies against tests/unit/llm/golden/*.txt; LLMNAS_UPDATE_GOLDEN=1 writes them anew.
#include <llmnas/llm/strategies/genius.hpp>
#include <llmnas/llm/strategies/quality_diversity.hpp>

#include <set>
#include <string>

#include "golden.hpp"
#include "search_state.hpp"
#include "support/catch.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;
using space = table1_se;

static_assert(PromptPolicy<genius_prompt<space>, space> && SizedPrompt<genius_prompt<space>>);
static_assert(PromptPolicy<quality_diversity_prompt<space>, space> && SizedPrompt<quality_diversity_prompt<space>>);

TEST_CASE("strategies: GENIUS shows designs with their accuracies, the latest first, and nothing else", "[llm]") {
    auto s = two_trained();
    genius_prompt<space> prompt;
    const std::string text = text_of(prompt.messages(s.context()));
    check_golden("genius", text);
    // Costs of a network, suggestions and reasons are not told.
    for (const char* const word : {"81,963,264", "Pareto", "trial 0", "peak SRAM at", "Suggestion", "Use stride 2"})
        CHECK(text.find(word) == std::string::npos);
    CHECK(text.find("in training") < text.find("39.75 %"));
    CHECK(text.find("39.75 %") < text.find("41.25 %"));
    // Without room the oldest designs go, the task stays.
    genius_prompt<space> small;
    small.fit(1376);
    const std::string shortened = text_of(small.messages(s.context()));
    CHECK(shortened.size() < text.size());
    CHECK_THAT(shortened, ContainsSubstring("# Search space"));
    CHECK_THAT(text_of(genius_prompt<space>().messages(search_state{}.context())), ContainsSubstring("An example"));
}

TEST_CASE("strategies: quality diversity shows an elite and asks for a variation", "[llm]") {
    auto s = two_trained();
    quality_diversity_prompt<space> prompt;
    const std::string text = text_of(prompt.messages(s.context()));
    check_golden("quality_diversity", text);
    CHECK(text == text_of(quality_diversity_prompt<space>().messages(s.context())));

    // Over many states of a search every elite is varied, into every direction.
    std::set<std::string> wanted, parents;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const std::string t = text_of(quality_diversity_prompt<space>({}, seed).messages(s.context()));
        const auto line = [&](const char* heading) {
            const std::size_t at = t.find('\n', t.find(heading)) + 1;
            return t.substr(at, t.find_first_of(":,", at) - at);
        };
        parents.insert(line("# Network to vary"));
        wanted.insert(line("# Variation wanted"));
    }
    CHECK(parents.size() == 2);
    CHECK(wanted == std::set<std::string>{"A deeper network", "A larger network", "A shallower network",
                                          "A smaller network", "A more accurate network of the same size and depth"});
    CHECK_THAT(text_of(prompt.messages(search_state{}.context())), ContainsSubstring("An example"));
}
