// SPDX-License-Identifier: MIT
// The grammars against a matcher of GBNF written here: what they accept is the canonical text of the space's networks.
// LLMNAS_UPDATE_GOLDEN=1 writes the golden file anew.
#include <llmnas/json/gbnf.hpp>

#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <llmnas/json/file.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include "support/catch.hpp"
#include "unit/json/schema_matcher.hpp"
#include "unit/json/user_space.hpp"

using namespace llmnas;
using nlohmann::ordered_json;
using test::matches;

namespace {

/// Reads a grammar (literals, classes, rules, groups, alternatives, `?`) and matches whole texts: each part maps the
/// set of positions where it may begin to the set where it may end.
class gbnf_matcher {
public:
    explicit gbnf_matcher(const std::string& grammar) {
        std::size_t begin = 0;
        while (begin < grammar.size()) {
            const std::size_t end = grammar.find('\n', begin);
            if (end == std::string::npos) throw std::runtime_error("a rule without a line end");
            in_ = std::string_view(grammar).substr(begin, end - begin);
            begin = end + 1;
            const std::string name = word();
            take("::=");
            if (name.empty() || !rules_.emplace(name, alternatives()).second || !in_.empty())
                throw std::runtime_error("bad rule " + name + ": " + std::string(in_));
        }
        for (const auto& rule : rules_) check(rule.second);
        if (used_.size() + 1 != rules_.size() || used_.count("root") != 0)
            throw std::runtime_error("rules that nothing uses");
    }

    [[nodiscard]] bool accepts(std::string_view text) const {
        return run(rules_.at("root"), {0}, text).count(text.size()) != 0;
    }

private:
    struct part {
        enum class kind { literal, characters, rule, sequence, choice, option } what;
        std::string text = {};
        std::vector<part> parts = {};
        std::set<char> of = {};  ///< ASCII characters of a class, or those that it excludes
        bool excludes = false;
    };
    using positions = std::set<std::size_t>;

