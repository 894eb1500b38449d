// SPDX-License-Identifier: MIT
/// \file
/// Options of openai_backend.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <llmnas/llm/api_key.hpp>
#include <llmnas/llm/http.hpp>
#include <llmnas/llm/proxy.hpp>
#include <llmnas/llm/retry.hpp>
#include <llmnas/llm/schema_form.hpp>

namespace llmnas {

/// Said before and during a wait for a server, about five times a second.
struct wait_notice {
    std::string reason;                      ///< one line, no secret
    int attempt = 1;                         ///< requests made so far
    std::chrono::milliseconds remaining{0};  ///< until the next request
};

/// Said for each piece of an answer that comes as a stream.
struct stream_progress {
    std::int64_t tokens = 0;  ///< of the answer so far, reasoning included; pieces where the server does not count
    double seconds = 0;       ///< since the request
    std::string_view text;    ///< so far; valid during the call only
};

/// What openai_backend::open() takes.
struct openai_options {
    std::string url;    ///< http://HOST[:PORT][/v1] or https://...
    std::string model;  ///< empty: the first that the server lists
    api_key key;
    http_timeouts timeouts;
    retry_policy retry;
    proxy_settings proxies = proxy_settings::from_environment();
    std::size_t longest_reply = std::size_t{8} << 20U;  ///< bytes of a reply's body
    schema_form form = schema_form::json_schema;        ///< tried first; `none`: schemas are never sent
    bool probe = true;   ///< finds out before the first request with a schema which form the server honours
    bool stream = true;  ///< asks for answers as a stream, so that a stalled server is noticed; many servers can
    /// Called during waits between requests.
    std::function<void(const wait_notice&)> on_wait = {};
    /// Called for each piece of an answer.
    std::function<void(const stream_progress&)> on_tokens = {};
    /// Asked several times a second while a call is under way, from another thread too; true ends the call with
    /// errc::interrupted, whatever the server does.
    std::function<bool()> unwanted = {};
    /// Called once for each thing that the server turns out to refuse; one line, no secret.
    std::function<void(const std::string&)> on_notice = {};
};

}  // namespace llmnas
