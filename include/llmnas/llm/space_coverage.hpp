// SPDX-License-Identifier: MIT
/// \file
/// Which choices of a space a search has tried, so that a language model leaves its corner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/search/field_changes.hpp>
#include <llmnas/search/proposer.hpp>
#include <llmnas/space/membership.hpp>

namespace llmnas {

/// How often each choice was proposed, by stage and axis. Fields without effect do not count.
template <SearchSpace Space>
class space_coverage {
public:
    /// Takes in a network; fields outside the space are left out.
    void add(const network_of<Space>& net) {
        ++networks_;
        for (std::size_t s = 0; s < Space::stages; ++s) {
            const auto& st = net.stages[s];
            std::size_t k = 0;
            detail::for_each_axis<Space>([&](auto a) {
                using Axis = decltype(a);
                const std::size_t axis = k++;
                if (!Axis::active(st) || detail::is_inert<typename Space::blocks, Axis::member>(st)) return;
                for (std::size_t c = 0; c < Axis::size; ++c)
                    if (st.*Axis::member == Axis::choices[c]) ++counts_[s][axis][c];
            });
        }
    }

    [[nodiscard]] std::uint64_t networks() const noexcept { return networks_; }

    /// In one stage, and in all.
    [[nodiscard]] std::uint64_t count(std::size_t stage, std::size_t axis, std::size_t choice) const {
        return counts_[stage][axis][choice];
    }
    [[nodiscard]] std::uint64_t count(std::size_t axis, std::size_t choice) const {
        std::uint64_t sum = 0;
        for (std::size_t s = 0; s < Space::stages; ++s) sum += counts_[s][axis][choice];
        return sum;
    }

    /// The only choice that was tried in a stage, where several could be.
    [[nodiscard]] std::optional<std::size_t> only_choice(std::size_t stage, std::size_t axis) const {
        std::optional<std::size_t> only;
        for (std::size_t c = 0; c < axis_sizes<Space>[axis]; ++c) {
            if (counts_[stage][axis][c] == 0) continue;
            if (only) return std::nullopt;
            only = c;
        }
        return axis_sizes<Space>[axis] > 1 ? only : std::nullopt;
    }

    /// A line for each axis: `kernel_size: 3 (12 times), 5 (3), 7 (never); always 3 in stages 1, 2`, which is said
    /// of what was tried at least twice.
    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> all;
        std::size_t k = 0;
        detail::for_each_axis<Space>([&](auto a) {
            using Axis = decltype(a);
            const std::size_t axis = k++;
            const auto words = [](std::size_t c) {
                return detail::value_text<typename Space::blocks>(Axis::choices[c]);
            };
            std::string line(Axis::name);
            for (std::size_t c = 0; c < Axis::size; ++c) {
                const std::uint64_t n = count(axis, c);
                line += fmt::format("{} {} ({})", c == 0 ? ":" : ",", words(c),
                                    n == 0   ? std::string("never")
                                    : n == 1 ? std::string("once")
                                             : fmt::format("{}{}", n, c == 0 ? " times" : ""));
            }
            for (std::size_t c = 0; c < Axis::size; ++c) {
                std::string stages;
                std::size_t n = 0;
                for (std::size_t s = 0; s < Space::stages; ++s) {
                    if (only_choice(s, axis) != c || counts_[s][axis][c] < 2) continue;
                    stages += fmt::format("{}{}", stages.empty() ? "" : ", ", s + 1);
                    ++n;
                }
                if (n > 0) line += fmt::format("; always {} in stage{} {}", words(c), n == 1 ? "" : "s", stages);
            }
            all.push_back(std::move(line));
        });
        return all;
    }

private:
    static constexpr std::size_t longest_axis = [] {
        std::size_t longest = 0;
        for (const std::size_t n : axis_sizes<Space>) longest = longest < n ? n : longest;
        return longest;
    }();

    std::uint64_t networks_ = 0;
    std::array<std::array<std::array<std::uint64_t, longest_axis>, axis_count<Space>>, Space::stages> counts_{};
};

}  // namespace llmnas
