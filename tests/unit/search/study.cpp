// SPDX-License-Identifier: MIT
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <fmt/ranges.h>

#include <llmnas/search/executor.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/network_header.hpp>
#include <llmnas/search/results.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "unit/search/scripted_search.hpp"

using namespace llmnas;
using test::scripted_search;
using space = table1_se;
using study_type = study<space, paper_objectives>;

namespace {

const json_value config{{"space", "table1_se"}, {"seed", 5}};

struct run_result {
    std::vector<trial<space>> trials;
    search_outcome outcome;
    std::string notice;
    std::string error;
};

run_result run(const std::filesystem::path& dir, std::int32_t trials, const json_value& trainer = json_value::object(),
               std::span<const network_of<space>> included = {}, std::function<bool()> interrupted = {}) {
    gate<space> judge{problem{}};
    auto s = study_type::open(dir, config, judge);
    if (!s) return {{}, {}, "", s.error().text()};
    in_process<scripted_search> here(trainer);
    search_observer observer;
    search_loop<scripted_search, in_process<scripted_search>> loop(*s, judge, here, observer,
                                                                   {.trials = trials,
                                                                    .fidelity = {.epochs = 3},
                                                                    .seed = 5,
                                                                    .checkpoints = dir / "checkpoints",
                                                                    .interrupted = std::move(interrupted)});
    evolution_proposer<space> evolution({.population = 6, .tournament = 3});
    auto outcome = loop.run(evolution, included);
    run_result r{{s->trials().begin(), s->trials().end()}, {}, s->notice(), ""};
    if (outcome)
        r.outcome = *outcome;
    else
        r.error = outcome.error().text();
    return r;
}

std::string content(const std::filesystem::path& p) {
    std::ifstream in(p, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct two_objectives {
    static constexpr auto types = boost::hana::tuple_t<accuracy_objective, sram_objective>;
};

// What must not depend on interruptions: networks, seeds, results.
std::vector<std::string> essence(const std::vector<trial<space>>& trials) {
    std::vector<std::string> all;
    for (const auto& t : trials)
        all.push_back(fmt::format("{} {} {:016x} {} {} {}", t.number, t.proposer, t.candidate.hash, t.seed,
                                  name_of(t.state), fmt::join(t.values, " ")));
    return all;
}

}  // namespace

TEST_CASE("study: a search fills a journal that gives the same trials back", "[study]") {
    const test::temporary_directory dir;
    const auto first = run(dir.path(), 12);
    REQUIRE(first.error.empty());
    REQUIRE(first.trials.size() == 12);
    CHECK(first.outcome.finished == 12);
    CHECK_FALSE(first.outcome.front.empty());
    const auto again = run(dir.path(), 12);
    CHECK(essence(again.trials) == essence(first.trials));
    CHECK(again.outcome.front == first.outcome.front);
    CHECK(again.outcome.best == first.outcome.best);
    CHECK(again.trials[3].training == first.trials[3].training);
    CHECK_FALSE(std::filesystem::exists(dir / "journal.log.lock"));
    CHECK(std::filesystem::is_empty(dir / "checkpoints"));
}

TEST_CASE("study: cut at any byte, it continues to the same result", "[study]") {
    const test::temporary_directory whole;
    const auto reference = run(whole.path(), 8);
    REQUIRE(reference.error.empty());
    const std::string journal = content(whole / "journal.log");
    splitmix64 rng{1};
    for (int i = 0; i < 60; ++i) {
        const test::temporary_directory dir;
        const auto length = static_cast<std::size_t>(rng.below(journal.size()));
        std::ofstream(dir / "journal.log", std::ios::binary) << journal.substr(0, length);
        const auto r = run(dir.path(), 8);
        INFO("cut at byte " << length << ": " << r.error);
        REQUIRE(essence(r.trials) == essence(reference.trials));
        REQUIRE(r.outcome.front == reference.outcome.front);
        if (length > 0 && journal[length - 1] != '\n') CHECK(r.notice.find("torn record") != std::string::npos);
    }
}

TEST_CASE("study: an interrupted trial continues from its checkpoint", "[study]") {
    const test::temporary_directory whole, dir;
    const auto reference = run(whole.path(), 5);
    int asked = 0;
    const auto stopped = run(dir.path(), 5, json_value::object(), {}, [&] { return ++asked > 9; });
    CHECK(stopped.error == "search: stopped by the user");
    REQUIRE_FALSE(stopped.trials.empty());
    REQUIRE(stopped.trials.back().state == trial_state::running);
    CHECK(std::filesystem::exists(dir / ("checkpoints/trial_" + std::to_string(stopped.trials.size() - 1) + ".ckpt")));
    CHECK(essence(run(dir.path(), 5).trials) == essence(reference.trials));
}

TEST_CASE("study: another configuration or objectives are refused with the first difference", "[study]") {
    const test::temporary_directory dir;
    REQUIRE(run(dir.path(), 1).error.empty());
    gate<space> judge{problem{}};
    const auto other = study_type::open(dir.path(), {{"space", "table1_se"}, {"seed", 6}}, judge);
    REQUIRE_FALSE(other);
    CHECK_THAT(other.error().text(), Catch::Matchers::ContainsSubstring(
                                         "seed: the study was made with another configuration (got 5, wanted 6)"));
    const auto objectives = study<space, two_objectives>::open(dir.path(), config, judge);
    REQUIRE_FALSE(objectives);
    CHECK_THAT(objectives.error().text(), Catch::Matchers::ContainsSubstring("other objectives"));
}

TEST_CASE("study: broken lines, foreign files and directories that cannot be written are errors", "[study]") {
    gate<space> judge{problem{}};
    const test::temporary_directory dir;
    REQUIRE(run(dir.path(), 2).error.empty());
    std::string journal = content(dir / "journal.log");
    journal.insert(journal.find('\n') + 1, "not json\n");
    std::ofstream(dir / "journal.log", std::ios::binary) << journal;
    const auto broken = study_type::open(dir.path(), config, judge);
    REQUIRE_FALSE(broken);
    CHECK_THAT(broken.error().text(),
               Catch::Matchers::ContainsSubstring("journal.log, line 2: line is not a JSON object (got not json)"));

    std::ofstream(dir / "journal.log", std::ios::binary) << "{\"hello\":1}\n";
    const auto foreign = study_type::open(dir.path(), config, judge);
    REQUIRE_FALSE(foreign);
    CHECK_THAT(foreign.error().text(), Catch::Matchers::ContainsSubstring("not a record of an Optuna journal"));

    std::ofstream(dir / "file") << "";
    const auto no_dir = study_type::open(dir / "file", config, judge);
    REQUIRE_FALSE(no_dir);
    CHECK(no_dir.error().code == errc::io);
}

TEST_CASE("study: other studies in the same file are left alone", "[study]") {
    const test::temporary_directory dir;
    std::ofstream(dir / "journal.log")
        << R"({"op_code": 0, "worker_id": "w", "study_name": "other", "directions": [1]})"
        << "\n"
        << R"({"op_code": 4, "worker_id": "w", "study_id": 0, "datetime_start": "2026-01-01T00:00:00.000000"})"
        << "\n";
    const auto r = run(dir.path(), 4);
    REQUIRE(r.error.empty());
    CHECK(r.trials.size() == 4);
    CHECK(r.trials[0].number == 0);
    CHECK(run(dir.path(), 6).trials.size() == 6);
}

TEST_CASE("study: failed trainings are failed trials, and too many in a row end the search", "[study]") {
    const test::temporary_directory dir;
    const auto r = run(dir.path(), 12, {{"script", "fail"}});
    CHECK_THAT(r.error, Catch::Matchers::ContainsSubstring("5 trainings in a row failed"));
    REQUIRE(r.trials.size() == 5);
    for (const auto& t : r.trials) {
        CHECK(t.state == trial_state::failed);
        CHECK(t.failure == "epoch 1: loss is not a number");
        CHECK(t.values.empty());
    }
    const auto later = run(dir.path(), 8);
    CHECK(later.outcome.finished == 3);
    CHECK(later.outcome.failed == 5);
}

TEST_CASE("study: a result that is not a number is a failed trial, and the study opens again", "[study]") {
    const test::temporary_directory dir;
    const auto r = run(dir.path(), 2, {{"script", "nan"}});
    REQUIRE(r.trials.size() == 2);
    CHECK(r.trials[0].state == trial_state::failed);
    CHECK_THAT(r.trials[0].failure, Catch::Matchers::ContainsSubstring("not a number"));
    CHECK(run(dir.path(), 3).error.empty());
}

TEST_CASE("study: two workers do not make the same trial, and one of them takes over", "[study]") {
    const test::temporary_directory dir;
    gate<space> judge_a{problem{}}, judge_b{problem{}};
    auto a = study_type::open(dir.path(), config, judge_a);
    REQUIRE(a);
    const auto c = judge_a.judge(zoo::lmanet_elite);
    std::optional<std::int32_t> abandoned;
    {
        auto b = study_type::open(dir.path(), config, judge_b);
        REQUIRE(b);
        const auto first = a->start(*c, {"a"}, {}, 1, 10);
        REQUIRE(first);
        CHECK(*first == 0);
        const auto again = b->start(*c, {"b"}, {}, 1, 10);
        REQUIRE(again);
        CHECK_FALSE(*again);
        CHECK(b->trials().size() == 1);
        CHECK(b->abandoned().empty());
        const auto other = b->start(*judge_b.measure_costs(zoo::lmanet_core), {"b"}, {}, 1, 2);
        REQUIRE(other);
        abandoned = *other;
        CHECK(abandoned == 1);
        auto third = zoo::lmanet_core;
        third.stages[0].activation = activation_kind::swish;
        CHECK_FALSE(*b->start(*judge_b.measure_costs(third), {"b"}, {}, 1, 2));
    }
    // b is gone; its trial is taken over once.
    REQUIRE(a->refresh());
    CHECK(a->abandoned() == std::vector<std::int32_t>{1});
    gate<space> judge_d{problem{}};
    auto d = study_type::open(dir.path(), config, judge_d);
    REQUIRE(d);
    CHECK(*a->take_over(1));
    CHECK_FALSE(*d->take_over(1));
}

TEST_CASE("study: trials of another program keep their numbers, a deleted study is refused", "[study]") {
    const test::temporary_directory dir;
    REQUIRE(run(dir.path(), 2).error.empty());
    std::ofstream(dir / "journal.log", std::ios::app)
        << R"({"op_code": 4, "worker_id": "w", "study_id": 0, "datetime_start": "2026-01-01T00:00:00.000000"})"
        << "\n";
    const auto r = run(dir.path(), 4);
    REQUIRE(r.trials.size() == 4);
    CHECK(r.trials[2].failure == "made by another program");
    CHECK(r.trials[3].number == 3);
    CHECK(r.outcome.finished == 3);
    std::ofstream(dir / "journal.log", std::ios::app) << R"({"op_code": 1, "worker_id": "w", "study_id": 0})"
                                                      << "\n";
    CHECK_THAT(run(dir.path(), 4).error, Catch::Matchers::ContainsSubstring("the study was deleted"));
}

TEST_CASE("study: a checkpoint that lies there from elsewhere is not continued", "[study]") {
    const test::temporary_directory dir, clean;
    std::filesystem::create_directories(dir / "checkpoints");
    std::ofstream(dir / "checkpoints/trial_0.ckpt") << 2;
    std::ofstream(dir / "checkpoints/trial_0.ckpt.123.tmp") << "half";
    const auto r = run(dir.path(), 1);
    CHECK(essence(r.trials) == essence(run(clean.path(), 1).trials));
    CHECK(std::filesystem::is_empty(dir / "checkpoints"));
}

TEST_CASE("study: included networks come first and never enter the front over a limit", "[study]") {
    const test::temporary_directory dir;
    std::vector<network_of<space>> included{zoo::lmanet_core, zoo::lmanet_elite, zoo::lmanet_core};
    included[0].stages[0].output_channels = 160;  // over the SRAM limit, and outside the space by its expansion of 2
    included[2] = included[1];
    const auto r = run(dir.path(), 3, json_value::object(), included);
    REQUIRE(r.error.empty());
    REQUIRE(r.trials.size() == 3);
    CHECK(r.trials[0].proposer == "included");
    CHECK_FALSE(r.trials[0].candidate.feasible);
    CHECK(r.trials[1].candidate.network == zoo::lmanet_elite);
    CHECK(r.trials[2].proposer == "random");
    CHECK(std::find(r.outcome.front.begin(), r.outcome.front.end(), 0) == r.outcome.front.end());
    const auto again = run(dir.path(), 4, json_value::object(), included);
    CHECK(again.trials.size() == 4);
    CHECK(again.trials[0].candidate.network == included[0]);
}

TEST_CASE("study: a proposer that fails all the time hands over to evolution, and rejections are counted", "[study]") {
    struct stubborn {
        static std::string_view name() { return "stubborn"; }
        tl::expected<proposal<space>, rejection> ask(const search_context<space>& context, splitmix64&) {
            if (context.trials.empty()) CHECK(context.rejections.size() < 20);
            CHECK(context.rejected.size() == context.rejections.size());
            if (!context.rejected.empty()) CHECK(context.rejected.back()->stages[2].kernel_size == 9);
            CHECK(context.objectives.size() == 3);
            CHECK(context.memory.name == layerwise::name);
            auto net = zoo::lmanet_elite;
            net.stages[2].kernel_size = 9;
            return proposal<space>{net, "stubborn"};
        }
        static void tell(const trial<space>&) {}
    };
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), config, judge);
    REQUIRE(s);
    in_process<scripted_search> here;
    struct listener : search_observer {
        std::vector<std::string> said;
        void message(std::string_view text) { said.emplace_back(text); }
    } observer;
    search_loop<scripted_search, in_process<scripted_search>, listener> loop(*s, judge, here, observer,
                                                                             {.trials = 3, .fidelity = {.epochs = 1}});
    stubborn p;
    REQUIRE(loop.run(p));
    CHECK(s->trials().size() == 3);
    CHECK(s->rejections()[static_cast<std::size_t>(rejection_kind::out_of_space)] == 60);
    REQUIRE(observer.said.size() == 3);
    CHECK(observer.said[0] == "20 proposals of stubborn in a row were refused: evolution proposes this one");
}

TEST_CASE("results: JSON and CSV hold every trial, costs as integers", "[study]") {
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    REQUIRE(run(dir.path(), 6).error.empty());
    auto s = study_type::open(dir.path(), config, judge);
    REQUIRE(s);
    const auto outcome = outcome_of<paper_objectives, space>(s->trials());
    const auto j = results_json(*s, outcome, s->trials());
    CHECK(j["trials"].size() == 6);
    CHECK(j["trials"][2]["macs"].get<std::uint64_t>() == s->trials()[2].candidate.cost.mac_count.value);
    CHECK(j["front"].get<std::vector<std::int32_t>>() == outcome.front);
    const auto net = network_from_json<space>(j["trials"][4]["network"]);
    REQUIRE(net);
    CHECK(*net == s->trials()[4].candidate.network);
    const std::string csv = results_csv(outcome, s->trials());
    CHECK(std::count(csv.begin(), csv.end(), '\n') == 7);
}
