// SPDX-License-Identifier: MIT
// What a check of a server says of servers that honour, ignore and refuse things: each of them is scripted so.
#include <llmnas/llm/server_check.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include "servers.hpp"
#include "support/catch.hpp"

using namespace llmnas;
using namespace llmnas::test;
using space = table1_se;

namespace {

/// A server whose answers depend on what it honours.
struct behaviour {
    std::set<std::string> honours{"temperature", "min_p", "top_k", "top_p", "seed", "max_tokens", "schema"};
    std::set<std::string> refuses = {};
    bool streams = true;
    bool counts = true;       ///< reports usage
    bool fixed_seed = false;  ///< of its own
    std::string network = proposal_json<space>(zoo::lmanet_elite).dump();
};

class fake_model {
public:
    explicit fake_model(behaviour b) : b_(std::move(b)) {}

    scripted_reply operator()(const nlohmann::json& q, std::size_t n) const {
        for (const auto& name : b_.refuses)
            if (q.contains(name))
                return {400, nlohmann::json{{"error", {{"message", "unknown parameter " + name}}}}.dump()};
        const bool has_schema = q.contains("response_format") && honours("schema");
        if (has_schema && q.dump().find("kelp-7f3a") != std::string::npos)
            return say(q, {R"({"probe":)", R"("kelp-7f3a"})"});
        const bool proposal = q.dump().find("output_channels") != std::string::npos;
        if (proposal) return say(q, {b_.network.substr(0, 40), b_.network.substr(40)});
        return story(q, n);
    }

private:
    [[nodiscard]] bool honours(const std::string& name) const { return b_.honours.contains(name); }

    [[nodiscard]] scripted_reply story(const nlohmann::json& q, std::size_t n) const {
        const bool likeliest = (honours("temperature") && q.value("temperature", 1.0) == 0) ||
                               (honours("min_p") && q.value("min_p", 0.0) >= 1) ||
                               (honours("top_k") && q.value("top_k", 0) == 1) ||
                               (honours("top_p") && q.value("top_p", 1.0) < 0.01);
        std::uint64_t chance = b_.fixed_seed ? 7 : honours("seed") ? q.value("seed", std::uint64_t{0}) : n + 1000;
        if (likeliest) chance = 0;
        const std::size_t words = honours("max_tokens") ? q.value("max_tokens", std::size_t{100}) : 100;
        std::vector<std::string> pieces;
        for (std::size_t i = 0; i < words; ++i) pieces.push_back(std::to_string(splitmix64{chance + i}() % 1000) + " ");
        return say(q, pieces, words < 100 ? "length" : "stop");
    }

    [[nodiscard]] scripted_reply say(const nlohmann::json& q, const std::vector<std::string>& pieces,
                                     const std::string& reason = "stop") const {
        const nlohmann::json usage{{"prompt_tokens", 9}, {"completion_tokens", pieces.size()}};
        if (b_.streams && q.value("stream", false)) {
            std::string events;
            const auto add = [&](const nlohmann::json& event) { events += "data: " + event.dump() + "\n\n"; };
            for (const auto& p : pieces) add({{"choices", {{{"index", 0}, {"delta", {{"content", p}}}}}}});
            add({{"choices", {{{"index", 0}, {"delta", nlohmann::json::object()}, {"finish_reason", reason}}}}});
            if (b_.counts) add({{"choices", nlohmann::json::array()}, {"usage", usage}});
            return {200, events + "data: [DONE]\n\n", "text/event-stream"};
        }
        std::string text;
        for (const auto& p : pieces) text += p;
        nlohmann::json body{{"choices", {{{"message", {{"content", text}}}, {"finish_reason", reason}}}}};
        if (b_.counts) body["usage"] = usage;
        return {200, body.dump()};
    }

