// SPDX-License-Identifier: MIT
// A language model that is asked while networks train: who waits for whom, and that speed changes nothing.
#include <llmnas/llm/llm_proposer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <llmnas/search/executor.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/space/sampling.hpp>
#include "support/catch.hpp"
#include "support/files.hpp"
#include "unit/search/scripted_search.hpp"

using namespace llmnas;
using test::scripted_search;
using space = table1_se;

namespace {

/// What happens, in order, for tests that let one side wait for the other. A wait that is too long ends with a failure
/// of the test instead of a deadlock.
class events {
public:
    void add(std::string what) {
        const std::lock_guard lock(mutex_);
        all_.push_back(std::move(what));
        changed_.notify_all();
    }
    bool wait_for(const std::string& what) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20),
                                 [&] { return std::find(all_.begin(), all_.end(), what) != all_.end(); });
    }
    [[nodiscard]] std::vector<std::string> all() const {
        const std::lock_guard lock(mutex_);
        return all_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> all_;
};

/// Answers with feasible networks, a new one each time; every third answer is no network.
struct scripted_model {
    std::function<void(std::size_t call)> on_call = [](std::size_t) {};
    std::shared_ptr<std::vector<completion_request>> asked = std::make_shared<std::vector<completion_request>>();
    bool spoil = false;
    std::function<bool()> gives_up = [] { return false; };  ///< asked behind on_call

    [[nodiscard]] static std::string name() { return "scripted"; }
    result<completion> complete(const completion_request& request) {
        const std::size_t call = asked->size();
        asked->push_back(request);
        on_call(call);
        if (gives_up()) return fail(errc::interrupted, "stopped while the server was asked");
        completion c;
        c.text = spoil && call % 3 == 2 ? "no" : proposal_json<space>(feasible(call)).dump();
        c.finish_reason = "stop";
        c.usage = token_usage{10, 5};
        return c;
    }
    static network_of<space> feasible(std::size_t n) {
        const gate<space> judge{problem{}};
        splitmix64 rng{n};
        auto net = decode(sample<space>(rng));
        while (!judge.judge(net)) net = decode(sample<space>(rng));
        return net;
    }
};
static_assert(LanguageModel<scripted_model>);
using proposer = llm_proposer<space, scripted_model>;
static_assert(Proposer<proposer, space> && PreparingProposer<proposer, space> && CountingProposer<proposer> &&
              RetiringProposer<proposer>);

/// Runs trainings as the test says.
struct scripted_executor {
    std::function<void(std::int32_t trial)> on_train = [](std::int32_t) {};
    std::int32_t trained = 0;
    [[nodiscard]] static std::string_view name() { return "scripted"; }
    result<training_metrics> run(const trial_request<space>& request, const epoch_callback&) {
        on_train(trained++);
        return training_metrics{.accuracy = static_cast<double>(request.seed % 1000) / 1000, .epochs = 1};
    }
};

using study_type = study<space, paper_objectives>;

struct run_result {
    std::vector<trial<space>> trials;
    proposal_counters counters;
    rejection_counts rejections{};
    std::vector<completion_request> asked;
};

run_result run(const std::filesystem::path& dir, scripted_model model, scripted_executor where,
               llm_proposer_options options, std::int32_t trials = 6) {
    gate<space> judge{problem{}};
    auto s = study_type::open(dir, {{"seed", 5}}, judge).value();
    search_observer observer;
    search_loop<scripted_search, scripted_executor> loop(s, judge, where, observer,
                                                         {.trials = trials, .fidelity = {.epochs = 1}, .seed = 5});
    proposer p(model, std::move(options));
    REQUIRE(loop.run(p));
    return {{s.trials().begin(), s.trials().end()}, s.counters(), s.rejections(), *model.asked};
}

std::string messages_of(const completion_request& r) {
    std::string all;
    for (const auto& m : r.messages) all += m.content;
    return all;
}

}  // namespace

TEST_CASE("ask ahead: the model answers while a network trains", "[llm]") {
    const test::temporary_directory dir;
    const auto log = std::make_shared<events>();
    bool waited = true;
    scripted_model model;
    model.on_call = [log](std::size_t call) { log->add("call " + std::to_string(call)); };
    scripted_executor where;
    // A training ends only when the call for the next trial was made: without a thread for the model it never would.
    where.on_train = [&, log](std::int32_t t) {
        log->add("train " + std::to_string(t));
        if (t < 5) waited = waited && log->wait_for("call " + std::to_string(t + 1));
        log->add("trained " + std::to_string(t));
    };
    llm_proposer_options options;
    options.ahead = 1;
    const auto r = run(dir.path(), model, where, options);
    CHECK(waited);
    REQUIRE(r.trials.size() == 6);
    CHECK(r.counters.calls == 6);
    CHECK(r.counters.unused == 0);
    CHECK_FALSE(r.trials[0].history.shown);
    for (std::int32_t t = 1; t < 6; ++t) CHECK(r.trials[static_cast<std::size_t>(t)].history.shown == t);
    // The prompt knows the network in training.
    CHECK_THAT(messages_of(r.asked[1]), Catch::Matchers::ContainsSubstring("trial 0"));
}

