// SPDX-License-Identifier: MIT
// What the client of a language model costs a proposal apart from the server: prompt, request, reply, network, verdict.
// Prints one JSON object: ns of each step (best of 15 rounds), and with --inputs FILE writes what the peer starts
// from.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <llmnas/json/reply.hpp>
#include <llmnas/json/schema.hpp>
#include <llmnas/llm/cost_aware_prompt.hpp>
#include <llmnas/llm/dialect.hpp>
#include <llmnas/llm/openai_reply.hpp>
#include <llmnas/llm/prompt.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/space/membership.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>

namespace {

using namespace llmnas;
using space = table1_se;

/// A search with as many finished trials as asked for, and a few refused proposals since the last one.
struct state {
    problem task;
    gate<space> judge{task};
    std::vector<trial<space>> trials;
    std::vector<std::int32_t> front;
    std::optional<std::int32_t> best = 0;
    std::vector<rejection> rejections;
    std::vector<std::optional<network_of<space>>> rejected;
    std::vector<network_of<space>> refused;  ///< others, to take turns

    explicit state(std::size_t count) {
        splitmix64 rng{1};
        while (trials.size() < count) {
            const auto net = decode(sample<space>(rng));
            auto judged = judge.judge(net);
            if (!judged) {
                if (refused.size() < 64) refused.push_back(net);
                if (rejections.size() < 4) {
                    rejections.push_back(judged.error());
                    rejected.push_back(net);
                }
                continue;
            }
            trial<space> t;
            t.number = static_cast<std::int32_t>(trials.size());
            t.candidate = *std::move(judged);
            t.proposer = "llm";
            t.state = trial_state::complete;
            t.training.accuracy = 0.3 + 0.1 * static_cast<double>(rng() % 1000) / 1000;
            t.values = objective_values<paper_objectives>(t.candidate.cost, t.training);
            judge.remember(t.candidate, t.number);
            if (front.size() < 8) front.push_back(t.number);
            trials.push_back(std::move(t));
        }
    }
    /// Another network was refused last, and another one is the best: what a prompt computes from them is not what the
    /// last prompt computed.
    void turn() {
        rejected.back() = refused[turns_ % refused.size()];
        best = static_cast<std::int32_t>(turns_++ % trials.size());
    }
    [[nodiscard]] search_context<space> context() const {
        return {task,          trials,
                front,         best,
                rejections,    [this](const auto& net) { return judge.judge(net); },
                rejected,      objective_infos<paper_objectives>,
                judge.memory()};
    }

private:
    std::size_t turns_ = 0;
};

/// Best of the rounds' means, ns a call: whatever else runs on the machine only adds.
template <class F>
double measure(F&& f) {
    using clock = std::chrono::steady_clock;
    std::vector<double> means;
    int calls = 1;
    for (int round = 0; round < 15;) {
        const auto begin = clock::now();
        for (int i = 0; i < calls; ++i) f();
        const double ns = std::chrono::duration<double, std::nano>(clock::now() - begin).count();
        if (ns < 2e7) {
            calls *= 2;
            continue;
        }
        means.push_back(ns / calls);
        ++round;
    }
    return *std::min_element(means.begin(), means.end());
}

std::size_t sink = 0;  // what is computed is used

/// The answer as a stream of one piece every four bytes, about a token.
std::string stream_of(const std::string& text) {
    std::string s;
    for (std::size_t i = 0; i < text.size(); i += 4)
        s += "data: " +
             nlohmann::json{{"id", "chatcmpl-1"},
                            {"object", "chat.completion.chunk"},
                            {"model", "m"},
                            {"choices", {{{"index", 0}, {"delta", {{"content", text.substr(i, 4)}}}}}}}
                 .dump() +
             "\n\n";
    return s + R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})" + "\n\ndata: [DONE]\n\n";
}

}  // namespace

int main(int argc, char** argv) {
    state s(30);
    const auto context = s.context();
    paper_prompt<space> paper;
    cost_aware_prompt<space> aware;
    splitmix64 rng{99};
    const auto proposed = decode(sample<space>(rng));
    const std::string text = proposal_json<space>(proposed).dump();
    const std::string reply =
        nlohmann::json{
            {"id", "chatcmpl-1"},
            {"object", "chat.completion"},
            {"model", "m"},
            {"choices",
             {{{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}, {"finish_reason", "stop"}}}},
            {"usage", {{"prompt_tokens", 1500}, {"completion_tokens", 300}}}}
            .dump();
    const std::string stream = stream_of(text);
    completion_request request;
    request.messages = paper.messages(context);
    request.json_schema = proposal_schema<space>();
    request.sampling.seed = 7;
    static_cast<void>(aware.messages(context));  // both have drawn their example
    const openai::dialect dialect;

    nlohmann::ordered_json out;
    const auto prompt_of = [&s](auto& prompt) {
        s.turn();
        return prompt.messages(s.context()).size();
    };
    out["prompt (paper)"] = measure([&] { sink += prompt_of(paper); });
    out["prompt (cost-aware)"] = measure([&] { sink += prompt_of(aware); });
    out["request body"] = measure([&] { sink += openai::request_body(request, "m", dialect, true).size(); });
    out["reply, whole"] = measure([&] { sink += openai::read_completion(reply, "x")->text.size(); });
    out["reply, streamed"] = measure([&] {
        sse_parser parser;
        openai::stream_reader reader;
        parser.feed(stream, [&](const sse_event& e) { reader.read(e); });
        sink += reader.take("x")->text.size();
    });
    const auto& input = s.task.input;
    out["network from the text"] =
        measure([&] { sink += parse_reply<space>(text, input, s.task.classes).has_value(); });
    out["space, costs and limits"] = measure([&] {
        sink += encode<space>(proposed).violation ? 1U : 0U;
        sink += s.judge.judge(proposed).has_value();
    });
    out["events of the stream"] = text.size() / 4 + 3;
    out["bytes of the prompt"] = request.messages[0].content.size() + request.messages[1].content.size();
    out["bytes of the reply"] = reply.size();
    out["bytes of the stream"] = stream.size();
    if (argc == 3 && std::string_view(argv[1]) == "--inputs") {
        nlohmann::ordered_json inputs{
            {"schema", *request.json_schema}, {"choices", axes_json<space>()}, {"reply", reply}, {"stream", stream}};
        for (const chat_message& m : request.messages)
            inputs["messages"].push_back({{"role", std::string(name_of(m.role))}, {"content", m.content}});
        std::ofstream(argv[2]) << inputs.dump();
    }
    if (sink == 0) return 1;
    std::puts(out.dump(2).c_str());
    return 0;
}
