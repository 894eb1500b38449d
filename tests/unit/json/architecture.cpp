// SPDX-License-Identifier: MIT
#include <string>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/core/network.hpp>
#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/network_file.hpp>
#include <llmnas/json/space_json.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas;
using json = nlohmann::ordered_json;

namespace {

json elite() { return to_json<table1_se>(zoo::lmanet_elite); }

std::string message(const json& j) {
    const auto net = network_from_json<table1_se>(j);
    return net ? "accepted" : net.error().text();
}

}  // namespace

TEST_CASE("architecture: the published files are the zoo's designs", "[json]") {
    const auto elite_file = test::data_file("reference_nets/LMaNet_elite.json");
    const auto core_file = test::data_file("reference_nets/LMaNet-Core.json");
    if (!elite_file || !core_file) LLMNAS_SKIP("no reference_nets in the data directory");
    const auto e = network_from_file<table1_se>(*elite_file, {3, 160, 160}, 100);
    const auto c = network_from_file<table1_se>(*core_file, {3, 160, 160}, 100);
    REQUIRE(e);
    REQUIRE(c);
    // Fields without effect differ (Core's last stage has an SE ratio, but no SE): the operators are the same.
    CHECK(dynamic_graph(*e).view() == network<zoo::lmanet_elite>::view);
    CHECK(dynamic_graph(*c).view() == network<zoo::lmanet_core>::view);
}

TEST_CASE("architecture: 2,000 random networks survive JSON and Optuna's parameters", "[json]") {
    splitmix64 rng{3};
    for (int i = 0; i < 2000; ++i) {
        const auto p = sample<table1_se>(rng);
        const auto net = decode(p);
        const auto text = to_json<table1_se>(net).dump();
        const auto back = network_from_text<table1_se>(text);
        if (!back || !(*back == net)) FAIL(text);
        const auto stored = point_to_params<table1_se>(p);
        const auto point = point_from_params<table1_se>(stored.params, stored.distributions);
        if (!point || !(*point == p)) FAIL(stored.params.dump());
    }
    SUCCEED();
}

TEST_CASE("architecture: errors name stage, field, value and what is wanted", "[json]") {
    auto j = elite();
    auto& blocks = j["candidate_config"]["blocks"];
    SECTION("type") {
        blocks[1]["kernel_size"] = "5";
        CHECK(message(j) == "stage 2: kernel_size: not a legal value (got \"5\", wanted an integer)");
    }
    SECTION("range") {
        blocks[1]["kernel_size"] = 99999999999LL;
        CHECK(message(j) ==
              "stage 2: kernel_size: not a legal value (got 99999999999, wanted an integer from -2147483648 to "
              "2147483647)");
    }
    SECTION("name") {
        blocks[4]["conv_type"] = "dwconv";
        CHECK(message(j) == "stage 5: conv_type: not a legal value (got \"dwconv\", wanted one of depthwise, mbconv)");
    }
    SECTION("missing") {
        blocks[0].erase("stride");
        CHECK(message(j) == "stage 1: stride: missing field");
    }
    SECTION("missing, but without effect") {
        blocks[0].erase("expansion_factor");  // a depthwise stage
        blocks[0].erase("se_ratio");          // without SE
        CHECK(message(j) == "accepted");
    }
    SECTION("unknown") {
        blocks[0]["dilation"] = 2;
        CHECK(message(j) == "stage 1: dilation: unknown field (got 2)");
    }
    SECTION("count") {
        blocks.erase(4);
        CHECK(message(j) == "architecture: wrong number of stages (got 4, wanted 5)");
    }
    SECTION("channels of another input") {
        j["candidate_config"]["input_channels"] = 1;
        CHECK(message(j) == "architecture: input_channels differ from the input of the task (got 1, wanted 3)");
    }
    SECTION("no object") {
        CHECK(message(json(3)) ==
              "architecture: not an architecture (got 3, wanted an array of stages or an object with \"blocks\")");
    }
    SECTION("negative ratio") {
        blocks[3]["se_ratio"] = -0.5;
        CHECK(message(j) ==
              "stage 4: se_ratio: not a legal value (got -0.5, wanted a fraction from 0 to 1024 with a "
              "denominator of at most 4096, like 0.25)");
    }
}

TEST_CASE("architecture: a violation names stage, field, value and allowed values", "[json]") {
    const auto v = encode<table1_se>(zoo::lmanet_core).violation;
    CHECK(describe<table1_se>(v, zoo::lmanet_core).text() ==
          "stage 1: expansion_factor: value outside the search space (got 2, wanted one of 3, 4, 6)");
}

TEST_CASE("architecture: a field that the space fixes is named with both values", "[json]") {
    const auto v = encode<table1>(zoo::lmanet_elite).violation;
    CHECK(describe<table1>(v, zoo::lmanet_elite).text() ==
          "stage 4: se_ratio: value outside the search space (got 0.5, wanted 0.25, fixed by table1)");
}

TEST_CASE("architecture: parameters of another writer", "[json]") {
    splitmix64 rng{5};
    const auto p = sample<table1_se>(rng);
    auto stored = point_to_params<table1_se>(p);
    // The same choices in another order, without Python's blanks.
    stored.distributions["stage1.kernel_size"] =
        R"({"name":"CategoricalDistribution","attributes":{"choices":[7,5,3]}})";
    stored.params["stage1.kernel_size"] = 2 - p.choice[0][2];
    const auto point = point_from_params<table1_se>(stored.params, stored.distributions);
    REQUIRE(point);
    CHECK(*point == p);
    stored.distributions["stage1.kernel_size"] = R"({"attributes":{"choices":[9,9,9]}})";
    const auto outside = point_from_params<table1_se>(stored.params, stored.distributions);
    REQUIRE_FALSE(outside);
    CHECK(outside.error().text() ==
          "parameter stage1.kernel_size: value outside the search space (got 9, wanted one of 3, 5, 7)");
    stored.params["stage1.kernel_size"] = -1;
    CHECK_FALSE(point_from_params<table1_se>(stored.params, stored.distributions));
    stored.params.erase("stage1.kernel_size");
    CHECK_FALSE(point_from_params<table1_se>(stored.params, stored.distributions));
}

TEST_CASE("file: missing, malformed and unwritable files are errors that name the file", "[json]") {
    const test::temporary_directory dir;
    const auto read = [](const std::filesystem::path& path) {
        const auto net = network_from_file<table1_se>(path, {3, 160, 160}, 100);
        return net ? std::string("accepted") : net.error().text();
    };
    CHECK(read(dir / "none.json") == (dir / "none.json").string() + ": no such file");
    REQUIRE(write_text_file(dir / "cut.json", "[1, 2"));
    CHECK(read(dir / "cut.json") ==
          (dir / "cut.json").string() + ": malformed JSON at byte 6 (got the end of the text, wanted JSON)");
    REQUIRE(write_text_file(dir / "one.json", "[{}]"));
    CHECK(read(dir / "one.json") ==
          (dir / "one.json").string() + ": architecture: wrong number of stages (got 1, wanted 5)");
    CHECK_FALSE(write_text_file(dir / "no/such/folder.json", "x"));
    CHECK(read_text_file(dir / "cut.json", 3).error().text() ==
          (dir / "cut.json").string() + ": file too large (got 5 bytes, wanted at most 3)");
}
