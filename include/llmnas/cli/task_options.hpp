// SPDX-License-Identifier: MIT
/// \file
/// Flags that several commands share: input, classes, target, limits, memory model.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/hana/unpack.hpp>

#include <llmnas/cli/units.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/mcu/target_list.hpp>
#include <llmnas/search/problem.hpp>

namespace llmnas::cli {

/// A target chosen at run time.
struct target_info {
    std::string name;
    std::string core;
    std::string datasheet;
    memory_region arena;
    bytes flash;
};

/// A built-in target as a value.
template <McuTarget T>
[[nodiscard]] target_info info_of() {
    return {std::string(T::name), std::string(T::core), std::string(T::datasheet), T::arena, T::flash};
}

[[nodiscard]] inline result<target_info> target_named(const std::string& name) {
    std::optional<target_info> found;
    std::string names;
    boost::hana::unpack(mcu::targets, [&](auto... targets) {
        const auto look = [&](auto target) {
            using T = typename decltype(target)::type;
            names += (names.empty() ? "" : ", ") + std::string(T::name);
            if (T::name == name) found = info_of<T>();
        };
        (look(targets), ...);
    });
    if (!found) return fail(errc::bad_input, "unknown microcontroller", "--target", name, "one of " + names);
    return *found;
}

[[nodiscard]] inline result<any_memory_model> memory_model_named(const std::string& name) {
    std::optional<any_memory_model> found;
    std::string names;
    for_each_memory_model([&](const any_memory_model& m) {
        names += (names.empty() ? "" : ", ") + std::string(m.name);
        if (m.name == name) found = m;
    });
    if (!found) return fail(errc::bad_input, "unknown memory model", "--memory-model", name, "one of " + names);
    return *found;
}

/// What the flags amount to.
struct task {
    problem limits;
    target_info target;
    any_memory_model memory;
};

/// The flags as text; task() reads them.
struct task_options {
    std::string input = "3x160x160";
    std::int32_t classes = 100;
    std::string target = "stm32h743";
    std::string sram;   ///< empty: the paper's 320 KiB, or what the target has where that is less
    std::string flash;  ///< empty: 2 MiB, or what the target has
    std::string macs = "70M:350M";
    std::string memory_model = std::string(layerwise::name);

    static constexpr const char* flags[] = {"--input", "--classes", "--target",      "--sram",
                                            "--flash", "--macs",    "--memory-model"};

    void add_to(CLI::App& app) {
        app.add_option("--input", input, "Deployment input, CHANNELSxHEIGHTxWIDTH; costs are judged there")
            ->capture_default_str();
        app.add_option("--classes", classes, "Number of classes")->capture_default_str()->check(CLI::Range(1, 32768));
        app.add_option("--target", target, "Microcontroller")->capture_default_str();
        app.add_option("--sram", sram, "Limit of peak SRAM: 320KiB (default, or what the target has), 327680, 256kB");
        app.add_option("--flash", flash, "Limit of flash: 2MiB (default, or what the target has), 1MB");
        app.add_option("--macs", macs, "Range of MACs, MIN:MAX")->capture_default_str();
        app.add_option("--memory-model", memory_model, "Model that peak SRAM is judged by")->capture_default_str();
    }

    [[nodiscard]] result<task> read() const {
        task t;
        const auto take = [](auto&& parsed, auto& into) -> std::optional<error> {
            if (!parsed) return parsed.error();
            into = *parsed;
            return std::nullopt;
        };
        std::pair<llmnas::macs, llmnas::macs> range;
        for (const auto& problem :
             {take(parse_shape(input, "--input"), t.limits.input), take(target_named(target), t.target),
              take(limit(sram, "--sram", paper_budget.sram, t.target.arena.size), t.limits.limits.sram),
              take(limit(flash, "--flash", paper_budget.flash, t.target.flash), t.limits.limits.flash),
              take(parse_mac_range(macs, "--macs"), range), take(memory_model_named(memory_model), t.memory)})
            if (problem) return tl::unexpected<error>(*problem);
        t.limits.classes = classes;
        t.limits.min_macs = range.first;
        t.limits.max_macs = range.second;
        const auto within = [&](bytes limit, bytes size, const char* flag,
                                const std::string& what) -> std::optional<error> {
            if (limit <= size) return std::nullopt;
            return error{errc::bad_input, fmt::format("limit larger than {} of {}", what, t.target.name), flag,
                         readable(limit), "at most " + readable(size)};
        };
        for (const auto& problem :
             {within(t.limits.limits.sram, t.target.arena.size, "--sram", std::string(t.target.arena.name)),
              within(t.limits.limits.flash, t.target.flash, "--flash", "the flash")})
            if (problem) return tl::unexpected<error>(*problem);
        return t;
    }

private:
    [[nodiscard]] static result<bytes> limit(const std::string& text, std::string_view flag, bytes usual,
                                             bytes available) {
        return text.empty() ? result<bytes>(std::min(usual, available)) : parse_bytes(text, flag);
    }
};

}  // namespace llmnas::cli
