// SPDX-License-Identifier: MIT
#include <string>

#include <llmnas/cli/space_command.hpp>
#include <llmnas/cli/task_options.hpp>
#include <llmnas/cli/units.hpp>

#include "support/catch.hpp"

using namespace llmnas;
using namespace llmnas::cli;

TEST_CASE("units: sizes, ranges and shapes are exact", "[cli]") {
    CHECK(parse_bytes("327680", "--sram").value() == bytes{327'680});
    CHECK(parse_bytes("320KiB", "--sram").value() == bytes{327'680});
    CHECK(parse_bytes("320kB", "--sram").value() == bytes{320'000});
    CHECK(parse_bytes("1.5 MiB", "--sram").value() == bytes{1'572'864});
    CHECK(parse_bytes("0.5KiB", "--sram").value() == bytes{512});
    const auto range = parse_mac_range("70M:0.35G", "--macs").value();
    CHECK(range.first == macs{70'000'000});
    CHECK(range.second == macs{350'000'000});
    CHECK(parse_shape("3x160x96", "--input").value() == shape{3, 160, 96});
}

TEST_CASE("units: what is no value is refused with flag, text and form", "[cli]") {
    for (const char* text : {"", "KiB", "-1", "1e3", "320 XB", "1.5", "0.3B", "99999999999999999999",
                             "18446744073709551615MiB", "1..2", "."})
        CHECK_FALSE(parse_bytes(text, "--sram"));
    for (const char* text : {"", "70M", ":", "1:", ":1", "2:1", "a:b"}) CHECK_FALSE(parse_mac_range(text, "--macs"));
    for (const char* text :
         {"", "3", "3x160", "3x160x", "3x160x160x1", "0x1x1", "3x-1x1", "3x99999x1", "3 x 1 x 1", "axbxc"})
        CHECK_FALSE(parse_shape(text, "--input"));
    CHECK(parse_bytes("5 apples", "--flash").error().text() ==
          "--flash: not a value (got 5 apples, wanted a size like 327680, 320KiB or 2MB)");
}

TEST_CASE("units: numbers for people", "[cli]") {
    CHECK(grouped(std::uint64_t{0}) == "0");
    CHECK(grouped(std::uint64_t{999}) == "999");
    CHECK(grouped(std::uint64_t{81'963'264}) == "81,963,264");
    CHECK(grouped(uint128{17'280} * 17'280) == "298,598,400");
    CHECK(readable(bytes{204'800}) == "204,800 B (200.0 KiB)");
}

TEST_CASE("task: limits default to the paper's, or to what the target has", "[cli]") {
    task_options options;
    CHECK(options.read().value().limits == problem{});
    options.target = "stm32f411";
    const auto small = options.read().value();
    CHECK(small.limits.limits == budget{128_KiB, 512_KiB});
    options.sram = "200KiB";
    const auto refused = options.read();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text() ==
          "--sram: limit larger than SRAM of stm32f411 (got 204,800 B (200.0 KiB), wanted at most 131,072 B (128.0 "
          "KiB))");
}
