// SPDX-License-Identifier: MIT
// Several workers on one study: leases, heartbeats, retries.
#include <chrono>
#include <cmath>
#include <fstream>
#include <string>

#include <llmnas/search/loop.hpp>
#include <llmnas/search/random_proposer.hpp>
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

/// An executor whose trainings end as a test wants: by default they crash.
struct scripted_executor {
    std::function<result<training_metrics>(const epoch_callback&)> act;
    std::function<void()> tick = {};
    int runs = 0;
    static std::string_view name() { return "scripted"; }
    void on_tick(std::function<void()> f) { tick = std::move(f); }
    result<training_metrics> run(const trial_request<space>&, const epoch_callback& on_epoch) {
        ++runs;
        if (act) return act(on_epoch);
        return fail(errc::crashed, "the training process died without a result", "child process", "signal 11");
    }
};

struct listener : search_observer {
    std::vector<std::string> said;
    void message(std::string_view text) { said.emplace_back(text); }
};

void append(const std::filesystem::path& journal, const json_value& record) {
    std::ofstream(journal, std::ios::app) << record.dump() << "\n";
}

json_value lease_record(std::string worker, double until, double seconds) {
    return {{"op_code", 8},
            {"worker_id", worker},
            {"trial_id", 0},
            {"user_attr", {{"lease", {{"worker", worker}, {"until", until}, {"seconds", seconds}}}}}};
}

result<search_outcome> search(study_type& s, gate<space>& judge, scripted_executor& where, listener& observer,
                              search_options options) {
    options.fidelity = {.epochs = 1};
    search_loop<scripted_search, scripted_executor, listener> loop(s, judge, where, observer, std::move(options));
    random_proposer<space> random;
    return loop.run(random);
}

}  // namespace

TEST_CASE("leases: another host's ends by silence, whatever the clocks say", "[study]") {
    const worker_identity self;
    const auto now = trial_lease::clock::now();
    const auto at = [&](double seconds) {
        return now + std::chrono::duration_cast<trial_lease::clock::duration>(std::chrono::duration<double>(seconds));
    };
    const auto lease = [&](double until, double seconds) {
        return trial_lease{.worker = "elsewhere:1:5:1", .until = until, .seconds = seconds, .seen = now};
    };
    // until and the time of day are far apart: one of the clocks jumped.
    CHECK_FALSE(is_over(lease(0, 150), self, 1e9, at(149)));
    CHECK(is_over(lease(0, 150), self, 1e9, at(151)));
    CHECK(is_over(lease(2e9, 150), self, 1e9, at(151)));
    CHECK_FALSE(is_over(lease(2e9, 3600), self, 1e9, at(3599)));
    CHECK(is_over(lease(2e9, 3600), self, 1e9, at(3601)));
    CHECK(is_over(lease(1, 3600), self, 1e9, at(151)));       // behind its end, and silent
    CHECK_FALSE(is_over(lease(2e9, 0), self, 1e9, at(1e6)));  // of an earlier version, not ended yet
    CHECK(is_over(lease(1, 0), self, 1e9, at(151)));
    // On this host the process tells.
    CHECK_FALSE(is_over({.worker = self.name(), .until = 0, .seconds = 1, .seen = now}, self, 1e9, at(1e6)));
    CHECK(is_over({.worker = ""}, self, 1e9, at(0)));
}

TEST_CASE("workers: a trial of a silent host is taken over, one that is renewed is not", "[study]") {
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), config, judge);
    REQUIRE(s);
    REQUIRE(s->start(*judge.judge(zoo::lmanet_elite), {"a"}, {.epochs = 1}, 1, 10));
    append(dir / "journal.log", lease_record("elsewhere:1:5:1", 0, 0.2));
    REQUIRE(s->refresh());
    CHECK_FALSE(s->holds(0));
    CHECK(s->abandoned().empty());
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    append(dir / "journal.log", lease_record("elsewhere:1:5:1", 0, 0.2));
    REQUIRE(s->refresh());
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    CHECK(s->abandoned().empty());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    CHECK(s->abandoned() == std::vector<std::int32_t>{0});
    REQUIRE(*s->take_over(0));
    CHECK(s->holds(0));
    CHECK(s->dead_workers(0) == 2);
    REQUIRE(s->report(0, {.epoch = 1}));
    CHECK(s->dead_workers(0) == 0);
    REQUIRE(s->release(0));
    CHECK(s->abandoned() == std::vector<std::int32_t>{0});
}

