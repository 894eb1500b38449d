// SPDX-License-Identifier: MIT
/// \file
/// `llmnas explain --study`: trials of a study on disk, explained after their measurement.
#include "run_explain.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

#include <string>
#include <vector>

#include <llmnas/cli/study_config.hpp>
#include <llmnas/cli/study_trial.hpp>
#include <llmnas/json/file.hpp>
#include <llmnas/search/study.hpp>
#include <llmnas/zoo/lmanet.hpp>

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;
using space = table1_se;
using test::explain;

namespace {

using study_type = study<space, paper_objectives, any_memory_model>;

cli::task some_task() {
    cli::task_options options;
    options.input = "3x128x128";
    options.classes = 10;
    options.sram = "300KiB";
    options.macs = "1M:350M";
    options.memory_model = "planned";
    return options.read().value();
}

/// A network of the space that keeps the limits of some_task().
network_of<space> design() {
    auto net = decode(space_point<space>{}, some_task().limits.input, 10);
    for (auto& s : net.stages) {
        s.conv_type = block_type::mbconv;
        s.use_se = false;
        s.stride = 2;
    }
    return net;
}

struct planned_trial {
    network_of<space> network;
    std::optional<double> accuracy;  ///< nothing: fails
    proposal_history history = {};
    std::int32_t epochs = 3;
};

/// Writes a study as a search would.
void write_study(const std::filesystem::path& dir, const std::vector<planned_trial>& trials) {
    const auto task = some_task();
    gate<space, any_memory_model> judge(task.limits, task.memory);
    auto s = study_type::open(dir, cli::study_config(task, 7, {}, json_value{{"recipe", "quick"}}), judge).value();
    for (const planned_trial& t : trials) {
        const auto c = judge.measure_costs(t.network).value();
        const auto number = s.start(c, {"llm", t.history}, {.epochs = t.epochs}, 7, 1000).value();
        REQUIRE(number);
        if (t.accuracy)
            REQUIRE(s.finish(*number, {.accuracy = *t.accuracy, .epochs = t.epochs}));
        else
            REQUIRE(s.fail_trial(*number, "out of memory"));
    }
}

template <class F>
network_of<space> with(F&& f) {
    auto net = design();
    f(net);
    return net;
}

/// Trial 0: the most accurate; 1 and 2 are one change away, 3 two; 4 has another fidelity, 5 failed.
void write_example(const std::filesystem::path& dir) {
    write_study(dir, {{design(), 0.5, {.explanation = "Stage 1 has a stride of 2. All stages use SE. It is elegant."}},
                      {with([](auto& n) { n.stages[1].kernel_size = 7; }), 0.4},
                      {with([](auto& n) {
                           n.stages[2].use_se = true, n.stages[2].se_ratio = ratio{1, 2};
                       }),
                       0.45,
                       {.repaired = "sram: stage 1 stride 1 -> 2", .explanation = "Stage 1 has a stride of 1."}},
                      {with([](auto& n) { n.stages[0].kernel_size = n.stages[3].kernel_size = 5; }), 0.48},
                      {with([](auto& n) { n.stages[4].kernel_size = 5; }), 0.6, {}, 30},
                      {with([](auto& n) { n.stages[3].kernel_size = 7; }), std::nullopt}});
}

}  // namespace

TEST_CASE("explain --study: the most accurate trial of the front, with the study's own problem", "[cli][explanation]") {
    const test::temporary_directory dir;
    write_example(dir.path());
    const auto t = cli::read_study_trial(dir.path().string(), {});
    REQUIRE(t);
    const explanation_report& r = t->report;
    CHECK_THAT(r.network, ContainsSubstring("trial 4 of "));
    CHECK(r.accuracy == 0.6);
    CHECK(r.notes[0] == "Trial 4, the most accurate one on the Pareto front, of 5 finished trials.");
    CHECK(t->explanation.empty());
    CHECK(r.evidence.facts.memory_model == "planned");
    const auto net = with([](auto& n) { n.stages[4].kernel_size = 5; });
    CHECK(r.evidence.facts.total == evaluate(dynamic_graph(net).view(), some_task().memory));
    REQUIRE(r.evidence.measured);
    CHECK(r.evidence.measured->empty());  // no other trial of its fidelity
    CHECK_THAT(to_markdown(r), ContainsSubstring("differs in one field of one stage alone"));
    CHECK(to_json(r)["measured_changes"].empty());
}