TEST_CASE("ask ahead: proposals are ready when they are wanted", "[llm]") {
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), {{"seed", 5}}, judge).value();
    const auto log = std::make_shared<events>();
    scripted_model model;
    model.on_call = [log](std::size_t call) { log->add("call " + std::to_string(call)); };
    llm_proposer_options options;
    options.ahead = 3;
    proposer p(model, options);
    std::vector<std::size_t> ready;
    scripted_executor where;
    where.on_train = [&](std::int32_t t) {
        // The trainer is slower than the model.
        while (p.answered_ahead() < p.asked_ahead()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        static_cast<void>(t);
        ready.push_back(p.answered_ahead());
    };
    search_observer observer;
    search_loop<scripted_search, scripted_executor> loop(s, judge, where, observer,
                                                         {.trials = 8, .fidelity = {.epochs = 1}, .seed = 5});
    REQUIRE(loop.run(p));
    CHECK(ready == std::vector<std::size_t>{3, 3, 3, 3, 3, 2, 1, 0});
}

TEST_CASE("ask ahead: who is faster changes nothing, and a replay without a thread asks the same", "[llm]") {
    const auto slow = [](int ms) { return [ms](auto) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }; };
    for (const std::size_t batch : {std::size_t{1}, std::size_t{2}}) {
        llm_proposer_options options;
        options.ahead = 2;
        options.batch = batch;
        options.conversation = 2;
        scripted_model slow_model, fast_model, replayed;
        slow_model.spoil = fast_model.spoil = replayed.spoil = true;
        slow_model.on_call = slow(15);
        scripted_executor slow_trainer;
        slow_trainer.on_train = slow(15);
        const test::temporary_directory a, b, c;
        const auto first = run(a.path(), slow_model, {}, options);
        const auto second = run(b.path(), fast_model, slow_trainer, options);
        options.background = false;
        const auto third = run(c.path(), replayed, {}, options);
        for (const auto* other : {&second, &third}) {
            REQUIRE(other->trials.size() == first.trials.size());
            for (std::size_t t = 0; t < first.trials.size(); ++t) {
                CHECK(other->trials[t].candidate.hash == first.trials[t].candidate.hash);
                CHECK(other->trials[t].history == first.trials[t].history);
            }
            REQUIRE(other->asked.size() == first.asked.size());
            for (std::size_t i = 0; i < first.asked.size(); ++i) {
                CHECK(messages_of(other->asked[i]) == messages_of(first.asked[i]));
                CHECK(other->asked[i].sampling.seed == first.asked[i].sampling.seed);
            }
        }
        CHECK(first.counters.calls == first.asked.size());
    }
}

TEST_CASE("ask ahead: an end in the middle loses no call and waits for no answer that is not under way", "[llm]") {
    const auto log = std::make_shared<events>();
    const auto stop = std::make_shared<std::atomic<bool>>(false);
    const bool gives_up = GENERATE(false, true);
    scripted_model model;
    model.on_call = [log, stop](std::size_t call) {
        if (call != 1) return;
        log->add("under way");
        while (!*stop) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    model.gives_up = [stop, gives_up] { return gives_up && *stop; };
    llm_proposer_options options;
    options.ahead = 3;
    options.cancel = [stop] { *stop = true; };
    proposer p(model, options);
    gate<space> judge{problem{}};
    const test::temporary_directory dir;
    auto s = study_type::open(dir.path(), {{"seed", 5}}, judge).value();
    scripted_executor where;
    bool interrupted = false;
    where.on_train = [&](std::int32_t) {
        log->wait_for("under way");
        interrupted = true;
    };
    search_observer observer;
    search_loop<scripted_search, scripted_executor> loop(
        s, judge, where, observer,
        {.trials = 9, .fidelity = {.epochs = 1}, .seed = 5, .interrupted = [&] { return interrupted; }});
    const auto outcome = loop.run(p);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == errc::interrupted);
    // The call under way was made: its answer, where it has one, is counted, by a study that is opened again too.
    CHECK(model.asked->size() == 2);
    CHECK(p.counters().calls == 2);
    CHECK(p.counters().failed_calls == (gives_up ? 1 : 0));
    CHECK(p.counters().unused == (gives_up ? 0 : 1));
    CHECK(p.counters().proposals == s.trials().size() + p.counters().unused);
    CHECK(s.counters() == p.counters());
    gate<space> again{problem{}};
    const auto opened = study_type::open(dir.path(), {{"seed", 5}}, again).value();
    CHECK(opened.counters() == s.counters());
}

TEST_CASE("ask ahead: what a model throws is thrown where it is taken", "[llm]") {
    scripted_model model;
    model.on_call = [](std::size_t) { throw std::runtime_error("broken model"); };
    backlog<scripted_model> queue(model);
    queue.submit({});
    CHECK_THROWS_WITH(queue.take(), "broken model");
    queue.submit({});
    CHECK(queue.open() == 1);
    CHECK(queue.close().empty());
}