    void blanks() { in_.remove_prefix(std::min(in_.find_first_not_of(' '), in_.size())); }
    void take(std::string_view s) {
        blanks();
        if (!in_.starts_with(s)) throw std::runtime_error("no " + std::string(s) + " in " + std::string(in_));
        in_.remove_prefix(s.size());
        blanks();
    }
    std::string word() {
        const std::size_t n = std::min(
            in_.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"), in_.size());
        const std::string w(in_.substr(0, n));
        in_.remove_prefix(n);
        blanks();
        return w;
    }
    part alternatives() {
        part p{part::kind::choice};
        do {
            part sequence{part::kind::sequence};
            while (!in_.empty() && in_[0] != '|' && in_[0] != ')') sequence.parts.push_back(item());
            p.parts.push_back(std::move(sequence));
        } while (!in_.empty() && in_[0] == '|' && (take("|"), true));
        return p;
    }
    part item() {
        part p{part::kind::literal};
        if (in_[0] == '(') {
            take("(");
            p = alternatives();
            take(")");
        } else if (in_[0] == '"') {
            in_.remove_prefix(1);
            while (in_.at(0) != '"') {
                char c = in_[0];
                in_.remove_prefix(1);
                if (c == '\\') {
                    c = in_.at(0) == 'n' ? '\n' : in_.at(0);
                    in_.remove_prefix(1);
                }
                p.text += c;
            }
            take("\"");
        } else if (in_[0] == '[') {
            in_.remove_prefix(1);
            p = class_of_characters();
        } else {
            p = {part::kind::rule, word()};
            if (p.text.empty()) throw std::runtime_error("not GBNF: " + std::string(in_));
        }
        if (!in_.empty() && in_[0] == '?') {
            take("?");
            return {part::kind::option, "", {p}};
        }
        return p;
    }
    char character() {
        char c = in_.at(0);
        in_.remove_prefix(1);
        if (c != '\\') return c;
        c = in_.at(0);
        in_.remove_prefix(1);
        if (c != 'x') return c;
        c = static_cast<char>(std::stoi(std::string(in_.substr(0, 2)), nullptr, 16));
        in_.remove_prefix(2);
        return c;
    }
    part class_of_characters() {
        part p{part::kind::characters};
        if (in_.at(0) == '^') p.excludes = true, in_.remove_prefix(1);
        while (in_.at(0) != ']') {
            const char from = character();
            char to = from;
            if (in_.at(0) == '-') in_.remove_prefix(1), to = character();
            for (int c = from; c <= to; ++c) p.of.insert(static_cast<char>(c));
        }
        take("]");
        return p;
    }
    void check(const part& p) {
        if (p.what == part::kind::rule) {
            if (rules_.count(p.text) == 0) throw std::runtime_error("no rule " + p.text);
            used_.insert(p.text);
        }
        for (const part& inner : p.parts) check(inner);
    }

    [[nodiscard]] positions run(const part& p, const positions& from, std::string_view text) const {
        positions to;
        switch (p.what) {
            case part::kind::literal:
                for (const std::size_t at : from)
                    if (text.substr(at).starts_with(p.text)) to.insert(at + p.text.size());
                return to;
            case part::kind::characters:
                for (const std::size_t at : from)
                    if (at < text.size() && (p.of.count(text[at]) != 0) != p.excludes)
                        to.insert(at + std::max<std::size_t>(1, llmnas::detail::utf8_length(text.substr(at))));
                return to;
            case part::kind::rule:
                return run(rules_.at(p.text), from, text);
            case part::kind::sequence:
                to = from;
                for (const part& inner : p.parts)
                    if (!to.empty()) to = run(inner, to, text);
                return to;
            case part::kind::choice:
                for (const part& inner : p.parts) to.merge(run(inner, from, text));
                return to;
            case part::kind::option:
                to = run(p.parts[0], from, text);
                to.insert(from.begin(), from.end());
                return to;
        }
        return to;
    }

    std::string_view in_;
    std::map<std::string, part> rules_;
    std::set<std::string> used_;
};

/// The text without blanks outside of quotes.
std::string compact(std::string_view text) {
    std::string out;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
        if (quoted || (text[i] != ' ' && text[i] != '\n')) out += text[i];
    }
    return out;
}

/// Whether a text is one that the grammar is for: its schema holds, and the members stand in the order of the axes.
template <class Space>
bool is_canonical(const std::string& text) {
    const auto j = ordered_json::parse(text, nullptr, false);
    if (j.is_discarded() || !matches(j, proposal_schema<Space>())) return false;
    std::string expected = "[";
    for (const auto& stage : j) {
        auto ordered = ordered_json::object();
        for (const std::string_view name : axis_names<Space>)
            if (stage.contains(std::string(name))) ordered[std::string(name)] = stage[std::string(name)];
        expected += (expected.size() > 1 ? "," : "") + ordered.dump();
    }
    return compact(text) == expected + "]";
}

/// A text with one change: a token replaced, taken away, doubled or exchanged with another, or a character changed.
std::string changed(std::string text, splitmix64& rng) {
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i < text.size();) {
        std::size_t end = i + 1;
        if (text[i] == '"') {
            while (text[end] != '"') end += text[end] == '\\' ? 2 : 1;
            ++end;
        } else if (std::string_view("[]{},:").find(text[i]) == std::string_view::npos) {
            end = text.find_first_of("]},:", i);
        }
        tokens.push_back(text.substr(i, end - i));
        i = end;
    }
    const std::size_t a = rng.below(tokens.size());
    const std::size_t b = rng.below(tokens.size());
    switch (rng.below(5)) {
        case 0:
            tokens[a] = tokens[b];
            break;
        case 1:
            tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(a));
            break;
        case 2:
            tokens.insert(tokens.begin() + static_cast<std::ptrdiff_t>(a), tokens[b]);
            break;
        case 3:
            std::swap(tokens[a], tokens[b]);
            break;
        default:
            tokens[a][rng.below(tokens[a].size())] = "0123456789tfe\"{}[],: x"[rng.below(22)];
    }
    text.clear();
    for (const std::string& t : tokens) text += t;
    return text;
}

template <class Space>
void check_grammar() {
    const gbnf_matcher grammar(proposal_grammar<Space>());
    splitmix64 rng{8};
    int rejected = 0;
    for (int i = 0; i < 200; ++i) {
        const auto j = proposal_json<Space>(decode(sample<Space>(rng)));
        for (const int indent : {-1, 2, 4})
            if (!grammar.accepts(j.dump(indent))) FAIL(j.dump(indent));
        for (int k = 0; k < 20; ++k) {
            const std::string text = changed(j.dump(), rng);
            const bool accepted = grammar.accepts(text);
            rejected += accepted ? 0 : 1;
            INFO(text);
            REQUIRE(accepted == is_canonical<Space>(text));
        }
    }
    CHECK(rejected > 2000);
}

}  // namespace

