// SPDX-License-Identifier: MIT
/// \file
/// The feasible network of a space that is nearest to one that is refused.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/random.hpp>
#include <llmnas/search/field_changes.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/smallest_changes.hpp>
#include <llmnas/space/membership.hpp>

namespace llmnas {

/// How far repair() looks. An evaluation takes about 15 microseconds.
struct repair_options {
    std::size_t max_changes = 3;             ///< fields that the exhaustive search changes at most
    std::uint64_t max_evaluations = 20'000;  ///< networks that the exhaustive search evaluates at most
    std::uint64_t max_draws = 50'000;        ///< random networks that are tried behind it
    friend bool operator==(const repair_options&, const repair_options&) = default;
};

/// A repaired network and what was changed for it.
template <SearchSpace Space>
struct repaired {
    candidate<Space> result;
    std::vector<field_change> changes;  ///< in the order of stages and axes
    bool nearest = true;                ///< proved: no network is nearer; false where the search was cut off
    std::uint64_t evaluations = 0;

    /// Sum of the steps of all changes.
    [[nodiscard]] std::int32_t steps() const {
        std::int32_t sum = 0;
        for (const field_change& c : changes) sum += c.steps;
        return sum;
    }
    /// `stage 1 stride 1 -> 2, stage 3 kernel_size 9 -> 7`.
    [[nodiscard]] std::string text() const {
        std::string all;
        for (const field_change& c : changes) all += (all.empty() ? "" : ", ") + c.text();
        return all;
    }
};

/// Whether a proposal that was refused for this reason has a network that can be repaired. A duplicate needs none.
[[nodiscard]] constexpr bool is_repairable(rejection_kind k) noexcept {
    return k == rejection_kind::out_of_space || k == rejection_kind::illegal || k == rejection_kind::macs_low ||
           k == rejection_kind::macs_high || k == rejection_kind::sram || k == rejection_kind::flash ||
           k == rejection_kind::objective;
}

namespace detail {

template <SearchSpace Space, MemoryModel Memory>
class repair_search {
public:
    using point = space_point<Space>;

    repair_search(const network_of<Space>& net, const gate<Space, Memory>& judge, const repair_options& options)
        : net_(net), judge_(judge), options_(options) {
        const problem& p = judge.limits();
        limits_ = {p.min_macs, p.max_macs, p.limits.sram, p.limits.flash};
        const dynamic_graph graph(net);
        if (!graph.error()) macs_before_ = total<mac_count>(graph.view()).value;
        for (std::size_t s = 0; s < Space::stages; ++s) read_stage(s);
        for (std::size_t s = Space::stages; s-- > 0;) needed_[s] = needed_[s + 1] + (is_inside(base_, s) ? 0 : 1);
    }

    [[nodiscard]] std::optional<repaired<Space>> run() {
        for (std::size_t changes = std::max<std::size_t>(needed_[0], 1); changes <= options_.max_changes; ++changes)
            for (std::size_t steps = changes; steps <= changes * longest_axis; ++steps) {
                current_ = base_;
                visit(0, changes, steps);
                if (best_) return report(best_->network, best_->point, !cut_off());
                if (cut_off()) return draw();
            }
        return draw();
    }

private:
    static constexpr std::size_t positions = Space::stages * axis_count<Space>;
    static constexpr std::size_t longest_axis = *std::max_element(axis_sizes<Space>.begin(), axis_sizes<Space>.end());
    /// Choices that are tried, evaluated or not: bounds the walk where most of them lie outside the space.
    static constexpr std::uint64_t max_visits = 5'000'000;
    static constexpr std::uint64_t draws_a_size = 200;  ///< random networks before one more field is changed

    struct found {
        candidate<Space> network;
        space_point<Space> point;
        std::uint64_t distance = 0;  ///< in MACs
    };

