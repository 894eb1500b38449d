// SPDX-License-Identifier: MIT
/// \file
/// Whether a server of a language model is fit for a search: what it is, what it honours, how fast it is, and one
/// network from it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/random.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/llm/llm_proposer.hpp>
#include <llmnas/llm/openai_backend.hpp>
#include <llmnas/llm/sampling_check.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/judge_proposal.hpp>
#include <llmnas/search/proposer.hpp>

namespace llmnas {

/// The longest answer of a check, as it came.
struct answer_speed {
    std::int64_t tokens = 0;   ///< as the server counts them, else pieces of the stream
    std::int64_t pieces = 0;   ///< of the stream; 0: the answer came whole
    double first_seconds = 0;  ///< to the first piece, or to the whole answer
    double seconds = 0;

    [[nodiscard]] bool streamed() const noexcept { return pieces > 1; }
    /// From the first token on where it is known when that came, else of the whole call.
    [[nodiscard]] double tokens_per_second() const noexcept {
        const double from = streamed() ? first_seconds : 0;
        return static_cast<double>(streamed() ? tokens - 1 : tokens) / std::max(seconds - from, 1e-6);
    }
};

/// The network that a model gave when it was asked as a search asks.
struct architecture_finding {
    int requests = 0;
    std::optional<nlohmann::ordered_json> network;  ///< in the space; nothing where no answer held one
    std::optional<costs> cost;                      ///< where it can be built
    /// Why a search would refuse it, or the last answer where no network came.
    std::optional<rejection> refused;
};

/// What check_server() finds.
struct server_report {
    std::string url;
    std::string model;
    std::optional<std::size_t> listed;  ///< models that the server lists; nothing where it lists none at all
    bool model_listed = false;          ///< servers take others too, and answer with what they have
    std::optional<std::int32_t> context;
    schema_form form = schema_form::none;  ///< that the server honours
    std::set<std::string> refused;         ///< members of the body that it refuses by name
    std::vector<parameter_finding> sampling;
    bool reports_usage = false;
    answer_speed speed;
    architecture_finding architecture;

    /// Whether a search can use it: a network came, within the limits or not.
    [[nodiscard]] bool usable() const noexcept { return architecture.network.has_value(); }

    [[nodiscard]] std::string verdict() const {
        if (!usable())
            return fmt::format("not usable: no network in {} requests; the last: {}", architecture.requests,
                               architecture.refused ? architecture.refused->why.text() : "none came");
        if (form == schema_form::none)
            return "usable, but no form of a schema is honoured: the prompt alone asks for JSON";
        return "usable: proposals keep to the space";
    }
};

[[nodiscard]] inline json_value to_json(const server_report& r) {
    json_value j{{"url", r.url}, {"model", r.model}, {"usable", r.usable()}, {"verdict", r.verdict()}};
    if (r.listed) j["models_listed"] = *r.listed;
    j["model_listed"] = r.model_listed;
    j["context"] = r.context ? json_value(*r.context) : json_value(nullptr);
    j["schema"] = name_of(r.form);
    j["refused"] = r.refused;
    j["sampling"] = json_value::object();
    for (const auto& f : r.sampling) j["sampling"][f.name] = {{"use", name_of(f.use)}, {"reason", f.reason}};
    j["usage_reported"] = r.reports_usage;
    j["streamed"] = r.speed.streamed();
    j["speed"] = {{"tokens", r.speed.tokens},
                  {"pieces", r.speed.pieces},
                  {"first_seconds", r.speed.first_seconds},
                  {"seconds", r.speed.seconds},
                  {"tokens_per_second", r.speed.tokens_per_second()}};
    json_value& a = j["architecture"] = {{"requests", r.architecture.requests}};
    a["network"] = r.architecture.network ? json_value(*r.architecture.network) : json_value(nullptr);
    if (r.architecture.cost) {
        a["macs"] = r.architecture.cost->mac_count.value;
        a["sram_bytes"] = r.architecture.cost->sram.size.value;
        a["flash_bytes"] = r.architecture.cost->flash.value;
    }
    if (r.architecture.refused) {
        a["rejection"] = name_of(r.architecture.refused->kind);
        a["reason"] = r.architecture.refused->why.text();
    }
    return j;
}

namespace detail {

/// A backend whose answers are timed.
class timed_backend {
public:
    struct record {
        std::int64_t pieces = 0;  ///< of the answer under way
        double first_seconds = 0;
        bool usage = false;
        answer_speed longest;
    };

    [[nodiscard]] static result<timed_backend> open(openai_options options) {
        auto seen = std::make_shared<record>();
        options.on_tokens = [seen, also = std::move(options.on_tokens)](const stream_progress& p) {
            if (seen->pieces++ == 0) seen->first_seconds = p.seconds;
            if (also) also(p);
        };
        auto backend = openai_backend::open(std::move(options));
        if (!backend) return tl::unexpected<error>(std::move(backend).error());
        return timed_backend(*std::move(backend), std::move(seen));
    }

