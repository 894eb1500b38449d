// SPDX-License-Identifier: MIT
#include <llmnas/search/halving.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include <llmnas/core/graph_hash.hpp>
#include <llmnas/search/executor.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/results.hpp>
#include <llmnas/search/study_curve.hpp>
#include <llmnas/search/study_reader.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas;
using space = table1_se;
using study_type = study<space, paper_objectives>;

namespace {

constexpr direction accuracy_and_cost[] = {direction::maximize, direction::minimize};

/// A run that a trainer was asked for: network and resolution, and the epochs that it trained.
using training_log = std::map<std::pair<std::uint64_t, std::int32_t>, std::vector<std::int32_t>>;
training_log trained_epochs;

/// Its networks get better with each epoch; its checkpoints are real files.
struct ladder_trainer {
    static result<training_metrics> train(const graph_view& net, const fidelity& f, std::uint64_t seed,
                                          const std::filesystem::path& checkpoint, const epoch_callback& on_epoch) {
        const std::uint64_t hash = graph_hash(net);
        std::int32_t done = 0;
        if (!checkpoint.empty()) std::ifstream(checkpoint) >> done;
        training_metrics m;
        for (std::int32_t e = 1; e <= f.epochs; ++e) {
            const double best = static_cast<double>(splitmix64{hash ^ seed}() % 1000) / 1000;
            const double noise = static_cast<double>(splitmix64{hash + static_cast<std::uint64_t>(e)}() % 100) / 1000;
            m = {.accuracy = best * (1 - 1.0 / (e + 1)) + noise / e, .epochs = e};
            if (e > done) {
                trained_epochs[{hash, f.resolution}].push_back(e);
                if (!checkpoint.empty()) std::ofstream(checkpoint) << e;
            }
            if (on_epoch &&
                on_epoch({.epoch = e, .epochs = f.epochs, .accuracy = m.accuracy}) == training_control::stop)
                break;
        }
        return m;
    }
};

struct ladder_search {
    using space = table1_se;
    using memory_model = layerwise;
    using objectives = paper_objectives;
    static result<ladder_trainer> make_trainer(const json_value&) { return ladder_trainer{}; }
};

const fidelity full{.epochs = 9};
const halving_options by_epochs = default_rungs(full, 3);

std::vector<trial<space>> run(const std::filesystem::path& dir, std::int32_t trials,
                              const halving_options& halving = by_epochs, std::function<bool()> interrupted = {},
                              std::span<const network_of<space>> included = {}) {
    gate<space> judge{problem{}};
    auto s = study_type::open(dir, {{"seed", 5}}, judge);
    REQUIRE(s);
    in_process<ladder_search> here;
    search_observer observer;
    search_loop<ladder_search, in_process<ladder_search>> loop(*s, judge, here, observer,
                                                               {.trials = trials,
                                                                .fidelity = full,
                                                                .halving = halving,
                                                                .seed = 5,
                                                                .checkpoints = dir / "checkpoints",
                                                                .interrupted = std::move(interrupted)});
    evolution_proposer<space> evolution({.population = 6, .tournament = 3});
    const auto outcome = loop.run(evolution, included);
    if (!outcome) CHECK(outcome.error().code == errc::interrupted);
    return {s->trials().begin(), s->trials().end()};
}

std::vector<std::string> essence(const std::vector<trial<space>>& trials) {
    std::vector<std::string> all;
    for (const auto& t : trials)
        all.push_back(fmt::format("{} {:016x} {} {} {} {} {}", t.proposer, t.candidate.hash, t.seed, name_of(t.state),
                                  to_json(*t.rung).dump(), t.training.epochs, fmt::join(t.values, " ")));
    return all;
}

std::vector<std::int32_t> rung_counts(const std::vector<trial<space>>& trials) {
    std::vector<std::int32_t> counts(3);
    for (const auto& t : trials) ++counts[static_cast<std::size_t>(t.rung->number)];
    return counts;
}

trial<space> on_rung(std::int32_t number, std::int32_t rung, std::vector<double> values,
                     std::optional<std::int32_t> from = {}) {
    trial<space> t;
    t.number = number;
    t.rung = rung_position{rung, 3, 1, from};
    t.state = rung == 2 ? trial_state::complete : trial_state::pruned;
    t.values = std::move(values);
    return t;
}

}  // namespace

TEST_CASE("rungs: what is left out is that of the full fidelity; rungs of one kind share a schedule", "[halving]") {
    const fidelity f{.resolution = 160, .images = 0, .epochs = 30, .batch = 64};
    const auto o = make_rungs(f, {{2, 64, 4000}, {5, 64, 4000}, {10}}, 3);
    REQUIRE(o);
    CHECK(o->rungs == std::vector<rung>{{{64, 4000, 5, 64}, 2}, {{64, 4000, 5, 64}, 5}, {f, 10}, {f, 30}});
    CHECK_FALSE(o->continues(0));
    CHECK(o->continues(1));
    CHECK_FALSE(o->continues(2));
    CHECK(o->continues(3));
    CHECK_FALSE(o->continues(4));
    CHECK(default_rungs(f, 3).rungs == std::vector<rung>{{f, 3}, {f, 10}, {f, 30}});
    CHECK(default_rungs({.epochs = 2}, 3).rungs.size() == 1);
    const auto wrong = make_rungs(f, {{10}, {10}}, 3);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().text() == "rung 1: a rung that is no less than the next (got 10 epochs, wanted less than 10)");
}

