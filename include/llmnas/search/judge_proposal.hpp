// SPDX-License-Identifier: MIT
/// \file
/// What a search says of a proposal.
#pragma once

#include <tl/expected.hpp>

#include <llmnas/json/architecture_json.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/rejection.hpp>
#include <llmnas/space/membership.hpp>

namespace llmnas {

/// A proposal need not lie in the space: that is asked first, the gate then.
template <SearchSpace Space, MemoryModel Memory>
[[nodiscard]] verdict<Space> judge_proposal(const gate<Space, Memory>& judge, const network_of<Space>& net) {
    if (const auto v = encode<Space>(net).violation)
        return tl::unexpected<rejection>(rejection{rejection_kind::out_of_space, describe<Space>(v, net)});
    return judge.judge(net);
}

}  // namespace llmnas
