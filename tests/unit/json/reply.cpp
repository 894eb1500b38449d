// SPDX-License-Identifier: MIT
// Replies of language models: what is read from them, what is mended, what is rejected and why.
#include <llmnas/json/reply.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <llmnas/core/random.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include "support/catch.hpp"
#include "unit/json/user_space.hpp"

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;
using nlohmann::ordered_json;
using test::user_space;

namespace {

network_of<table1_se> base() { return decode(space_point<table1_se>{}); }

/// The network with some fields of its first stage changed; the last stage is a depthwise one without SE.
ordered_json stages_of(const network_of<table1_se>& net) { return proposal_json<table1_se>(net); }

network_of<table1_se> varied() {
    auto net = base();
    net.stages[0].activation = activation_kind::leaky_relu;
    net.stages[0].kernel_size = 5;
    net.stages[0].conv_type = block_type::mbconv;
    net.stages[0].se_ratio = ratio{1, 2};
    net.stages[4].use_se = false;
    net.stages[4].activation = activation_kind::swish;
    net.stages[4].skip_op = skip_kind::residual;
    return net;
}

auto parse(std::string_view text) { return parse_reply<table1_se>(text, {3, 160, 160}, 100); }

std::string why(std::string_view text) {
    const auto r = parse(text);
    return r ? "accepted with " + r->repairs.text() : r.error().text();
}

/// Repairs of a reply that is the network; the reason where it is not.
std::string repairs(std::string_view text, const network_of<table1_se>& net) {
    const auto r = parse(text);
    if (!r) return r.error().text();
    return encode<table1_se>(r->network).point == encode<table1_se>(net).point ? r->repairs.text() : "another network";
}

/// The stages with the first stage's text replaced.
std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) return "no such text: " + std::string(from);
    return text.replace(at, from.size(), to);
}

std::string replaced_all(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

}  // namespace

TEST_CASE("reply: JSON in its form needs no repair", "[json]") {
    splitmix64 rng{11};
    for (int i = 0; i < 300; ++i) {
        const auto net = decode(sample<table1_se>(rng));
        const auto j = proposal_json<table1_se>(net);
        for (const std::string& text :
             {j.dump(), j.dump(2), " \n" + j.dump() + "\r\n\t", to_json<table1_se>(net).dump(),
              to_json<table1_se>(net)["candidate_config"].dump(4),
              R"({"note":{"a":[1]},"candidate_config":)" + j.dump() + "}"})
            if (repairs(text, net) != "") FAIL(text << "\n" << repairs(text, net));
    }
    SUCCEED();
}

TEST_CASE("reply: the architecture is found whatever stands around it", "[json]") {
    const auto net = varied();
    const std::string j = stages_of(net).dump();
    const std::string fenced = "```json\n" + stages_of(net).dump(2) + "\n```";
    for (const std::string& text : std::vector<std::string>{
             "\xEF\xBB\xBF" + j, fenced, "Sure! Here is [my] answer {as asked}:\n" + fenced + "\nIt has [stride 1, 2].",
             "MACs stay in [70, 350] M. " + j, "Options are [3, 5, 7] and {\"stride\": 2}; I take " + j,
             "[] {} [[]] " + j, "\"quoted\" 'text' \\ [ x " + j, "{\"unfinished\": thought " + j,
             j + " or else [{\"kernel_size\":7}]", "bytes \xFF\xC3 that are no text " + j,
             "[\"a quote that does not end " + j, "{'it " + j, "[/* " + j, "(see [1] and # 2) " + j,
             "{\"broken\": [1, 2}, \"x\" \"y\": " + j}) {
        INFO(text);
        CHECK(repairs(text, net) == "surrounding_text 1");
    }
}

TEST_CASE("reply: thoughts are no answer", "[json]") {
    const std::string j = stages_of(varied()).dump();
    const std::string other = stages_of(base()).dump();
    CHECK(repairs("<think>first " + other + " no</think>" + j, varied()) == "thoughts 1");
    CHECK(repairs("I try " + other + "</think>\n" + j, varied()) == "thoughts 1");
    CHECK(repairs("<thinking>[{</thinking> [THINK] } [/THINK]" + j, varied()) == "thoughts 1");
    CHECK_THAT(why("<think>I take " + j), ContainsSubstring("ends inside the model's thoughts"));
    CHECK_THAT(why("<think>I take " + j + "</think>"), ContainsSubstring("no JSON"));
}

