// SPDX-License-Identifier: MIT
/// \file
/// The key of a language model server: from the environment or a file, and into one HTTP header only.
#pragma once

#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <llmnas/core/result.hpp>

namespace llmnas {

/// A secret. It has no text form, and redact() takes it out of whatever a server sends back. Errors never quote it.
class api_key {
public:
    api_key() = default;

    /// The key in a text: blanks around it are dropped. Error: inner blanks, control or non-ASCII characters.
    [[nodiscard]] static result<api_key> from_text(std::string_view text, std::string where = "API key") {
        constexpr std::string_view blanks = " \t\r\n";
        const std::size_t first = text.find_first_not_of(blanks);
        if (first == std::string_view::npos) return api_key{};
        text = text.substr(first, text.find_last_not_of(blanks) - first + 1);
        for (const char c : text)
            if (c <= ' ' || c > '~')
                return fail(errc::bad_input, "malformed key", std::move(where),
                            "a blank, control or non-ASCII character in it", "one line of printable ASCII characters");
        api_key key;
        key.secret_ = text;
        return key;
    }

    /// The key in an environment variable; no key where it is not set.
    [[nodiscard]] static result<api_key> from_environment(const char* variable = "LLMNAS_LLM_API_KEY") {
        const char* const value = std::getenv(variable);
        return from_text(value == nullptr ? "" : value, std::string("API key in $") + variable);
    }

    /// The key in a file that holds nothing else (at most 64 KiB).
    [[nodiscard]] static result<api_key> from_file(const std::string& path) {
        std::ifstream in(path, std::ios::binary);
        if (!in) return fail(errc::io, "cannot open", path, {}, "a readable file with the API key");
        std::string text(65537, '\0');
        in.read(text.data(), static_cast<std::streamsize>(text.size()));
        if (in.bad()) return fail(errc::io, "cannot read", path, {}, "a readable file with the API key");
        text.resize(static_cast<std::size_t>(in.gcount()));
        if (text.size() > 65536) return fail(errc::bad_input, "too long for an API key", path, {}, "at most 64 KiB");
        auto key = from_text(text, path);
        if (key && key->empty()) return fail(errc::bad_input, "no key in the file", path, "blanks only", "an API key");
        return key;
    }

    [[nodiscard]] bool empty() const noexcept { return secret_.empty(); }

    /// The text with each occurrence of the key, plain or as JSON and URLs write it, replaced by ***.
    [[nodiscard]] std::string redact(std::string text) const {
        if (secret_.empty()) return text;
        std::string json;
        std::string json_slashes;
        std::string url;
        for (const char c : secret_) {
            const std::string plain(1, c);
            json += c == '"' || c == '\\' ? '\\' + plain : plain;
            json_slashes += c == '"' || c == '\\' || c == '/' ? '\\' + plain : plain;
            constexpr std::string_view digits = "0123456789ABCDEF";
            const auto code = static_cast<unsigned char>(c);
            if (std::isalnum(code) != 0 || std::string_view("-._~").find(c) != std::string_view::npos)
                url += c;
            else
                url += {'%', digits[code / 16U], digits[code % 16U]};
        }
        for (const std::string& form : {json_slashes, json, url, secret_})
            for (std::size_t at = text.find(form); at != std::string::npos; at = text.find(form, at + 3))
                text.replace(at, form.size(), "***");
        return text;
    }

    /// redact() for a text in which a placeholder key ("none", "x") may stand by chance: it is left alone.
    [[nodiscard]] std::string redact_secret(std::string text) const {
        return is_secret() ? redact(std::move(text)) : text;
    }

    /// Value of the Authorization header. The one place where the key leaves this class.
    [[nodiscard]] std::string bearer() const { return "Bearer " + secret_; }

    /// Long enough to be a secret rather than a placeholder ("none", "ollama") that local servers are given.
    [[nodiscard]] bool is_secret() const noexcept { return secret_.size() >= 12; }

private:
    std::string secret_;
};

}  // namespace llmnas