    /// The point of one stage, what of it is outside the space, and the steps to each choice.
    void read_stage(std::size_t s) {
        const auto& st = net_.stages[s];
        std::size_t k = 0;
        for_each_axis<Space>([&](auto a) {
            using Axis = decltype(a);
            const auto& value = st.*Axis::member;
            bool outside = true;
            for (std::size_t c = 0; c < Axis::size; ++c) {
                steps_[s][k][c] = value == Axis::choices[c] ? 0 : steps_between<Axis>(value, Axis::choices[c]);
                if (steps_[s][k][c] != 0) continue;
                base_.choice[s][k] = static_cast<std::uint8_t>(c);
                outside = false;
            }
            outside_[s][k] = outside && Axis::active(st);
            ++k;
        });
    }

    /// Whether no field of a stage that has an effect is left outside the space, and no change is without effect.
    [[nodiscard]] bool is_inside(const point& p, std::size_t s) const {
        const auto effective = effective_axes(p, s);
        for (std::size_t k = 0; k < axis_count<Space>; ++k)
            if (effective[k] ? outside_[s][k] && !taken_[s][k] : taken_[s][k]) return false;
        return true;
    }

    [[nodiscard]] bool cut_off() const { return evaluations_ >= options_.max_evaluations || visits_ >= max_visits; }

    /// Every way to make exactly so many changes with so many steps in all at positions `first` and behind. Stages
    /// before that of `first` are done.
    void visit(std::size_t first, std::size_t changes, std::size_t steps) {
        if (cut_off()) return;
        if (changes == 0) {
            for (std::size_t s = first / axis_count<Space>; s < Space::stages; ++s)
                if (!is_inside(current_, s)) return;
            if (steps == 0) consider(current_);
            return;
        }
        for (std::size_t i = first; i < positions; ++i) {
            const std::size_t s = i / axis_count<Space>, k = i % axis_count<Space>;
            if (k == 0 && i > first && !is_inside(current_, s - 1)) return;
            if (k == 0 && needed_[s] > changes) return;
            for (std::size_t c = 0; c < axis_sizes<Space>[k]; ++c) {
                const auto distance = static_cast<std::size_t>(steps_[s][k][c]);
                if (distance == 0 || distance + changes - 1 > steps || (changes == 1 && distance != steps)) continue;
                ++visits_;
                const auto before = std::exchange(current_.choice[s][k], static_cast<std::uint8_t>(c));
                taken_[s][k] = true;
                const bool closes = i + 1 == positions || k + 1 == axis_count<Space>;
                if (!closes || is_inside(current_, s)) visit(i + 1, changes - 1, steps - distance);
                taken_[s][k] = false;
                current_.choice[s][k] = before;
            }
        }
    }

    /// Costs of a point where it is a network that can be built.
    [[nodiscard]] std::optional<candidate<Space>> measure(const point& p) {
        ++evaluations_;
        auto measured = judge_.measure_costs(decode(p, judge_.limits().input, judge_.limits().classes));
        if (!measured) return std::nullopt;
        return std::move(*measured);
    }
    [[nodiscard]] bool is_wanted(const candidate<Space>& c) const {
        return c.feasible && !judge_.find(c.network, c.hash);
    }
    [[nodiscard]] std::uint64_t mac_distance(const candidate<Space>& c) const {
        const std::uint64_t a = c.cost.mac_count.value, b = macs_before_.value_or(a);
        return a > b ? a - b : b - a;
    }

    void consider(const point& p) {
        const auto c = measure(p);
        if (c && is_wanted(*c) && (!best_ || mac_distance(*c) < best_->distance))
            best_ = found{*c, p, mac_distance(*c)};
    }

