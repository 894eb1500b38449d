// SPDX-License-Identifier: MIT
// What must hold for every built-in microcontroller, whatever its datasheet says.
#include <cstddef>

#include <boost/hana/unpack.hpp>

#include <llmnas/mcu/fits.hpp>
#include <llmnas/mcu/target_list.hpp>

using namespace llmnas;

template <McuTarget Target>
constexpr bool regions_do_not_overlap() {
    const auto end = [](const memory_region& r) { return std::uint64_t{r.address} + r.size.value; };
    for (const memory_region& a : Target::ram)
        for (const memory_region& b : Target::ram)
            if (&a != &b && a.address < end(b) && b.address < end(a)) return false;
    return true;
}

// Every byte of the arena lies in a region; regions are walked from the arena's start to its end.
template <McuTarget Target>
constexpr bool arena_is_ram() {
    std::uint64_t at = Target::arena.address;
    const std::uint64_t end = at + Target::arena.size.value;
    for (std::size_t step = 0; step < 16 && at < end; ++step)
        for (const memory_region& r : Target::ram)
            if (r.address <= at && at < r.address + r.size.value) at = r.address + r.size.value;
    return at == end;
}

static_assert(boost::hana::unpack(mcu::targets, [](auto... targets) {
    return (regions_do_not_overlap<typename decltype(targets)::type>() && ...) &&
           (arena_is_ram<typename decltype(targets)::type>() && ...) &&
           ((decltype(targets)::type::clock_hz >= 16'000'000 && !decltype(targets)::type::datasheet.empty()) && ...);
}));
static_assert(whole_target<mcu::stm32h743> == budget{512_KiB, 2_MiB});
static_assert(whole_target<mcu::stm32f746>.sram == 320_KiB);
