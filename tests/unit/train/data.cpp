// SPDX-License-Identifier: MIT
// The parts of train/ that need no torch: names, policies, and readers of foreign bytes. Data sets: datasets.cpp.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <llmnas/core/atomic_file.hpp>
#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/train/parameter_names.hpp>
#include <llmnas/train/pickle.hpp>
#include <llmnas/train/recipe.hpp>
#include <llmnas/train/resolution.hpp>
#include <llmnas/train/safetensors_header.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;

namespace {

void write_file(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

result<pickle::document> unpickle(const std::string& bytes) {
    return pickle::read({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, "test.pkl");
}

// One block with two projections on its skip path: two weights would have one name.
struct twice_projected {
    shape input{3, 8, 8};
    constexpr void lower(graph_builder& g) const {
        g.begin_block(0, 0);
        const tensor a = g.pointwise(g.input(), role::skip_proj, 4, activation_kind::none);
        const tensor b = g.pointwise(g.input(), role::skip_proj, 4, activation_kind::none);
        g.add(a, b);
    }
};

}  // namespace

TEST_CASE("parameter names are those of the published weights", "[train]") {
    const dynamic_graph elite(zoo::lmanet_elite);
    const auto names = state_names_of(elite.view());
    const std::set<std::string> set(names.begin(), names.end());
    CHECK(set.size() == names.size());
    CHECK(names.size() == 206);
    for (const char* name :
         {"layers.0.layers.0.conv.0.weight", "layers.0.layers.0.conv.1.running_mean", "layers.0.layers.0.conv.3.weight",
          "layers.1.layers.0.conv.4.num_batches_tracked", "layers.3.layers.0.conv.6.se.1.bias",
          "layers.3.layers.0.conv.6.se.3.weight", "classifier.weight", "classifier.bias"})
        CHECK(set.contains(name));
    const dynamic_graph core(zoo::lmanet_core);
    const auto core_names = state_names_of(core.view());
    CHECK(std::set<std::string>(core_names.begin(), core_names.end())
              .contains("layers.4.layers.0.res_proj.1.running_var"));
}

TEST_CASE("parameter names are unique in every network", "[train]") {
    const dynamic_graph g{twice_projected{}};
    const auto paths = parameter_paths_of(g.view());
    CHECK(paths[0] == parameter_paths{"layers.0.layers.0.res_proj.0", "layers.0.layers.0.res_proj.1"});
    CHECK(paths[1] == parameter_paths{"layers.0.layers.0.res_proj_2.0", "layers.0.layers.0.res_proj_2.1"});
}

TEST_CASE("shapes at another resolution", "[train]") {
    const dynamic_graph elite(zoo::lmanet_elite);
    const auto same = shapes_at(elite.view(), 160, 160);
    REQUIRE(same);
    for (std::size_t i = 0; i < elite.view().ops.size(); ++i) CHECK((*same)[i + 1] == elite.view().ops[i].out);
    const auto small = shapes_at(elite.view(), 32, 32);
    REQUIRE(small);
    CHECK(small->back() == shape{100, 1, 1});
    struct valid_kernel {
        shape input{3, 8, 8};
        constexpr void lower(graph_builder& g) const {
            g.linear(
                g.global_avg_pool(g.conv(g.input(), role::stem, {.out_channels = 4, .kernel_h = 5, .kernel_w = 5})), 2);
        }
    };
    const dynamic_graph g{valid_kernel{}};
    CHECK(shapes_at(g.view(), 5, 5).has_value());
    const auto refused = shapes_at(g.view(), 4, 4);
    REQUIRE(!refused);
    CHECK_THAT(refused.error().text(),
               ContainsSubstring("kernel larger than the padded map") && ContainsSubstring("stem"));
}

TEST_CASE("schedules", "[train]") {
    const step_decay paper;
    for (const int e : {0, 4, 9, 10, 19, 20, 29})
        CHECK(paper.rate(e, 30) == Catch::Approx(0.5 * std::pow(0.1, e / 10) * std::min(1.0, (e + 1) / 10.0)));
    CHECK(paper.rate(4.7, 30) == paper.rate(4, 30));
    CHECK(paper.rate(2, 3) == Catch::Approx(0.005));
    CHECK(step_decay{.warm_up = false}.rate(0, 30) == 0.5);
    CHECK(step_decay{}.rate(0, 1) == 0.5);
    const warmup_cosine cosine{.peak = 0.2, .warm_up = 0.5};
    CHECK(cosine.rate(0, 2) == 0);
    CHECK(cosine.rate(1, 2) == Catch::Approx(0.2));
    CHECK(cosine.rate(2, 2) == Catch::Approx(0).margin(1e-12));
    const one_cycle cycle{.peak = 1, .rise = 0.3};
    CHECK(cycle.rate(0, 10) == Catch::Approx(0.04));
    CHECK(cycle.rate(3, 10) == Catch::Approx(1));
    CHECK(any_schedule(cycle).rate(5, 10) == cycle.rate(5, 10));
}

TEST_CASE("recipes are named and described", "[train]") {
    const auto quick = recipe_named("quick");
    REQUIRE(quick);
    CHECK(quick->describe() == quick_recipe().describe());
    CHECK(recipe_named("mini")->describe() == mini_recipe().describe());
    CHECK(mini_recipe().describe() != published_code_recipe().describe());
    const auto unknown = recipe_named("fast");
    REQUIRE(!unknown);
    CHECK_THAT(unknown.error().text(), ContainsSubstring("fast") && ContainsSubstring("mini, full, quick"));
}

TEST_CASE("files are replaced whole", "[train]") {
    const test::temporary_directory dir;
    const std::string text = "new";
    const std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span<const char>(text)),
                                                         std::as_bytes(std::span<const char>(text))};
    write_file(dir / "file", "old and longer");
    REQUIRE(write_atomically(dir / "file", pieces));
    CHECK(std::filesystem::file_size(dir / "file") == 6);
    const auto refused = write_atomically(dir / "nowhere" / "file", pieces);
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::io);
    CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);  // no temporary file left
}

