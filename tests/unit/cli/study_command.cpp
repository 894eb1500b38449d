// SPDX-License-Identifier: MIT
/// \file
/// `llmnas study`: its texts, of studies written as a search writes them.
#include <llmnas/cli/halving_flags.hpp>
#include <llmnas/cli/study_command.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <llmnas/json/file.hpp>
#include <llmnas/search/study.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;
using space = table1_se;

namespace {

using study_type = study<space, paper_objectives, any_memory_model>;

/// Three trials: 0 with the accuracy given, 1 dominated, 2 failed.
void write_study(const std::filesystem::path& dir, const std::string& search, std::uint64_t seed, double accuracy,
                 std::int32_t epochs = 2) {
    const auto task = cli::task_options{}.read().value();
    gate<space, any_memory_model> judge(task.limits, task.memory);
    auto s =
        study_type::open(dir, cli::study_config(task, seed, {.epochs = epochs}, {{"recipe", "quick"}}), judge).value();
    for (const activation_kind a : {activation_kind::relu6, activation_kind::swish, activation_kind::leaky_relu}) {
        auto net = zoo::lmanet_core;
        net.stages[0].activation = a;
        REQUIRE(s.start(judge.judge(net).value(), {"random", {.search = search}, {1, 2}}, {.epochs = epochs}, seed, 10)
                    .value());
    }
    REQUIRE(s.finish(0, {.accuracy = accuracy, .epochs = epochs, .seconds = 1800}));
    REQUIRE(s.finish(1, {.accuracy = accuracy / 2, .epochs = epochs, .seconds = 1800}));
    REQUIRE(s.fail_trial(2, "out of memory"));
}

cli::study_on_disk read(const std::filesystem::path& dir) { return cli::read_study_on_disk(dir.string()).value(); }

std::string line_of(const std::string& text, const std::string& start) {
    const auto at = text.find(start);
    return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
}

}  // namespace

