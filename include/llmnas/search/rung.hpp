// SPDX-License-Identifier: MIT
/// \file
/// Rungs of successive halving: the fidelities that networks climb.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/core/training.hpp>
#include <llmnas/json/json_value.hpp>
#include <llmnas/json/training_json.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

/// One rung: a run at this fidelity that ends behind so many of its epochs. The learning rate is that of all of them,
/// so that a higher rung of the same fidelity goes on from the checkpoint of this one.
struct rung {
    llmnas::fidelity fidelity;
    std::int32_t epochs = 0;  ///< 1 to fidelity.epochs
    friend constexpr bool operator==(const rung&, const rung&) = default;
};

/// What successive halving is told. The last rung is the full fidelity of the search.
struct halving_options {
    std::vector<rung> rungs;     ///< cheapest first
    std::int32_t reduction = 3;  ///< one of so many networks climbs from a rung to the next

    /// Place of a trial on a rung.
    [[nodiscard]] rung_position position(std::size_t number) const {
        return {static_cast<std::int32_t>(number), static_cast<std::int32_t>(rungs.size()), rungs[number].epochs};
    }
    /// Whether a run on a rung above the first goes on from the checkpoint of the one below; else it starts anew.
    [[nodiscard]] bool continues(std::size_t number) const {
        return number > 0 && number < rungs.size() && rungs[number].fidelity == rungs[number - 1].fidelity;
    }
    friend bool operator==(const halving_options&, const halving_options&) = default;
};

[[nodiscard]] inline json_value to_json(const rung_position& p) {
    json_value j{{"number", p.number}, {"of", p.of}, {"epochs", p.epochs}};
    if (p.promoted_from) j["promoted_from"] = *p.promoted_from;
    return j;
}

/// Throws json_exception where a member lacks or has another form.
[[nodiscard]] inline rung_position rung_position_from_json(const json_value& j) {
    rung_position p{j.at("number").get<std::int32_t>(), j.at("of").get<std::int32_t>(),
                    j.at("epochs").get<std::int32_t>()};
    if (const auto it = j.find("promoted_from"); it != j.end()) p.promoted_from = it->get<std::int32_t>();
    return p;
}

/// For the configuration of a study: a run with other rungs is another search.
[[nodiscard]] inline json_value to_json(const halving_options& o) {
    json_value rungs = json_value::array();
    for (const rung& r : o.rungs) {
        json_value j = r.fidelity;
        j["until"] = r.epochs;
        rungs.push_back(std::move(j));
    }
    return {{"reduction", o.reduction}, {"rungs", std::move(rungs)}};
}

/// A rung below the full one, as a user gives it: what is left out is that of the full fidelity.
struct rung_request {
    std::int32_t epochs = 1;
    std::optional<std::int32_t> resolution = {};
    std::optional<std::int32_t> images = {};
};

/// Rungs in the order given, the full fidelity above them. Those that differ in epochs alone share one learning-rate
/// schedule, that of the highest of them. Error: a rung that is no less than the one above it.
[[nodiscard]] inline result<halving_options> make_rungs(const fidelity& full, const std::vector<rung_request>& lower,
                                                        std::int32_t reduction) {
    halving_options o;
    o.reduction = reduction;
    for (const rung_request& r : lower)
        o.rungs.push_back(
            {{r.resolution.value_or(full.resolution), r.images.value_or(full.images), r.epochs, full.batch}, r.epochs});
    o.rungs.push_back({full, full.epochs});
    for (std::size_t i = o.rungs.size() - 1; i-- > 0;) {
        rung &low = o.rungs[i], &high = o.rungs[i + 1];
        const bool same_data =
            low.fidelity.resolution == high.fidelity.resolution && low.fidelity.images == high.fidelity.images;
        if (same_data && low.epochs >= high.epochs)
            return fail(errc::bad_input, "a rung that is no less than the next", fmt::format("rung {}", i + 1),
                        fmt::format("{} epochs", low.epochs), fmt::format("less than {}", high.epochs));
        if (same_data) low.fidelity.epochs = high.fidelity.epochs;
    }
    return o;
}

/// Rungs of epochs alone: those of the full fidelity divided by the reduction factor again and again, at most `count`
/// rungs.
[[nodiscard]] inline halving_options default_rungs(const fidelity& full, std::int32_t reduction,
                                                   std::size_t count = 3) {
    std::vector<rung_request> lower;
    for (std::int32_t e = full.epochs / reduction; e >= 1 && lower.size() + 1 < count; e /= reduction)
        lower.insert(lower.begin(), {e});
    return *make_rungs(full, lower, reduction);
}

}  // namespace llmnas
