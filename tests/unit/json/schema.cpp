// SPDX-License-Identifier: MIT
#include <llmnas/json/schema.hpp>

#include <string>

#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include "support/catch.hpp"
#include "unit/json/schema_matcher.hpp"
#include "unit/json/user_space.hpp"

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;
using nlohmann::ordered_json;
using test::matches;
using test::user_space;

namespace {

template <class Space>
void check_space() {
    const auto schema = proposal_schema<Space>();
    CHECK(schema["minItems"] == Space::stages);
    CHECK(schema["maxItems"] == Space::stages);
    splitmix64 rng{3};
    for (int i = 0; i < 300; ++i) {
        const auto p = sample<Space>(rng);
        const auto net = decode(p);
        const auto j = proposal_json<Space>(net);
        REQUIRE(matches(j, schema));
        const auto back = proposal_from_json<Space>(ordered_json::parse(j.dump()), net.input, net.classes);
        INFO((back ? std::string() : back.error().text()) << " " << j.dump());
        REQUIRE(back);
        REQUIRE(canonical(encode<Space>(*back).point) == canonical(p));
        auto wrong = j;
        wrong[0]["unknown"] = 1;
        REQUIRE_FALSE(matches(wrong, schema));
        wrong = j;
        wrong.erase(0);
        REQUIRE_FALSE(matches(wrong, schema));
    }
}

}  // namespace

TEST_CASE("schema: every point of a space fits its schema and is read back", "[json]") {
    check_space<table1>();
    check_space<table1_se>();
    check_space<user_space>();
    check_space<test::many_forms_space>();
    check_space<test::odd_names_space>();
}

TEST_CASE("schema: choices by their JSON names, conditional axes exactly where they exist", "[json]") {
    const auto axes = axes_json<table1_se>();
    CHECK(axes["kernel_size"] == ordered_json({3, 5, 7}));
    CHECK(axes["use_se"] == ordered_json({true, false}));
    CHECK(axes["se_ratio"] == ordered_json({0.25, 0.5}));
    CHECK(axes["conv_type"] == ordered_json({"depthwise", "mbconv"}));
    CHECK(axes["activation"] == ordered_json({"relu6", "leakyrelu", "swish"}));
    CHECK(axes.begin().key() == "output_channels");

    const auto stages = proposal_schema<table1_se>()["items"]["anyOf"];
    REQUIRE(stages.size() == 2);
    CHECK(stages[0]["properties"]["use_se"]["enum"] == ordered_json::array({true}));
    CHECK(stages[0]["properties"].contains("se_ratio"));
    CHECK_FALSE(stages[1]["properties"].contains("se_ratio"));
    CHECK(stages[1]["additionalProperties"] == false);
    CHECK(proposal_schema<table1>()["items"]["type"] == "object");
    CHECK(proposal_schema<user_space>()["items"]["anyOf"].size() == 4);
}

TEST_CASE("schema: many forms, constant conditions", "[json]") {
    const auto items = proposal_schema<test::many_forms_space>()["items"];
    CHECK(items["properties"].size() == 3);
    CHECK(items["required"] == ordered_json({"width", "pooled"}));
    // A condition on a field without an axis is decided.
    const auto odd = proposal_schema<test::odd_names_space>()["items"];
    CHECK_FALSE(odd["properties"].contains("never"));
    CHECK(odd["required"] == ordered_json({"a \"b\"", "a_\\b_"}));
}

TEST_CASE("schema: batches, and an object around it", "[json]") {
    splitmix64 rng{6};
    auto list = ordered_json::array();
    for (int i = 0; i < 3; ++i) list.push_back(proposal_json<table1_se>(decode(sample<table1_se>(rng))));
    const auto schema = batch_schema<table1_se>(3);
    CHECK(matches(list, schema));
    CHECK(matches({{"blocks", list}}, schema_in_object(schema)));
    CHECK(matches({{"blocks", list[0]}}, schema_in_object(proposal_schema<table1_se>())));
    CHECK_FALSE(matches({{"stages", list[0]}}, schema_in_object(proposal_schema<table1_se>())));
    list.erase(0);
    CHECK_FALSE(matches(list, schema));
}

TEST_CASE("schema: a proposal with its explanation", "[json]") {
    splitmix64 rng{7};
    const auto net = decode(sample<table1_se>(rng));
    const auto schema = explained_schema<table1_se>();
    auto j = explained_json<table1_se>(net, "Stride 2 early keeps the maps small.");
    CHECK(j.begin().key() == "blocks");
    CHECK(schema["properties"].begin().key() == "blocks");
    CHECK(matches(j, schema));
    CHECK_FALSE(matches(j["blocks"], schema));
    std::string crosses;
    for (std::size_t i = 0; i < explanation_characters; ++i) crosses += "\xC3\x97";
    CHECK(matches(explained_json<table1_se>(net, crosses), schema));
    CHECK_FALSE(matches(explained_json<table1_se>(net, crosses + "!"), schema));
    const auto two = ordered_json::array({j, j});
    CHECK(matches(two, explained_batch_schema<table1_se>(2)));
    CHECK(matches({{"blocks", two}}, schema_in_object(explained_batch_schema<table1_se>(2))));
    j.erase("explanation");
    CHECK_FALSE(matches(j, schema));
}

TEST_CASE("schema: a proposal outside the space is rejected by stage, field, value and allowed values", "[json]") {
    auto j = proposal_json<table1_se>(decode(space_point<table1_se>{}));
    const auto reason = [&] {
        const auto net = proposal_from_json<table1_se>(j, {3, 160, 160}, 100);
        return net ? std::string("accepted") : std::string(name_of(net.error().code)) + " " + net.error().text();
    };
    CHECK(reason() == "accepted");
    j[2]["activation"] = "gelu";
    CHECK(reason() ==
          "out_of_space stage 3: activation: not a legal value (got \"gelu\", wanted one of relu6, leakyrelu, "
          "swish)");
    j[2]["activation"] = "swish";
    j[1]["kernel_size"] = "3";
    CHECK_THAT(reason(), ContainsSubstring("stage 2: kernel_size") && ContainsSubstring("wanted one of 3, 5, 7"));
    j[1].erase("kernel_size");
    CHECK_THAT(reason(), ContainsSubstring("bad_input stage 2: kernel_size: missing field (wanted one of 3, 5, 7)"));
    j[1]["kernel_size"] = 3;
    j[4]["dilation"] = 2;
    CHECK_THAT(reason(), ContainsSubstring("stage 5: dilation: unknown field") &&
                             ContainsSubstring("the members output_channels"));
    j.erase(4);
    CHECK_THAT(reason(), ContainsSubstring("wrong number of stages (got 4, wanted 5)"));
}