TEST_CASE("gbnf: accepts the canonical texts of a space and nothing else", "[json]") {
    check_grammar<table1>();
    check_grammar<table1_se>();
    check_grammar<test::user_space>();
    check_grammar<test::many_forms_space>();
    check_grammar<test::odd_names_space>();
}

TEST_CASE("gbnf: counts, dependent fields, blanks", "[json]") {
    const gbnf_matcher grammar(proposal_grammar<table1_se>());
    splitmix64 rng{9};
    auto j = proposal_json<table1_se>(decode(sample<table1_se>(rng)));
    CHECK(grammar.accepts(j.dump()));
    j[2]["use_se"] = true;
    j[2].erase("se_ratio");
    CHECK_FALSE(grammar.accepts(j.dump()));
    j[2]["se_ratio"] = 0.25;
    CHECK(grammar.accepts(j.dump()));
    j[2]["use_se"] = false;
    CHECK_FALSE(grammar.accepts(j.dump()));
    j[2].erase("se_ratio");
    CHECK(grammar.accepts(j.dump()));
    const std::string text = j.dump();
    CHECK(grammar.accepts("[ " + text.substr(1)));
    CHECK_FALSE(grammar.accepts("[  " + text.substr(1)));
    CHECK(grammar.accepts("[\n" + std::string(12, ' ') + text.substr(1)));
    CHECK_FALSE(grammar.accepts("[\n" + std::string(14, ' ') + text.substr(1)));
    CHECK_FALSE(grammar.accepts(text + " "));
    j.erase(0);
    CHECK_FALSE(grammar.accepts(j.dump()));
}

TEST_CASE("gbnf: batches", "[json]") {
    const gbnf_matcher grammar(batch_grammar<table1_se>(3));
    splitmix64 rng{10};
    auto list = ordered_json::array();
    for (int i = 0; i < 4; ++i) {
        CHECK(grammar.accepts(list.dump()) == (i == 3));
        list.push_back(proposal_json<table1_se>(decode(sample<table1_se>(rng))));
    }
    list.erase(0);
    CHECK(grammar.accepts(list.dump(4)));
}

TEST_CASE("gbnf: a proposal with its explanation", "[json]") {
    const gbnf_matcher grammar(explained_grammar<table1_se>());
    const gbnf_matcher batch(explained_batch_grammar<table1_se>(2));
    splitmix64 rng{12};
    const auto net = decode(sample<table1_se>(rng));
    const auto text = [&](const std::string& explanation) {
        return explained_json<table1_se>(net, explanation).dump();
    };
    CHECK(grammar.accepts(explained_json<table1_se>(net, "Stage 1 has stride 2.").dump(2)));
    CHECK(grammar.accepts(text("")));
    CHECK(grammar.accepts(text("a \"word\", a back\\slash,\na line, a bell \x07, \xC3\x97 and \xF0\x9F\x98\x80")));
    for (const std::size_t length : {1U, 9U, 10U, 99U, 100U, 101U, 998U, 999U})
        CHECK(grammar.accepts(text(std::string(length, 'x'))));
    CHECK_FALSE(grammar.accepts(text(std::string(1000, 'x'))));
    CHECK_FALSE(grammar.accepts(proposal_json<table1_se>(net).dump()));
    auto other = explained_json<table1_se>(net, "why");
    other["more"] = 1;
    CHECK_FALSE(grammar.accepts(other.dump()));
    CHECK_FALSE(grammar.accepts(R"({"explanation":"why","blocks":)" + proposal_json<table1_se>(net).dump() + "}"));
    const std::string open = text("\x01");  // an escape, which the text must not hold as it is
    CHECK_FALSE(grammar.accepts(open.substr(0, open.find("\\u0001")) + "\x01\"}"));
    CHECK(batch.accepts("[" + text("one") + "," + text("two") + "]"));
    CHECK_FALSE(batch.accepts("[" + text("one") + "]"));
    CHECK_FALSE(
        batch.accepts(nlohmann::ordered_json({proposal_json<table1_se>(net), proposal_json<table1_se>(net)}).dump()));
}

TEST_CASE("gbnf: grammar of table1_se", "[json]") {
    const std::string path = "tests/unit/json/golden/table1_se.gbnf";
    const std::string grammar = proposal_grammar<table1_se>();
    if (std::getenv("LLMNAS_UPDATE_GOLDEN") != nullptr) REQUIRE(write_text_file(path, grammar));
    const auto golden = read_text_file(path);
    REQUIRE(golden);
    CHECK(*golden == grammar);
}
