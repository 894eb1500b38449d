// SPDX-License-Identifier: MIT
/// \file
/// A search in the middle, put together by hand from the paper's networks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <llmnas/search/gate.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/search/proposer.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/lmanet.hpp>

namespace llmnas::test {

template <SearchSpace Space, MemoryModel Memory = layerwise, ObjectiveList Objectives = paper_objectives>
struct basic_search_state {
    using space = Space;

    explicit basic_search_state(const problem& p = {}, Memory memory = {}) : task(p), judge(p, memory) {}

    problem task;
    gate<space, Memory> judge;
    std::vector<trial<space>> trials;
    std::vector<std::int32_t> front;
    std::optional<std::int32_t> best;
    std::vector<rejection> rejections;
    std::vector<std::optional<network_of<space>>> rejected;

    void add(const network_of<space>& net, trial_state state, double accuracy = 0) {
        trial<space> t;
        t.number = static_cast<std::int32_t>(trials.size());
        t.candidate = judge.measure_costs(net).value();
        t.proposer = "llm";
        t.state = state;
        t.training.accuracy = accuracy;
        if (state == trial_state::complete) t.values = objective_values<Objectives>(t.candidate.cost, t.training);
        judge.remember(t.candidate, t.number);
        trials.push_back(std::move(t));
    }
    /// A proposal that the gate does not take; false where it takes it.
    bool refuse(const network_of<space>& net) {
        auto judged = judge.judge(net);
        if (judged) return false;
        refuse(judged.error(), net);
        return true;
    }
    void refuse(const rejection& why, std::optional<network_of<space>> net = std::nullopt) {
        rejections.push_back(why);
        rejected.push_back(std::move(net));
    }
    [[nodiscard]] search_context<space> context() const {
        return {task,          trials,
                front,         best,
                rejections,    [this](const auto& net) { return judge.judge(net); },
                rejected,      objective_infos<Objectives>,
                judge.memory()};
    }
};

using search_state = basic_search_state<table1_se>;

/// Elite and Core trained, a third network in training, a fourth failed.
inline search_state two_trained() {
    search_state s;
    s.add(zoo::lmanet_elite, trial_state::complete, 0.4125);
    s.add(zoo::lmanet_core, trial_state::complete, 0.3975);
    auto net = zoo::lmanet_elite;
    net.stages[4].output_channels = 160;
    s.add(net, trial_state::running);
    net.stages[4].output_channels = 96;
    s.add(net, trial_state::failed);
    s.front = {0, 1};
    s.best = 0;
    return s;
}

/// One rejection of each kind.
inline std::vector<rejection> all_rejections() {
    return {
        {rejection_kind::no_reply, {errc::timeout, "no whole reply within 600 s", "http://127.0.0.1:8080"}},
        {rejection_kind::malformed, {errc::bad_input, "the JSON is cut", "reply of the language model"}},
        {rejection_kind::out_of_space,
         {errc::out_of_space, "value outside the search space", "stage 3: kernel_size", "9", "one of 3, 5, 7"}},
        {rejection_kind::illegal, {errc::bad_input, "illegal kernel", "stage 5 block 2 depthwise", "7", "limit 5"}},
        {rejection_kind::macs_low, {errc::over_budget, "too few MACs", "network", "61234567", "70000000 to 350000000"}},
        {rejection_kind::macs_high,
         {errc::over_budget, "too many MACs", "network", "412345678", "70000000 to 350000000"}},
        {rejection_kind::sram,
         {errc::over_budget, "peak SRAM over the limit", "stage 1 block 1 expand", "614400", "at most 327680 bytes"}},
        {rejection_kind::flash,
         {errc::over_budget, "flash over the limit", "network", "3000000", "at most 2097152 bytes"}},
        {rejection_kind::duplicate,
         {errc::duplicate, "the same network as an earlier trial", "network", "trial 1", "a network not tried yet"}},
    };
}

}  // namespace llmnas::test