TEST_CASE("explain --study --trial: what was said, and what was measured beside it", "[cli][explanation]") {
    const test::temporary_directory dir;
    write_example(dir.path());
    auto t = cli::read_study_trial(dir.path().string(), 0);
    REQUIRE(t);
    CHECK(t->report.notes ==
          std::vector<std::string>{"Trial 0, on the Pareto front, of 5 finished trials.", "Proposed by llm."});
    const auto& measured = *t->report.evidence.measured;
    REQUIRE(measured.size() == 2);
    CHECK(measured[0].change.text() == "stage 3 use_se false -> true with se_ratio 0.5");
    CHECK(measured[1].change.text() == "stage 2 kernel_size 3 -> 7");
    t->report.author = t->proposer;
    t->report.written = explanation_time::at_proposal;
    t->report.statements = check_explanation(t->explanation, t->report.evidence.facts);
    const std::string text = to_markdown(t->report);
    CHECK_THAT(text,
               ContainsSubstring("Explanation by llm, written when it was proposed, before any measurement: 1 "
                                 "claims true, 1 false, 0 unclear; 1 sentences not checkable.") &&
                   ContainsSubstring("| 2 | stage 3 use_se false -> true with se_ratio 0.5 | 45.00 % | -5.00 |") &&
                   ContainsSubstring("| 1 | stage 2 kernel_size 3 -> 7 | 40.00 % | -10.00 |"));
    const json_value j = to_json(t->report);
    CHECK(j["explanation"]["written"] == "at_proposal");
    CHECK(j["measured_changes"][0]["trial"] == 2);
    CHECK(j["measured_changes"][0]["with"] == "se_ratio 0.5");
    CHECK(j["measured_changes"][0]["accuracy_difference"].get<double>() == Catch::Approx(-0.05));
    CHECK(j["measured_changes"][1]["after"]["macs"] == measured[1].after.mac_count.value);

    // A model that is asked now is told of them.
    const std::string question = explanation_messages(t->report.evidence, t->report.accuracy)[1].content;
    CHECK_THAT(question, ContainsSubstring("- stage 2 kernel_size 3 -> 7: accuracy 40.00 %"));

    const auto repaired = cli::read_study_trial(dir.path().string(), 2);
    REQUIRE(repaired);
    REQUIRE(repaired->report.notes.size() == 3);
    CHECK_THAT(repaired->report.notes[2],
               ContainsSubstring("repaired before its training: sram: stage 1 stride 1 -> 2"));
    CHECK(repaired->explanation == "Stage 1 has a stride of 1.");
}

TEST_CASE("explain --study: flags, and studies that it cannot explain", "[cli][explanation]") {
    const test::temporary_directory dir, empty, infeasible;
    write_example(dir.path());
    const std::string study = dir.path().string();
    const std::string journal = *read_text_file(dir / "journal.log");
    CHECK(explain({"--study", study}).value() == cli::success);
    CHECK(explain({"--study", study, "--trial", "0", "--json"}).value() == cli::success);
    CHECK(explain({"--study", study, "--text", "examples/explanations/lmanet_elite.txt"}).value() == cli::success);
    CHECK(*read_text_file(dir / "journal.log") == journal);
    CHECK(explain({}).error().text() == "explain: nothing to explain (wanted a network or --study DIR)");
    CHECK_THAT(explain({"--study", study, "--trial", "5"}).error().text(),
               ContainsSubstring("trial 5: the trial has no result (got failed: out of memory"));
    CHECK_THAT(explain({"--study", study, "--trial", "6"}).error().text(), ContainsSubstring("wanted 0 to 5"));
    CHECK_THAT(explain({"--study", study, "--sram", "100KiB"}).error().text(),
               ContainsSubstring("--sram: a study has a problem of its own"));
    CHECK(explain({"--study", (dir / "none").string()}).error().code == errc::bad_input);
    CHECK_THROWS_AS(explain({"lmanet_elite", "--study", study}), CLI::ParseError);
    CHECK_THROWS_AS(explain({"lmanet_elite", "--trial", "1"}), CLI::ParseError);
    CHECK_THROWS_AS(explain({"--study", study, "--accuracy", "0.5"}), CLI::ParseError);

    write_study(empty.path(), {});
    CHECK_THAT(explain({"--study", empty.path().string()}).error().text(), ContainsSubstring("no finished trial"));
    write_study(infeasible.path(), {{with([](auto& n) {
                                         for (auto& s : n.stages) s.stride = 1, s.output_channels = 160;
                                     }),
                                     0.3}});
    const auto over = cli::read_study_trial(infeasible.path().string(), {});
    REQUIRE(over);
    CHECK(over->report.notes[0] == "Trial 0, the most accurate one: none of 1 finished trials keeps the limits.");
    CHECK(over->report.notes[1] == "Proposed by llm; over a limit of the study.");
}

TEST_CASE("explain --study: the configuration is read as it was written", "[cli]") {
    const cli::task t = some_task();
    const json_value config = cli::study_config(t, 3, {}, json_value::object());
    const auto read = cli::task_of(config, "journal.log");
    REQUIRE(read);
    CHECK(read->limits == t.limits);
    CHECK(read->target.name == t.target.name);
    CHECK(read->memory.name == t.memory.name);
    const auto why = [&](const char* member, const json_value& value) {
        auto other = config;
        other[member] = value;
        return cli::task_of(other, "journal.log").error().text();
    };
    CHECK(why("space", "mine") ==
          "journal.log, space: a study of another program (got \"mine\", wanted \"table1_se\")");
    CHECK_THAT(why("objectives", {"accuracy"}), ContainsSubstring("journal.log, objectives"));
    CHECK_THAT(why("memory_model", "none"), ContainsSubstring("journal.log: unknown memory model"));
    CHECK_THAT(why("input", {3, 160}), ContainsSubstring("the study's configuration is not one of the program"));
    CHECK_THAT(why("classes", "ten"), ContainsSubstring("the study's configuration is not one of the program"));
}
