// SPDX-License-Identifier: MIT
// The ways weights come in and go out.
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <caffe2/serialize/inline_container.h>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/train/batches.hpp>
#include <llmnas/train/blas_check.hpp>
#include <llmnas/train/cifar.hpp>
#include <llmnas/train/network_module.hpp>
#include <llmnas/train/pth.hpp>
#include <llmnas/train/pth_writer.hpp>
#include <llmnas/train/safetensors.hpp>
#include <llmnas/train/weights_file.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas;
using namespace std::string_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

struct two_layers {
    shape input{3, 8, 8};
    constexpr void lower(graph_builder& g) const {
        g.linear(g.global_avg_pool(g.conv(
                     g.input(), role::stem,
                     {.out_channels = 4, .kernel_h = 3, .kernel_w = 3, .pad = half_padding(3), .batch_norm = true})),
                 2);
    }
};

// --- a pickle as torch.save writes it ---
std::string text(const std::string& s) { return "X" + std::string{static_cast<char>(s.size()), 0, 0, 0} + s; }
std::string integer(std::uint32_t v) {
    std::string s = "J0000";
    std::memcpy(s.data() + 1, &v, 4);
    return s;
}
std::string tuple(const std::vector<std::uint32_t>& v) {
    std::string s = "(";
    for (const auto i : v) s += integer(i);
    return s + "t";
}
struct tensor_spec {
    std::vector<std::uint32_t> sizes{2, 3};
    std::vector<std::uint32_t> strides{3, 1};
    std::uint32_t offset = 0;
    std::uint32_t numel = 6;
    std::string type = "FloatStorage";
    std::string key = "0";
};
std::string pickled(const std::string& name, const tensor_spec& t) {
    return "\x80\x02"s + "ccollections\nOrderedDict\n)R(" + text(name) + "ctorch._utils\n_rebuild_tensor_v2\n((" +
           text("storage") + "ctorch\n" + t.type + "\n" + text(t.key) + text("cuda:0") + integer(t.numel) + "tQ" +
           integer(t.offset) + tuple(t.sizes) + tuple(t.strides) + "\x89" + "ccollections\nOrderedDict\n)RtRu.";
}
void write_pickle(const std::filesystem::path& path, const std::string& pickle,
                  const std::vector<float>& data = {0, 1, 2, 3, 4, 5}, const char* metadata = nullptr) {
    caffe2::serialize::PyTorchStreamWriter zip(path.string());
    zip.writeRecord("data.pkl", pickle.data(), pickle.size());
    zip.writeRecord("data/0", data.data(), data.size() * sizeof(float));
    if (metadata != nullptr) zip.writeRecord(pth_metadata_record, metadata, std::strlen(metadata));
    zip.writeEndOfFile();
}

template <class T>
std::string error_of(const result<T>& r) {
    REQUIRE(!r);
    CHECK(r.error().code == errc::bad_input);
    return r.error().text();
}

template <class T>
errc error_code_of(const result<T>& r) {
    REQUIRE(!r);
    return r.error().code;
}

}  // namespace

TEST_CASE("published weights load by name, logits are finite and repeatable", "[train]") {
    const auto image_file = test::data_file("cifar100/test.bin");
    at::set_num_threads(1);
    for (const char* file : {"reference_nets/LMaNet_elite.pth", "reference_nets/vit_LMaNet_elite.pth",
                             "reference_nets/LMaNet-Core.pth", "reference_nets/vit_LMaNet-Core.pth"}) {
        const auto path = test::data_file(file);
        if (!path) LLMNAS_SKIP("no reference_nets in $LLMNAS_DATA_DIR");
        const auto weights = read_pth(*path);
        REQUIRE(weights);
        const dynamic_graph g = std::string(file).find("elite") != std::string::npos ? dynamic_graph(zoo::lmanet_elite)
                                                                                     : dynamic_graph(zoo::lmanet_core);
        std::set<std::string> keys;
        for (const auto& t : weights->tensors.entries) keys.insert(t.name);
        const auto names = state_names_of(g.view());
        CHECK(keys == std::set<std::string>(names.begin(), names.end()));

        network_module net(g.view());
        const auto loaded = load_into(net, weights->tensors, file);
        REQUIRE(loaded);
        if (!image_file) LLMNAS_SKIP("no CIFAR-100 test set in $LLMNAS_DATA_DIR");
        net.eval();
        const c10::NoGradGuard guard;
        const auto images = cifar(cifar100_binary, image_file->parent_path()).load_test();
        REQUIRE(images);
        std::vector<std::size_t> first(16);
        for (std::size_t i = 0; i < first.size(); ++i) first[i] = i;
        const batch b = make_batch(images->for_final_report(), first, {.resolution = 160, .channels_last = false});
        const at::Tensor logits = net.forward(b.images);
        CHECK(logits.sizes() == at::IntArrayRef{16, 100});
        CHECK(at::isfinite(logits).all().item<bool>());
        CHECK(at::equal(logits, net.forward(b.images)));
        CHECK(logits.argmax(1).eq(b.labels).sum().item<std::int64_t>() >= 8);  // 73-75 % of all images
    }
}

