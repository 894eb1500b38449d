// SPDX-License-Identifier: MIT
// Which form of a JSON Schema a server honours, found out from servers that honour, refuse and ignore in turn.
#include <string>
#include <vector>

#include "servers.hpp"
#include "support/catch.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The form in which a body holds a schema.
schema_form form_of(const nlohmann::json& body) {
    if (body.contains("response_format"))
        return body["response_format"]["type"] == "json_schema" ? schema_form::json_schema : schema_form::json_object;
    if (body.contains("json_schema")) return schema_form::schema_field;
    if (body.contains("grammar")) return schema_form::grammar;
    if (body.contains("format")) return schema_form::format;
    if (body.contains("structured_outputs")) return schema_form::structured_outputs;
    if (body.contains("guided_json")) return schema_form::guided_json;
    return schema_form::none;
}

/// The schema or grammar in it, as text.
std::string schema_of(const nlohmann::json& body) {
    switch (form_of(body)) {
        case schema_form::json_schema:
            return body["response_format"]["json_schema"]["schema"].dump();
        case schema_form::json_object:
            return body["response_format"]["schema"].dump();
        case schema_form::schema_field:
            return body["json_schema"].dump();
        case schema_form::grammar:
            return body["grammar"].get<std::string>();
        case schema_form::format:
            return body["format"].dump();
        case schema_form::structured_outputs:
            return body["structured_outputs"]["json"].dump();
        case schema_form::guided_json:
            return body["guided_json"].dump();
        case schema_form::none:
            break;
    }
    return {};
}

/// What a server that honours the schema answers; blanks between the tokens as constrained JSON has them.
scripted_reply constrained(const nlohmann::json& body) {
    const bool probe = schema_of(body).find("kelp-7f3a") != std::string::npos;
    return {200, chat_body(probe ? "{ \"probe\" :\n\"kelp-7f3a\"}" : "[ ]")};
}

completion_request with_schema() {
    auto request = hello();
    request.json_schema = nlohmann::ordered_json{{"type", "array"}};
    request.grammar = "root ::= \"[]\"";
    return request;
}

openai_backend probing(const std::string& url) {
    auto options = quick(url);
    options.probe = true;
    return openai_backend::open(options).value();
}

}  // namespace

TEST_CASE("schema forms: each is found where the server ignores or refuses those before it", "[llm]") {
    const auto honoured =
        GENERATE(schema_form::json_schema, schema_form::json_object, schema_form::schema_field, schema_form::grammar,
                 schema_form::format, schema_form::structured_outputs, schema_form::guided_json, schema_form::none);
    const bool refuses = GENERATE(false, true);
    CAPTURE(name_of(honoured), refuses);
    const scripted_server server([&](const nlohmann::json& body, std::size_t) {
        const schema_form form = form_of(body);
        if (form == honoured && form != schema_form::none) return constrained(body);
        if (refuses && form != schema_form::none)
            return scripted_reply{400, R"({"error":{"message":"a schema in this form is not supported"}})"};
        return scripted_reply{200, chat_body("Waves roll in.")};
    });
    auto llm = probing(server.url());
    const auto answer = llm.complete(with_schema());
    REQUIRE(answer);
    CHECK(answer->schema_sent_as == (honoured == schema_form::none ? "" : name_of(honoured)));
    CHECK(form_of(server.requests().back().body) == honoured);
    CHECK(server.requests().size() <= 8);
    if (honoured != schema_form::none) CHECK(answer->text == "[ ]");

    const auto before = server.requests().size();
    REQUIRE(llm.complete(with_schema()));
    CHECK(server.requests().size() == before + 1);  // found out once
}

TEST_CASE("schema forms: the 2025 llama.cpp server ignores json_schema and obeys json_object, the 2026 one the reverse",
          "[llm]") {
    const auto obeyed = GENERATE(schema_form::json_schema, schema_form::json_object);
    const scripted_server server([&](const nlohmann::json& body, std::size_t) {
        return form_of(body) == obeyed ? constrained(body)
                                       : scripted_reply{200, chat_body("```json\n{\"probe\": \"sea\"}\n```")};
    });
    auto llm = probing(server.url());
    CHECK(llm.find_form().value() == obeyed);
    CHECK(server.requests().size() == (obeyed == schema_form::json_schema ? 1 : 2));
}