    behaviour b_;
};

struct checked {
    server_report report;
    std::size_t requests = 0;
    [[nodiscard]] std::string use(const std::string& name) const {
        const auto it = std::find_if(report.sampling.begin(), report.sampling.end(),
                                     [&](const parameter_finding& f) { return f.name == name; });
        REQUIRE(it != report.sampling.end());
        CHECK_FALSE(it->reason.empty());
        return std::string(name_of(it->use));
    }
};

checked check(behaviour b, const problem& limits = {}) {
    const scripted_server server(fake_model(std::move(b)), {},
                                 {{"/props", R"({"default_generation_settings":{"n_ctx":4096}})"}});
    auto options = quick(server.url());
    options.probe = true;
    const gate<space> judge{limits};
    auto report = check_server(std::move(options), judge);
    INFO((report ? std::string() : report.error().text()));
    REQUIRE(report);
    return {*std::move(report), server.requests().size()};
}

const std::vector<std::string> parameters{"temperature", "min_p", "top_k", "top_p", "seed", "max_tokens"};

}  // namespace

TEST_CASE("server check: all that a good server does is found with ten requests", "[llm]") {
    const auto c = check({});
    CHECK(c.requests == 10);  // a probe of the schema, eight of sampling, a network
    for (const auto& name : parameters) CHECK(c.use(name) == "honoured");
    const server_report& r = c.report;
    CHECK(r.usable());
    CHECK(r.verdict() == "usable: proposals keep to the space");
    CHECK(r.model == "scripted");
    CHECK(r.model_listed);
    CHECK(r.listed == 2U);
    CHECK(r.context == 4096);
    CHECK(r.form == schema_form::json_schema);
    CHECK(r.refused.empty());
    CHECK(r.reports_usage);
    CHECK(r.speed.streamed());
    CHECK(r.speed.tokens == 24);
    CHECK(r.speed.tokens_per_second() > 0);
    CHECK(r.speed.first_seconds <= r.speed.seconds);
    CHECK(r.architecture.requests == 1);
    CHECK(*r.architecture.network == proposal_json<space>(zoo::lmanet_elite));
    CHECK(r.architecture.cost->mac_count.value == 81'963'264);
    CHECK_FALSE(r.architecture.refused);
    CHECK(to_json(r)["sampling"]["min_p"]["use"] == "honoured");
}

TEST_CASE("server check: each parameter that is ignored is found out, and no other", "[llm]") {
    for (const auto& ignored : parameters) {
        INFO(ignored);
        behaviour b;
        b.honours.erase(ignored);
        const auto c = check(b);
        for (const auto& name : parameters) CHECK(c.use(name) == (name == ignored ? "ignored" : "honoured"));
        CHECK(c.report.usable());
    }
}

TEST_CASE("server check: refused parameters are named, the others are still tried", "[llm]") {
    behaviour b;
    b.refuses = {"min_p", "top_k", "seed"};
    b.honours.erase("seed");
    const auto c = check(b);
    for (const auto& name : b.refuses) CHECK(c.use(name) == "refused");
    CHECK(c.use("temperature") == "honoured");
    CHECK(c.use("top_p") == "honoured");
    CHECK(c.report.refused == b.refuses);
    CHECK(c.report.usable());
}

TEST_CASE("server check: what cannot be seen is not claimed", "[llm]") {
    behaviour one_answer;
    one_answer.honours = {"schema"};
    one_answer.fixed_seed = true;
    const auto same = check(one_answer);
    for (const auto& name : {"temperature", "min_p", "top_k", "top_p", "seed"})
        CHECK(same.use(name) == "cannot be told");
    behaviour nothing;
    nothing.honours = {"schema"};
    nothing.counts = false;
    const auto random = check(nothing);
    for (const auto& name : {"temperature", "min_p", "top_k", "top_p", "max_tokens"})
        CHECK(random.use(name) == "cannot be told");
    CHECK(random.use("seed") == "ignored");
    CHECK_FALSE(random.report.reports_usage);
    CHECK(random.report.speed.tokens == 100);  // pieces
    behaviour own_seed;                        // takes the temperature, draws the same each time
    own_seed.honours.erase("seed");
    own_seed.fixed_seed = true;
    const auto fixed = check(own_seed);
    CHECK(fixed.use("temperature") == "honoured");
    CHECK(fixed.use("seed") == "ignored");
}