TEST_CASE("loading is all or nothing", "[train]") {
    const dynamic_graph g{two_layers{}};
    network_module net(g.view(), 1);
    network_module other(g.view(), 2);
    const at::Tensor before = net.named_parameters()["stem.0.weight"].clone();
    const auto unchanged = [&] { return at::equal(before, net.named_parameters()["stem.0.weight"]); };
    const auto copy = [&] {
        state_dict d = state_of(other);
        for (auto& t : d.entries) t.value = t.value.detach().clone();
        return d;
    };
    const auto refusal = [&](const state_dict& d) {
        const auto r = load_into(net, d);
        REQUIRE(!r);
        CHECK(unchanged());
        return r.error().text();
    };
    state_dict d = copy();
    d.entries[0].name = "stranger";
    CHECK_THAT(refusal(d), ContainsSubstring("1 missing, first stem.0.weight") &&
                               ContainsSubstring("1 unexpected, first stranger"));
    d = copy();
    d.entries[0].value = at::zeros({4, 3, 3});
    CHECK_THAT(refusal(d),
               ContainsSubstring("stem.0.weight") && ContainsSubstring("got [4, 3, 3], wanted [4, 3, 3, 3]"));
    d = copy();
    d.entries.back().name = d.entries[0].name;
    CHECK_THAT(refusal(d), ContainsSubstring("twice"));
    d = copy();
    d.entries[1].value[0] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THAT(refusal(d), ContainsSubstring("not finite"));
    REQUIRE(load_into(net, copy()));
    CHECK(!unchanged());
}

TEST_CASE(".pth files: round trip and hostile input", "[train]") {
    const test::temporary_directory dir;
    const auto path = dir / "weights.pth";
    const auto read = [&](const tensor_spec& t, const std::vector<float>& data = {0, 1, 2, 3, 4, 5}) {
        write_pickle(path, pickled("w", t), data);
        return read_pth(path);
    };
    const auto sound = read({});
    REQUIRE(sound);
    REQUIRE(sound->tensors.find("w") != nullptr);
    CHECK(at::equal(*sound->tensors.find("w"), at::arange(6, at::kFloat).reshape({2, 3})));
    CHECK(at::equal(*read({.sizes = {2}, .strides = {2}, .offset = 1})->tensors.find("w"), at::tensor({1.0F, 3.0F})));

    CHECK_THAT(error_of(read({.sizes = {2, 4}, .strides = {4, 1}})), ContainsSubstring("outside of its storage"));
    CHECK_THAT(error_of(read({.offset = 1})), ContainsSubstring("outside of its storage"));
    CHECK_THAT(error_of(read({.sizes = {0x7fffffff, 0x7fffffff, 0x7fffffff}, .strides = {0, 0, 0}})),
               ContainsSubstring("outside of its storage"));
    CHECK_THAT(error_of(read({.sizes = {2, 3}, .strides = {0x7fffffff, 0x7fffffff}})), ContainsSubstring("outside"));
    CHECK_THAT(error_of(read({.sizes = {0xffffffffU, 3}})), ContainsSubstring("malformed tensor w"));  // -1
    CHECK_THAT(error_of(read({.sizes = {6}})), ContainsSubstring("malformed tensor w"));
    CHECK_THAT(error_of(read({.numel = 0x7fffffff})), ContainsSubstring("larger than the file"));
    CHECK_THAT(error_of(read({.numel = 5, .type = "FloatStorage"})), ContainsSubstring("another size"));
    CHECK_THAT(error_of(read({.type = "DoubleStorage"})), ContainsSubstring("another size"));
    CHECK_THAT(error_of(read({.key = "1"})), ContainsSubstring("missing in the file"));
    CHECK_THAT(error_of(read({.type = "QInt8Storage"})), ContainsSubstring("torch.QInt8Storage"));

    write_pickle(path,
                 "\x80\x02"
                 "cposix\nsystem\n(X\x02\x00\x00\x00idtR."s);
    CHECK_THAT(error_of(read_pth(path)), ContainsSubstring("posix.system"));
    write_pickle(path, "\x80\x02]."s);
    CHECK_THAT(error_of(read_pth(path)), ContainsSubstring("no dict"));

    write_pickle(path, pickled("w", {}));
    std::string bytes(static_cast<std::size_t>(std::filesystem::file_size(path)), '\0');
    std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    for (const std::size_t n : {std::size_t{0}, std::size_t{10}, bytes.size() / 2, bytes.size() - 1}) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes.substr(0, n);
        CHECK_THAT(error_of(read_pth(path)), ContainsSubstring("no readable PyTorch file"));
    }
    CHECK(read_pth(dir / "missing.pth").error().code == errc::unavailable);
}

