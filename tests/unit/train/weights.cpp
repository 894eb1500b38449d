// SPDX-License-Identifier: MIT
// The module that a graph becomes, and the ways weights come in and go out.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <caffe2/serialize/inline_container.h>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/terms.hpp>
#include <llmnas/train/blas_check.hpp>
#include <llmnas/train/cifar.hpp>
#include <llmnas/train/evaluate.hpp>
#include <llmnas/train/network_module.hpp>
#include <llmnas/train/pth.hpp>
#include <llmnas/train/resolution.hpp>
#include <llmnas/train/safetensors.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include <llmnas/zoo/mlperf_tiny.hpp>
#include <llmnas/zoo/xinet.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas;
using namespace std::string_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

// Every operator kind, asymmetric padding, groups, every activation, a linear layer on more than one pixel.
struct everything {
    shape input{4, 12, 10};
    constexpr void lower(graph_builder& g) const {
        tensor x = g.conv(g.input(), role::stem,
                          {.out_channels = 8,
                           .kernel_h = 3,
                           .kernel_w = 5,
                           .stride_h = 2,
                           .pad = {0, 1, 1, 3},
                           .groups = 2,
                           .batch_norm = true,
                           .activation = activation_kind::relu});
        g.begin_block(0, 0);
        const tensor a = g.pointwise(x, role::expand, 8, activation_kind::leaky_relu);
        const tensor b = g.avg_pool(x, {.kernel_h = 3, .kernel_w = 3, .pad = {0, 2, 1, 1}});
        const tensor c = g.max_pool(x, {.kernel_h = 3, .kernel_w = 3, .pad = {2, 0, 1, 1}});
        x = g.concat({a, b, c});
        x = g.squeeze_excite(g.depthwise(x, 5, 1, activation_kind::swish), 3);
        x = g.add(x, g.pointwise(x, role::skip_proj, 24, activation_kind::relu6), activation_kind::relu);
        g.begin_block(0, 1);
        x = g.conv(x, role::main, {.out_channels = 5, .bias = true, .activation = activation_kind::sigmoid});
        g.end_blocks();
        g.linear(g.global_avg_pool(x), 7);
    }
};

// One operator, for comparison with numbers known by hand.
struct pooled {
    shape input{1, 4, 4};
    bool maximum = false;
    constexpr void lower(graph_builder& g) const {
        const conv_attributes a{.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad = {0, 1, 0, 1}};
        if (maximum)
            g.max_pool(g.input(), a);
        else
            g.avg_pool(g.input(), a);
    }
};

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
void write_pth(const std::filesystem::path& path, const std::string& pickle,
               const std::vector<float>& data = {0, 1, 2, 3, 4, 5}) {
    caffe2::serialize::PyTorchStreamWriter zip(path.string());
    zip.writeRecord("data.pkl", pickle.data(), pickle.size());
    zip.writeRecord("data/0", data.data(), data.size() * sizeof(float));
    zip.writeEndOfFile();
}

std::string error_of(const result<state_dict>& r) {
    REQUIRE(!r);
    CHECK(r.error().code == errc::bad_input);
    return r.error().text();
}

}  // namespace

TEST_CASE("a module of every operator kind", "[train]") {
    at::set_num_threads(1);
    const dynamic_graph g{everything{}};
    REQUIRE(!g.error());
    network_module net(g.view(), 5, {.dropout = 0.5});

    std::set<std::string> names;
    for (const auto& t : state_of(net).entries) names.insert(t.name);
    const auto expected = state_names_of(g.view());
    CHECK(names == std::set<std::string>(expected.begin(), expected.end()));

    net.eval();
    const at::Tensor x = at::ones({2, 4, 12, 10});
    const at::Tensor y = net.forward(x);
    CHECK(y.sizes() == at::IntArrayRef{2, 7});
    CHECK(at::isfinite(y).all().item<bool>());
    CHECK(net.forward(at::ones({1, 4, 21, 9})).sizes() == at::IntArrayRef{1, 7});  // another size

    net.train();
    const at::Tensor trained = net.forward(x);
    trained.sum().backward();
    for (const auto& p : net.named_parameters()) {
        INFO(p.key());
        CHECK(p.value().grad().defined());
    }
    CHECK(net.named_buffers()["stem.1.num_batches_tracked"].item<std::int64_t>() == 1);

    // The layout changes nothing but rounding.
    net.eval();
    net.use_channels_last();
    const at::Tensor z = net.forward(x.contiguous(at::MemoryFormat::ChannelsLast));
    network_module again(g.view(), 5);
    REQUIRE(load_into(again, state_of(net)));
    again.eval();
    CHECK(at::allclose(z, again.forward(x), 1e-4, 1e-5));
}

