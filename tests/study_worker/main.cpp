// SPDX-License-Identifier: MIT
// A worker on a study whose trainer only sleeps, for tests that start and kill many.
//   study_worker DIR '{"trials": 40, "epochs": 2, "milliseconds": 5, "proposer": "random", "in_process": false}'
//   study_worker --results DIR
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <llmnas/search/child_process.hpp>
#include <llmnas/search/evolution_proposer.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/search/results.hpp>

#include "unit/search/scripted_search.hpp"

using namespace llmnas;
using space = table1_se;
using definition = test::scripted_search;
using study_type = study<space, definition::objectives, definition::memory_model>;

namespace {

volatile std::sig_atomic_t terminated = 0;
bool is_terminated() { return terminated != 0; }

/// Says on stdout what the journal is believed to hold by now: a line a trial, unbuffered, whatever kills the process.
struct witness : search_observer {
    template <class Trial>
    void trial_ended(const Trial& t) {
        say(fmt::format("{{\"ended\": {}, \"state\": \"{}\", \"values\": {}}}", t.number, name_of(t.state),
                        json_value(t.values).dump()));
    }
    void message(std::string_view text) { fmt::print(stderr, "{}\n", text); }

    static void say(const std::string& line) { detail::write_all(STDOUT_FILENO, line + "\n"); }
};

int complain(const error& e) {
    fmt::print(stderr, "study_worker: {}\n", e.text());
    return e.code == errc::interrupted ? 130 : 1;
}

template <class Where>
result<search_outcome> search(study_type& s, gate<space>& judge, Where& where, const json_value& options,
                              const std::string& dir) {
    witness observer;
    search_loop<definition, Where, witness> loop(s, judge, where, observer,
                                                 {.trials = options.at("trials"),
                                                  .fidelity = {.epochs = options.value("epochs", 1)},
                                                  .seed = 1,
                                                  .max_retries = options.value("retries", 2),
                                                  .wait_for_others = true,
                                                  .checkpoints = dir + "/checkpoints",
                                                  .interrupted = is_terminated});
    if (options.value("proposer", "random") == "random") {
        random_proposer<space> random;
        return loop.run(random);
    }
    evolution_proposer<space> evolution;
    return loop.run(evolution);
}

}  // namespace

int main(int argc, char** argv) {
    if (auto rc = run_trial_if_child<definition>(argc, argv)) return *rc;
    if (argc != 3) return complain({errc::bad_input, "wrong arguments", "study_worker"});
    std::signal(SIGTERM, [](int) { terminated = 1; });
    std::signal(SIGXFSZ, SIG_IGN);
    const bool only_results = std::string_view(argv[1]) == "--results";
    const std::string dir = argv[only_results ? 2 : 1];
    gate<space> judge{problem{}};
    auto s = study_type::open(dir, {{"trainer", "sleeps"}}, judge);
    if (!s) return complain(s.error());
    if (only_results) {
        const auto outcome = outcome_of<definition::objectives, space>(s->trials());
        witness::say(results_json(*s, outcome, s->trials()).dump());
        return 0;
    }
    const auto options = json_value::parse(argv[2]);
    const auto run = [&](auto&& where) { return search(*s, judge, where, options, dir); };
    const auto outcome = options.value("in_process", false) ? run(in_process<definition>(options))
                                                            : run(child_process<definition>(options, is_terminated));
    const lock_waits& w = s->waits();
    witness::say(
        json_value{{"locks", w.count}, {"waited", w.seconds}, {"longest", w.longest}, {"over", w.taken_over}}.dump());
    return outcome ? 0 : complain(outcome.error());
}
