// SPDX-License-Identifier: MIT
// Search strategies at equal budget of training epochs, on a table of trained networks.
//   list DIR          the networks of the subspace as JSON files, for train.py
//   compare TABLE     random, evolution, NSGA-II and MO-ASHA on the table that train.py made; `synthetic` instead of a
//                     file takes accuracies from a formula, which tests this program and says nothing about strategies
// Without words: compare benchmarks/search_table/table.csv, the table that is committed.
// Options of compare: --seeds N (20), --trainings N (40; the budget in full trainings), --csv. Studies are journals in
// the folder of temporary files: TMPDIR=/dev/shm spares a disk the many syncs.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>

#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/file.hpp>
#include <llmnas/search/evolution_proposer.hpp>
#include <llmnas/search/executor.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/nsga2_proposer.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/search/study_comparison.hpp>
#include <llmnas/search/study_reader.hpp>

#include "subspace.hpp"

using namespace llmnas;

namespace {

/// Validation accuracy behind each epoch of each network, by graph_hash().
using accuracy_table = std::map<std::uint64_t, std::vector<double>>;

/// Lines `network,hash,epoch,top1` under a head; epochs of a network in order from 1.
result<accuracy_table> read_table(const std::string& path) {
    std::ifstream in(path);
    if (!in) return fail(errc::io, "cannot open the table", path, "", "what benchmarks/search_table/train.py makes");
    accuracy_table table;
    std::string line;
    std::getline(in, line);
    for (int number = 2; std::getline(in, line); ++number) {
        unsigned long long hash = 0;
        int network = 0, epoch = 0;
        double top1 = 0;
        if (std::sscanf(line.c_str(), "%d,%llx,%d,%lf", &network, &hash, &epoch, &top1) != 4 ||
            epoch != static_cast<int>(table[hash].size()) + 1 || !(top1 >= 0 && top1 <= 1))
            return fail(errc::bad_input, "not a line of the table", fmt::format("{}, line {}", path, number), line,
                        "network,hash,epoch,top1 with epochs in order");
        table[hash].push_back(top1);
    }
    std::size_t epochs = 0;
    for (const auto& c : feasible_networks()) {
        const auto found = table.find(c.hash);
        if (epochs == 0 && found != table.end()) epochs = found->second.size();
        if (found == table.end() || found->second.size() != epochs)
            return fail(errc::bad_input, "the table lacks epochs of a network", path, fmt::format("{:016x}", c.hash),
                        "equally many of every network");
    }
    return table;
}

/// Curves that rise to a level which grows with the costs, with noise of the network.
accuracy_table synthetic_table() {
    accuracy_table table;
    for (const auto& c : feasible_networks()) {
        const double cost = static_cast<double>(c.cost.mac_count.value) / 124e6;
        const double level = 0.3 + 0.2 * std::sqrt(cost) + 0.1 * splitmix64{c.hash}.uniform();
        const double slowness = 2 + 4 * splitmix64{c.hash + 1}.uniform();
        for (int e = 1; e <= 27; ++e) table[c.hash].push_back(level * (1 - std::exp(-e / slowness)));
    }
    return table;
}

accuracy_table the_table;

/// Answers from the table; a run that goes on from a rung below reports the epochs of that one again.
struct table_trainer {
    static result<training_metrics> train(const graph_view& net, const fidelity& f, std::uint64_t,
                                          const std::filesystem::path&, const epoch_callback& on_epoch) {
        const auto found = the_table.find(graph_hash(net));
        if (found == the_table.end()) return fail(errc::bad_input, "not a network of the table", "table");
        training_metrics m;
        for (std::int32_t e = 1; e <= f.epochs; ++e) {
            m.accuracy = found->second[static_cast<std::size_t>(e) - 1];
            m.epochs = e;
            if (on_epoch &&
                on_epoch({.epoch = e, .epochs = f.epochs, .accuracy = m.accuracy}) == training_control::stop)
                break;
        }
        return m;
    }
};

struct table_search {
    using space = table_space;
    using memory_model = layerwise;
    using objectives = paper_objectives;
    static result<table_trainer> make_trainer(const json_value&) { return table_trainer{}; }
};

/// One search, until its trials have trained the budget of epochs or the subspace is used up.
template <class P>
result<compared_study> run(P proposer, std::uint64_t seed, std::int64_t budget, const fidelity& full,
                           const std::optional<halving_options>& halving, const std::vector<double>& reference) {
    const auto dir = std::filesystem::temp_directory_path() / fmt::format("llmnas_search_table_{}", ::getpid());
    std::filesystem::remove_all(dir);
    gate<table_space> judge{problem{}};
    auto s = study<table_space, paper_objectives>::open(dir, {{"seed", seed}}, judge);
    if (!s) return tl::unexpected<error>(s.error());
    in_process<table_search> here;
    search_observer observer;
    const std::int64_t trials = halving ? budget / halving->rungs.front().epochs : budget / full.epochs;
    search_loop<table_search, in_process<table_search>> loop(
        *s, judge, here, observer,
        {.trials = static_cast<std::int32_t>(trials), .fidelity = full, .halving = halving, .seed = seed});
    const auto outcome = loop.run(proposer);
    if (!outcome && outcome.error().code != errc::out_of_space) return tl::unexpected<error>(outcome.error());
    gate<table_space> again{problem{}};
    const auto read = read_study<table_space, paper_objectives>(dir, again);
    if (!read) return tl::unexpected<error>(read.error());
    auto curve = curve_of(*read, reference);
    std::filesystem::remove_all(dir);
    if (!curve) return tl::unexpected<error>(curve.error());
    return compared_study{search_of<table_space>(read->trials()), *std::move(curve)};
}

/// Fewest epochs behind which the mean hypervolume of a search is at least `wanted`; 0: never.
std::int64_t epochs_to(const std::vector<comparison_entry>& entries, const std::string& search, double wanted) {
    for (const comparison_entry& e : entries)
        if (e.search == search && e.hypervolume.mean >= wanted) return e.budget;
    return 0;
}

int complain(const error& e) {
    fmt::print(stderr, "{}\n", e.text());
    return 1;
}

int list(const std::filesystem::path& dir) {
    std::filesystem::create_directories(dir);
    std::string index = "network,hash,macs,params,sram_bytes\n";
    int number = 0;
    for (const auto& c : feasible_networks()) {
        index += fmt::format("{},{:016x},{},{},{}\n", number, c.hash, c.cost.mac_count.value, c.cost.parameters.value,
                             c.cost.sram.size.value);
        const auto file = dir / fmt::format("{:03}.json", number++);
        if (auto w = write_text_file(file, to_json<table_space>(c.network).dump(1) + "\n"); !w)
            return complain(w.error());
    }
    if (auto w = write_text_file(dir / "networks.csv", index); !w) return complain(w.error());
    fmt::print("{} networks in {}\n", number, dir.string());
    return 0;
}

int compare_searches(std::uint64_t seeds, std::int64_t trainings, bool csv) {
    const fidelity full{.epochs = static_cast<std::int32_t>(the_table.begin()->second.size())};
    const std::int64_t budget = trainings * full.epochs;
    const auto halving = default_rungs(full, 3);
    // The corner of the worst costs in the table, at accuracy 0: every network adds to the front's volume.
    std::vector<double> reference{0, 0, 0}, everything;
    for (const auto& c : feasible_networks()) {
        reference[1] = std::max(reference[1], 1.01 * static_cast<double>(c.cost.mac_count.value));
        reference[2] = std::max(reference[2], 1.01 * static_cast<double>(c.cost.parameters.value));
        const auto values = objective_values<paper_objectives>(c.cost, {.accuracy = the_table[c.hash].back()});
        everything.insert(everything.end(), values.begin(), values.end());
    }
    const auto best = hypervolume(everything, reference, objective_directions<paper_objectives>);
    if (!best) return complain(best.error());

    std::vector<compared_study> studies;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const auto add = [&](auto proposer, const std::optional<halving_options>& rungs) {
            auto s = run(std::move(proposer), seed, budget, full, rungs, reference);
            if (!s) std::exit(complain(s.error()));
            studies.push_back(*std::move(s));
        };
        add(random_proposer<table_space>(), std::nullopt);
        add(evolution_proposer<table_space>(), std::nullopt);
        add(nsga2_proposer<table_space>(), std::nullopt);
        add(random_proposer<table_space>(), halving);
        add(nsga2_proposer<table_space>(), halving);
    }
    std::vector<std::int64_t> grid;
    for (std::int64_t e = halving.rungs.front().epochs; e <= budget; e += halving.rungs.front().epochs)
        grid.push_back(e);
    const auto curves = compare(studies, budget_unit::epochs, grid, 0.95);
    if (csv) {
        fmt::print("search,epochs,hypervolume,half_width\n");
        for (const comparison_entry& e : curves)
            fmt::print("{},{},{},{}\n", e.search, e.budget, e.hypervolume.mean / *best,
                       e.hypervolume.half_width.value_or(std::numeric_limits<double>::quiet_NaN()) / *best);
        return 0;
    }
    fmt::print(
        "Hypervolume in % of that of the whole table, up to accuracy 0, {:.0f} MACs, {:.0f} parameters; mean of {} "
        "seeds +- 95 % confidence interval (Student's t)\n\n",
        reference[1], reference[2], seeds);
    const auto columns = budgets_up_to(budget, 4);
    fmt::print("| search |");
    for (const std::int64_t e : columns) fmt::print(" {} epochs |", e);
    fmt::print(" epochs to evolution's last |\n|---|");
    for (std::size_t k = 0; k <= columns.size(); ++k) fmt::print("---|");
    const auto at_columns = compare(studies, budget_unit::epochs, columns, 0.95);
    double evolution = 0;
    for (const comparison_entry& e : at_columns)
        if (e.search == "evolution" && e.budget == columns.back()) evolution = e.hypervolume.mean;
    for (std::size_t i = 0; i < at_columns.size(); ++i) {
        const comparison_entry& e = at_columns[i];
        if (i % columns.size() == 0) fmt::print("\n| {} |", e.search);
        fmt::print(" {:.2f} +- {:.2f} |", 100 * e.hypervolume.mean / *best,
                   100 * e.hypervolume.half_width.value_or(0) / *best);
        if (i % columns.size() + 1 != columns.size()) continue;
        const std::int64_t reached = epochs_to(curves, e.search, evolution);
        fmt::print(" {} |", reached > 0 ? fmt::format("{}", reached) : "not reached");
    }
    fmt::print("\n");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    if (words.empty()) words = {"compare", "benchmarks/search_table/table.csv"};
    if (words.size() == 2 && words[0] == "list") return list(words[1]);
    if (words.size() < 2 || words[0] != "compare") {
        fmt::print(stderr, "usage: list DIR | compare TABLE|synthetic [--seeds N] [--trainings N] [--csv]\n");
        return 2;
    }
    const auto number = [&](std::string_view flag, long usual) {
        const auto at = std::find(words.begin(), words.end(), flag);
        return at == words.end() || at + 1 == words.end() ? usual : std::max(1L, std::atol((at + 1)->c_str()));
    };
    if (words[1] == "synthetic") {
        the_table = synthetic_table();
    } else {
        auto table = read_table(words[1]);
        if (!table) return complain(table.error());
        the_table = *std::move(table);
    }
    return compare_searches(static_cast<std::uint64_t>(number("--seeds", 20)), number("--trainings", 40),
                            std::find(words.begin(), words.end(), "--csv") != words.end());
}
