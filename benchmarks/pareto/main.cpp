// SPDX-License-Identifier: MIT
// Pareto archive, ranks and hypervolume beside pagmo2 in the same run, as a table. Without pagmo2
// (LLMNAS_BENCHMARK_PAGMO undefined) its columns say so.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/random.hpp>
#include <llmnas/search/front_quality.hpp>
#include <llmnas/search/hypervolume.hpp>
#include <llmnas/search/pareto.hpp>

#ifdef LLMNAS_BENCHMARK_PAGMO
#include <pagmo/utils/hypervolume.hpp>
#include <pagmo/utils/multi_objective.hpp>
#endif

using namespace llmnas;

namespace {

using point_set = std::vector<std::vector<double>>;
using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point begin) {
    return std::chrono::duration<double>(clock_type::now() - begin).count();
}

/// Uniform in the unit cube: most points are dominated.
point_set cloud(std::size_t n, std::size_t m, std::uint64_t seed) {
    splitmix64 rng{seed};
    point_set points(n, std::vector<double>(m));
    for (auto& p : points)
        for (double& v : p) v = rng.uniform();
    return points;
}

/// On the unit sphere around (1, ..., 1): none dominates another.
point_set front(std::size_t n, std::size_t m, std::uint64_t seed) {
    auto points = cloud(n, m, seed);
    for (auto& p : points) {
        double squares = 0;
        for (const double v : p) squares += v * v;
        for (double& v : p) v = 1 - v / std::sqrt(squares);
    }
    return points;
}

std::vector<double> flat(const point_set& points) {
    std::vector<double> all;
    for (const auto& p : points) all.insert(all.end(), p.begin(), p.end());
    return all;
}

/// Seconds of a call: the best of five rounds' means over at least 50 ms, of several things in turn.
std::vector<double> best_of(const std::vector<std::function<void()>>& things) {
    std::vector<double> best(things.size(), std::numeric_limits<double>::infinity());
    for (int round = 0; round < 5; ++round)
        for (std::size_t i = 0; i < things.size(); ++i) {
            const auto begin = clock_type::now();
            int calls = 0;
            do things[i](), ++calls;
            while (seconds_since(begin) < 0.05);
            best[i] = std::min(best[i], seconds_since(begin) / calls);
        }
    return best;
}

std::string time_text(double seconds) {
    if (seconds < 1e-3) return fmt::format("{:.1f} us", seconds * 1e6);
    return seconds < 1 ? fmt::format("{:.2f} ms", seconds * 1e3) : fmt::format("{:.2f} s", seconds);
}

[[maybe_unused]] void row(const std::string& what, double ours, const std::string& peer_name, double peer,
                          bool cut = false) {
    const char* const more = cut ? "> " : "";
    fmt::print("| {} | {} | {} | {}{} | {}{:.3g} |\n", what, time_text(ours), peer_name, more, time_text(peer), more,
               peer / ours);
}
[[maybe_unused]] void row_alone(const std::string& what, double ours) {
    fmt::print("| {} | {} | skipped: built without pagmo2 (Debian: libpagmo-dev) | - | - |\n", what, time_text(ours));
}

/// Both must come to the same result, or the times mean nothing.
[[maybe_unused]] void require(bool same, const std::string& what) {
    if (same) return;
    fmt::print(stderr, "{}: llmnas and pagmo2 differ\n", what);
    std::exit(1);
}

#ifdef LLMNAS_BENCHMARK_PAGMO
/// The archive that a user of pagmo2, which has none, writes with pagmo::pareto_dominance. Gives up after `limit`
/// seconds; `done` says how many points it took in.
point_set pagmo_archive(const point_set& points, double limit, std::size_t& done) {
    point_set archive;
    const auto begin = clock_type::now();
    for (done = 0; done < points.size(); ++done) {
        if (done % 256 == 0 && seconds_since(begin) > limit) break;
        const auto& p = points[done];
        if (std::any_of(archive.begin(), archive.end(), [&](const auto& q) { return pagmo::pareto_dominance(q, p); }))
            continue;
        archive.erase(std::remove_if(archive.begin(), archive.end(),
                                     [&](const auto& q) { return pagmo::pareto_dominance(p, q); }),
                      archive.end());
        archive.push_back(p);
    }
    return archive;
}
#endif