TEST_CASE("weights come out as .pth and safetensors with their metadata, and go in again by either name", "[train]") {
    const test::temporary_directory dir;
    const dynamic_graph g{two_layers{}};
    network_module net(g.view(), 1);
    net.use_channels_last();
    state_dict d = state_of(net);
    d.entries.push_back({"none", at::zeros({0, 4}, at::kDouble)});
    d.entries.push_back({"half", at::ones({5}, at::kHalf)});
    const std::map<std::string, std::string> metadata{{"architecture", "{\"a\": 1}"}, {"umlaut", "\xc3\xa4\n"}};
    REQUIRE(write_pth(dir / "a.safetensors", d, metadata));
    REQUIRE(write_safetensors(dir / "b.pth", d, metadata));
    for (const char* file : {"a.safetensors", "b.pth"}) {
        INFO(file);
        const auto back = read_weights(dir / file);
        REQUIRE(back);
        CHECK(back->metadata == metadata);
        REQUIRE(back->tensors.entries.size() == d.entries.size());
        for (std::size_t i = 0; i < d.entries.size(); ++i) {
            const named_tensor& t = back->tensors.entries[i];
            CHECK(t.name == d.entries[i].name);
            CHECK(t.value.scalar_type() == d.entries[i].value.scalar_type());
            CHECK(at::equal(t.value, d.entries[i].value));
        }
    }
    CHECK(error_code_of(read_weights(dir / "missing")) == errc::unavailable);
    std::ofstream(dir / "old.pth", std::ios::binary) << "\x80\x02\x8a\nl\xfc";
    CHECK_THAT(error_of(read_weights(dir / "old.pth")), ContainsSubstring("no readable PyTorch file"));

    CHECK(error_code_of(write_pth(dir / "complex.pth", {{{"c", at::zeros({1}, at::kComplexFloat)}}})) ==
          errc::bad_input);
    CHECK(error_code_of(write_pth(dir / "nowhere" / "a.pth", d)) == errc::io);
    for (const char* const record : {"[1]", "{\"a\": 1}", "{"}) {
        write_pickle(dir / "c.pth", pickled("w", {}), {0, 1, 2, 3, 4, 5}, record);
        CHECK_THAT(error_of(read_pth(dir / "c.pth")),
                   ContainsSubstring(std::strlen(record) > 3 ? "metadata is no text" : "no JSON object"));
    }
}

TEST_CASE("safetensors files: round trip and hostile input", "[train]") {
    const test::temporary_directory dir;
    const auto path = dir / "weights.safetensors";
    state_dict d{{{"f", at::randn({3, 2})},
                  {"i", at::tensor(std::vector<std::int64_t>{-1, 5})},
                  {"none", at::zeros({0, 4})},
                  {"half", at::ones({5}, at::kHalf)},
                  {"last", at::randn({1, 4, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast)}}};
    REQUIRE(write_safetensors(path, d, {{"k\"ey", "va\nlue"}}));
    const auto back = read_safetensors(path);
    REQUIRE(back);
    CHECK(back->metadata == std::map<std::string, std::string>{{"k\"ey", "va\nlue"}});
    REQUIRE(back->tensors.entries.size() == d.entries.size());
    for (const auto& t : d.entries) {
        INFO(t.name);
        REQUIRE(back->tensors.find(t.name) != nullptr);
        CHECK(at::equal(*back->tensors.find(t.name), t.value));
    }
    std::string bytes(static_cast<std::size_t>(std::filesystem::file_size(path)), '\0');
    std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    for (const std::size_t n : {std::size_t{0}, std::size_t{4}, std::size_t{20}, bytes.size() - 1}) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes.substr(0, n);
        const auto r = read_safetensors(path);
        REQUIRE(!r);
        CHECK(r.error().code == errc::bad_input);
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << std::string(8, '\xff') << "{}";
    CHECK_THAT(read_safetensors(path).error().text(), ContainsSubstring("length of the header"));
}

TEST_CASE("BLAS is named", "[train]") {
    const blas_library blas = blas_in_use();
    CHECK(blas_advice().empty() == !blas.reference);
    if (blas.path.find("openblas") != std::string::npos) CHECK_FALSE(blas.reference);
}
