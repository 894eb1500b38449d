// SPDX-License-Identifier: MIT
/// \file
/// Built-in microcontrollers. Sizes and addresses are from the vendor documents named in each struct.
#pragma once

#include <cstdint>
#include <string_view>

#include <llmnas/mcu/target.hpp>

namespace llmnas::mcu {

/// STM32H743xI. The arena lies in AXI SRAM, the one bank of 512 KiB.
struct stm32h743 {
    static constexpr std::string_view name = "stm32h743";
    static constexpr std::string_view core = "Cortex-M7";
    static constexpr std::string_view datasheet = "STMicroelectronics DS12110 (STM32H743xI), RM0433 section 2";
    static constexpr std::uint64_t clock_hz = 480'000'000;
    static constexpr bytes flash = 2_MiB;
    static constexpr memory_region ram[] = {{"AXI SRAM", 0x24000000, 512_KiB}, {"DTCM", 0x20000000, 128_KiB},
                                            {"SRAM1", 0x30000000, 128_KiB},    {"SRAM2", 0x30020000, 128_KiB},
                                            {"SRAM3", 0x30040000, 32_KiB},     {"SRAM4", 0x38000000, 64_KiB},
                                            {"ITCM", 0x00000000, 64_KiB}};
    static constexpr memory_region arena = ram[0];
};

/// STM32F746xG. DTCM, SRAM1 and SRAM2 are contiguous; the arena may take all three.
struct stm32f746 {
    static constexpr std::string_view name = "stm32f746";
    static constexpr std::string_view core = "Cortex-M7";
    static constexpr std::string_view datasheet =
        "STMicroelectronics DS10916 (STM32F745xx, STM32F746xx), RM0385 section 2";
    static constexpr std::uint64_t clock_hz = 216'000'000;
    static constexpr bytes flash = 1_MiB;
    static constexpr memory_region ram[] = {{"DTCM", 0x20000000, 64_KiB},
                                            {"SRAM1", 0x20010000, 240_KiB},
                                            {"SRAM2", 0x2004C000, 16_KiB},
                                            {"ITCM", 0x00000000, 16_KiB}};
    static constexpr memory_region arena{"DTCM+SRAM1+SRAM2", 0x20000000, 320_KiB};
};

/// STM32F411xE.
struct stm32f411 {
    static constexpr std::string_view name = "stm32f411";
    static constexpr std::string_view core = "Cortex-M4";
    static constexpr std::string_view datasheet =
        "STMicroelectronics DS10314 (STM32F411xC, STM32F411xE), RM0383 section 2";
    static constexpr std::uint64_t clock_hz = 100'000'000;
    static constexpr bytes flash = 512_KiB;
    static constexpr memory_region ram[] = {{"SRAM", 0x20000000, 128_KiB}};
    static constexpr memory_region arena = ram[0];
};

/// STM32L4R5xI. SRAM2 is aliased behind SRAM1, so that the three banks are contiguous.
struct stm32l4r5 {
    static constexpr std::string_view name = "stm32l4r5";
    static constexpr std::string_view core = "Cortex-M4";
    static constexpr std::string_view datasheet = "STMicroelectronics DS12023 (STM32L4R5xx), RM0432 section 2";
    static constexpr std::uint64_t clock_hz = 120'000'000;
    static constexpr bytes flash = 2_MiB;
    static constexpr memory_region ram[] = {
        {"SRAM1", 0x20000000, 192_KiB}, {"SRAM2", 0x20030000, 64_KiB}, {"SRAM3", 0x20040000, 384_KiB}};
    static constexpr memory_region arena{"SRAM1+SRAM2+SRAM3", 0x20000000, 640_KiB};
};

/// RP2040 as on the Raspberry Pi Pico, whose external flash has 2 MiB (the chip itself has none and addresses 16 MiB).
struct rp2040 {
    static constexpr std::string_view name = "rp2040";
    static constexpr std::string_view core = "Cortex-M0+";
    static constexpr std::string_view datasheet = "Raspberry Pi RP2040 Datasheet section 2.6, Pico Datasheet section 1";
    static constexpr std::uint64_t clock_hz = 133'000'000;
    static constexpr bytes flash = 2_MiB;
    static constexpr memory_region ram[] = {
        {"SRAM0-3", 0x20000000, 256_KiB}, {"SRAM4", 0x20040000, 4_KiB}, {"SRAM5", 0x20041000, 4_KiB}};
    static constexpr memory_region arena{"SRAM0-5", 0x20000000, 264_KiB};
};

/// nRF52840.
struct nrf52840 {
    static constexpr std::string_view name = "nrf52840";
    static constexpr std::string_view core = "Cortex-M4";
    static constexpr std::string_view datasheet = "Nordic Semiconductor nRF52840 Product Specification, memory map";
    static constexpr std::uint64_t clock_hz = 64'000'000;
    static constexpr bytes flash = 1_MiB;
    static constexpr memory_region ram[] = {{"RAM", 0x20000000, 256_KiB}};
    static constexpr memory_region arena = ram[0];
};

}  // namespace llmnas::mcu