TEST_CASE("workers: a crashed training runs again, and its reasons are kept", "[study]") {
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), config, judge);
    REQUIRE(s);
    scripted_executor where;
    listener observer;
    REQUIRE(search(*s, judge, where, observer, {.trials = 1}));
    CHECK(where.runs == 3);
    REQUIRE(s->trials().size() == 1);
    CHECK(s->trials()[0].state == trial_state::failed);
    CHECK(s->crashes(0).size() == 2);
    CHECK_THAT(s->trials()[0].failure, Catch::Matchers::ContainsSubstring("signal 11"));
    REQUIRE(observer.said.size() == 2);
    CHECK_THAT(observer.said[0], Catch::Matchers::ContainsSubstring("trial 0 runs again"));

    where.act = [&](const epoch_callback&) -> result<training_metrics> {
        if (where.runs == 4) return fail(errc::crashed, "killed");
        return training_metrics{.accuracy = 0.5, .epochs = 1};
    };
    REQUIRE(search(*s, judge, where, observer, {.trials = 2}));
    CHECK(s->trials()[1].state == trial_state::complete);
    CHECK(s->crashes(1) == std::vector<std::string>{"killed"});
}

TEST_CASE("workers: a trial that no worker survives is given up", "[study]") {
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), config, judge);
    REQUIRE(s);
    REQUIRE(s->start(*judge.judge(zoo::lmanet_elite), {"a"}, {.epochs = 1}, 1, 10));
    const std::string self = this_process();
    for (int i = 0; i < 6; ++i)  // none of these processes lives: their starts are others
        append(dir / "journal.log",
               lease_record(self.substr(0, self.rfind(':')) + ":" + std::to_string(i) + ":1", 0, 1));
    scripted_executor where;
    listener observer;
    REQUIRE(search(*s, judge, where, observer, {.trials = 1}));
    CHECK(where.runs == 0);
    CHECK(s->trials()[0].failure == "7 workers in a row died while they ran it");
}

TEST_CASE("workers: one whose trial was taken over leaves it to the other", "[study]") {
    const test::temporary_directory dir;
    gate<space> judge{problem{}}, other_judge{problem{}};
    auto s = study_type::open(dir.path(), config, judge);
    REQUIRE(s);
    auto other = study_type::open(dir.path(), config, other_judge);
    REQUIRE(other);
    scripted_executor where;
    where.act = [&](const epoch_callback& on_epoch) -> result<training_metrics> {
        append(dir / "journal.log", lease_record("elsewhere:1:5:1", 0, 1));
        CHECK(on_epoch({.epoch = 1, .epochs = 1}) == training_control::stop);
        append(dir / "journal.log", {{"op_code", 6},
                                     {"worker_id", "elsewhere:1:5:1"},
                                     {"trial_id", 0},
                                     {"state", 1},
                                     {"values", {0.25, 1.0, 1.0}}});
        return training_metrics{.accuracy = 0.5, .epochs = 1};
    };
    listener observer;
    REQUIRE(search(*s, judge, where, observer, {.trials = 1}));
    CHECK(observer.said == std::vector<std::string>{"trial 0 was taken over by another worker"});
    REQUIRE(other->refresh());
    CHECK(other->trials()[0].values[0] == 0.25);
}

TEST_CASE("workers: an executor that ticks renews short leases", "[study]") {
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), config, judge);
    REQUIRE(s);
    const auto leases = [&] {
        std::ifstream in(dir / "journal.log");
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        std::size_t n = 0;
        for (auto at = text.find("\"lease\""); at != std::string::npos; at = text.find("\"lease\"", at + 1)) ++n;
        return n;
    };
    scripted_executor where;
    where.act = [&](const epoch_callback&) -> result<training_metrics> {
        CHECK(leases() == 1);
        s->set_lease_seconds(0.2);
        for (int i = 0; i < 20; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
            where.tick();
        }
        CHECK(leases() >= 3);
        CHECK(leases() <= 6);
        return training_metrics{.accuracy = 0.5, .epochs = 1};
    };
    listener observer;
    REQUIRE(search(*s, judge, where, observer, {.trials = 1}));
    CHECK_FALSE(where.tick);
}

TEST_CASE("workers: a search waits for trials of others where it is asked to, and tells them to its proposer",
          "[study]") {
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), config, judge);
    REQUIRE(s);
    REQUIRE(s->start(*judge.judge(zoo::lmanet_elite), {"a"}, {.epochs = 1}, 1, 10));
    append(dir / "journal.log", lease_record("elsewhere:1:5:1", 0, 100));
    std::thread worker([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        append(dir / "journal.log", {{"op_code", 6},
                                     {"worker_id", "elsewhere:1:5:1"},
                                     {"trial_id", 0},
                                     {"state", 1},
                                     {"values", {0.25, 1.0, 1.0}}});
    });
    scripted_executor where;
    listener observer;
    const auto found = search(*s, judge, where, observer, {.trials = 1, .wait_for_others = true});
    worker.join();
    REQUIRE(found);
    CHECK(found->finished == 1);
    CHECK(observer.said == std::vector<std::string>{"waiting for 1 trials of other workers"});
    const auto interrupted = search(*s, judge, where, observer, {.trials = 2, .interrupted = [] { return true; }});
    CHECK(interrupted.error().code == errc::interrupted);
}
