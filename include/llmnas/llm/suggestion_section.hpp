// SPDX-License-Identifier: MIT
/// \file
/// The sections of a prompt with computed suggestions: how to mend the network refused last, and where to go from the
/// most accurate one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <llmnas/json/schema.hpp>
#include <llmnas/llm/prompt_document.hpp>
#include <llmnas/llm/suggestions.hpp>
#include <llmnas/search/gate.hpp>

namespace llmnas {

namespace detail {

template <SearchSpace Space>
[[nodiscard]] const trial<Space>* find_trial(const search_context<Space>& context, std::int32_t number) {
    for (const auto& t : context.trials)
        if (t.number == number) return &t;
    return nullptr;
}

/// The network of the last rejection that has one; null where there is none.
template <SearchSpace Space>
[[nodiscard]] const network_of<Space>* last_refused(const search_context<Space>& context) {
    for (auto r = context.rejected.rbegin(); r != context.rejected.rend(); ++r)
        if (*r) return &**r;
    return nullptr;
}

}  // namespace detail

/// Writes suggestions into prompts, and remembers the last ones: most prompts of a search change one of the two.
template <SearchSpace Space>
class suggestion_writer {
public:
    /// Adds up to `shown` suggestions that mend the network refused last.
    void add_mending(prompt_document& document, const search_context<Space>& context, std::size_t shown) {
        const network_of<Space>* const refused = detail::last_refused(context);
        if (refused == nullptr || shown == 0) return;
        if (!mended_ || !(mended_->network == *refused) || mended_->known != context.trials.size())
            mended_.emplace(mended{*refused, context.trials.size(), mend(context, *refused, shown)});
        const mending& m = mended_->how;
        if (m.alternatives.empty() && m.in_turn.empty()) return;
        document.section("# How to mend the network refused last");
        document.add(prompt_part::suggestion, proposal_json<Space>(*refused).dump() + "\n");
        if (!m.alternatives.empty()) {
            document.add(prompt_part::suggestion, "Each of these changes alone is enough:\n");
            for (std::size_t i = 0; i < std::min(shown, m.alternatives.size()); ++i)
                document.add(i == 0 ? prompt_part::suggestion : prompt_part::later_suggestion,
                             "- " + m.alternatives[i].text() + ".\n");
            return;
        }
        document.add(prompt_part::suggestion,
                     m.in_turn.size() > 1 ? "No single change is enough; in turn:\n" : "This change helps most:\n");
        for (std::size_t i = 0; i < m.in_turn.size(); ++i)
            document.add(i == 0 ? prompt_part::suggestion : prompt_part::later_suggestion,
                         fmt::format("{}. {}.\n", i + 1, m.in_turn[i].text()));
        document.add(prompt_part::later_suggestion, m.enough ? "After all of them the limits are kept.\n"
                                                             : "After all of them it is still over a limit.\n");
    }

    /// Adds what to try next from the most accurate network, where that lies in the space and within the limits.
    void add_next_steps(prompt_document& document, const search_context<Space>& context) {
        const trial<Space>* const best = context.best ? detail::find_trial(context, *context.best) : nullptr;
        if (best == nullptr || !best->candidate.feasible || !contains<Space>(best->candidate.network)) return;
        if (!stepped_ || !(stepped_->network == best->candidate.network) || stepped_->known != context.trials.size())
            stepped_.emplace(
                stepped{best->candidate.network, context.trials.size(), steps_from(context, best->candidate)});
        const next_steps& n = stepped_->steps;
        if (!n.fewer_macs && !n.more_macs && !n.less_sram) return;
        document.section(
            fmt::format("# Single changes of trial {} that give a new network within the limits", best->number));
        bool first = true;
        const auto add = [&](std::string_view purpose, const std::optional<advised_change>& change) {
            if (!change) return;
            document.add(std::exchange(first, false) ? prompt_part::suggestion : prompt_part::later_suggestion,
                         fmt::format("- {}: {}.\n", purpose, change->text()));
        };
        add("most MACs saved", n.fewer_macs);
        add("most MACs added", n.more_macs);
        if (n.less_sram && (!n.fewer_macs || !(n.less_sram->change == n.fewer_macs->change)))
            add("most SRAM saved", n.less_sram);
    }

private:
    struct mended {
        network_of<Space> network;
        std::size_t known;  ///< trials that the gate knew
        mending how;
    };
    struct stepped {
        network_of<Space> network;
        std::size_t known;
        next_steps steps;
    };

    std::optional<mended> mended_;
    std::optional<stepped> stepped_;
};

}  // namespace llmnas