    /// Where the nearest network is too far away for the exhaustive search: random changes of ever more fields until
    /// the network is feasible; then those that turn out not to be needed are taken back. The nearest of a few.
    [[nodiscard]] std::optional<repaired<Space>> draw() {
        constexpr int results = 8;
        splitmix64 rng{0x7265706169720000U};  // any constant
        int count = 0;
        std::tuple<std::size_t, std::int32_t, std::uint64_t> least;
        for (std::uint64_t i = 0; i < options_.max_draws && count < results; ++i) {
            point p = base_;
            for (std::uint64_t changes = 0; changes <= options_.max_changes + i / draws_a_size; ++changes) {
                const auto field = static_cast<std::size_t>(rng.below(positions));
                const std::size_t k = field % axis_count<Space>;
                p.choice[field / axis_count<Space>][k] = static_cast<std::uint8_t>(rng.below(axis_sizes<Space>[k]));
            }
            auto here = measure(p);
            if (!here || !is_wanted(*here)) continue;
            ++count;
            while (take_back(p, *here)) continue;
            const auto r = report(*here, p, false);
            const auto size = std::tuple(r.changes.size(), r.steps(), mac_distance(*here));
            if (best_ && !(size < least)) continue;
            least = size;
            best_ = found{*here, p, mac_distance(*here)};
        }
        if (!best_) return std::nullopt;
        return report(best_->network, best_->point, false);
    }

    /// Brings one field nearer to what it was, if the network stays feasible and new.
    [[nodiscard]] bool take_back(point& p, candidate<Space>& here) {
        for (std::size_t s = 0; s < Space::stages; ++s)
            for (std::size_t k = 0; k < axis_count<Space>; ++k) {
                const auto now = steps_[s][k][p.choice[s][k]];
                std::optional<std::size_t> back;
                for (std::size_t c = 0; c < axis_sizes<Space>[k]; ++c) {
                    if (steps_[s][k][c] >= now || (back && steps_[s][k][*back] <= steps_[s][k][c])) continue;
                    point q = p;
                    q.choice[s][k] = static_cast<std::uint8_t>(c);
                    const auto there = measure(q);
                    if (there && is_wanted(*there)) back = c;
                }
                if (!back) continue;
                p.choice[s][k] = static_cast<std::uint8_t>(*back);
                here = *measure(p);
                return true;
            }
        return false;
    }

    [[nodiscard]] repaired<Space> report(const candidate<Space>& c, const point& p, bool nearest) const {
        repaired<Space> r{c, {}, nearest, evaluations_};
        for (std::size_t s = 0; s < Space::stages; ++s) {
            const auto effective = effective_axes(p, s);
            std::size_t k = 0;
            for_each_axis<Space>([&](auto a) {
                using Axis = decltype(a);
                using Blocks = typename Space::blocks;
                const auto choice = p.choice[s][k];
                const auto steps = steps_[s][k][choice];
                if (effective[k++] && steps != 0)
                    r.changes.push_back({fmt::format("stage {}", s + 1), Axis::name,
                                         value_text<Blocks>(net_.stages[s].*Axis::member),
                                         value_text<Blocks>(Axis::choices[choice]), steps});
            });
        }
        return r;
    }

    template <class T>
    using per_field = std::array<std::array<T, axis_count<Space>>, Space::stages>;

    network_of<Space> net_;
    const gate<Space, Memory>& judge_;
    repair_options options_;
    cost_limits limits_;
    std::optional<std::uint64_t> macs_before_;  ///< none where the network cannot be built
    point base_;                                ///< the network; first choices where it is outside the space
    per_field<bool> outside_{};
    per_field<std::array<std::int32_t, longest_axis>> steps_{};  ///< from the network's value to each choice
    std::array<std::size_t, Space::stages + 1> needed_{};        ///< changes that stages from this one on need at least

    point current_;
    per_field<bool> taken_{};  ///< fields that current_ changes
    std::optional<found> best_;
    std::uint64_t evaluations_ = 0;
    std::uint64_t visits_ = 0;
};

}  // namespace detail

/// The network of the space nearest to `net` that keeps the limits and is new: fewest fields changed, then fewest steps
/// along their choices, then closest in MACs, then first in the order of stages and axes. Fields without effect do not
/// count; one that a change brings into effect keeps the value that `net` has there. Where no network within the
/// exhaustive search's bounds is found, random changes look further and `nearest` is false; nothing where they fail.
/// Deterministic.
template <SearchSpace Space, MemoryModel Memory>
[[nodiscard]] std::optional<repaired<Space>> repair(const network_of<Space>& net, const gate<Space, Memory>& judge,
                                                    const repair_options& options = {}) {
    return detail::repair_search<Space, Memory>(net, judge, options).run();
}

}  // namespace llmnas
