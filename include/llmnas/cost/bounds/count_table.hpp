// SPDX-License-Identifier: MIT
/// \file
/// How many ways lead to a shape with given sums of costs: a hash table that works in constant expressions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <llmnas/core/shape.hpp>
#include <llmnas/cost/bounds/list.hpp>
#include <llmnas/space/cardinality.hpp>

namespace llmnas::detail {

/// Ways to reach a shape with these sums.
struct counted_ways {
    shape out{};
    std::uint64_t mac_count = 0;
    std::uint64_t flash = 0;
    uint128 ways = 0;
};

class count_table {
public:
    constexpr void add(const counted_ways& more) {
        if (2 * (entries_.size() + 1) > slots_.size()) rehash(slots_.size() == 0 ? 16 : 2 * slots_.size());
        std::size_t at = slot_of(more);
        for (; slots_[at] != 0; at = (at + 1) % slots_.size()) {
            counted_ways& e = entries_[slots_[at] - 1];
            if (e.out == more.out && e.mac_count == more.mac_count && e.flash == more.flash) {
                e.ways += more.ways;
                return;
            }
        }
        entries_.push_back(more);
        slots_[at] = entries_.size();
    }
    [[nodiscard]] constexpr std::span<const counted_ways> span() const noexcept { return entries_.span(); }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return entries_.size(); }

private:
    [[nodiscard]] constexpr std::size_t slot_of(const counted_ways& e) const noexcept {
        std::uint64_t h = e.mac_count * 0x9e3779b97f4a7c15U ^ e.flash * 0xbf58476d1ce4e5b9U;
        for (const std::int32_t extent : {e.out.channels, e.out.height, e.out.width})
            h = (h ^ static_cast<std::uint64_t>(extent)) * 0x94d049bb133111ebU;
        return static_cast<std::size_t>((h ^ (h >> 32U)) % slots_.size());
    }
    constexpr void rehash(std::size_t size) {
        slots_.clear();
        for (std::size_t i = 0; i < size; ++i) slots_.push_back(0);
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            std::size_t at = slot_of(entries_[i]);
            while (slots_[at] != 0) at = (at + 1) % size;
            slots_[at] = i + 1;
        }
    }

    list<counted_ways> entries_;
    list<std::size_t> slots_;  ///< position of an entry plus one, 0 for a free slot
};

}  // namespace llmnas::detail
