// SPDX-License-Identifier: MIT
// The executor child_process starts its own program again, so these tests have a main() of their own, with the one line
// that such programs begin with.
#define CATCH_CONFIG_RUNNER
#include <chrono>
#include <cmath>
#include <cstdlib>

#include <llmnas/search/child_process.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "unit/search/scripted_search.hpp"

using namespace llmnas;
using test::scripted_search;

namespace {

trial_request<table1_se> request(std::int32_t epochs = 3) {
    return {
        zoo::lmanet_elite, {.resolution = 32, .images = 10, .epochs = epochs, .batch = 2}, 0xFFFF'FFFF'FFFF'FFFFU, ""};
}

result<training_metrics> run(const char* script, std::function<bool()> interrupted = {},
                             const epoch_callback& on_epoch = {}, std::int32_t epochs = 3, int milliseconds = 0) {
    child_process<scripted_search> where({{"script", script}, {"milliseconds", milliseconds}}, std::move(interrupted));
    return where.run(request(epochs), on_epoch);
}

double seconds_since(std::chrono::steady_clock::time_point t) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - t).count();
}

}  // namespace

TEST_CASE("child process: gives the metrics and epochs of the same training in this process") {
    std::vector<std::int32_t> here_epochs, there_epochs;
    in_process<scripted_search> here;
    const auto a = here.run(request(), [&](const epoch_report& e) {
        here_epochs.push_back(e.epoch);
        return training_control::proceed;
    });
    const auto b = run("noise", {}, [&](const epoch_report& e) {
        there_epochs.push_back(e.epoch);
        return training_control::proceed;
    });
    REQUIRE(a);
    REQUIRE(b);
    CHECK(*a == *b);
    CHECK(here_epochs == std::vector<std::int32_t>{1, 2, 3});
    CHECK(there_epochs == here_epochs);
}

TEST_CASE("child process: a failure of the trainer keeps its parts") {
    const auto r = run("fail");
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::training);
    CHECK(r.error().text() == "epoch 1: loss is not a number");
    const auto no_data = run("no data");
    REQUIRE_FALSE(no_data);
    CHECK(no_data.error().code == errc::bad_input);
}

TEST_CASE("child process: a crash costs the trial and says how it ended") {
    const auto aborted = run("abort");
    REQUIRE_FALSE(aborted);
    CHECK_THAT(aborted.error().text(), Catch::Matchers::ContainsSubstring("died without a result") &&
                                           Catch::Matchers::ContainsSubstring("signal 6"));
    const auto left = run("exit");
    REQUIRE_FALSE(left);
    CHECK_THAT(left.error().text(), Catch::Matchers::ContainsSubstring("exit status 7"));
    CHECK(run("").has_value());
}

TEST_CASE("child process: results that are not numbers arrive as such") {
    const auto r = run("nan");
    REQUIRE(r);
    CHECK(std::isnan(r->loss));
}

TEST_CASE("child process: what the trainer leaves running does not hold the trial up") {
    const auto begin = std::chrono::steady_clock::now();
    const auto r = run("background");
    CHECK(r.has_value());
    CHECK(seconds_since(begin) < 10);
}

TEST_CASE("child process: a child ended from outside is no finished training") {
    const auto r = run("terminate");
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::crashed);
    CHECK_THAT(r.error().text(), Catch::Matchers::ContainsSubstring("was told to stop"));
}

TEST_CASE("child process: an interruption ends the child at once") {
    const auto begin = std::chrono::steady_clock::now();
    const auto r = run(
        "", [] { return true; }, {}, 1000, 100);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::interrupted);
    CHECK(seconds_since(begin) < 5);
}

TEST_CASE("child process: an interruption lets the trainer save its checkpoint") {
    const test::temporary_directory dir;
    auto r = request(1000);
    r.checkpoint = dir / "trial.ckpt";
    child_process<scripted_search> where({{"milliseconds", 20}},
                                         [&] { return std::filesystem::exists(dir / "trial.ckpt"); });
    const auto stopped = where.run(r, {});
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == errc::interrupted);
    int epochs = 0;
    std::ifstream(dir / "trial.ckpt") >> epochs;
    CHECK(epochs > 0);
    CHECK(epochs < 1000);
}

TEST_CASE("child process: a run ends behind the epoch that it was asked for") {
    child_process<scripted_search> where;
    auto asked = request(1000);
    asked.until = 2;
    std::vector<std::int32_t> epochs;
    const auto done = where.run(asked, [&](const epoch_report& e) {
        epochs.push_back(e.epoch);
        return training_control::proceed;
    });
    REQUIRE(done);
    CHECK(done->epochs == 2);
    CHECK(epochs == std::vector<std::int32_t>{1, 2});
}

TEST_CASE("child process: calls its tick while a training runs") {
    child_process<scripted_search> where(json_value{{"milliseconds", 150}});
    int ticks = 0;
    where.on_tick([&] { ++ticks; });
    REQUIRE(where.run(request(4), {}));
    CHECK(ticks >= 3);
}

TEST_CASE("child process: an epoch callback that says stop ends the run behind an epoch") {
    const auto r = run(
        "", {}, [](const epoch_report&) { return training_control::stop; }, 1000, 20);
    REQUIRE(r);
    CHECK(r->epochs < 1000);
}

TEST_CASE("child process: a program whose main() lacks the line is told so") {
    detail::child_entry_exists = false;
    const auto r = run("");
    detail::child_entry_exists = true;
    REQUIRE_FALSE(r);
    CHECK_THAT(r.error().text(), Catch::Matchers::ContainsSubstring("main() of this program must begin with"));
}

int main(int argc, char** argv) {
    if (auto rc = run_trial_if_child<scripted_search>(argc, argv)) return *rc;
    return Catch::Session().run(argc, argv);
}
