// SPDX-License-Identifier: MIT
/// \file
/// One clause of an explanation while it is read: its words, and the scopes and predicates found so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <llmnas/llm/explanation_claim.hpp>
#include <llmnas/llm/explanation_words.hpp>

namespace llmnas::claim_grammar {

/// Which stages, as written.
struct scope_item {
    claim_scope scope;
    claim_quantifier quantifier = claim_quantifier::all;
    std::int32_t count = 0;
    bool bare = false;          ///< `the stages`: any other scope of the clause replaces it
    bool verb_follows = false;  ///< it is the subject of what follows
    bool joined = false;        ///< `and` or a comma stands before it
};
/// What they have; the scope of the claim is still open.
struct predicate_item {
    claim part;
    bool adverb_negated = false;  ///< by `not`, which may hold for more than this one
    bool joined = false;
};
using clause_item = std::variant<scope_item, predicate_item>;

class clause_state {
public:
    /// `stages`: how many the network has. `mentioned`: stages named by number in the sentence so far, for `the rest`.
    clause_state(std::span<const word> words, std::size_t stages, std::uint64_t& mentioned)
        : words_(words), stages_(stages), mentioned_(mentioned) {}

    /// Whether `it` and `they` mean the network here.
    bool pronoun_is_network = true;
    /// Read, and without words that mean more than the grammar knows.
    [[nodiscard]] bool understood() const noexcept { return !failed_; }
    /// The words name stages, and say nothing of them: a heading.
    [[nodiscard]] bool only_scope() const noexcept {
        return !failed_ && items_.size() == 1 && std::holds_alternative<scope_item>(items_[0]);
    }
    [[nodiscard]] const std::vector<clause_item>& items() const noexcept { return items_; }
    [[nodiscard]] bool total() const noexcept { return total_; }
    [[nodiscard]] bool respectively() const noexcept { return respectively_; }
    /// A clause that gives no more than a count: `five stages`.
    [[nodiscard]] bool names_stages() const noexcept { return named_; }

protected:
    using wc = word_class;

    void fail() { failed_ = true; }
    [[nodiscard]] wc at(std::size_t i) const { return i < words_.size() ? words_[i].kind : wc::split; }
    [[nodiscard]] bool is_filler(std::size_t i) const { return at(i) == wc::filler || at(i) == wc::with; }
    [[nodiscard]] std::size_t skip(std::size_t i) const {
        while (is_filler(i)) ++i;
        return i;
    }
    [[nodiscard]] std::size_t skip_light(std::size_t i) const {
        while (is_filler(i) || at(i) == wc::in || at(i) == wc::verb || at(i) == wc::colon) ++i;
        return i;
    }
    [[nodiscard]] static bool places(wc k) {
        return k == wc::stage || k == wc::ordinal || k == wc::last || k == wc::early || k == wc::middle ||
               k == wc::late || k == wc::rest || k == wc::all || k == wc::most || k == wc::some || k == wc::only ||
               k == wc::except;
    }

    std::span<const word> words_;
    std::size_t stages_;
    std::uint64_t& mentioned_;
    std::size_t i_ = 0;
    std::vector<clause_item> items_;
    bool failed_ = false, total_ = false, respectively_ = false, joined_ = false, named_ = false;
    bool negated_ = false, adverb_ = false, only_ = false, same_ = false, range_ = false, from_ = false;
    bool pending_peak_ = false;
    std::optional<claim_property> pending_;
    std::optional<claim_relation> relation_, trend_;
    std::optional<word_class> comparison_, superlative_;
};

}  // namespace llmnas::claim_grammar