    [[nodiscard]] std::string name() const { return backend->name(); }
    [[nodiscard]] std::optional<std::int32_t> context_length() { return backend->context_length(); }
    [[nodiscard]] result<completion> complete(const completion_request& request) {
        seen->pieces = 0;
        auto answer = backend->complete(request);
        if (!answer) return answer;
        const answer_speed s{answer->usage ? answer->usage->completion : seen->pieces, seen->pieces,
                             seen->pieces > 0 ? seen->first_seconds : answer->seconds, answer->seconds};
        seen->usage = seen->usage || answer->usage.has_value();
        if (s.tokens > seen->longest.tokens) seen->longest = s;
        return answer;
    }

    // Shared: a proposer takes its model by value.
    std::shared_ptr<openai_backend> backend;
    std::shared_ptr<record> seen;

private:
    timed_backend(openai_backend b, std::shared_ptr<record> s)
        : backend(std::make_shared<openai_backend>(std::move(b))), seen(std::move(s)) {}
};

/// Asks as a search does, with the paper's prompt, until an answer holds a network.
template <SearchSpace Space, MemoryModel Memory>
[[nodiscard]] result<architecture_finding> ask_for_network(const timed_backend& server,
                                                           const gate<Space, Memory>& judge, int requests) {
    llm_proposer<Space, timed_backend> proposer(server);
    architecture_finding found;
    std::vector<rejection> told;
    const auto gate_says = [&](const network_of<Space>& net) { return judge.judge(net); };
    while (!found.network && found.requests < requests) {
        splitmix64 rng{mix_seed(0, static_cast<std::uint64_t>(found.requests++))};
        const search_context<Space> context{.task = judge.limits(),
                                            .trials = {},
                                            .front = {},
                                            .best = {},
                                            .rejections = told,
                                            .judge = gate_says,
                                            .memory = judge.memory()};
        auto asked = proposer.ask(context, rng);
        if (!asked) {
            const errc code = asked.error().why.code;
            if (code == errc::interrupted || code == errc::unreachable) return tl::unexpected<error>(asked.error().why);
            told.push_back(asked.error());
            found.refused = std::move(asked).error();
            continue;
        }
        if (const auto measured = judge.measure_costs(asked->network)) found.cost = measured->cost;
        auto judged = judge_proposal(judge, asked->network);
        found.refused = judged ? std::nullopt : std::optional(std::move(judged).error());
        if (found.refused && found.refused->kind == rejection_kind::out_of_space)
            told.push_back(*found.refused);
        else
            found.network = proposal_json<Space>(asked->network);
    }
    return found;
}

}  // namespace detail

/// Asks a server what a search would ask of it: its models, its context length (at most three requests), the form of a
/// schema (at most seven), eight short answers for check_sampling(), and a network, up to `requests` times. Errors:
/// bad_input, unavailable (openai_backend::open), and those of a server that gives no answer at all.
template <SearchSpace Space, MemoryModel Memory>
[[nodiscard]] result<server_report> check_server(openai_options options, const gate<Space, Memory>& judge,
                                                 int requests = 3) {
    const auto url = parse_server_url(options.url);
    if (!url) return tl::unexpected<error>(url.error());
    server_report report;
    report.url = url->text();
    report.model = options.model;
    auto lister = openai_backend::open(options);
    if (!lister) return tl::unexpected<error>(std::move(lister).error());
    if (const auto models = lister->list_models()) {
        report.listed = models->size();
        if (report.model.empty() && !models->empty()) report.model = models->front().name;
        report.model_listed =
            std::any_of(models->begin(), models->end(), [&](const served_model& m) { return m.name == report.model; });
    } else if (report.model.empty() || models.error().code != errc::server) {
        return tl::unexpected<error>(models.error());
    }
    options.model = report.model;
    auto server = detail::timed_backend::open(std::move(options));
    if (!server) return tl::unexpected<error>(std::move(server).error());
    report.context = server->context_length();
    const auto form = server->backend->find_form();
    if (!form) return tl::unexpected<error>(form.error());
    auto sampling = check_sampling(*server);
    if (!sampling) return tl::unexpected<error>(std::move(sampling).error());
    report.sampling = *std::move(sampling);
    auto network = detail::ask_for_network<Space>(*server, judge, requests);
    if (!network) return tl::unexpected<error>(std::move(network).error());
    report.architecture = *std::move(network);
    report.form = server->backend->dialect().form;
    report.refused = server->backend->dialect().refused;
    report.reports_usage = server->seen->usage;
    report.speed = server->seen->longest;
    return report;
}

}  // namespace llmnas
