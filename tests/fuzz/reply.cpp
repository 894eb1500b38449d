// SPDX-License-Identifier: MIT
// libFuzzer: any text as the reply of a language model. tests/fuzz/run.sh builds and runs it.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <llmnas/json/reply.hpp>
#include <llmnas/space/table1.hpp>
#include "unit/json/user_space.hpp"

using namespace llmnas;

namespace {

void require(bool ok, const char* what) {
    if (ok) return;
    std::fprintf(stderr, "fuzz: not true: %s\n", what);
    std::abort();
}

void check_message(const error& e) {
    const std::string text = e.text();
    require(text == valid_utf8(text), "a message is UTF-8");
    require(text.find('\n') == std::string::npos, "a message is one line");
    require(text.size() < 1000, "a message is short");
}

/// What was read is read again from the library's own form, without repair.
template <class Space>
void check_network(const parsed_reply<Space>& parsed, const shape& input) {
    const auto again = parse_reply<Space>(to_json<Space>(parsed.network).dump(), input, 10);
    require(again.has_value(), "a network is read from the library's own form");
    require(again->network == parsed.network, "it is the same network");
    require(again->repairs.total() == 0, "the library's own form needs no repair");
    require(parsed.explanation.size() <= reply_limits{}.explanation, "an explanation is bounded");
    require(parsed.explanation == valid_utf8(parsed.explanation), "an explanation is UTF-8");
}

template <class Space>
void check_text(std::string_view text) {
    constexpr shape input{3, 32, 32};
    const reply_limits limits;
    require(detail::reply_reader<Space>(text, input, 10, limits).work() <= 2 * text.size() + limits.rescan,
            "work is bounded");
    const auto parsed = parse_reply<Space>(text, input, 10);
    const auto batch = parse_batch<Space>(text, input, 10);
    require(parsed.has_value() == !batch.networks.empty(), "one and several agree");
    if (!parsed) check_message(parsed.error());
    for (const error& e : batch.rejected) check_message(e);
    for (const auto& network : batch.networks) check_network(network, input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    check_text<table1_se>(text);
    check_text<test::user_space>(text);
    return 0;
}
