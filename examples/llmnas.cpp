// SPDX-License-Identifier: MIT
// The program llmnas. Trainings run in children of this same program, so main() begins with one line for them.
#include <llmnas/cli/program.hpp>

int main(int argc, char** argv) {
    if (auto rc = llmnas::run_trial_if_child<llmnas::cli::program_search>(argc, argv)) return *rc;
    return llmnas::cli::run(argc, argv);
}
