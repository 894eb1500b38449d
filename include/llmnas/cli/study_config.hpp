// SPDX-License-Identifier: MIT
/// \file
/// The configuration that the program's studies keep: what a later run must agree with, and what others read again.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <llmnas/cli/task_options.hpp>
#include <llmnas/core/training.hpp>
#include <llmnas/json/json_value.hpp>
#include <llmnas/json/training_json.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/space/table1.hpp>

namespace llmnas::cli {

/// `training`: what the trainer says of its recipe.
[[nodiscard]] inline json_value study_config(const task& t, std::uint64_t seed, const fidelity& f,
                                             json_value training) {
    const problem& p = t.limits;
    return {{"space", table1_se::name},
            {"objectives", objective_names<paper_objectives>},
            {"memory_model", t.memory.name},
            {"target", t.target.name},
            {"input", {p.input.channels, p.input.height, p.input.width}},
            {"classes", p.classes},
            {"macs", {p.min_macs.value, p.max_macs.value}},
            {"sram_limit_bytes", p.limits.sram.value},
            {"flash_limit_bytes", p.limits.flash.value},
            {"seed", seed},
            {"fidelity", f},
            {"training", std::move(training)}};
}

/// The task of a study of the program. `where`: the study, for errors.
[[nodiscard]] inline result<task> task_of(const json_value& config, const std::string& where) try {
    const json_value objectives = objective_names<paper_objectives>;
    for (const auto& [member, wanted] :
         {std::pair<const char*, json_value>{"space", table1_se::name}, {"objectives", objectives}})
        if (config.at(member) != wanted)
            return fail(errc::bad_input, "a study of another program", fmt::format("{}, {}", where, member),
                        config.at(member).dump(), wanted.dump());
    const auto elsewhere = [&](error e) {
        e.where = where;
        return tl::unexpected<error>(std::move(e));
    };
    auto target = target_named(config.at("target").get<std::string>());
    if (!target) return elsewhere(std::move(target).error());
    auto memory = memory_model_named(config.at("memory_model").get<std::string>());
    if (!memory) return elsewhere(std::move(memory).error());
    task t{.limits = {}, .target = *std::move(target), .memory = *std::move(memory)};
    problem& p = t.limits;
    const json_value &input = config.at("input"), &range = config.at("macs");
    p.input = {input.at(0).get<std::int32_t>(), input.at(1).get<std::int32_t>(), input.at(2).get<std::int32_t>()};
    p.classes = config.at("classes").get<std::int32_t>();
    p.min_macs = {range.at(0).get<std::uint64_t>()};
    p.max_macs = {range.at(1).get<std::uint64_t>()};
    p.limits = {{config.at("sram_limit_bytes").get<std::uint64_t>()},
                {config.at("flash_limit_bytes").get<std::uint64_t>()}};
    return t;
} catch (const json_exception& e) {
    return fail(errc::bad_input, "the study's configuration is not one of the program", where, e.what());
}

}  // namespace llmnas::cli