TEST_CASE("server check: no schema, no stream, and a network over a limit are usable all the same", "[llm]") {
    behaviour b;
    b.honours.erase("schema");
    b.streams = false;
    problem limits;
    limits.max_macs = macs{81'000'000};
    const auto c = check(b, limits);
    CHECK(c.report.usable());
    CHECK(c.report.verdict() == "usable, but no form of a schema is honoured: the prompt alone asks for JSON");
    CHECK_FALSE(c.report.speed.streamed());
    CHECK(c.report.speed.tokens_per_second() > 0);
    REQUIRE(c.report.architecture.refused);
    CHECK(c.report.architecture.refused->kind == rejection_kind::macs_high);
    CHECK(to_json(c.report)["architecture"]["rejection"] == "macs_high");
}

TEST_CASE("server check: a server that gives no network is not usable, after three tries", "[llm]") {
    behaviour b;
    b.network = "Once upon a time there was a network with output_channels, and it was happy ever after.";
    const auto c = check(b);
    CHECK_FALSE(c.report.usable());
    CHECK(c.report.architecture.requests == 3);
    CHECK(c.requests == 12);
    REQUIRE(c.report.architecture.refused);
    CHECK(c.report.architecture.refused->kind == rejection_kind::malformed);
    CHECK_THAT(c.report.verdict(), Catch::Matchers::StartsWith("not usable: no network in 3 requests; the last: "));
    behaviour outside;
    auto net = zoo::lmanet_elite;
    net.stages[1].kernel_size = 9;
    outside.network = proposal_json<space>(net).dump();
    const auto o = check(outside);
    CHECK_FALSE(o.report.usable());
    CHECK(o.report.architecture.refused->kind == rejection_kind::out_of_space);
}

TEST_CASE("server check: a model that only reasons leaves sampling open", "[llm]") {
    const std::string network = proposal_json<space>(zoo::lmanet_elite).dump();
    for (const std::string content : {R"("")", "null"}) {
        const scripted_server server([&](const nlohmann::json& q, std::size_t) -> scripted_reply {
            if (q.dump().find("output_channels") != std::string::npos) return {200, chat_body(network)};
            return {200, R"({"choices":[{"message":{"content":)" + content +
                             R"(,"reasoning_content":"hm"},"finish_reason":"length"}]})"};
        });
        auto options = quick(server.url());
        options.probe = true;
        const gate<space> judge{problem{}};
        const auto r = check_server(std::move(options), judge);
        REQUIRE(r);
        CHECK(r->usable());
        REQUIRE(r->sampling.size() == 6);
        for (const auto& f : r->sampling) {
            CHECK(f.use == parameter_use::unknown);
            CHECK_THAT(f.reason, Catch::Matchers::ContainsSubstring("reason"));
        }
    }
}

TEST_CASE("server check: no answer, a wrong key and no model are errors that hold no key", "[llm]") {
    const gate<space> judge{problem{}};
    const std::string key = "sk-check-0123456789";
    const auto error_of = [&](openai_options options) {
        options.key = api_key::from_text(key).value();
        options.retry = retry_policy::never();
        const auto r = check_server(std::move(options), judge);
        REQUIRE_FALSE(r);
        CHECK(r.error().text().find(key) == std::string::npos);
        return r.error();
    };
    CHECK(error_of(quick("http://127.0.0.1:1")).code == errc::unreachable);
    const scripted_server locked(fake_model(behaviour{}), "sk-another-key");
    for (const bool named : {true, false}) {
        auto options = quick(locked.url());
        if (!named) options.model.clear();
        const auto e = error_of(options);
        CHECK(e.code == errc::server);
        CHECK_THAT(e.text(), Catch::Matchers::ContainsSubstring("401"));
    }
    const scripted_server empty(fake_model(behaviour{}), {}, {{"/v1/models", R"({"data":[]})"}});
    auto unnamed = quick(empty.url());
    unnamed.model.clear();
    CHECK_THAT(error_of(unnamed).text(), Catch::Matchers::ContainsSubstring("no model"));
    CHECK(error_of(quick("ftp://somewhere")).code == errc::bad_input);
}

TEST_CASE("server check: a model that the server does not list is asked all the same", "[llm]") {
    const scripted_server server(fake_model(behaviour{}));
    auto options = quick(server.url());
    options.model = "unlisted";
    options.probe = true;
    const gate<space> judge{problem{}};
    const auto r = check_server(std::move(options), judge);
    REQUIRE(r);
    CHECK_FALSE(r->model_listed);
    CHECK(r->usable());
    CHECK(server.requests().back().body["model"] == "unlisted");
}