TEST_CASE("pickles: values", "[train]") {
    using namespace std::string_literals;
    const auto d = unpickle(
        "\x80\x02}q\x00(X\x01\x00\x00\x00"
        "aK\x05X\x01\x00\x00\x00"
        "b(J\xff\xff\xff\xffM\x00\x01\x8a\x01\xfet\x88\x89Nu."s);
    REQUIRE(!d);  // odd number of items
    const auto e = unpickle(
        "\x80\x02}q\x00(X\x01\x00\x00\x00"
        "aK\x05X\x01\x00\x00\x00"
        "b(J\xff\xff\xff\xffM\x00\x01\x8a\x01\xfetu."s);
    REQUIRE(e);
    const auto& items = (*e)[e->root].items;
    REQUIRE(items.size() == 4);
    CHECK((*e)[items[0]].text == "a");
    CHECK((*e)[items[1]].integer == 5);
    const auto& tuple = (*e)[items[3]].items;
    REQUIRE(tuple.size() == 3);
    CHECK((*e)[tuple[0]].integer == -1);
    CHECK((*e)[tuple[1]].integer == 256);
    CHECK((*e)[tuple[2]].integer == -2);
}

TEST_CASE("pickles: hostile input is refused with the place", "[train]") {
    using namespace std::string_literals;
    const auto error_of = [](const std::string& bytes) {
        const auto d = unpickle(bytes);
        REQUIRE(!d);
        CHECK(d.error().code == errc::bad_input);
        return d.error().text();
    };
    CHECK_THAT(error_of("\x80\x02"
                        "cos\nsystem\n(X\x02\x00\x00\x00lstR."s),
               ContainsSubstring("os.system") && ContainsSubstring("byte 2"));
    CHECK_THAT(error_of("\x80\x04\x8c\x08"
                        "builtins\x8c\x04"
                        "eval\x93."s),
               ContainsSubstring("builtins.eval"));
    CHECK_THAT(error_of(""), ContainsSubstring("ends too early"));
    CHECK_THAT(error_of("\x80\x02X\xff\xff\xff\xff"s), ContainsSubstring("ends too early"));
    CHECK_THAT(error_of("\x80\x02R."s), ContainsSubstring("stack is empty"));
    CHECK_THAT(error_of("\x80\x02t."s), ContainsSubstring("no mark"));
    CHECK_THAT(error_of("\x80\x02h\x07."s), ContainsSubstring("unknown memo"));
    CHECK_THAT(error_of("\x80\x02q\x07."s), ContainsSubstring("stack is empty"));
    CHECK_THAT(error_of("\x80\x02NN."s), ContainsSubstring("more or less than one"));
    CHECK_THAT(error_of("\x80\x02."s), ContainsSubstring("more or less than one"));
    CHECK_THAT(error_of("\x80\x02N)R."s), ContainsSubstring("no function"));
    CHECK_THAT(error_of("\x80\x02)Q."s), ContainsSubstring("persistent id"));
    CHECK_THAT(error_of("\x80\x02]K\x01s."s), ContainsSubstring("pickle: "));
    CHECK_THAT(error_of("\x80\x02"
                        "cnumpy\ndtype\n)R."s),
               ContainsSubstring("numpy.dtype") && ContainsSubstring("state dict"));
    CHECK_THAT(error_of("\x80\x02"
                        "ctorch._utils\n_rebuild_tensor_v2\n)RNbNb."s),
               ContainsSubstring("state is given twice"));
    CHECK_THAT(error_of("\x80\x02}}b}b"s), ContainsSubstring("pickle: "));
    CHECK_THAT(error_of("\x80\x02i."s), ContainsSubstring("opcode is not allowed") && ContainsSubstring("0x69"));
    CHECK_THAT(error_of("\x80\x09N."s), ContainsSubstring("protocol"));
    CHECK_THAT(error_of("\x80\x02\x8a\x10"s + std::string(16, '\x01') + "."), ContainsSubstring("integer too long"));
    CHECK_THAT(error_of("\x80\x02" + std::string(2'000'000, 'N') + "."), ContainsSubstring("too many values"));
    // A list that holds itself is a value like others: nothing recurses into it.
    CHECK(unpickle("\x80\x02]q\x00h\x00"
                   "a."s)
              .has_value());
    // Every prefix of a sound pickle is refused.
    const std::string sound =
        "\x80\x02}q\x00(X\x01\x00\x00\x00"
        "aK\x05u."s;
    REQUIRE(unpickle(sound));
    for (std::size_t n = 0; n < sound.size(); ++n) CHECK(!unpickle(sound.substr(0, n)));
}