TEST_CASE("promotion_order: rank, then hypervolume contribution, by hand", "[halving]") {
    // Scaled to the front's extent, both to be minimised: (0.5, 1/3), (0, 1), (1, 0); reference (1.1, 1.1).
    const std::vector<double> front{0.5, 100, 0.6, 200, 0.4, 50};
    const auto alone = hypervolume_contributions(front, accuracy_and_cost);
    REQUIRE(alone);
    CHECK((*alone)[0] == Catch::Approx(0.5 * (1 - 1.0 / 3)));
    CHECK((*alone)[1] == Catch::Approx(0.5 * 0.1));
    CHECK((*alone)[2] == Catch::Approx(0.1 / 3));
    // Behind the front: two that do not dominate each other and stand alike, then what all dominate.
    std::vector<double> points{0.2, 300, 0.45, 120, 0.3, 60};
    points.insert(points.end(), front.begin(), front.end());
    CHECK(promotion_order(points, accuracy_and_cost, 6).value() == std::vector<std::size_t>{3, 4, 5, 1, 2, 0});
    CHECK(promotion_order(points, accuracy_and_cost, 2).value() == std::vector<std::size_t>{3, 4});
    CHECK(hypervolume_contributions(std::vector<double>{1, 1, 1, 1}, accuracy_and_cost).value() ==
          std::vector<double>{0, 0});
    CHECK(promotion_order({}, accuracy_and_cost, 3).value().empty());
}

TEST_CASE("next_promotion: the best third of each rung, highest rung first, each once", "[halving]") {
    const auto next = [](const std::vector<trial<space>>& trials) {
        return next_promotion<space>(trials, by_epochs, accuracy_and_cost);
    };
    std::vector<trial<space>> trials{on_rung(0, 0, {0.4, 50}), on_rung(1, 0, {0.5, 100})};
    CHECK_FALSE(next(trials));
    trials.push_back(on_rung(2, 0, {0.6, 200}));
    CHECK(next(trials) == 1);  // the middle one dominates most alone
    trials.push_back(on_rung(3, 1, {0.7, 100}, 1));
    CHECK_FALSE(next(trials));
    // Six, two places: trial 1 has climbed, the end of the front with more behind it is next.
    for (const std::int32_t n : {4, 5, 6}) trials.push_back(on_rung(n, 0, {0.1, 300.0 + n}));
    CHECK(next(trials) == 2);
    trials.push_back(on_rung(7, 1, {0.8, 200}, 2));
    CHECK_FALSE(next(trials));
    // Those that failed, are open, or break a limit take no place.
    for (const std::int32_t n : {8, 9, 10}) trials.push_back(on_rung(n, 0, {0.9, 10}));
    trials[8].state = trial_state::failed;
    trials[9].state = trial_state::running;
    trials[10].candidate.feasible = false;
    CHECK_FALSE(next(trials));
    // A third one on rung 1: it goes before those below.
    trials.push_back(on_rung(11, 1, {0.5, 150}, 0));
    for (const std::int32_t n : {12, 13, 14}) trials.push_back(on_rung(n, 0, {0.95, 5}));
    CHECK(next(trials) == 3);
    trials.push_back(on_rung(15, 2, {0.9, 100}, 3));
    CHECK(next(trials) == 12);
}

