// SPDX-License-Identifier: MIT
/// \file
/// The address of a language model server.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/json/utf8.hpp>

namespace llmnas {

/// `scheme://host:port/prefix`; requests go to prefix + "/v1/...".
struct server_url {
    bool tls = false;
    std::string host;    ///< name, IPv4 address, or IPv6 address without brackets
    int port = 80;       ///< 1 .. 65535
    std::string prefix;  ///< "" or "/path" without a final slash and without the final /v1
    friend bool operator==(const server_url&, const server_url&) = default;

    /// For messages: `http://127.0.0.1:8080`.
    [[nodiscard]] std::string text() const {
        const bool v6 = host.find(':') != std::string::npos;
        return fmt::format("{}://{}{}{}:{}{}", tls ? "https" : "http", v6 ? "[" : "", host, v6 ? "]" : "", port,
                           prefix);
    }
};

/// Reads `http://HOST[:PORT][/PREFIX][/v1]`, http or https. A URL with user name and password is refused (and not
/// quoted: it holds a secret); a key goes into the environment or a file.
[[nodiscard]] inline result<server_url> parse_server_url(std::string_view text) {
    constexpr std::string_view wanted = "http://HOST[:PORT][/v1] or https://HOST[:PORT][/v1]";
    const auto reject = [&](std::string what) {
        const auto secret = text.find_first_of("@?#");  // a password, or a key in the query
        return fail(errc::bad_input, std::move(what), "URL of the language model",
                    secret != std::string_view::npos ? fmt::format("a URL with {}", text[secret])
                                                     : '"' + one_line(text, 120) + '"',
                    std::string(wanted));
    };
    constexpr std::string_view alphabet =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]%+=,;!$&'()*@?#";
    server_url url;
    std::string_view rest = text;
    if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
    } else if (rest.starts_with("https://")) {
        rest.remove_prefix(8);
        url.tls = true;
        url.port = 443;
    } else {
        return reject(text.empty() ? "empty URL" : "no http:// or https:// at the beginning");
    }
    if (rest.find_first_not_of(alphabet) != std::string_view::npos) return reject("a character that no URL holds");
    if (rest.find('@') != std::string_view::npos) return reject("user name or password in the URL");
    if (rest.find_first_of("?#") != std::string_view::npos) return reject("a query or fragment in the URL");

    const std::string_view authority = rest.substr(0, rest.find('/'));
    std::string_view path = rest.substr(authority.size());
    std::string_view port;
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) return reject("no ] behind the IPv6 address");
        url.host = authority.substr(1, close - 1);
        if (url.host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos ||
            url.host.find(':') == std::string::npos)
            return reject("no IPv6 address between [ and ]");
        port = authority.substr(close + 1);
    } else {
        url.host = authority.substr(0, authority.find(':'));
        if (url.host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") !=
            std::string::npos)
            return reject("a character that no host name holds");
        port = authority.substr(url.host.size());
    }
    if (url.host.empty()) return reject("no host");
    if (!port.empty()) {
        const char* const end = port.data() + port.size();
        const auto [stop, ec] = std::from_chars(port.data() + 1, end, url.port);
        if (port.front() != ':' || ec != std::errc{} || stop != end || url.port < 1 || url.port > 65535)
            return reject("the port is no number from 1 to 65535");
    }
    while (path.ends_with('/')) path.remove_suffix(1);
    if (path == "/v1" || path.ends_with("/v1")) path.remove_suffix(3);
    while (path.ends_with('/')) path.remove_suffix(1);
    url.prefix = path;
    return url;
}

}  // namespace llmnas
