// SPDX-License-Identifier: MIT
/// \file
/// An archive of diverse good networks: MAP-Elites (Mouret, Clune, "Illuminating search spaces by mapping elites",
/// arXiv:1504.04909, 2015) over parameters and depth.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

/// A cell of the archive.
struct niche {
    std::int32_t parameters = 0;  ///< position along the parameters
    std::int32_t depth = 0;       ///< position along the depth
    friend constexpr auto operator<=>(const niche&, const niche&) = default;
};

/// The cells: the parameters on a scale of octaves, the depth in blocks. Both are open at the top.
struct niche_grid {
    std::int32_t blocks_per_niche = 4;

    /// Two niches an octave: below 2^k * 1.5, and from there to 2^(k+1).
    [[nodiscard]] constexpr niche of(std::uint64_t parameters, std::int32_t blocks) const {
        const auto octave = std::bit_width(std::max<std::uint64_t>(parameters, 1)) - 1;
        const bool upper = octave > 0 && ((parameters >> (static_cast<unsigned>(octave) - 1U)) & 1U) != 0;
        return {2 * static_cast<std::int32_t>(octave) + (upper ? 1 : 0),
                std::max(blocks, 0) / std::max(blocks_per_niche, 1)};
    }
    /// Parameters of a niche: at least the first, less than the second.
    [[nodiscard]] static constexpr std::pair<std::uint64_t, std::uint64_t> parameters_of(niche n) {
        const auto edge = [](std::int32_t i) {
            const std::uint64_t octave = std::uint64_t{1} << std::min(static_cast<unsigned>(i / 2), 62U);
            return i % 2 == 0 ? octave : octave + (octave + 1) / 2;
        };
        const std::int32_t i = std::clamp(n.parameters, 0, 125);
        return {edge(i), edge(i + 1)};
    }
    /// Blocks of a niche: the least and the greatest number.
    [[nodiscard]] constexpr std::pair<std::int32_t, std::int32_t> blocks_of(niche n) const {
        const std::int32_t width = std::max(blocks_per_niche, 1);
        return {n.depth * width, (n.depth + 1) * width - 1};
    }
};

/// Blocks of a network: those of its stages; 0 for one that cannot be built.
template <class Network>
[[nodiscard]] std::int32_t block_count(const Network& net) {
    const dynamic_graph graph(net);
    if (graph.error()) return 0;
    std::int32_t count = 0;
    std::pair<std::int32_t, std::int32_t> last{origin::outside, 0};
    for (const op& o : graph.view().ops) {
        const std::pair<std::int32_t, std::int32_t> here{o.from.stage, o.from.block};
        if (o.from.stage != origin::outside && here != last) ++count;
        last = here;
    }
    return count;
}

/// The most accurate network of each niche.
class elite_archive {
public:
    struct elite {
        std::int32_t trial = 0;
        double accuracy = 0;
        std::int32_t seen = 1;  ///< networks that fell into the niche
    };

    explicit elite_archive(niche_grid grid = {}) : grid_(grid) {}

    /// Takes a network in where its niche is empty or holds a less accurate one; the earlier of equals stays. Whether
    /// it was taken.
    bool insert(niche n, std::int32_t trial, double accuracy) {
        const auto [at, is_new] = elites_.try_emplace(n, elite{trial, accuracy, 1});
        if (is_new) return true;
        ++at->second.seen;
        if (!(accuracy > at->second.accuracy)) return false;
        at->second.trial = trial;
        at->second.accuracy = accuracy;
        return true;
    }

    /// All trained networks within the limits.
    template <SearchSpace Space>
    [[nodiscard]] static elite_archive of(std::span<const trial<Space>> trials, niche_grid grid = {}) {
        elite_archive archive(grid);
        for (const auto& t : trials)
            if (t.state == trial_state::complete && t.candidate.feasible)
                archive.insert(grid.of(t.candidate.cost.parameters.value, block_count(t.candidate.network)), t.number,
                               t.training.accuracy);
        return archive;
    }

    [[nodiscard]] const niche_grid& grid() const noexcept { return grid_; }
    /// In the order of parameters, then depth.
    [[nodiscard]] const std::map<niche, elite>& elites() const noexcept { return elites_; }
    [[nodiscard]] bool has(niche n) const { return elites_.contains(n); }

    /// Niches without a network beside one that has one, in order.
    [[nodiscard]] std::vector<niche> frontier() const {
        std::vector<niche> empty;
        for (const auto& [n, e] : elites_)
            for (const niche beside : around(n))
                if (beside.parameters >= 0 && beside.depth >= 0 && !has(beside)) empty.push_back(beside);
        std::sort(empty.begin(), empty.end());
        empty.erase(std::unique(empty.begin(), empty.end()), empty.end());
        return empty;
    }

    [[nodiscard]] static constexpr std::array<niche, 4> around(niche n) {
        return {niche{n.parameters - 1, n.depth}, niche{n.parameters + 1, n.depth}, niche{n.parameters, n.depth - 1},
                niche{n.parameters, n.depth + 1}};
    }

private:
    niche_grid grid_;
    std::map<niche, elite> elites_;
};

}  // namespace llmnas
