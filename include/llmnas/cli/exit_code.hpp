// SPDX-License-Identifier: MIT
/// \file
/// Exit codes of the program, as documented in docs/cli.md.
#pragma once

#include <llmnas/core/result.hpp>

namespace llmnas::cli {

enum exit_code : int {
    success = 0,
    failure = 1,        ///< something failed while running: I/O, training
    bad_usage = 2,      ///< flags, files, JSON or data are not what is wanted
    does_not_fit = 3,   ///< `check`: the network is over a limit
    no_server = 4,      ///< the language model's server does not answer as it should
    interrupted = 130,  ///< stopped by Ctrl-C or SIGTERM; study and training can be continued
};

[[nodiscard]] constexpr exit_code exit_code_of(errc code) noexcept {
    switch (code) {
        case errc::bad_input:
        case errc::out_of_space:
        case errc::unavailable:
            return bad_usage;
        case errc::over_budget:
            return does_not_fit;
        case errc::unreachable:
        case errc::server:
        case errc::timeout:
        case errc::context_overflow:
            return no_server;
        case errc::interrupted:
            return interrupted;
        default:
            return failure;
    }
}

}  // namespace llmnas::cli
