// SPDX-License-Identifier: MIT
/// \file
/// Flags of successive halving: rungs below the full fidelity, and how many networks climb.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>

#include <llmnas/core/result.hpp>
#include <llmnas/core/training.hpp>
#include <llmnas/search/rung.hpp>

namespace llmnas::cli {

/// `3`, `3@64` or `3@64/4000`: epochs, resolution in pixels, images; all at least 1, but 0 images mean all.
[[nodiscard]] inline result<rung_request> parse_rung(std::string_view text) {
    rung_request r;
    const char *at = text.data(), *const end = text.data() + text.size();
    const auto number = [&](std::int32_t& into, std::int32_t least) {
        const auto [next, ec] = std::from_chars(at, end, into);
        at = next;
        return ec == std::errc{} && into >= least;
    };
    bool sound = number(r.epochs, 1);
    if (sound && at != end && *at == '@') sound = ++at != end && number(r.resolution.emplace(), 1);
    if (sound && at != end && *at == '/') sound = ++at != end && number(r.images.emplace(), 0);
    if (sound && at == end) return r;
    return fail(errc::bad_input, "not a rung", "--rungs", std::string(text),
                "EPOCHS, EPOCHS@PIXELS, EPOCHS/IMAGES or EPOCHS@PIXELS/IMAGES");
}

class halving_flags {
public:
    void add_to(CLI::App& command) {
        auto* const halving =
            command
                .add_option("--halving", reduction_,
                            "Multi-objective asynchronous successive halving (MO-ASHA): the best of so many networks "
                            "climbs to the next rung; each run on a rung is a trial")
                ->check(CLI::Range(2, 100));
        command
            .add_option(
                "--rungs", rungs_,
                "Rungs below the full fidelity, cheapest first: EPOCHS[@PIXELS][/IMAGES]; else up to two, of the "
                "epochs divided by the number of --halving")
            ->needs(halving);
    }

    /// Nothing without --halving. Errors: a rung that is none, or no less than the next.
    [[nodiscard]] result<std::optional<halving_options>> read(const fidelity& full) const {
        if (reduction_ == 0) return std::optional<halving_options>();
        if (rungs_.empty()) return std::optional(default_rungs(full, reduction_));
        std::vector<rung_request> lower;
        for (const std::string& text : rungs_) {
            const auto r = parse_rung(text);
            if (!r) return tl::unexpected<error>(r.error());
            lower.push_back(*r);
        }
        auto made = make_rungs(full, lower, reduction_);
        if (!made) return tl::unexpected<error>(made.error());
        return std::optional(*std::move(made));
    }

private:
    std::int32_t reduction_ = 0;
    std::vector<std::string> rungs_;
};

}  // namespace llmnas::cli
