// SPDX-License-Identifier: MIT
// Journals that are not what a study expects, and disks that take no more.
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/resource.h>

#include <llmnas/search/loop.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/search/study_reader.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;
using space = table1_se;
using study_type = study<space, paper_objectives>;

namespace {

const json_value config{{"space", "table1_se"}, {"seed", 5}, {"training", {{"recipe", "mini"}}}};

std::string content(const std::filesystem::path& p) {
    std::ifstream in(p, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// What open() says of a study of one trial with a line more, or with another configuration.
std::string refusal(const std::string& line, const json_value& wanted = config) {
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    {
        auto s = study_type::open(dir.path(), config, judge);
        REQUIRE(s);
        REQUIRE(s->start(*judge.judge(zoo::lmanet_elite), {"a"}, {.epochs = 1}, 1, 10));
    }
    std::ofstream(dir / "journal.log", std::ios::app) << line;
    const std::string before = content(dir / "journal.log");
    gate<space> again{problem{}};
    const auto s = study_type::open(dir.path(), wanted, again);
    CHECK(content(dir / "journal.log") == before);  // nothing is written to what is refused
    return s ? "" : s.error().text();
}

}  // namespace

TEST_CASE("bad journals: foreign and newer records are refused with their line", "[study]") {
    CHECK_THAT(refusal("{\"op_code\":10,\"worker_id\":\"w\"}\n"),
               ContainsSubstring("line 5: a record of a newer Optuna (got 10, wanted op_code 0 to 9)"));
    CHECK_THAT(refusal("[1]\n"), ContainsSubstring("line 5: line is not a JSON object"));
    CHECK_THAT(refusal("{\"op_code\":\"four\"}\n"), ContainsSubstring("not a record of an Optuna journal"));
    CHECK_THAT(refusal(R"({"op_code":8,"worker_id":"w","trial_id":0,"user_attr":{"lease":{"worker":"w"}}})"
                       "\n"),
               ContainsSubstring("not a record of an Optuna journal"));
    CHECK_THAT(
        refusal(R"({"op_code":4,"study_id":0,"state":0,"params":{"stage1.stride":7},"distributions":)"
                R"({"stage1.stride":"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [1, 7]}}"}})"
                "\n"),
        ContainsSubstring("line 5"));
    CHECK(refusal(R"({"op_code":5,"worker_id":"w","trial_id":7,"param_name":"x"})"
                  "\n")
              .empty());
}

TEST_CASE("bad journals: a directory of another space or recipe is refused with the first difference", "[study]") {
    auto other = config;
    other["space"] = "mine";
    CHECK_THAT(refusal("", other), ContainsSubstring("space: the study was made with another configuration "
                                                     "(got \"table1_se\", wanted \"mine\")"));
    other = config;
    other["training"]["recipe"] = "full";
    CHECK_THAT(refusal("", other), ContainsSubstring("training.recipe: the study was made with another configuration "
                                                     "(got \"mini\", wanted \"full\")"));
}

TEST_CASE("bad journals: of two studies of one name the first counts, as Optuna has it", "[study]") {
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    {
        auto s = study_type::open(dir.path(), config, judge);
        REQUIRE(s);
        REQUIRE(s->start(*judge.judge(zoo::lmanet_elite), {"a"}, {.epochs = 1}, 1, 10));
    }
    std::ofstream(dir / "journal.log", std::ios::app)
        << R"({"op_code":0,"worker_id":"w","study_name":"llmnas","directions":[1]})"
        << "\n"
        << R"({"op_code":0,"worker_id":"w","study_name":"other","directions":[1]})"
        << "\n"
        << R"({"op_code":2,"worker_id":"w","study_id":1,"user_attr":{"llmnas":{"space":"of the other"}}})"
        << "\n";
    gate<space> again{problem{}};
    auto s = study_type::open(dir.path(), config, again);
    REQUIRE(s);
    CHECK(s->trials().size() == 1);
    REQUIRE(s->start(*again.measure_costs(zoo::lmanet_core), {"a"}, {.epochs = 1}, 1, 10));
    CHECK(s->trials().size() == 2);
    CHECK(*read_study_config(dir.path()) == config);
    CHECK_THAT(read_study_config(dir.path(), "none").error().text(), ContainsSubstring("no llmnas configuration"));
}

TEST_CASE("bad journals: a full disk is an error, and the journal stays whole", "[study]") {
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), config, judge);
    REQUIRE(s);
    const std::string before = content(dir / "journal.log");
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &usual) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{before.size() + 100, usual.rlim_max};  // amid the record
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto full = s->start(*judge.judge(zoo::lmanet_elite), {"a"}, {.epochs = 1}, 1, 10);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &usual) == 0);
    std::signal(SIGXFSZ, handler);
    REQUIRE_FALSE(full);
    CHECK(full.error().code == errc::io);
    CHECK_THAT(full.error().text(), ContainsSubstring("cannot write to the study's journal"));
    CHECK(content(dir / "journal.log") == before);
    CHECK_FALSE(std::filesystem::is_symlink(dir / "journal.log.lock"));
    const auto later = s->start(*judge.judge(zoo::lmanet_elite), {"a"}, {.epochs = 1}, 1, 10);
    REQUIRE(later);
    CHECK(*later == 0);
}