TEST_CASE("halving: counts of rungs follow the reduction factor, and no network trains an epoch twice", "[halving]") {
    const test::temporary_directory dir;
    trained_epochs.clear();
    const auto trials = run(dir.path(), 80);
    REQUIRE(trials.size() == 80);
    const auto counts = rung_counts(trials);
    INFO(fmt::format("{}", fmt::join(counts, ", ")));
    // At least a third each, but for the one that the budget cut off; more where the best third changed on the way.
    CHECK(counts[1] >= counts[0] / 3 - 1);
    CHECK(counts[1] <= counts[0] / 2);
    CHECK(counts[2] >= counts[1] / 3 - 1);
    CHECK(counts[2] <= counts[1] / 2 + 1);
    std::map<std::pair<std::uint64_t, std::int32_t>, int> on_rungs;
    std::int64_t epochs = 0;
    for (const auto& t : trials) {
        CHECK(++on_rungs[{t.candidate.hash, t.rung->number}] == 1);
        CHECK(t.training.epochs == by_epochs.rungs[static_cast<std::size_t>(t.rung->number)].epochs);
        CHECK(t.state == (t.rung->is_top() ? trial_state::complete : trial_state::pruned));
        CHECK(t.history.search == "evolution with MO-ASHA");
        if (!t.rung->promoted_from) continue;
        const auto& below = trials[static_cast<std::size_t>(*t.rung->promoted_from)];
        CHECK(below.candidate.hash == t.candidate.hash);
        CHECK(below.seed == t.seed);
        CHECK(below.rung->number + 1 == t.rung->number);
    }
    for (const auto& [network, log] : trained_epochs) {
        std::vector<std::int32_t> expected(log.size());
        std::iota(expected.begin(), expected.end(), 1);
        CHECK(log == expected);
        epochs += static_cast<std::int64_t>(log.size());
    }
    gate<space> judge{problem{}};
    const auto s = read_study<space, paper_objectives>(dir.path(), judge).value();
    const auto curve = curve_of(s, std::vector<double>{0, 350e6, 2e6}).value();
    CHECK(curve.back().epochs == epochs);
    CHECK(curve.back().hypervolume > 0);
    const auto outcome = outcome_of<paper_objectives, space>(s.trials());
    CHECK(outcome.finished == counts[2]);
    for (const std::int32_t n : outcome.front) CHECK(trials[static_cast<std::size_t>(n)].rung->is_top());
    CHECK(spending_of<space>(s.trials(), s.rejections()).proposals == static_cast<std::uint64_t>(counts[0]));
}

TEST_CASE("halving: cut at any byte, it continues to the same result", "[halving]") {
    const test::temporary_directory whole;
    const auto reference = essence(run(whole.path(), 24));
    std::ifstream in(whole / "journal.log", std::ios::binary);
    const std::string journal{std::istreambuf_iterator<char>(in), {}};
    splitmix64 rng{3};
    for (int i = 0; i < 8; ++i) {
        const test::temporary_directory dir;
        const auto length = static_cast<std::size_t>(rng.below(journal.size()));
        std::ofstream(dir / "journal.log", std::ios::binary) << journal.substr(0, length);
        INFO("cut at byte " << length);
        REQUIRE(essence(run(dir.path(), 24)) == reference);
    }
}

TEST_CASE("halving: an interrupted search goes on from its checkpoints, on every rung", "[halving]") {
    const test::temporary_directory whole, dir;
    const auto reference = essence(run(whole.path(), 24));
    trained_epochs.clear();
    std::vector<trial<space>> trials;
    for (int stop = 7; trials.size() < 24; stop += 5) {
        int asked = 0;
        trials = run(dir.path(), 24, by_epochs, [&] { return ++asked > stop; });
    }
    CHECK(essence(run(dir.path(), 24)) == reference);
    for (const auto& [network, log] : trained_epochs)
        CHECK(std::set<std::int32_t>(log.begin(), log.end()).size() == log.size());
}

TEST_CASE("halving: a rung of another resolution starts anew; included networks have the full fidelity", "[halving]") {
    const test::temporary_directory dir;
    trained_epochs.clear();
    const auto halving = make_rungs(full, {{2, 32}, {3}}, 2).value();
    const std::vector<network_of<space>> included{zoo::lmanet_elite};
    const auto trials = run(dir.path(), 20, halving, {}, included);
    CHECK(trials[0].proposer == "included");
    CHECK(trials[0].rung == rung_position{2, 3, 9});
    CHECK(trials[0].state == trial_state::complete);
    bool climbed = false;
    for (const auto& t : trials) {
        if (!t.rung->promoted_from || t.rung->number != 2) continue;
        climbed = true;
        CHECK(trained_epochs[{t.candidate.hash, 32}] == std::vector<std::int32_t>{1, 2});
        CHECK(trained_epochs[{t.candidate.hash, full.resolution}].size() == 9);
    }
    CHECK(climbed);
}

TEST_CASE("halving: a network is promoted once, whoever asks", "[halving]") {
    const test::temporary_directory dir;
    gate<space> judge_a{problem{}}, judge_b{problem{}};
    auto a = study_type::open(dir.path(), {{"seed", 5}}, judge_a).value();
    auto b = study_type::open(dir.path(), {{"seed", 5}}, judge_b).value();
    proposal_record first{"a"};
    first.rung = by_epochs.position(0);
    REQUIRE(a.start(judge_a.judge(zoo::lmanet_elite).value(), first, full, 5, 10).value() == 0);
    REQUIRE(a.finish(0, {.accuracy = 0.5, .epochs = 1}));
    REQUIRE(b.refresh());
    CHECK(a.promote(0, by_epochs, 1).value() == std::nullopt);  // the budget has no trial left
    CHECK(a.promote(0, by_epochs, 10).value() == 1);
    CHECK(b.promote(0, by_epochs, 10).value() == std::nullopt);
    CHECK(b.trials().size() == 2);
    CHECK(judge_b.find(zoo::lmanet_elite, b.trials()[1].candidate.hash) == 0);
}
