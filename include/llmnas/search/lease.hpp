// SPDX-License-Identifier: MIT
/// \file
/// Leases of trials: who runs an open trial, and when others may take it over.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include <llmnas/json/json_value.hpp>
#include <llmnas/search/worker_identity.hpp>

namespace llmnas {

/// The last lease of a trial that the journal has. A worker renews it while the trial runs; renewal is its heartbeat.
struct trial_lease {
    using clock = std::chrono::steady_clock;

    std::string worker;                     ///< empty: released
    double until = 0;                       ///< Unix time by the worker's clock
    double seconds = 0;                     ///< its length; 0 in journals of earlier versions
    clock::time_point seen = clock::now();  ///< when this process read it
};

/// `{"worker": "host:pid:start:n", "until": 1790000000.5, "seconds": 150}`
[[nodiscard]] inline json_value to_json(const trial_lease& l) {
    return {{"worker", l.worker}, {"until", l.until}, {"seconds", l.seconds}};
}
/// Throws json_exception where it has another form.
[[nodiscard]] inline trial_lease lease_from_json(const json_value& j) {
    trial_lease l;
    l.worker = j.at("worker").get<std::string>();
    l.until = j.at("until").get<double>();
    l.seconds = j.value("seconds", 0.0);
    return l;
}

/// Without a heartbeat for so long, and behind its end, a lease of another host is over.
inline constexpr double lease_silence = 150;

/// Whether nobody runs the trial any more. A process of this host tells that by itself. Another host's is gone where
/// this process has seen no renewal for the length of the lease, by its own steady clock; where the lease ended by the
/// time of day too, 150 s of silence are enough. Clocks that differ or jump thus cost a wait, never a living trial.
[[nodiscard]] inline bool is_over(const trial_lease& l, const worker_identity& self, double unix_now,
                                  trial_lease::clock::time_point now = trial_lease::clock::now()) {
    if (self.is_gone(l.worker)) return true;
    if (self.is_here(l.worker)) return false;
    const double silence = std::chrono::duration<double>(now - l.seen).count();
    if (l.seconds > 0 && silence > l.seconds) return true;
    return l.until < unix_now && silence > (l.seconds > 0 ? std::min(l.seconds, lease_silence) : lease_silence);
}

}  // namespace llmnas