TEST_CASE("reply: forms of the document", "[json]") {
    const auto net = varied();
    const ordered_json stages = stages_of(net);
    const std::string j = stages.dump();
    CHECK(repairs(R"({"why":"[{","blocks":)" + j + "}", net) == "");
    CHECK(repairs(R"({"architecture":)" + j + "}", net) == "wrapped 1");
    CHECK(repairs(R"({"network":{"stages":)" + j + R"(},"macs":1})", net) == "wrapped 1");
    CHECK(repairs(R"({"input_channels":"3","pool_type":"avg","layers":)" + j + "}", net) ==
          "wrapped 1, value_name 1, number_text 1");
    CHECK(repairs("[" + j + "]", net) == "");
    CHECK(repairs(R"([{"blocks":)" + j + "}]", net) == "");
    CHECK(repairs("the example " + stages_of(base()).dump() + " and " + j, base()) ==
          "surrounding_text 1, other_architecture 1");
    CHECK(repairs("twice " + j + " and " + j, net) == "surrounding_text 1");
    for (const std::size_t first : {0U, 1U}) {
        ordered_json numbered;
        for (std::size_t s = 0; s < 5; ++s) numbered[fmt::format("stage_{}", s + first)] = stages[s];
        CHECK(repairs(numbered.dump(), net) == "wrapped 1");
        CHECK(repairs(R"({"candidate_config":)" + numbered.dump() + "}", net) == "wrapped 1");
        numbered["tags"] = {"small", "fast"};
        CHECK(repairs(numbered.dump(), net) == "wrapped 1");
        std::swap(numbered["stage_1"], numbered["stage_2"]);
        numbered.erase("stage_3");
        CHECK_THAT(why(numbered.dump()), ContainsSubstring("no proposal"));
    }
    CHECK_THAT(why(R"({"input_channels":1,"blocks":)" + j + "}"),
               ContainsSubstring("input_channels differ from the input of the task (got 1, wanted 3)"));
    CHECK_THAT(why(R"({"pool_type":"max","blocks":)" + j + "}"), ContainsSubstring("unknown pool_type (got \"max\""));
    CHECK_THAT(why(R"({"blocks":)" + j + R"(,"blocks":)" + stages_of(base()).dump() + "}"),
               ContainsSubstring("a member stands twice in one object (got \"blocks\""));
}

TEST_CASE("reply: JSON almost right is mended, each repair is counted", "[json]") {
    const auto net = varied();
    const ordered_json stages = stages_of(net);
    const std::string j = stages.dump();
    CHECK(repairs(replaced_all(j, "}", ",}"), net) == "trailing_comma 5");
    CHECK(repairs(replaced(j, "}]", "},]"), net) == "trailing_comma 1");
    CHECK(repairs(replaced_all(j, "},{", "}\n{"), net) == "missing_comma 4");
    CHECK(repairs(replaced_all(j, ",\"stride\"", " \"stride\""), net) == "missing_comma 5");
    CHECK(repairs("// mine\n" + j, net) == "surrounding_text 1");
    CHECK(repairs(replaced(j, "},{", "}, // stage 2, with [5]\n{"), net) == "comment 1");
    CHECK(repairs(replaced(j, "},{", "}, /* \" } */ # x\n{"), net) == "comment 2");
    CHECK(repairs(replaced_all(j, "\"", "'"), net) == "quotes 64");
    CHECK(repairs(replaced(j, "\"stride\"", "\xE2\x80\x9Cstride\xE2\x80\x9D"), net) == "quotes 1");
    CHECK(repairs(replaced_all(j, "\"stride\"", "stride"), net) == "bare_word 5");
    CHECK(repairs(replaced(j, "\"mbconv\"", "mbconv"), net) == "bare_word 1");
    CHECK(repairs(replaced_all(replaced_all(j, "\"", ""), ":", ": "), net) == "bare_word 64");
    CHECK(repairs(replaced_all(replaced_all(j, "true", "True"), "false", "False"), net) == "python_literal 5");
    CHECK(repairs(replaced_all(j, "kernel_size", "kernel\\_size"), net) == "escape 5");
    CHECK(repairs(R"({"why":"one)"
                  "\ntwo\","
                  R"("blocks":)" +
                      j + "}",
                  net) == "control_character 1");
    CHECK(repairs(replaced(j, "\"stride\":1", "\"stride\":1,\"stride\":1"), net) == "repeated_member 1");
    // Escapes of JSON are no repair.
    CHECK(repairs(replaced(j, "mbconv", "\\u006dbc\\u006Fnv"), net) == "");
    CHECK(repairs(replaced(j, "stride", "\\u0073tride"), net) == "");
}

TEST_CASE("reply: brackets that are missing", "[json]") {
    const auto net = varied();
    const std::string j = stages_of(net).dump();
    CHECK(repairs(j.substr(0, j.size() - 1), net) == "missing_bracket 1");
    CHECK(repairs(j.substr(0, j.size() - 2), net) == "missing_bracket 2");
    CHECK(repairs("```json\n{\"blocks\":" + j + "\n```\nDone.", net) == "surrounding_text 1, missing_bracket 1");
    CHECK(repairs("{\"blocks\":" + j.substr(0, j.size() - 1) + "}", net) == "missing_bracket 1");
    CHECK(repairs(replaced_all(j, "},{", "},{"), net) == "");
    CHECK_THAT(why(replaced(j, "},{", ",{")), ContainsSubstring("malformed"));
    // What the cut lost is not needed.
    CHECK(repairs("{\"blocks\":" + j + ",\"why\":\"because", net) == "missing_bracket 1");
    CHECK(repairs("{\"blocks\":" + j + ",\"tags\":[\"a\", ", net) == "missing_bracket 2");
    CHECK(repairs("{\"blocks\":" + j + ",\"mac", net) == "missing_bracket 1");
}

TEST_CASE("reply: a cut document invents nothing", "[json]") {
    // Wherever the text is cut: rejected, unless only brackets are missing.
    for (const bool pretty : {false, true}) {
        const std::string j = stages_of(varied()).dump(pretty ? 2 : -1);
        const std::size_t last = j.rfind('"') + 1;  // the last value is a text
        for (std::size_t n = 0; n < j.size(); ++n) {
            const std::string text = j.substr(0, n);
            const std::string reason = why(text);
            INFO(text.substr(n < 60 ? 0 : n - 60) << "\n" << reason);
            if (n >= last)
                REQUIRE_THAT(reason, ContainsSubstring("accepted with missing_bracket"));
            else
                REQUIRE_FALSE(parse(text));
            if (n > 30 && n < last) REQUIRE_THAT(reason, ContainsSubstring("the JSON is cut"));
        }
        // More was to come.
        CHECK_THAT(why(j.substr(0, j.size() - 1) + ","), ContainsSubstring("cut"));
        CHECK_THAT(why(j.substr(0, j.size() - 1) + ",{"), ContainsSubstring("cut"));
        CHECK_THAT(why(j.substr(0, last) + ","), ContainsSubstring("cut"));
        CHECK_THAT(why(j.substr(0, last) + ",\"se"), ContainsSubstring("cut"));
    }
    // A number at the very end may be half of one.
    auto net = base();
    for (auto& s : net.stages) s.use_se = true;
    net.stages[4].se_ratio = ratio{1, 4};
    const std::string j = stages_of(net).dump();
    CHECK_THAT(why(j.substr(0, j.size() - 2)), ContainsSubstring("cut"));
    CHECK(repairs(j.substr(0, j.size() - 2) + " ", net) == "missing_bracket 2");
}

TEST_CASE("reply: fields and values under other names", "[json]") {
    const auto net = varied();
    const std::string j = stages_of(net).dump();
    const auto field = [&](std::string_view from, std::string_view to) {
        return repairs(replaced(j, '"' + std::string(from) + '"', '"' + std::string(to) + '"'), net);
    };
    for (const auto& [name, others] : std::vector<std::pair<std::string, std::vector<std::string>>>{
             {"output_channels", {"channels", "filters", "out_channels", "outputChannels", "Output Channels", "c"}},
             {"num_layers", {"layers", "repeats", "n", "numLayers", "num_blocks", "depth"}},
             {"kernel_size", {"kernel", "k", "KernelSize", "kernel-size", "filter_size"}},
             {"stride", {"strides", "s", "Stride"}},
             {"expansion_factor", {"expand_ratio", "expansion", "expansion_ratio", "t", "e"}},
             {"use_se", {"se", "has_se", "squeeze_excitation", "useSE"}},
             {"se_ratio", {"squeeze_ratio", "SE ratio"}},
             {"conv_type", {"block_type", "conv", "type", "op", "block"}},
             {"skip_op", {"skip", "skip_connection", "residual", "shortcut"}},
             {"activation", {"activation_fn", "act", "nonlinearity", "Activation"}}})
        for (const std::string& other : others) {
            INFO(name << " " << other);
            CHECK(field(name, other) == "field_name 1");
        }
    for (const auto& [name, others] : std::vector<std::pair<std::string, std::vector<std::string>>>{
             {"depthwise", {"dwconv", "depthwise_separable", "DWConv", "Depthwise", "depthwise-separable", "dw_conv"}},
             {"mbconv", {"MBConv", "MB-Conv", "inverted_residual", "InvertedResidual", "mb_conv"}},
             {"leakyrelu", {"LeakyReLU", "leaky_relu", "Leaky ReLU", "nn.LeakyReLU", "lrelu"}},
             {"swish", {"SiLU", "silu", "Swish", "nn.SiLU"}},
             {"relu6", {"ReLU6", "relu_6", "nn.ReLU6"}},
             {"identity", {"none", "no", "None", "Identity", "false", "no_skip"}},
             {"residual", {"Residual", "skip", "yes", "true", "add"}}})
        for (const std::string& other : others) {
            INFO(name << " " << other);
            CHECK(field(name, other) == "value_name 1");
        }
    CHECK(repairs(replaced(j, "\"identity\"", "null"), net) == "value_name 1");
    CHECK(repairs(replaced(j, "\"identity\"", "false"), net) == "value_name 1");
    CHECK(repairs(replaced(j, "\"identity\"", "None"), net) == "python_literal 1, value_name 1");
    CHECK(repairs(replaced(j, "\"residual\"", "true"), net) == "value_name 1");
    CHECK(repairs(replaced(j, "\"kernel_size\":5", "\"kernel_size\":5,\"kernel\":5"), net) ==
          "repeated_member 1, field_name 1");
    CHECK(why(replaced(j, "\"kernel_size\":5", "\"kernel_size\":5,\"kernel\":3")) ==
          "stage 1: kernel_size: two members for one field with different values (got 5 and 3, wanted one value)");
}

TEST_CASE("reply: values in other forms", "[json]") {
    const auto net = varied();
    const std::string j = stages_of(net).dump();
    const auto kernel = [&](std::string_view to) {
        return repairs(replaced(j, "\"kernel_size\":5", "\"kernel_size\":" + std::string(to)), net);
    };
    for (const char* text :
         {"\"5\"", "\"5.0\"", "\" 5 \"", "\"+5\"", "\"5x5\"", "\"5 x 5\"", "\"5X5\"",
          "\"5\xC3\x97"
          "5\"",
          "\"k5\"", "\"K5\"", "\"k=5\"", "\"kernel 5\"", "\"(5, 5)\"", "[5, 5]", "[5]", "\"5 kernel\""}) {
        INFO(text);
        CHECK(kernel(text) == "number_text 1");
    }
    CHECK(repairs(replaced(j, "\"num_layers\":1", "\"num_layers\":\"1 layers\""), net) == "number_text 1");
    CHECK(kernel("5.0") == "whole_float 1");
    CHECK(kernel("5e0") == "whole_float 1");
    CHECK(kernel("(5, 5)") == "python_literal 1, number_text 1");
    CHECK(kernel("5x5") == "bare_word 1, number_text 1");
    for (const char* text :
         {"\"5x3\"",      "\"s5\"", "\"five\"",  "5.5", "[5, 3]", "[]",     "null",  "true",    "{}",      "\"\"",
          "\"5 stages\"", "\"x\"",  "\"foo 5\"", "NaN", "1e999",  "\"5%\"", "\"k\"", "\"0x5\"", "\"inf\"", "[[5]]"}) {
        INFO(text);
        CHECK_THAT(kernel(text), ContainsSubstring("stage 1: kernel_size: not a legal value (got ") &&
                                     ContainsSubstring("wanted one of 3, 5, 7)"));
    }
    for (const char* text : {"\"0.5\"", "\"1/2\"", "1/2", "\"50%\"", "50%", ".5"}) {
        INFO(text);
        CHECK_THAT(repairs(replaced(j, "\"se_ratio\":0.5", "\"se_ratio\":" + std::string(text)), net),
                   ContainsSubstring("number_text 1"));
    }
    for (const char* text : {"\"true\"", "\"True\"", "\"yes\"", "1", "\"1\"", "\"on\""}) {
        INFO(text);
        CHECK(repairs(replaced(j, "\"use_se\":true", "\"use_se\":" + std::string(text)), net) == "boolean_form 1");
    }
    CHECK(repairs(replaced(j, "\"use_se\":false", "\"use_se\":0"), net) == "boolean_form 1");
    CHECK_THAT(why(replaced(j, "\"use_se\":true", "\"use_se\":2")),
               ContainsSubstring("stage 1: use_se: not a legal value"));
    CHECK_THAT(why(replaced(j, "\"use_se\":true", "\"use_se\":0.5")), ContainsSubstring("stage 1: use_se"));
}

TEST_CASE("reply: members without effect and members for people", "[json]") {
    const auto net = varied();
    ordered_json stages = stages_of(net);
    stages[4]["se_ratio"] = nullptr;
    CHECK(repairs(stages.dump(), net) == "absent_value 1");
    stages[4]["se_ratio"] = "N/A";
    CHECK(repairs(stages.dump(), net) == "absent_value 1");
    stages = stages_of(net);
    stages[0]["se_ratio"] = nullptr;
    CHECK(why(stages.dump()) == "stage 1: se_ratio: missing field (wanted one of 0.25, 0.5)");
    stages = stages_of(net);
    stages[0]["expansion_factor"] = "none";  // of an mbconv stage
    CHECK_THAT(why(stages.dump()), ContainsSubstring("stage 1: expansion_factor: missing field"));

    stages = stages_of(net);
    for (std::size_t s = 0; s < 5; ++s) {
        stages[s]["stage"] = s + 1;
        stages[s]["id"] = fmt::format("stage_{}", s);
        stages[s]["name"] = "early";
        stages[s]["rationale"] = "few channels";
    }
    CHECK(repairs(stages.dump(), net) == "annotation 20");
    stages[2]["stage"] = 5;
    CHECK_THAT(why(stages.dump()), ContainsSubstring("stage 3: stage: unknown field (got 5"));
    stages = stages_of(net);
    stages[1]["dilation"] = 2;
    CHECK_THAT(why(stages.dump()), ContainsSubstring("stage 2: dilation: unknown field (got 2, wanted the members"));
}

TEST_CASE("reply: what is no architecture is rejected with a reason", "[json]") {
    const std::string j = stages_of(varied()).dump();
    const auto [text, reason] = GENERATE_COPY(table<std::string, std::string>({
        {"", "no JSON (got an empty reply"},
        {" \n", "no JSON"},
        {"Once upon a time there was a little girl.", "no JSON (got Once upon"},
        {"[1, 2, 3]", "no proposal (got [1, 2, 3]"},
        {"{\"layers\": []}", "no proposal"},
        {"{\"blocks\": 5}", "no proposal"},
        {"[{\"a\":1}]", "no proposal"},
        {"{\"blocks\":[]}", "wrong number of stages (got 0, wanted 5)"},
        {"{\"blocks\":[1,2,3,4,5]}", "stage 1: not a stage (got 1"},
        {"[{\"stride\":1}, 5]", "wrong number of stages (got 2, wanted 5)"},
        {"[{\"stride\":1},{\"stride\":", "cut (got end of the text after 24 bytes"},
        {"{\"blocks\":[{\"a\":1}],\"why\":\"because", "wrong number"},
        {"[{\"stride\":1, ... }]", "malformed JSON (got `"},
        {"[{\"stride\":1},, 2]", "malformed JSON (got `, 2]` at byte 14"},
        {"[{\"stride\"=1}]", "malformed JSON (got `=1}]` at byte 10"},
        {"[{\"a\":1,\"b\":2,\"a\":3}]", "twice in one object (got \"a\""},
        {replaced(j, "relu6", "gelu"), "stage 2: activation: not a legal value (got \"gelu\", wanted one of relu6"},
        {replaced(j, "relu6", "hswish"), "stage 2: activation: not a legal value (got \"hswish\""},
        {replaced(j, "\"stride\":1,", ""), "stage 1: stride: missing field (wanted one of 1, 2)"},
        // The nearest thing to an architecture is what the error is about.
        {"[{\"x\" y}] [1] [{\"stride\":1}] " + replaced(j, "relu6", "gelu") + " {\"a\" [", "stage 2: activation"},
    }));
    INFO(text);
    const auto found = parse(text);
    REQUIRE_FALSE(found);
    CHECK_THAT(found.error().text(), ContainsSubstring(reason));
    CHECK(found.error().text() == valid_utf8(found.error().text()));
    CHECK(found.error().text().find('\n') == std::string::npos);
    const auto batch = parse_batch<table1_se>(text, {3, 160, 160}, 100);
    CHECK(batch.networks.empty());
    CHECK_FALSE(batch.rejected.empty());
}

TEST_CASE("reply: out of the space and no architecture at all are told apart", "[json]") {
    const std::string j = stages_of(varied()).dump();
    CHECK(parse(replaced(j, "\"kernel_size\":5", "\"kernel_size\":\"five\"")).error().code == errc::out_of_space);
    CHECK(parse(replaced(j, "\"stride\":1,", "")).error().code == errc::bad_input);
    // A legal value that the space lacks is judged by the search.
    const auto r = parse(replaced(j, "\"kernel_size\":5", "\"kernel_size\":9"));
    REQUIRE(r);
    CHECK_FALSE(contains<table1_se>(r->network));
}

TEST_CASE("reply: several architectures at once", "[json]") {
    splitmix64 rng{4};
    std::vector<network_of<table1_se>> nets;
    ordered_json lists = ordered_json::array();
    ordered_json objects = ordered_json::array();
    std::string prose;
    for (int i = 0; i < 4; ++i) {
        nets.push_back(decode(sample<table1_se>(rng)));
        lists.push_back(stages_of(nets.back()));
        objects.push_back({{"name", "x"}, {"blocks", lists.back()}});
        prose += fmt::format("{}. ```{}```\n", i + 1, lists.back().dump());
    }
    for (const std::string& text :
         {lists.dump(), objects.dump(), prose, ordered_json({{"architectures", lists}}).dump()}) {
        INFO(text);
        const auto batch = parse_batch<table1_se>(text, {3, 160, 160}, 100);
        CHECK(batch.rejected.empty());
        REQUIRE(batch.networks.size() == 4);
        for (std::size_t i = 0; i < 4; ++i)
            CHECK(encode<table1_se>(batch.networks[i].network).point == encode<table1_se>(nets[i]).point);
    }
    lists[1][3]["stride"] = "far";
    lists[2].erase(0);
    const auto batch = parse_batch<table1_se>(lists.dump(), {3, 160, 160}, 100);
    CHECK(batch.networks.size() == 2);
    REQUIRE(batch.rejected.size() == 2);
    CHECK_THAT(batch.rejected[0].text(), ContainsSubstring("stage 4: stride"));
    CHECK_THAT(batch.rejected[1].text(), ContainsSubstring("wrong number of stages (got 4"));
    // What a cut leaves whole counts.
    const std::string cut = lists.dump().substr(0, lists.dump().size() - 9);
    CHECK(parse_batch<table1_se>(cut, {3, 160, 160}, 100).networks.size() == 1);
}

TEST_CASE("reply: a space of the user's own", "[json]") {
    const auto read = [](std::string_view text) {
        const auto r = parse_reply<user_space>(text, {3, 32, 32}, 10);
        return r ? proposal_json<user_space>(r->network).dump() + " " + r->repairs.text() : r.error().text();
    };
    CHECK(read(R"([{"width":8,"conv_type":"plain","pooled":false},{"width":12,"conv_type":"fancy","pooled":true,)"
               R"("window":3,"slope":0.375}])") ==
          R"([{"width":8,"conv_type":"plain","pooled":false},)"
          R"({"width":12,"conv_type":"fancy","pooled":true,"window":3,"slope":0.375}] )");
    CHECK(read("[{filters: '8', type: Plain, Pooled: no, window: None}, {channels: 12.0, op: \"FANCY\", pooled: yes, "
               "window: 3x3, slope: 3/8,},]") ==
          R"([{"width":8,"conv_type":"plain","pooled":false},)"
          R"({"width":12,"conv_type":"fancy","pooled":true,"window":3,"slope":0.375}] )"
          "trailing_comma 2, quotes 1, bare_word 14, python_literal 1, field_name 5, value_name 2, number_text 3, "
          "whole_float 1, boolean_form 2, absent_value 1");
    // The paper's fields are none of this space.
    CHECK_THAT(read(R"([{"width":8,"conv_type":"plain","pooled":false,"stride":2},{}])"),
               ContainsSubstring("stage 1: stride: unknown field"));
    CHECK_THAT(read(R"([{"width":8,"conv_type":"mbconv","pooled":false},{}])"),
               ContainsSubstring("stage 1: conv_type: not a legal value (got \"mbconv\", wanted one of plain, fancy)"));
}

TEST_CASE("reply: a word that two names share means neither", "[json]") {
    constexpr std::string_view names[] = {"channels", "width", "kernel"};
    const auto name = [&](std::size_t i) { return names[i]; };
    CHECK_FALSE(detail::meaning_of("filters", 3, name, detail::field_synonyms));
    CHECK(detail::meaning_of("filters", 1, name, detail::field_synonyms).index == 0);
    CHECK(detail::meaning_of("width", 3, name, detail::field_synonyms).exact);
    CHECK(detail::meaning_of("K", 3, name, detail::field_synonyms).index == 2);
    constexpr std::string_view spelled[] = {"re_lu", "relu"};
    const auto spelling = [&](std::size_t i) { return spelled[i]; };
    CHECK(detail::meaning_of("relu", 2, spelling, detail::value_synonyms).index == 1);
    CHECK_FALSE(detail::meaning_of("ReLU", 2, spelling, detail::value_synonyms));
}

TEST_CASE("reply: no word of the synonyms stands for two things", "[json]") {
    const auto check = [](const auto& table) {
        for (const auto& row : table) {
            std::string_view rest = row.words;
            while (!rest.empty()) {
                const std::string_view word = rest.substr(0, rest.find(' '));
                rest.remove_prefix(std::min(word.size() + 1, rest.size()));
                INFO(word);
                CHECK(detail::plain_word(word) == word);
                for (const auto& other : table)
                    if (&other != &row && row.beside.empty() && other.beside.empty()) CHECK_FALSE(other.has(word));
            }
        }
    };
    check(detail::field_synonyms);
    check(detail::value_synonyms);
}

TEST_CASE("reply: kinds of repair have names of their own", "[json]") {
    repair_counts counts;
    for (std::size_t i = 0; i < repair_kinds; ++i)
        for (std::size_t k = 0; k < i; ++k)
            CHECK(name_of(static_cast<repair_kind>(i)) != name_of(static_cast<repair_kind>(k)));
    CHECK(to_json(counts).dump() == "{}");
    counts.add(repair_kind::comment, 2);
    counts.add(repair_kind::annotation);
    CHECK(counts.total() == 3);
    CHECK(counts[repair_kind::comment] == 2);
    counts += counts;
    CHECK(to_json(counts).dump() == R"({"comment":4,"annotation":2})");
    CHECK(counts.text() == "comment 4, annotation 2");
}

TEST_CASE("utf8: invalid bytes are replaced, valid text is kept", "[json]") {
    CHECK(valid_utf8("aé€😀") == "aé€😀");
    CHECK(valid_utf8("\xC0\xAF") == "\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK(valid_utf8("\xED\xA0\x80").size() == 9);
    CHECK(valid_utf8("\xF4\x90\x80\x80").size() == 12);
    CHECK(valid_utf8("\xE2\x82") == "\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK(one_line(" a \n\t b\x01 ") == "a b");
    CHECK(one_line("éé", 3) == "é...");
    CHECK(one_line("abc", 3) == "abc");
}
