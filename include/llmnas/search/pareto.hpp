// SPDX-License-Identifier: MIT
/// \file
/// The archive of non-dominated trials.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <llmnas/search/dominance.hpp>
#include <llmnas/search/front_index.hpp>

namespace llmnas {

/// Trials that no other trial dominates. Trials with equal values stay beside each other. With one or two objectives an
/// insertion takes O(log n), with more it looks at a small part of the front (search/front_index.hpp).
class pareto_archive {
public:
    struct member {
        std::int32_t trial = 0;  ///< number of the trial
        std::vector<double> values;
        friend bool operator==(const member&, const member&) = default;
    };

    explicit pareto_archive(std::span<const direction> towards) : towards_(towards.begin(), towards.end()) {
        if (towards.size() > 2) index_.emplace<detail::box_tree>(towards.size());
        if (towards.size() == 1) index_.emplace<detail::sorted_front>(std::size_t{1});
    }

    /// Takes the trial in where nothing dominates it, and drops what it dominates. Values that are not finite, or too
    /// few of them, never enter.
    bool insert(std::int32_t trial, std::span<const double> values) {
        if (towards_.empty() || values.size() != towards_.size() ||
            !std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }))
            return false;
        point_.assign(values.begin(), values.end());
        for (std::size_t i = 0; i < point_.size(); ++i)
            if (towards_[i] == direction::maximize) point_[i] = -point_[i];
        removed_.clear();
        const auto id = free_.empty() ? static_cast<std::int32_t>(entries_.size()) : free_.back();
        const auto change = std::visit([&](auto& index) { return index.insert(id, point_.data(), removed_); }, index_);
        if (!change.taken) return false;
        if (id == static_cast<std::int32_t>(entries_.size()))
            entries_.emplace_back();
        else
            free_.pop_back();
        entries_[static_cast<std::size_t>(id)] = {{trial, {values.begin(), values.end()}}, -1, true};
        ++size_;
        if (change.equal >= 0) {
            auto& first = entries_[static_cast<std::size_t>(change.equal)];
            entries_[static_cast<std::size_t>(id)].next_equal = std::exchange(first.next_equal, id);
        }
        for (const std::int32_t gone : removed_) erase(gone);
        return true;
    }

    [[nodiscard]] std::size_t size() const { return size_; }

    /// In the order of their numbers.
    [[nodiscard]] std::vector<std::int32_t> trials() const {
        std::vector<std::int32_t> numbers;
        numbers.reserve(size_);
        for (const entry& e : entries_)
            if (e.alive) numbers.push_back(e.what.trial);
        std::sort(numbers.begin(), numbers.end());
        return numbers;
    }

    /// In the order of their numbers.
    [[nodiscard]] std::vector<member> members() const {
        std::vector<member> all;
        all.reserve(size_);
        for (const entry& e : entries_)
            if (e.alive) all.push_back(e.what);
        std::sort(all.begin(), all.end(), [](const member& a, const member& b) { return a.trial < b.trial; });
        return all;
    }

private:
    /// The index knows the first of the trials with equal values; it leads to the others.
    struct entry {
        member what;
        std::int32_t next_equal = -1;
        bool alive = false;
    };

    void erase(std::int32_t id) {
        while (id >= 0) {
            entry& e = entries_[static_cast<std::size_t>(id)];
            e.alive = false;
            free_.push_back(id);
            --size_;
            id = e.next_equal;
        }
    }

    std::vector<direction> towards_;
    std::variant<detail::sorted_front, detail::box_tree> index_{std::in_place_index<0>, std::size_t{2}};
    std::vector<entry> entries_;
    std::vector<std::int32_t> free_;
    std::size_t size_ = 0;
    std::vector<double> point_;          ///< of the insertion under way, minimised
    std::vector<std::int32_t> removed_;  ///< by it
};

}  // namespace llmnas
