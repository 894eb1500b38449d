// SPDX-License-Identifier: MIT
// Pictures for the terminal: the exact text of small ones, and what holds for bars of any size.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <llmnas/cli/memory_picture.hpp>
#include <llmnas/cli/terminal.hpp>
#include <llmnas/core/random.hpp>

#include "support/catch.hpp"
#include "support/rounds.hpp"

using namespace llmnas;
using namespace llmnas::cli;

namespace {

// What layerwise says of one depthwise block of 4 channels on 1 x 8 x 8; its limit.
const std::vector<picture_row> tiny = {{"stage 1 block 1 depthwise", bytes{128}},
                                       {"stage 1 block 1 project", bytes{320}, true},
                                       {"head_pool", bytes{260}},
                                       {"classifier", bytes{14}}};
constexpr bytes limit{256};

terminal_style style_of(bool terminal, std::size_t window, const std::map<std::string, std::string>& variables) {
    return style_from(terminal, window, [&](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}

}  // namespace

TEST_CASE("picture: plain, in 57 columns: 20 cells, of which 16 within the limit", "[cli][check]") {
    CHECK(memory_picture(tiny, limit, {.width = 57}) ==
          "  1  stage 1 block 1 depthwise  ########        |     128\n"
          "> 2  stage 1 block 1 project    ################|#### 320\n"
          "  3  head_pool                  ################|#    260\n"
          "  4  classifier                 #               |      14\n"
          "                                                | limit 256 B\n");
}

TEST_CASE("picture: eighths of cells where they can be shown", "[cli][check]") {
    CHECK(memory_picture(tiny, limit, {.width = 57, .unicode = true}) ==
          "  1  stage 1 block 1 depthwise  ████████        │     128\n"
          "> 2  stage 1 block 1 project    ████████████████│████ 320\n"
          "  3  head_pool                  ████████████████│▎    260\n"
          "  4  classifier                 ▉               │      14\n"
          "                                                │ limit 256 B\n");
}

TEST_CASE("picture: within the limit the mark is the right end", "[cli][check]") {
    CHECK(memory_picture(tiny, bytes{640}, {.width = 57}) ==
          "  1  stage 1 block 1 depthwise  ####                | 128\n"
          "> 2  stage 1 block 1 project    ##########          | 320\n"
          "  3  head_pool                  ########            | 260\n"
          "  4  classifier                 #                   |  14\n"
          "                                                    | limit 640 B\n");
}

TEST_CASE("picture: a narrow terminal leaves the bars ten cells, a limit of 0 none within", "[cli][check]") {
    CHECK(memory_picture(std::vector<picture_row>{{"head_pool", bytes{5}, true}}, bytes{0}, {.width = 1}) ==
          "> 1  head_pool  |########## 5\n"
          "                | limit 0 B\n");
    CHECK(memory_picture({}, bytes{0}, {}) == "       | limit 0 B\n");
}

TEST_CASE("picture: colours are for terminals that want them", "[cli][check]") {
    const std::string text = memory_picture(tiny, limit, {.width = 57, .color = true});
    CHECK(text.find("\033[1m> 2  stage 1 block 1 project  \033[0m") != std::string::npos);
    CHECK(text.find("|\033[31m#   \033[0m\033[31m 260\033[0m\n") != std::string::npos);
    CHECK(memory_picture(tiny, limit, {.width = 57}).find('\033') == std::string::npos);

    CHECK(style_of(false, 0, {{"LANG", "C.UTF-8"}}) == terminal_style{});
    CHECK(style_of(true, 0, {}) == terminal_style{.color = true});
    CHECK(style_of(true, 120, {{"LANG", "en_US.utf8"}}) ==
          terminal_style{.width = 120, .unicode = true, .color = true});
    CHECK(style_of(true, 120, {{"COLUMNS", "100"}, {"LC_ALL", "C"}, {"LANG", "C.UTF-8"}, {"NO_COLOR", "1"}}) ==
          terminal_style{.width = 100});
    CHECK(style_of(true, 0, {{"TERM", "dumb"}, {"NO_COLOR", ""}}) == terminal_style{});
    for (const char* columns : {"", "abc", "0", "-5"}) CHECK(style_of(false, 0, {{"COLUMNS", columns}}).width == 80);
    CHECK(style_of(false, 0, {{"COLUMNS", "99999999999999999999"}}).width == 200);
    CHECK(style_of(false, 0, {{"COLUMNS", "3"}}).width == 40);
}

TEST_CASE("picture: a bar passes the mark exactly where its size is over the limit", "[cli][check]") {
    splitmix64 rng{11};
    for (int i = 0; i < rounds(20'000); ++i) {
        const auto size_of = [&] { return bytes{rng() >> rng.below(64)}; };
        const bytes largest = size_of(), allowed = size_of();
        const auto cells = static_cast<std::size_t>(rng.between(1, 60));
        const bar_scale scale(largest, allowed, cells, false);
        const bytes sizes[] = {bytes{largest.value / 3}, bytes{largest.value - largest.value / 9}, largest};
        std::size_t last = 0;
        for (const bytes size : sizes) {
            const std::string within = scale.within(size), beyond = scale.beyond(size);
            REQUIRE(within.size() + beyond.size() == cells);
            REQUIRE((beyond.find('#') != std::string::npos) == (size > allowed));
            const std::size_t length = (within + beyond).find_last_of('#') + 1;
            REQUIRE(length >= last);  // a larger size is no shorter bar
            if (size > allowed) REQUIRE(within.find(' ') == std::string::npos);
            if (size.value > 0 && scale.mark() > 0) REQUIRE(length > 0);
            last = length;
        }
    }
}

TEST_CASE("picture: addresses", "[cli][check]") {
    CHECK(address_bar(bytes{0}, bytes{50}, bytes{100}, 8, false) == "####....");
    CHECK(address_bar(bytes{50}, bytes{100}, bytes{100}, 8, false) == "....####");
    CHECK(address_bar(bytes{99}, bytes{100}, bytes{100}, 8, false) == ".......#");
    CHECK(address_bar(bytes{13}, bytes{14}, bytes{100}, 8, true) == "·█······");
    CHECK(address_bar(bytes{0}, bytes{0}, bytes{0}, 8, false).empty());
}
