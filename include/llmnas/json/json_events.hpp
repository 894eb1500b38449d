// SPDX-License-Identifier: MIT
/// \file
/// JSON as a sequence of events, from text without building a document (nlohmann's SAX interface) or from a document:
/// what a reader accepts is written once and serves both.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <llmnas/core/result.hpp>
#include <llmnas/json/utf8.hpp>

namespace llmnas::detail {

/// Stands for an array, an object or another value that is not told member by member: as messages name it.
struct json_composite {
    std::string_view name;
};

/// One value as a reader sees it. Text is valid until the next event.
using json_scalar =
    std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string_view, json_composite>;

/// For messages, on one line; long values are cut.
[[nodiscard]] inline std::string shown(const nlohmann::ordered_json& j) {
    return one_line(j.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace), 40);
}
[[nodiscard]] inline std::string shown(const json_scalar& value) {
    return std::visit(
        [](const auto& v) {
            if constexpr (std::is_same_v<std::remove_cvref_t<decltype(v)>, json_composite>)
                return std::string(v.name);
            else
                return shown(nlohmann::ordered_json(v));
        },
        value);
}

/// Takes the events. An object or array is told member by member only where the reader says so; else neither its
/// members nor its end are told.
template <class R>
concept JsonReader = requires(R& r, const json_scalar& value, std::string_view name) {
    { r.value(value) } -> std::same_as<void>;
    { r.key(name) } -> std::same_as<void>;
    { r.begin_object() } -> std::same_as<bool>;
    { r.begin_array() } -> std::same_as<bool>;
    { r.end() } -> std::same_as<void>;
};

/// Events of a document. Recursion goes as deep as the reader asks, not as deep as the document.
template <JsonReader Reader>
void read_json(const nlohmann::ordered_json& j, Reader& reader) {
    using type = nlohmann::ordered_json::value_t;
    switch (j.type()) {
        case type::null:
            return reader.value(nullptr);
        case type::boolean:
            return reader.value(j.get<bool>());
        case type::number_integer:
            return reader.value(j.get<std::int64_t>());
        case type::number_unsigned:
            return reader.value(j.get<std::uint64_t>());
        case type::number_float:
            return reader.value(j.get<double>());
        case type::string:
            return reader.value(std::string_view(j.get_ref<const std::string&>()));
        case type::array:
            if (!reader.begin_array()) return;
            for (const auto& element : j) read_json(element, reader);
            return reader.end();
        case type::object:
            if (!reader.begin_object()) return;
            for (const auto& member : j.items()) {
                reader.key(member.key());
                read_json(member.value(), reader);
            }
            return reader.end();
        case type::binary:
        case type::discarded:
            break;
    }
    reader.value(json_composite{"no JSON value"});
}

/// Events of a text, and where and why the text is no JSON.
template <JsonReader Reader>
class json_text_events final : public nlohmann::json_sax<nlohmann::ordered_json> {
public:
    static constexpr std::size_t max_depth = 64;

    explicit json_text_events(Reader& reader) : reader_(reader) {}

    bool null() override { return value(nullptr); }
    bool boolean(bool v) override { return value(v); }
    bool number_integer(number_integer_t v) override { return value(std::int64_t{v}); }
    bool number_unsigned(number_unsigned_t v) override { return value(std::uint64_t{v}); }
    bool number_float(number_float_t v, const string_t&) override { return value(double{v}); }
    bool string(string_t& v) override { return value(std::string_view(v)); }
    bool binary(binary_t&) override { return false; }  // JSON text has none
    bool start_object(std::size_t) override {
        return open([this] { return reader_.begin_object(); });
    }
    bool start_array(std::size_t) override {
        return open([this] { return reader_.begin_array(); });
    }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        if (skipped_ == 0) reader_.key(name);
        return true;
    }
    bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
        position_ = at;
        return false;
    }

    /// Why the text was given up.
    [[nodiscard]] error why(std::string_view text) const {
        if (depth_ > max_depth)
            return {errc::bad_input, "JSON nested too deeply", "", "", fmt::format("at most {} levels", max_depth)};
        const std::size_t at = position_ > 0 ? position_ - 1 : 0;
        return {errc::bad_input, fmt::format("malformed JSON at byte {}", position_), "",
                at < text.size() ? one_line(text.substr(at, 20)) : "the end of the text", "JSON"};
    }

private:
    bool value(const json_scalar& v) {
        if (skipped_ == 0) reader_.value(v);
        return true;
    }
    template <class Begin>
    bool open(Begin begin) {
        if (++depth_ > max_depth) return false;
        if (skipped_ > 0 || !begin()) ++skipped_;
        return true;
    }
    bool close() {
        --depth_;
        if (skipped_ > 0)
            --skipped_;
        else
            reader_.end();
        return true;
    }

    Reader& reader_;
    std::size_t depth_ = 0;
    std::size_t skipped_ = 0;   ///< levels inside what the reader does not want
    std::size_t position_ = 0;  ///< bytes read at the failure, the wrong one included
};

/// Events of a whole text of JSON. Error: malformed (with the byte, from 1), something behind the value, or arrays and
/// objects more than 64 deep in each other. The reader may have seen a part by then.
template <JsonReader Reader>
[[nodiscard]] result<void> read_json_text(std::string_view text, Reader& reader) {
    json_text_events<Reader> events(reader);
    if (nlohmann::ordered_json::sax_parse(text.begin(), text.end(), &events)) return {};
    return tl::unexpected<error>(events.why(text));
}

}  // namespace llmnas::detail
