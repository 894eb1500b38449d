// SPDX-License-Identifier: MIT
/// \file
/// Bounds over a whole search space, at compile time and at run time by the same code: the exact minimum and maximum of
/// MACs, parameters and flash, and of peak SRAM as far as the memory model allows. docs/bounds.md explains them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

#include <llmnas/cost/bounds/model_promises.hpp>
#include <llmnas/cost/bounds/search.hpp>
#include <llmnas/cost/bounds/static_search.hpp>
#include <llmnas/cost/memory/layerwise.hpp>

namespace llmnas {

enum class bound_quality : std::uint8_t {
    exact,  ///< attained: the witness is a network of the space with exactly this cost
    sound,  ///< no network of the space goes beyond, but perhaps none comes near
    none,   ///< nothing is known: 0, or the largest value
};

[[nodiscard]] constexpr std::string_view name_of(bound_quality q) noexcept {
    constexpr std::string_view names[] = {"exact", "sound", "none"};
    return names[static_cast<std::size_t>(q)];
}

/// One end of a cost. `witness` attains it where it is exact, and means nothing otherwise.
template <Quantity Q, SearchSpace Space>
struct bound {
    Q value{};
    bound_quality quality = bound_quality::none;
    space_point<Space> witness{};
};

template <Quantity Q, SearchSpace Space>
struct bound_range {
    bound<Q, Space> least{};
    bound<Q, Space> greatest{};
};

/// Why a space has no bounds.
enum class bounds_errc : std::uint8_t {
    none,
    no_legal_network,  ///< no point of the space is a legal network at this input
    blocks_depend,     ///< a block type reads a map that an earlier block publishes, so that stages are not independent
};

[[nodiscard]] constexpr std::string_view name_of(bounds_errc e) noexcept {
    constexpr std::string_view names[] = {"none", "no legal network in the space at this input",
                                          "a block type reads maps of earlier blocks"};
    return names[static_cast<std::size_t>(e)];
}

/// Bounds over all legal networks of a space at one input shape and number of classes. Illegal points (a kernel larger
/// than its map) do not count.
template <SearchSpace Space>
struct space_bounds {
    bounds_errc error = bounds_errc::none;
    bound_range<macs, Space> mac_count{};
    bound_range<params, Space> parameters{};
    bound_range<bytes, Space> flash{};
    bound_range<bytes, Space> sram{};
};

namespace detail {

/// Whether one search serves sums and peak: the model allows the same short cuts, or there is no model.
template <class Memory>
inline constexpr bool one_search = !StagesBoundAbove<Memory> || RisesWithOperators<Memory>;
template <SearchSpace Space, class Memory, rule_use Rules, extreme E>
using sum_search =
    bound_search<Space, Rules, std::conditional_t<StagesBoundAbove<Memory> && one_search<Memory>, Memory, no_memory>,
                 E>;
template <SearchSpace Space, class Memory, rule_use Rules, extreme E>
using peak_search = bound_search<Space, Rules == rule_use::all ? rule_use::without_effect : Rules, Memory, E>;

template <Quantity Q, SearchSpace Space>
[[nodiscard]] constexpr bound<Q, Space> exact_bound(const search_result<Space>& r, criterion c) {
    const auto i = static_cast<std::size_t>(c);
    return {Q{r.best[i]}, bound_quality::exact, r.witness[i]};
}

/// Puts the ends together. `search(type)` runs one search, `floor()` gives the bounds of the model that this one is
/// never below.
template <SearchSpace Space, class Memory, rule_use Rules, class RunSearch, class Floor>
[[nodiscard]] constexpr space_bounds<Space> collect(RunSearch search, Floor floor) {
    space_bounds<Space> b;
    b.sram.greatest.value = {std::numeric_limits<std::uint64_t>::max()};
    const auto least = search(static_cast<sum_search<Space, Memory, Rules, extreme::least>*>(nullptr));
    const auto greatest = search(static_cast<sum_search<Space, Memory, Rules, extreme::greatest>*>(nullptr));
    if (least.blocks_depend || greatest.blocks_depend)
        b.error = bounds_errc::blocks_depend;
    else if (!least.any_legal || !greatest.any_legal)
        b.error = bounds_errc::no_legal_network;
    if (b.error != bounds_errc::none) return b;
    b.mac_count = {exact_bound<macs>(least, criterion::mac_count), exact_bound<macs>(greatest, criterion::mac_count)};
    b.parameters = {exact_bound<params>(least, criterion::parameters),
                    exact_bound<params>(greatest, criterion::parameters)};
    b.flash = {exact_bound<bytes>(least, criterion::flash), exact_bound<bytes>(greatest, criterion::flash)};
    if constexpr (StagesBoundAbove<Memory>) {
        const auto peak = [&](const search_result<Space>& r) {
            auto found = exact_bound<bytes>(r, criterion::sram);
            found.value += bytes{r.best[static_cast<std::size_t>(criterion::sram_overhead)]};
            if (!MaxOfStages<Memory>) found.quality = bound_quality::sound;
            return found;
        };
        if constexpr (one_search<Memory>)
            b.sram.greatest = peak(greatest);
        else
            b.sram.greatest = peak(search(static_cast<peak_search<Space, Memory, Rules, extreme::greatest>*>(nullptr)));
        if constexpr (one_search<Memory> && (MaxOfStages<Memory> || PartsMaxOfStages<Memory>))
            b.sram.least = peak(least);
        else if constexpr (MaxOfStages<Memory> || PartsMaxOfStages<Memory>)
            b.sram.least = peak(search(static_cast<peak_search<Space, Memory, Rules, extreme::least>*>(nullptr)));
    }
    if constexpr (NeverBelow<Memory> && !MaxOfStages<Memory> && !PartsMaxOfStages<Memory>) {
        b.sram.least = floor(static_cast<typename Memory::never_below*>(nullptr)).sram.least;
        if (b.sram.least.quality == bound_quality::exact) b.sram.least.quality = bound_quality::sound;
    }
    return b;
}

}  // namespace detail

/// Bounds at run time. Cost: a fraction of a second for the paper's space where the memory model rises with operators,
/// about a second where every configuration of a stage must be visited. `bounds<my_space, layerwise, rule_use::none>()`
/// visits every one in any case: equal results show that the size rules of one's own block types hold.
template <SearchSpace Space, MemoryModel Memory = layerwise, rule_use Rules = rule_use::all>
[[nodiscard]] constexpr space_bounds<Space> bounds(const shape& input = network_of<Space>{}.input,
                                                   std::int32_t classes = network_of<Space>{}.classes,
                                                   const Memory& memory = {}) {
    return detail::collect<Space, Memory, Rules>(
        [&]<class Search>(Search*) {
            if constexpr (MemoryModel<typename Search::memory>)
                return detail::space_searcher<Search>(input, classes, memory).all();
            else
                return detail::space_searcher<Search>(input, classes, {}).all();
        },
        [&]<class Lower>(Lower*) { return bounds<Space, Lower, Rules>(input, classes); });
}

namespace detail {

template <bounds_errc Error>
constexpr bool bounds_exist() {
    static_assert(Error != bounds_errc::no_legal_network,
                  "llmnas: no point of the space is a legal network at this input: kernels are larger than their maps "
                  "or channels exceed 32768; use a larger input, smaller kernels or fewer strides");
    static_assert(Error != bounds_errc::blocks_depend,
                  "llmnas: a block type of the space reads a map that an earlier block publishes, so that its stages "
                  "are not independent and have no bounds");
    return true;
}

template <SearchSpace Space, class Memory, shape Input, std::int32_t Classes>
inline constexpr space_bounds<Space> bounds_at_compile_time = [] {
    constexpr auto result = collect<Space, Memory, rule_use::all>(
        []<class Search>(Search*) { return searched<Search, Input, Classes>; },
        []<class Lower>(Lower*) { return bounds_at_compile_time<Space, Lower, Input, Classes>; });
    static_assert(bounds_exist<result.error>());
    return result;
}();

}  // namespace detail

/// Bounds at compile time: `static_assert(bounds_of<my_space>.flash.greatest.value <= 2_MiB);`. A space without legal
/// network is an error.
template <SearchSpace Space, MemoryModel Memory = layerwise, shape Input = network_of<Space>{}.input,
          std::int32_t Classes = network_of<Space>{}.classes>
inline constexpr const space_bounds<Space>& bounds_of = detail::bounds_at_compile_time<Space, Memory, Input, Classes>;

}  // namespace llmnas
