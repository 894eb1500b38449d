// SPDX-License-Identifier: MIT
/// \file
/// Sets of mutually non-dominated points that stay so under insertion: what a Pareto archive looks points up in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <llmnas/search/dominance.hpp>

namespace llmnas::detail {

/// What an insertion came to. `equal` is the id of a point with the same values, or -1.
struct front_change {
    bool taken = false;
    std::int32_t equal = -1;
};

/// One or two objectives: points in the order of the first, whose second falls. O(log n) an insertion, amortised over
/// the points that it removes.
class sorted_front {
public:
    explicit sorted_front(std::size_t objectives) : two_(objectives > 1) {}

    /// Takes the point in under `id` unless one dominates it, or equals it; ids of points that go are added to
    /// `removed`.
    front_change insert(std::int32_t id, const double* p, std::vector<std::int32_t>& removed) {
        const double x = p[0], y = two_ ? p[1] : 0;
        auto next = points_.lower_bound(x);
        if (next != points_.end() && next->first == x) {
            if (next->second.y == y) return {true, next->second.id};
            if (next->second.y < y) return {};
        }
        if (next != points_.begin() && std::prev(next)->second.y <= y) return {};
        while (next != points_.end() && next->second.y >= y) {
            removed.push_back(next->second.id);
            next = points_.erase(next);
        }
        points_.emplace_hint(next, x, entry{y, id});
        return {true, -1};
    }

private:
    struct entry {
        double y = 0;
        std::int32_t id = 0;
    };
    bool two_;
    std::map<double, entry> points_;
};

/// Any number of objectives: a tree of boxes. A point is compared with those alone whose boxes leave the question open,
/// as in the ND-tree (Jaszkiewicz, Lust, "ND-Tree-based update: a fast algorithm for the dynamic nondominance problem",
/// IEEE Transactions on Evolutionary Computation 22(5), 2018). Boxes are halved along their widest side, as in a k-d
/// tree, and a subtree whose halves differ too much is built anew (Galperin, Rivest, "Scapegoat trees", 1993), so that
/// the depth is logarithmic in any order of insertion.
class box_tree {
public:
    explicit box_tree(std::size_t objectives) : m_(objectives), root_(std::make_unique<node>()) {}

    /// As sorted_front::insert(). Ids are small: points lie in an array.
    front_change insert(std::int32_t id, const double* p, std::vector<std::int32_t>& removed) {
        std::int32_t equal = -1;
        if (!update(*root_, p, removed, equal)) return {};
        if (equal >= 0) return {true, equal};
        const std::size_t at = static_cast<std::size_t>(id) * m_;
        if (points_.size() < at + m_) points_.resize(at + m_);
        std::copy(p, p + m_, points_.begin() + static_cast<std::ptrdiff_t>(at));
        add(*root_, id);
        return {true, -1};
    }

private:
    static constexpr std::size_t leaf_size = 16;

    struct node {
        std::vector<double> low, high;       ///< a box around all points below, not always the smallest
        std::unique_ptr<node> below, above;  ///< both or none
        std::size_t size = 0;                ///< points below
        std::size_t axis = 0;                ///< new points under `cut` there go below
        double cut = 0;
        std::vector<std::int32_t> ids = {};  ///< of a leaf
    };

    [[nodiscard]] const double* point(std::int32_t id) const {
        return points_.data() + static_cast<std::size_t>(id) * m_;
    }