/// Small fronts are measured as everything else; of large ones one run of each side is long enough.
void insertion(const char* kind, const point_set& points, std::size_t m) {
    const std::vector<direction> towards(m, direction::minimize);
    std::size_t stay = 0;
    const auto ours = [&] {
        pareto_archive archive(towards);
        for (std::size_t i = 0; i < points.size(); ++i) archive.insert(static_cast<std::int32_t>(i), points[i]);
        stay = archive.size();
    };
    std::vector<double> t = best_of({ours});
    const std::string what =
        fmt::format("{} points one by one, {} objectives, {}: {} stay", points.size(), m, kind, stay);
#ifdef LLMNAS_BENCHMARK_PAGMO
    std::size_t done = 0, peers = 0;
    const auto theirs = [&] { peers = pagmo_archive(points, 60, done).size(); };
    if (stay < 1000) {
        t = best_of({ours, theirs});
    } else {
        const auto begin = clock_type::now();
        theirs();
        t.push_back(seconds_since(begin));
    }
    const bool whole = done == points.size();
    if (whole) require(peers == stay, what);
    row(what, t[0], whole ? "pareto_dominance" : fmt::format("pareto_dominance, stopped at {} points", done), t[1],
        !whole);
    if (m != 2) return;
    const auto begin = clock_type::now();
    const auto batch = pagmo::non_dominated_front_2d(points);
    row("... of pagmo2 all at once", t[0], "non_dominated_front_2d", seconds_since(begin));
    require(batch.size() == stay, what);
#else
    row_alone(what, t[0]);
#endif
}

void ranks(const point_set& points, std::size_t m) {
    const std::vector<direction> towards(m, direction::minimize);
    const auto values = flat(points);
    const std::string what = fmt::format("ranks of {} points, {} objectives", points.size(), m);
    const auto ours = [&] { return non_dominated_ranks(values, towards).value(); };
#ifdef LLMNAS_BENCHMARK_PAGMO
    const auto theirs = std::get<3>(pagmo::fast_non_dominated_sorting(points));
    const auto mine = ours();
    require(std::equal(mine.begin(), mine.end(), theirs.begin(), theirs.end(),
                       [](std::int32_t a, auto b) { return static_cast<std::size_t>(a) == b; }),
            what);
    const auto t = best_of({[&] { ours(); }, [&] { pagmo::fast_non_dominated_sorting(points); }});
    row(what, t[0], "fast_non_dominated_sorting", t[1]);
#else
    row_alone(what, best_of({[&] { ours(); }})[0]);
#endif
}

void volume(const point_set& points, std::size_t m) {
    const std::vector<direction> towards(m, direction::minimize);
    const std::vector<double> ref(m, 1.1);
    const auto values = flat(points);
    const std::string what = fmt::format("hypervolume of {} points, {} objectives", points.size(), m);
    const auto ours = [&] { return hypervolume(values, ref, towards).value(); };
#ifdef LLMNAS_BENCHMARK_PAGMO
    const pagmo::hypervolume peer(points, false);
    require(std::abs(ours() - peer.compute(ref)) < 1e-9 * ours(), what);
    const auto t = best_of({[&] { ours(); }, [&] { peer.compute(ref); }});
    row(what, t[0], m == 2 ? "hv2d" : m == 3 ? "hv3d" : "hvwfg", t[1]);
#else
    row_alone(what, best_of({[&] { ours(); }})[0]);
#endif
}

}  // namespace

int main() {
    fmt::print("| what | llmnas | pagmo2 | its time | ratio |\n|---|---|---|---|---|\n");
    for (const std::size_t m : {2U, 3U, 4U}) {
        insertion("uniform", cloud(100'000, m, m), m);
        insertion("all non-dominated", front(100'000, m, m), m);
    }
    for (const std::size_t m : {2U, 3U, 4U}) ranks(cloud(2'000, m, 10 + m), m);
    for (const std::size_t m : {2U, 3U, 4U})
        for (const std::size_t n : {100U, 1'000U}) volume(front(n, m, 20 + n + m), m);
}
