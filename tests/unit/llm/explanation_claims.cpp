// SPDX-License-Identifier: MIT
/// \file
/// Claims of explanations against the lists in tests/unit/llm/claims, which were written before the extractor.
#include "support/catch.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/file.hpp>
#include <llmnas/json/json_value.hpp>
#include <llmnas/llm/explanation_extract.hpp>
#include <llmnas/llm/explanation_facts.hpp>
#include <llmnas/llm/explanation_verify.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/lmanet.hpp>

using namespace llmnas;

namespace {

constexpr const char* folder = "tests/unit/llm/claims/";

json_value read_json_file(const std::string& name) {
    const auto text = read_text_file(folder + name);
    REQUIRE(text);
    return json_value::parse(*text);
}

std::map<std::string, network_facts> networks() {
    std::map<std::string, network_facts> nets;
    nets["lmanet_elite"] = facts_of(dynamic_graph(zoo::lmanet_elite).view());
    nets["lmanet_core"] = facts_of(dynamic_graph(zoo::lmanet_core).view());
    const json_value written = read_json_file("networks.json");
    for (const auto& [name, stages] : written.items()) {
        const auto net = network_from_json<table1_se>(stages);
        REQUIRE(net);
        nets[name] = facts_of(dynamic_graph(*net).view());
    }
    return nets;
}

/// A found claim is right if it is on the list of its row with this meaning and verdict.
struct tally {
    std::size_t listed = 0, found = 0, right = 0;                       ///< of all meanings
    std::size_t judged_listed = 0, judged_found = 0, judged_right = 0;  ///< of those with a verdict true or false

    double precision() const { return static_cast<double>(right) / static_cast<double>(found); }
    double recall() const { return static_cast<double>(right) / static_cast<double>(listed); }
};

tally measure(const std::string& file, bool show) {
    const auto nets = networks();
    tally t;
    const json_value rows = read_json_file(file);
    for (const auto& row : rows) {
        const network_facts& net = nets.at(row["network"]);
        std::set<std::pair<std::string, std::string>> expected, found;
        for (const auto& c : row["claims"]) expected.emplace(c["means"].get<std::string>(), c["is"].get<std::string>());
        for (const statement& s : statements_of(row["text"].get<std::string>(), net.stages.size()))
            for (const claim& c : s.claims) found.emplace(c.text(), std::string(name_of(check_claim(c, net).is)));
        t.listed += expected.size();
        t.found += found.size();
        std::string wrong;
        for (const auto& f : found)
            if (expected.count(f) != 0)
                ++t.right;
            else
                wrong += "\n    found    " + f.first + " is " + f.second;
        for (const auto& e : expected)
            if (found.count(e) == 0) wrong += "\n    expected " + e.first + " is " + e.second;
        const auto judged = [](const auto& set) {
            std::size_t n = 0;
            for (const auto& c : set) n += c.second != "unclear";
            return n;
        };
        t.judged_listed += judged(expected);
        t.judged_found += judged(found);
        for (const auto& f : found) t.judged_right += f.second != "unclear" && expected.count(f) != 0;
        if (show && !wrong.empty())
            std::printf("%s: %s%s\n", row["network"].get<std::string>().c_str(), row["text"].get<std::string>().c_str(),
                        wrong.c_str());
    }
    std::printf(
        "%s: %zu claims listed, %zu found, %zu right: precision %.3f, recall %.3f; with verdict true or false %zu, "
        "%zu, %zu\n",
        file.c_str(), t.listed, t.found, t.right, t.precision(), t.recall(), t.judged_listed, t.judged_found,
        t.judged_right);
    return t;
}

}  // namespace

TEST_CASE("claims written down before the extractor: development half", "[llm][explanation]") {
    const tally t = measure("development.json", true);
    CHECK(t.precision() >= 0.95);
    CHECK(t.recall() >= 0.9);
}

/// Only totals: whoever develops the extractor does not look at the rows.
TEST_CASE("claims written down before the extractor: half kept apart", "[llm][explanation]") {
    const tally t = measure("held_out.json", false);
    CHECK(t.precision() >= 0.95);
    CHECK(static_cast<double>(t.judged_right) >= 0.95 * static_cast<double>(t.judged_found));
}

/// Sentences that were misread once, or could be.
TEST_CASE("claims that are easily misread", "[llm][explanation]") {
    const tally t = measure("traps.json", true);
    CHECK(t.right == t.found);
    CHECK(t.right == t.listed);
}