    /// False where a point dominates p; then nothing has changed. Else the points that p dominates are gone, and
    /// `equal` is one of the same values.
    bool update(node& n, const double* p, std::vector<std::int32_t>& removed, std::int32_t& equal) {
        if (n.size == 0) return true;
        const bool low_covers = covers(n.low.data(), p, m_), covers_high = covers(p, n.high.data(), m_);
        if (!low_covers && !covers_high) return true;  // nothing here dominates p or is dominated
        if (!covers_high && covers(n.high.data(), p, m_)) return false;
        if (!low_covers && covers(p, n.low.data(), m_)) return clear(n, removed), true;
        if (!n.below) return update_leaf(n, p, removed, equal);
        for (const auto& child : {n.below.get(), n.above.get()}) {
            if (!update(*child, p, removed, equal)) return false;
            if (equal >= 0) return true;
        }
        n.size = n.below->size + n.above->size;
        if (n.below->size == 0 || n.above->size == 0) {
            const auto rest = std::move(n.below->size == 0 ? n.above : n.below);
            n = std::move(*rest);
        }
        return true;
    }

    bool update_leaf(node& n, const double* p, std::vector<std::int32_t>& removed, std::int32_t& equal) const {
        for (std::size_t k = 0; k < n.ids.size();) {
            const double* const q = point(n.ids[k]);
            const bool dominates_q = covers(p, q, m_);
            if (covers(q, p, m_)) {
                if (dominates_q) equal = n.ids[k];
                return dominates_q;
            }
            if (dominates_q) {
                removed.push_back(n.ids[k]);
                n.ids[k] = n.ids.back();
                n.ids.pop_back();
            } else {
                ++k;
            }
        }
        n.size = n.ids.size();
        return true;
    }

    /// Adds the ids below a node to a list and leaves it an empty leaf.
    static void clear(node& n, std::vector<std::int32_t>& ids) {
        if (n.below) {
            clear(*n.below, ids);
            clear(*n.above, ids);
        }
        ids.insert(ids.end(), n.ids.begin(), n.ids.end());
        n = node{};
    }

    void add(node& n, std::int32_t id) {
        const double* const p = point(id);
        node* const child = !n.below ? nullptr : p[n.axis] < n.cut ? n.below.get() : n.above.get();
        if (child ? 10 * child->size > 7 * n.size + 10 * leaf_size : n.size == leaf_size) {
            std::vector<std::int32_t> ids;
            clear(n, ids);
            ids.push_back(id);
            return build(n, ids);
        }
        if (n.size == 0) {
            n.low.assign(p, p + m_);
            n.high = n.low;
        }
        ++n.size;
        for (std::size_t i = 0; i < m_; ++i) {
            n.low[i] = std::min(n.low[i], p[i]);
            n.high[i] = std::max(n.high[i], p[i]);
        }
        if (child) return add(*child, id);
        n.ids.push_back(id);
    }

    void build(node& n, std::span<std::int32_t> ids) {
        n.size = ids.size();
        n.low.assign(point(ids[0]), point(ids[0]) + m_);
        n.high = n.low;
        for (const std::int32_t id : ids)
            for (std::size_t i = 0; i < m_; ++i) {
                n.low[i] = std::min(n.low[i], point(id)[i]);
                n.high[i] = std::max(n.high[i], point(id)[i]);
            }
        if (ids.size() <= leaf_size) {
            n.ids.assign(ids.begin(), ids.end());
            return;
        }
        double widest = -1;  // in parts of the whole front: objectives have units of their own
        for (std::size_t i = 0; i < m_; ++i) {
            const double whole = root_->high[i] - root_->low[i];
            const double part = whole > 0 ? (n.high[i] - n.low[i]) / whole : 0;
            if (part > widest) widest = part, n.axis = i;
        }
        const auto middle = ids.begin() + static_cast<std::ptrdiff_t>(ids.size() / 2);
        std::nth_element(ids.begin(), middle, ids.end(),
                         [&](std::int32_t a, std::int32_t b) { return point(a)[n.axis] < point(b)[n.axis]; });
        n.cut = point(*middle)[n.axis];
        n.below = std::make_unique<node>();
        n.above = std::make_unique<node>();
        build(*n.below, {ids.begin(), middle});
        build(*n.above, {middle, ids.end()});
    }

    std::size_t m_;
    std::unique_ptr<node> root_;
    std::vector<double> points_;
};

}  // namespace llmnas::detail