TEST_CASE("schema forms: a probe cut or left without text decides nothing wrongly", "[llm]") {
    SECTION("cut inside the answer") {
        const scripted_server server({{200, chat_body("{\n  \"probe\":", "length")}});
        CHECK(probing(server.url()).find_form().value() == schema_form::json_schema);
    }
    SECTION("cut inside a story") {
        const scripted_server server({{200, chat_body("The sea is", "length")}});
        CHECK(probing(server.url()).find_form().value() == schema_form::none);
    }
    SECTION("reasoning only: the first form that shows nothing stays") {
        const scripted_server server({{200, R"({"choices":[{"message":{"content":null},"finish_reason":"length"}]})"}});
        CHECK(probing(server.url()).find_form().value() == schema_form::json_schema);
    }
}

TEST_CASE("schema forms: a server that is not there, or wants a key, ends the probe", "[llm]") {
    SECTION("key rejected: one request") {
        const scripted_server server({{200, chat_body("x")}}, "another");
        const auto answer = probing(server.url()).complete(with_schema());
        REQUIRE_FALSE(answer);
        CHECK_THAT(answer.error().text(), ContainsSubstring("401"));
        CHECK(server.requests().size() == 1);
    }
    SECTION("every probe fails: the request itself says why") {
        const scripted_server server({{500, R"({"error":{"message":"out of memory"}})"}});
        const auto answer = probing(server.url()).complete(with_schema());
        REQUIRE_FALSE(answer);
        CHECK_THAT(answer.error().text(), ContainsSubstring("out of memory"));
    }
}

TEST_CASE("schema forms: a schema refused later moves on, and a form without its text is passed over", "[llm]") {
    // Honours json_schema, but cannot compile the schema of the request.
    const scripted_server server([&](const nlohmann::json& body, std::size_t) {
        if (form_of(body) == schema_form::json_schema && schema_of(body).find("kelp") == std::string::npos)
            return scripted_reply{400, R"({"error":{"message":"JSON schema conversion failed: grammar too large"}})"};
        return constrained(body);
    });
    auto request = with_schema();
    request.grammar.reset();
    auto llm = probing(server.url());
    const auto answer = llm.complete(request);
    REQUIRE(answer);
    CHECK(answer->schema_sent_as == "json_object");
    openai::dialect d;
    d.form = schema_form::grammar;
    CHECK(d.form_for(request) == schema_form::json_schema);
    CHECK(d.form_for(hello()) == schema_form::none);
}

TEST_CASE("schema forms: a server that takes objects only gets the array in one", "[llm]") {
    const scripted_server server([&](const nlohmann::json& body, std::size_t) {
        if (form_of(body) != schema_form::json_schema) return scripted_reply{200, chat_body("no schema")};
        const auto& schema = body["response_format"]["json_schema"]["schema"];
        if (schema["type"] == "object") return constrained(body);
        return scripted_reply{400,
                              R"({"error":{"message":"Invalid schema for response_format 'proposal': schema must be )"
                              R"(a JSON Schema of 'type: \"object\"', got 'type: \"array\"'.",)"
                              R"("type":"invalid_request_error","param":"response_format"}})"};
    });
    auto options = quick(server.url());
    options.probe = true;
    std::string notices;
    options.on_notice = [&](const std::string& n) { notices += n + ";"; };
    auto llm = openai_backend::open(options).value();
    const auto answer = llm.complete(with_schema());
    REQUIRE(answer);
    CHECK(answer->schema_sent_as == "json_schema");
    const auto sent = server.requests().back().body["response_format"]["json_schema"]["schema"];
    CHECK(sent["properties"]["blocks"] == nlohmann::json{{"type", "array"}});
    CHECK_THAT(notices, ContainsSubstring("sent in an object"));
    CHECK(server.requests().size() == 3);
    REQUIRE(llm.complete(with_schema()));
    CHECK(server.requests().size() == 4);  // remembered
}

TEST_CASE("schema forms: without a probe refusals alone decide", "[llm]") {
    const auto accepted = GENERATE(schema_form::json_schema, schema_form::json_object, schema_form::none);
    const int status = GENERATE(400, 500);
    const scripted_server server([&](const nlohmann::json& body, std::size_t) {
        return form_of(body) == accepted
                   ? scripted_reply{200, chat_body("[]")}
                   : scripted_reply{status, R"({"error":{"message":"the schema's form is not supported"}})"};
    });
    auto llm = openai_backend::open(quick(server.url())).value();
    REQUIRE(llm.complete(with_schema()));
    CHECK(llm.dialect().form == accepted);
    const auto before = server.requests().size();
    REQUIRE(llm.complete(with_schema()));
    CHECK(server.requests().size() == before + 1);
    CHECK(form_of(server.requests().back().body) == accepted);
}
