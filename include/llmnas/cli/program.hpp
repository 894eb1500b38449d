// SPDX-License-Identifier: MIT
/// \file
/// The program llmnas: its commands, and how failures become one line and an exit code.
#pragma once

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/cli/check_command.hpp>
#include <llmnas/cli/eval_command.hpp>
#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/explain_command.hpp>
#include <llmnas/cli/llm_command.hpp>
#include <llmnas/cli/search_command.hpp>
#include <llmnas/cli/short_spin.hpp>
#include <llmnas/cli/space_command.hpp>
#include <llmnas/cli/study_command.hpp>
#include <llmnas/cli/train_command.hpp>
#include <llmnas/cli/worker_command.hpp>
#include <llmnas/core/version.hpp>

namespace llmnas::cli {

namespace detail {

inline int complain(const std::string& text, int code) {
    fmt::print(stderr, "llmnas: {}\n", text);
    return code;
}

template <class Command>
int run_command(Command& command) {
    auto done = command.run();
    if (done) return *done;
    return complain(done.error().text(), exit_code_of(done.error().code));
}

}  // namespace detail

/// Runs the program; the return value is its exit code.
[[nodiscard]] inline int run(int argc, char** argv) try {
    std::signal(SIGXFSZ, SIG_IGN);  // a file over `ulimit -f` is an error of write(), as on a full disk
    CLI::App app(
        "Neural architecture search for microcontrollers: proposes, checks, trains and compares networks.\n"
        "Exit codes: 0 done, 1 failed while running, 2 bad input, 3 the network does not fit (check),\n"
        "4 no answer of the language model's server, 130 interrupted (study and training can be continued).",
        "llmnas");
    app.set_version_flag("--version", "llmnas " + std::string(version));
    app.set_config("--config", "", "TOML or INI file; flags of a command stand in its section, like [search]");
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.require_subcommand(1);
    app.fallthrough();
    search_command search;
    train_command train;
    eval_command eval;
    check_command check;
    explain_command explain;
    llm_command llm;
    space_command space;
    study_command study;
    worker_command worker;
    search.add_to(app);
    train.add_to(app);
    eval.add_to(app);
    check.add_to(app);
    explain.add_to(app);
    llm.add_to(app);
    space.add_to(app);
    study.add_to(app);
    worker.add_to(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) return app.exit(e);
        return detail::complain(std::string(e.what()) + "; see llmnas --help", bad_usage);
    }
    if (train.chosen() || eval.chosen()) use_short_spin(argv);
    if (train.chosen()) return detail::run_command(train);
    if (eval.chosen()) return detail::run_command(eval);
    if (search.chosen()) return detail::run_command(search);
    if (check.chosen()) return detail::run_command(check);
    if (explain.chosen()) return detail::run_command(explain);
    if (llm.chosen()) return detail::run_command(llm);
    if (study.chosen()) return detail::run_command(study);
    if (worker.chosen()) return detail::run_command(worker);
    return detail::run_command(space);
} catch (const std::exception& e) {
    return detail::complain(e.what(), failure);
}

}  // namespace llmnas::cli
