// SPDX-License-Identifier: MIT
/// \file
/// Ask and tell: how networks are proposed, whoever proposes them.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <llmnas/core/random.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/search/memory_model_ref.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/search/problem.hpp>
#include <llmnas/search/proposal_counters.hpp>
#include <llmnas/search/rejection.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

/// What a proposer sees of the search: everything that is known, nothing that it must keep itself.
template <SearchSpace Space>
struct search_context {
    const problem& task;
    std::span<const trial<Space>> trials;   ///< all, in the order of their numbers; open ones are `running`
    std::span<const std::int32_t> front;    ///< numbers of the non-dominated trials
    std::optional<std::int32_t> best;       ///< number of the most accurate trial, over a limit or not
    std::span<const rejection> rejections;  ///< since the last trial, oldest first
    /// Would this network be taken? Proposers that sample ask it instead of wasting proposals.
    std::function<tl::expected<candidate<Space>, rejection>(const network_of<Space>&)> judge;
    /// The networks of `rejections`, in the same order, or none at all; nothing where a proposal held no network.
    std::span<const std::optional<network_of<Space>>> rejected = {};
    std::span<const objective_info> objectives = objective_infos<paper_objectives>;  ///< in the order of trial::values
    memory_model_ref memory = default_memory_model;  ///< that the limit of SRAM is judged under
};

/// A network to try. It need not lie in the space: the search checks, rejects and tells back.
template <SearchSpace Space>
struct proposal {
    network_of<Space> network;
    std::string proposer;                    ///< who proposed it, for the journal
    std::optional<std::int32_t> shown = {};  ///< as in proposal_history
    std::string explanation = {};            ///< as in proposal_history
};

/// One interface for random sampling, evolution and language models. ask() may be called again before the trials of
/// earlier proposals are told; it draws from `rng`, whose stream belongs to this proposal, so that one seed fixes a
/// study. A failure (no server, no architecture in the reply) is a rejection: counted, and told back by the context.
template <class P, class Space>
concept Proposer = SearchSpace<Space> &&
    requires(P& p, const search_context<Space>& context, splitmix64& rng, const trial<Space>& finished) {
    { p.name() } -> std::convertible_to<std::string_view>;
    { p.ask(context, rng) } -> std::same_as<tl::expected<proposal<Space>, rejection>>;
    p.tell(finished);
};

/// Optional: a proposer that counts what it spends, all in all. The journal has the difference with each trial.
template <class P>
concept CountingProposer = requires(const P& p) {
    { p.counters() } -> std::convertible_to<proposal_counters>;
};

template <class P>
[[nodiscard]] proposal_counters counters_of(const P& proposer) {
    if constexpr (CountingProposer<P>) return proposer.counters();
    return {};
}

/// Optional: a proposer that may be done for good, and says why in a sentence. It is asked no more; evolution is.
template <class P>
concept RetiringProposer = requires(const P& p) {
    { p.retired() } -> std::convertible_to<std::optional<std::string>>;
};

/// Why a proposer is done for good, where it is.
template <class P>
[[nodiscard]] std::optional<std::string> retirement_of(const P& proposer) {
    if constexpr (RetiringProposer<P>) return proposer.retired();
    return std::nullopt;
}

/// Optional: a proposer that is known by another name in comparisons, as one by the model that it asks.
template <class P>
concept NamedSearch = requires(const P& p) {
    { p.search_name() } -> std::convertible_to<std::string>;
};

/// Name that studies of a proposer are compared by.
template <class P>
[[nodiscard]] std::string search_name_of(const P& proposer) {
    if constexpr (NamedSearch<P>)
        return proposer.search_name();
    else
        return std::string(proposer.name());
}

/// Optional: a proposer that works while a network trains. prepare() is called when a trial has started and at most so
/// many more will be wanted, close() when no more are; what came of proposals that nobody asked for is counted then.
template <class P, class Space>
concept PreparingProposer = requires(P& p, const search_context<Space>& context, splitmix64& rng, std::int32_t more) {
    p.prepare(context, rng, more);
    p.close();
};

}  // namespace llmnas
