// SPDX-License-Identifier: MIT
/// \file
/// Which HTTP proxy a request goes through, by the variables that other programs read too.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <llmnas/core/result.hpp>
#include <llmnas/llm/server_url.hpp>

namespace llmnas {

/// A proxy with an http:// address. User name and password are secrets: no message holds them.
struct http_proxy {
    std::string host;
    int port = 80;
    std::string user = {};
    std::string password = {};
};

/// The values of the variables; empty: not set.
struct proxy_settings {
    std::string http;    ///< proxy for http:// servers
    std::string https;   ///< proxy for https:// servers (CONNECT: it sees the host name only)
    std::string except;  ///< hosts that are asked directly, see proxy_for()

    /// http_proxy, https_proxy, no_proxy, or their forms in capitals where the small ones are not set.
    [[nodiscard]] static proxy_settings from_environment() {
        const auto value = [](const char* small, const char* capital) -> std::string {
            for (const char* const name : {small, capital})
                if (const char* const text = std::getenv(name); text != nullptr && *text != '\0') return text;
            return {};
        };
        return {value("http_proxy", "HTTP_PROXY"), value("https_proxy", "HTTPS_PROXY"), value("no_proxy", "NO_PROXY")};
    }
};

namespace detail {

[[nodiscard]] inline std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

/// `%40` and the like as characters; a stray % stays.
[[nodiscard]] inline std::string percent_decoded(std::string_view text) {
    const auto digit = [](char c) {
        const std::size_t at = std::string_view("0123456789abcdef").find(lower_case({&c, 1}));
        return at == std::string_view::npos ? -1 : static_cast<int>(at);
    };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool coded = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
        out += coded ? static_cast<char>(16 * digit(text[i + 1]) + digit(text[i + 2])) : text[i];
        if (coded) i += 2;
    }
    return out;
}

[[nodiscard]] inline bool is_loopback(std::string_view host) {
    return host == "localhost" || host.ends_with(".localhost") || host == "::1" || host.starts_with("127.");
}

/// One entry of NO_PROXY: `*`, `host`, `.domain` or `*.domain`, each perhaps with `:port`; a host covers its
/// subdomains.
[[nodiscard]] inline bool is_covered(const server_url& url, const std::string& host, std::string_view entry) {
    if (entry == "*") return true;
    if (entry.starts_with('[') && entry.find(']') != std::string_view::npos) {
        const std::string_view inner = entry.substr(1, entry.find(']') - 1);
        const std::string_view port = entry.substr(entry.find(']') + 1);
        return host == inner && (port.empty() || port == ":" + std::to_string(url.port));
    }
    const std::size_t colon = entry.find(':');
    if (colon != std::string_view::npos && entry.find(':', colon + 1) == std::string_view::npos) {
        if (entry.substr(colon + 1) != std::to_string(url.port)) return false;
        entry = entry.substr(0, colon);
    }
    if (entry.starts_with('*')) entry.remove_prefix(1);
    if (entry.starts_with('.')) entry.remove_prefix(1);
    if (entry.empty()) return false;
    return host == entry ||
           (host.size() > entry.size() && host.ends_with(entry) && host[host.size() - entry.size() - 1] == '.');
}

}  // namespace detail

/// The proxy for a server, or nothing where it is asked directly: servers on this machine and those that `except`
/// names (separated by commas or blanks; no address ranges). Error (errc::bad_input): an address that is no
/// `[http://][USER:PASSWORD@]HOST[:PORT]`; it is not quoted.
[[nodiscard]] inline result<std::optional<http_proxy>> proxy_for(const server_url& url, const proxy_settings& s) {
    const std::string host = detail::lower_case(url.host);
    const std::string& address = url.tls ? s.https : s.http;
    if (address.empty() || detail::is_loopback(host)) return std::nullopt;
    const std::string exceptions = detail::lower_case(s.except);
    for (std::size_t begin = 0; begin < exceptions.size();) {
        const std::size_t end = std::min(exceptions.find_first_of(", \t", begin), exceptions.size());
        if (detail::is_covered(url, host, std::string_view(exceptions).substr(begin, end - begin))) return std::nullopt;
        begin = end + 1;
    }
    const auto reject = [&](std::string what) {
        return fail(errc::bad_input, std::move(what), url.tls ? "proxy in $HTTPS_PROXY" : "proxy in $HTTP_PROXY", {},
                    "[http://][USER:PASSWORD@]HOST[:PORT]");
    };
    std::string_view rest = address;
    if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
        if (detail::lower_case(rest.substr(0, scheme)) != "http")
            return reject("only proxies with http:// are spoken to");
        rest.remove_prefix(scheme + 3);
    }
    http_proxy proxy;
    if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
        const std::string_view who = rest.substr(0, at);
        const std::size_t colon = std::min(who.find(':'), who.size());
        proxy.user = detail::percent_decoded(who.substr(0, colon));
        if (colon < who.size()) proxy.password = detail::percent_decoded(who.substr(colon + 1));
        rest.remove_prefix(at + 1);
    }
    const auto where = parse_server_url("http://" + std::string(rest));
    if (!where || !where->prefix.empty()) return reject("malformed address");
    proxy.host = where->host;
    proxy.port = where->port;
    return proxy;
}

}  // namespace llmnas
