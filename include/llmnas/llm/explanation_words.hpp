// SPDX-License-Identifier: MIT
/// \file
/// Words of explanations, as the grammar sees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <llmnas/llm/explanation_claim.hpp>

namespace llmnas::claim_grammar {

enum class word_class : std::uint8_t {
    unknown,  ///< no word of the table: what it says is not understood
    filler,   ///< says nothing that a claim depends on
    verb,     ///< uses, has, is
    in,       ///< before stages
    conj,     ///< and, comma
    with,     ///< with, using: what follows may tell which stages are meant
    but,
    split,  ///< begins a clause of its own: while, semicolon
    colon,
    cut,      ///< what follows is purpose or reason: to, which, for
    hedge,    ///< could, if, usually: the clause states no fact
    pronoun,  ///< it, they: what was spoken of before
    both,
    this_one,  ///< this, these
    network,
    stage,  ///< noun; `number` is 1 for `stage`, 2 for `layer` and `block`, a number of which may be a count of layers
    ordinal,  ///< first, 2nd; number
    last,
    early,
    middle,
    late,
    rest,
    total,  ///< in total
    all,
    none,  ///< no, none
    only,
    some,
    most,      ///< most, mostly
    most_of,   ///< most of
    the_most,  ///< the most, highest
    the_least,
    half_of,
    except,
    negation,  ///< not, without
    number,
    property,
    value,
    ratio,   ///< `ratio` alone: of SE or of the expansion, whichever was spoken of
    factor,  ///< `by a factor of`
    relation,
    compare_more,  ///< more, larger
    compare_less,
    than,
    as_many_as,
    between,
    range,  ///< range, vary
    from,
    to,
    same,
    differs,
    rises,
    falls,
    respectively,
    replaced,  ///< X by Y: Y is what is there
    by,
};

struct word {
    word_class kind = word_class::unknown;
    claim_property property = claim_property::kernel_size;
    claim_relation relation = claim_relation::equal;
    claim_value value{};
    bool kernel = false;  ///< a number written as 3x3
};

struct phrase {
    std::string_view text;
    word_class kind;
    claim_property property = claim_property::kernel_size;
    std::string_view value = {};
    claim_relation relation = claim_relation::equal;
    double number = 0;
    bool loose = false;
};

}  // namespace llmnas::claim_grammar