TEST_CASE("study show and list: what a study holds", "[cli][study]") {
    const test::temporary_directory dir;
    write_study(dir / "a/one", "nsga2", 7, 0.5);
    const auto s = read(dir / "a/one");
    const auto text = cli::study_text(s, cli::default_reference(s.task.limits));
    REQUIRE(text);
    CHECK(line_of(*text, "search ") == "search       nsga2");
    CHECK(line_of(*text, "trials ") == "trials       3: 2 complete, 1 failed");
    CHECK_THAT(line_of(*text, "refused "), ContainsSubstring("9: 3 no_reply, 6 malformed"));
    CHECK(line_of(*text, "best ") == "best         50.00 %, trial 0 by random, on the front");
    CHECK(line_of(*text, "training ") == "training     1 h, 4 epochs");
    const double share = 0.5 * (350e6 - 76'432'000) / 350e6 * (2'097'152.0 - 453'220) / 2'097'152;
    CHECK_THAT(line_of(*text, "hypervolume "), ContainsSubstring(fmt::format("{:.4f} of the box", share)));
    const auto j = cli::study_json(s, cli::default_reference(s.task.limits));
    REQUIRE(j);
    CHECK(j->at("states").at("complete") == 2);
    CHECK(j->at("hypervolume").at("share_of_box").get<double>() == Catch::Approx(share));
    CHECK(j->at("winner") == 0);
    CHECK_FALSE(j->contains("trials"));

    std::filesystem::create_directories(dir / "b");
    REQUIRE(write_text_file(dir / "b/journal.log", "{\"hello\": 1}\n"));
    const auto found = cli::find_studies(dir.path().string());
    REQUIRE(found);
    REQUIRE(found->size() == 2);
    const std::string list = cli::study_list_text(*found);
    CHECK_THAT(list, ContainsSubstring("a/one  nsga2      7         2       0       1     0      1    50.00\n"));
    CHECK_THAT(list, ContainsSubstring("not listed: "));
    CHECK_THAT(list, ContainsSubstring("b/journal.log, line 1: not a record of an Optuna journal"));
}

TEST_CASE("study compare: groups by search at equal budget; what cannot be compared is refused", "[cli][study]") {
    const test::temporary_directory dir;
    write_study(dir / "a1", "nsga2", 1, 0.4);
    write_study(dir / "a2", "nsga2", 2, 0.6);
    write_study(dir / "b1", "a, \"model\"", 1, 0.3);
    const auto c = cli::read_comparison({dir.path().string()}, {});
    REQUIRE(c);
    REQUIRE(c->studies.size() == 3);
    CHECK(c->notices.empty());
    const std::string text = cli::comparison_text(*c, {});
    CHECK_THAT(text, ContainsSubstring("up to accuracy 0, 350,000,000 MACs, 2,097,152 parameters;"));
    CHECK_THAT(text, ContainsSubstring("95 % confidence interval (Student's t)"));
    CHECK_THAT(line_of(text, "nsga2 "), ContainsSubstring("50.00 +- 127.06"));  // t(0.975, 1), standard error 10
    CHECK_THAT(line_of(text, "a, \"model\""), ContainsSubstring(" 30.00"));
    const std::string csv = cli::comparison_csv(*c, {});
    CHECK_THAT(csv, ContainsSubstring("\n\"a, \"\"model\"\"\",trials,1,1,"));
    CHECK_THAT(csv, ContainsSubstring("\nnsga2,epochs,4,2,"));

    const auto why = [&](const std::vector<std::string>& dirs) {
        const auto refused = cli::read_comparison(dirs, {});
        REQUIRE_FALSE(refused);
        return refused.error().text();
    };
    const std::string a1 = (dir / "a1").string();
    CHECK_THAT(why({a1, a1}), ContainsSubstring("a study given twice"));
    CHECK_THAT(why({a1, (dir / "none").string()}), ContainsSubstring("no such directory"));
    write_study(dir / "c", "nsga2", 3, 0.4, 30);
    CHECK_THAT(why({a1, (dir / "c").string()}),
               ContainsSubstring("c, fidelity.epochs: studies that cannot be compared (got 30, wanted 2)"));
    write_study(dir / "d", "nsga2", 1, 0.4);
    const auto twice = cli::read_comparison({a1, (dir / "d").string()}, {});
    REQUIRE(twice);
    REQUIRE(twice->notices.size() == 1);
    CHECK_THAT(twice->notices[0], ContainsSubstring("a second study of nsga2 with seed 1"));
}

TEST_CASE("study table3: trained and Pareto candidates with ranges and hours", "[cli][study]") {
    const test::temporary_directory dir;
    write_study(dir / "a", "Llama-3.2-3B", 1, 0.5);
    std::vector<cli::study_on_disk> studies;
    studies.push_back(read(dir / "a"));
    const std::string text = cli::table3_text(studies);
    const std::string trained = line_of(text, "Llama-3.2-3B");
    CHECK_THAT(trained, ContainsSubstring("Llama-3.2-3B     1         12  TC 2        [25.00, 50.00] 37.50"));
    CHECK_THAT(trained, ContainsSubstring("[76.4, 76.4] 76.4"));
    CHECK(trained.ends_with("            1"));
    CHECK_THAT(line_of(text, "PC "), ContainsSubstring("PC 1        [50.00, 50.00] 50.00"));
}

TEST_CASE("rungs as flags: epochs, resolution and images", "[cli][halving]") {
    const auto parsed = [](const char* text) {
        const auto r = cli::parse_rung(text).value();
        return fmt::format("{} {} {}", r.epochs, r.resolution.value_or(-1), r.images.value_or(-1));
    };
    CHECK(parsed("3") == "3 -1 -1");
    CHECK(parsed("3@64") == "3 64 -1");
    CHECK(parsed("3/0") == "3 -1 0");
    CHECK(parsed("10@96/4000") == "10 96 4000");
    for (const char* const text :
         {"", "0", "-1", "3@", "3/", "3@0", "3/-1", "3@64/", "3@64/5x", "x", "3 ", "99999999999"}) {
        INFO(text);
        const auto r = cli::parse_rung(text);
        REQUIRE_FALSE(r);
        CHECK_THAT(r.error().text(), ContainsSubstring("--rungs: not a rung ("));
    }
}