TEST_CASE("safetensors headers: round trip and hostile input", "[train]") {
    const safetensors::header h{{{"a", "F32", {2, 3}, 0, 24}, {"b", "I64", {}, 24, 32}}, {{"key", "value"}}};
    const std::string text = safetensors::write_header(h);
    CHECK(text.size() % 8 == 0);
    const auto back = safetensors::parse_header(text, 32, "file");
    REQUIRE(back);
    CHECK(back->metadata == h.metadata);
    REQUIRE(back->tensors.size() == 2);
    CHECK(back->tensors[1].name == "b");
    CHECK(back->tensors[0].shape == std::vector<std::int64_t>{2, 3});

    const auto error_of = [](const std::string& json, std::uint64_t bytes) {
        const auto r = safetensors::parse_header(json, bytes, "file");
        REQUIRE(!r);
        CHECK(r.error().code == errc::bad_input);
        return r.error().text();
    };
    const auto one = [](const std::string& name, const std::string& type, const std::string& shape,
                        const std::string& at) {
        return "\"" + name + R"(":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + at + "}";
    };
    CHECK_THAT(error_of("{", 0), ContainsSubstring("no JSON object"));
    CHECK_THAT(error_of("[]", 0), ContainsSubstring("no JSON object"));
    CHECK_THAT(error_of("{" + one("a", "F32", "[2]", "[0,8]") + "}", 4), ContainsSubstring("truncated"));
    CHECK_THAT(error_of("{" + one("a", "F32", "[2]", "[0,8]") + "}", 12), ContainsSubstring("left over"));
    CHECK_THAT(error_of("{" + one("a", "F32", "[2]", "[0,8]") + "," + one("b", "F32", "[2]", "[4,12]") + "}", 12),
               ContainsSubstring("overlap"));
    CHECK_THAT(error_of("{" + one("a", "F32", "[2]", "[0,8]") + "," + one("b", "F32", "[2]", "[12,20]") + "}", 20),
               ContainsSubstring("gap"));
    CHECK_THAT(error_of("{" + one("a", "F32", "[2]", "[0,9]") + "}", 9), ContainsSubstring("offsets 0..9 for 8 bytes"));
    CHECK_THAT(error_of("{" + one("a", "F32", "[2]", "[8,0]") + "}", 8), ContainsSubstring("offsets"));
    CHECK_THAT(error_of("{" + one("a", "F32", "[-2]", "[0,8]") + "}", 8), ContainsSubstring("impossible shape"));
    CHECK_THAT(error_of("{" + one("a", "F32", "[281474976710656,281474976710656]", "[0,8]") + "}", 8),
               ContainsSubstring("impossible shape"));
    CHECK_THAT(error_of("{" + one("a", "F8", "[2]", "[0,2]") + "}", 2), ContainsSubstring("unknown dtype"));
    CHECK_THAT(error_of("{" + one("a", "F32", "[2]", "[0,8]") + "," + one("a", "F32", "[2]", "[0,8]") + "}", 8),
               ContainsSubstring("twice"));
    CHECK_THAT(error_of(R"({"__metadata__":{"a":1}})", 0), ContainsSubstring("metadata"));
    CHECK_THAT(error_of(R"({"a":5})", 0), ContainsSubstring("no object"));
    CHECK_THAT(error_of(std::string(100'000, '[') + std::string(100'000, ']'), 0), ContainsSubstring("no JSON object"));
}
