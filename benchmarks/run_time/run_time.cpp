// SPDX-License-Identifier: MIT
// How many networks a second are checked on one core: from the architecture struct and from JSON text, LMaNet-Elite at
// 160 x 160. Names are "<group>/<what>"; run.py makes a table of them.
//
//     benchmark_run_time_program [--json=FILE] [--iterations=N] [--print] [options of Google Benchmark]
//
// FILE: the published JSON of the network, else it is written here. N: exactly so many iterations, for tools that count
// instructions. --print: the JSON alone.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <boost/hana/for_each.hpp>
#include <boost/hana/tuple.hpp>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/cost/terms.hpp>
#include <llmnas/json/architecture_json.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/lmanet.hpp>

namespace {

using namespace llmnas;
using space = table1_se;
namespace hana = boost::hana;

/// The same value, of which the compiler knows nothing.
template <class T>
[[nodiscard]] const T& unknown(const T& value) {
    const T* address = &value;
    asm volatile("" : "+r"(address) : : "memory");  // DoNotOptimize() of 1.7 may change the pointer (g++ 12)
    return *address;
}

std::int64_t iterations = 0;  // 0: as many as the time asks for

/// Runs `check` once per iteration and reports checks a second.
template <class Check>
void add(const std::string& name, Check check) {
    auto* const added = benchmark::RegisterBenchmark(name.c_str(), [check](benchmark::State& state) {
        for (auto _ : state) {
            auto found = check();
            benchmark::DoNotOptimize(found);
        }
        state.SetItemsProcessed(state.iterations());
    });
    if (iterations > 0) added->Iterations(iterations);
}

/// MACs, parameters, flash and the peaks of some memory models, from the architecture struct. The storage is kept from
/// one check to the next, as a search does.
template <class... Models>
[[nodiscard]] std::uint64_t full_check(const network_of<space>& net) {
    static dynamic_graph graph;
    graph.lower(net);
    if (graph.error()) return 0;
    const auto c = evaluate_under<Models...>(graph.view());
    std::uint64_t sum = c.mac_count.value + c.parameters.value + c.flash.value;
    for (const memory_peak& p : c.sram) sum += p.size.value;
    return sum;
}

void add_struct_checks() {
    static const network_of<space> elite = zoo::lmanet_elite;
    static const dynamic_graph lowered(elite);
    static const graph_view graph = lowered.view();
    add("part/lowering", [] {
        static dynamic_graph reused;
        reused.lower(unknown(elite));
        benchmark::ClobberMemory();
        return reused.view().ops.data();
    });
    add("part/lowering into new storage", [] { return dynamic_graph(unknown(elite)); });
    add("part/MACs + parameters + flash", [] {
        const graph_view g = unknown(graph);
        return total<mac_count>(g).value + total<parameter_count>(g).value + total<int8_flash>(g).value;
    });
    // A lowering must write its operators at least.
    add("part/copying the operators of a lowered network", [] {
        static std::vector<op> copy(graph.ops.size());
        const graph_view g = unknown(graph);
        std::copy(g.ops.begin(), g.ops.end(), copy.begin());
        benchmark::ClobberMemory();
        return copy.data();
    });
    hana::for_each(memory_models, [](auto model) {
        using Model = typename decltype(model)::type;
        add("model/" + std::string(Model::name), [] { return Model{}.peak(unknown(graph)); });
        add("check/" + std::string(Model::name), [] { return full_check<Model>(unknown(elite)); });
    });
    add("check/models a, c, d, e",
        [] { return full_check<layerwise, in_place_depthwise, overlaid, fused_blocks>(unknown(elite)); });
    add("check/models a, b, c, d, e",
        [] { return full_check<layerwise, arena, in_place_depthwise, overlaid, fused_blocks>(unknown(elite)); });
}

/// Takes every event and keeps nothing: what lexing and parsing cost.
struct nothing_reader {
    std::size_t events = 0;
    void value(const detail::json_scalar&) { ++events; }
    void key(std::string_view) { ++events; }
    bool begin_object() { return true; }
    bool begin_array() { return true; }
    void end() {}
};

void add_text_checks(const std::string& form, std::string given) {
    static std::vector<std::string> texts;
    texts.reserve(8);
    texts.push_back(std::move(given));
    const std::string_view text = texts.back();
    const std::string suffix = " (" + form + ", " + std::to_string(text.size()) + " bytes)";
    add("text/read, validated and checked, model a" + suffix, [text] {
        const auto net = network_from_text<space>(unknown(text));
        return net ? full_check<layerwise>(*net) : 0;
    });
    add("text/read and validated" + suffix, [text] { return network_from_text<space>(unknown(text)); });
    add("text/nlohmann's SAX, nothing read" + suffix, [text] {
        nothing_reader reader;
        static_cast<void>(detail::read_json_text(unknown(text), reader));
        return reader.events;
    });
    add("text/nlohmann's DOM, nothing read" + suffix, [text] { return nlohmann::ordered_json::parse(unknown(text)); });
    add("text/nlohmann's DOM, read and validated" + suffix,
        [text] { return network_from_json<space>(nlohmann::ordered_json::parse(unknown(text))); });
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    std::string published = to_json<space>(zoo::lmanet_elite).dump(4);
    std::string form = "indented";
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option.starts_with("--json=")) {
            std::ifstream in(std::string(option.substr(7)), std::ios::binary);
            published.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
            form = "as published";
        } else if (option.starts_with("--iterations=")) {
            iterations = std::atoll(argv[i] + 13);
        } else if (option == "--print") {
            std::puts(published.c_str());
            return 0;
        } else {
            std::fprintf(stderr, "benchmark_run_time_program: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    const auto net = network_from_text<space>(published);
    if (!net || full_check<layerwise>(*net) != full_check<layerwise>(zoo::lmanet_elite)) {
        std::fprintf(stderr, "benchmark_run_time_program: %s\n",
                     net ? "the file is not LMaNet-Elite" : net.error().text().c_str());
        return 2;
    }
    add_struct_checks();
    add_text_checks(form, published);
    add_text_checks("on one line", to_json<space>(zoo::lmanet_elite).dump());
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