TEST_CASE("modules of the zoo's other block types: XiNet with its broadcast tensor, resnet8", "[train]") {
    at::set_num_threads(1);
    const auto check = [](const dynamic_graph& g, std::int64_t classes) {
        REQUIRE(!g.error());
        network_module net(g.view(), 3);
        std::uint64_t trainable = 0;
        for (const at::Tensor& p : net.parameters()) trainable += static_cast<std::uint64_t>(p.numel());
        CHECK(params{trainable} == total<parameter_count>(g.view()));
        const shape in = g.view().input;
        const at::Tensor y = net.forward(at::ones({2, in.channels, in.height, in.width}));
        CHECK(y.sizes() == at::IntArrayRef{2, classes});
        CHECK(at::isfinite(y).all().item<bool>());
        y.sum().backward();
        for (const at::Tensor& p : net.parameters()) CHECK(p.grad().defined());
    };
    check(dynamic_graph(zoo::xinet<5>({.alpha = {1, 2}, .resolution = 64, .classes = 10})), 10);
    check(dynamic_graph(zoo::resnet8), 10);
    // Halving with rounding down commutes with the windows of the broadcast tensor: every size runs.
    CHECK(shapes_at(dynamic_graph(zoo::xinet_l5).view(), 101, 75)->back() == shape{100, 1, 1});
}

TEST_CASE("padding does not count in pooled means and never wins a maximum", "[train]") {
    const dynamic_graph average{pooled{}};
    const dynamic_graph maximum{pooled{.maximum = true}};
    network_module avg(average.view());
    network_module max(maximum.view());
    const at::Tensor x = at::arange(16, at::kFloat).reshape({1, 1, 4, 4}) - 20;
    CHECK(at::allclose(avg.forward(x), at::tensor({-15.0F, -13.5F, -9.0F, -7.5F}).unsqueeze(0)));
    CHECK(at::equal(max.forward(x), at::tensor({-10.0F, -9.0F, -6.0F, -5.0F}).unsqueeze(0)));
}

TEST_CASE("initialisation follows the recipe and the seed", "[train]") {
    const dynamic_graph g(zoo::lmanet_elite);
    network_module a(g.view(), 1);
    network_module b(g.view(), 1);
    network_module c(g.view(), 2);
    const auto pa = a.named_parameters();
    for (const auto& p : pa) CHECK(at::equal(p.value(), b.named_parameters()[p.key()]));
    const at::Tensor w = pa["layers.4.layers.1.conv.0.weight"];  // 384 x 128 x 1 x 1
    CHECK(!at::equal(w, c.named_parameters()["layers.4.layers.1.conv.0.weight"]));
    CHECK(w.std().item<double>() == Catch::Approx(std::sqrt(2.0 / static_cast<double>(w.size(0)))).epsilon(0.02));
    CHECK(pa["classifier.weight"].std().item<double>() == Catch::Approx(0.01).epsilon(0.05));
    CHECK(pa["classifier.bias"].abs().sum().item<double>() == 0);
}

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
        for (const auto& t : weights->entries) keys.insert(t.name);
        const auto names = state_names_of(g.view());
        CHECK(keys == std::set<std::string>(names.begin(), names.end()));

        network_module net(g.view());
        const auto loaded = load_into(net, *weights, file);
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

TEST_CASE("top-1 of the published weights on the first 2,000 test images", "[.long][train]") {
    const auto path = test::data_file("reference_nets/LMaNet_elite.pth");
    const auto cifar100 = cifar::find(cifar100_binary, test::data_dir());
    if (!path || !cifar100) LLMNAS_SKIP("no reference_nets or CIFAR-100 in $LLMNAS_DATA_DIR");
    const auto images = cifar100->load_test();
    REQUIRE(images);
    use_threads(0);
    const dynamic_graph g(zoo::lmanet_elite);
    network_module net(g.view());
    REQUIRE(load_into(net, *read_pth(*path)));
    net.use_channels_last();
    std::vector<std::size_t> first(2000);
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = i;
    const evaluation e = evaluate(net, select(images->for_final_report(), first, "first 2,000"), {.resolution = 160});
    std::printf("LMaNet-Elite, first 2,000 test images: top-1 %.2f %%, top-5 %.2f %%\n", 100 * e.top1, 100 * e.top5);
    CHECK(e.top1 == Catch::Approx(0.739).margin(0.003));
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
        write_pth(path, pickled("w", t), data);
        return read_pth(path);
    };
    const auto sound = read({});
    REQUIRE(sound);
    REQUIRE(sound->find("w") != nullptr);
    CHECK(at::equal(*sound->find("w"), at::arange(6, at::kFloat).reshape({2, 3})));
    CHECK(at::equal(*read({.sizes = {2}, .strides = {2}, .offset = 1})->find("w"), at::tensor({1.0F, 3.0F})));

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

    write_pth(path,
              "\x80\x02"
              "cposix\nsystem\n(X\x02\x00\x00\x00idtR."s);
    CHECK_THAT(error_of(read_pth(path)), ContainsSubstring("posix.system"));
    write_pth(path, "\x80\x02]."s);
    CHECK_THAT(error_of(read_pth(path)), ContainsSubstring("no dict"));

    write_pth(path, pickled("w", {}));
    std::string bytes(static_cast<std::size_t>(std::filesystem::file_size(path)), '\0');
    std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    for (const std::size_t n : {std::size_t{0}, std::size_t{10}, bytes.size() / 2, bytes.size() - 1}) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes.substr(0, n);
        CHECK_THAT(error_of(read_pth(path)), ContainsSubstring("no readable PyTorch file"));
    }
    CHECK(read_pth(dir / "missing.pth").error().code == errc::unavailable);
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
