// SPDX-License-Identifier: MIT
/// \file
/// JSON Schema as far as this library writes it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

namespace llmnas::test {

/// Whether a value fits a schema made of the keywords that json/schema.hpp uses.
inline bool matches(const nlohmann::ordered_json& value, const nlohmann::ordered_json& schema) {
    if (schema.contains("anyOf")) {
        for (const auto& s : schema["anyOf"])
            if (matches(value, s)) return true;
        return false;
    }
    if (schema.contains("enum"))
        return std::find(schema["enum"].begin(), schema["enum"].end(), value) != schema["enum"].end();
    if (schema["type"] == "array") {
        if (!value.is_array() || value.size() < schema["minItems"] || value.size() > schema["maxItems"]) return false;
        for (const auto& v : value)
            if (!matches(v, schema["items"])) return false;
        return true;
    }
    if (schema["type"] == "string") {
        if (!value.is_string()) return false;
        const auto& text = value.get_ref<const std::string&>();
        const auto is_first = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
        return std::count_if(text.begin(), text.end(), is_first) <= schema["maxLength"].get<std::ptrdiff_t>();
    }
    if (!value.is_object()) return false;
    for (const auto& name : schema["required"])
        if (!value.contains(name.get<std::string>())) return false;
    for (const auto& item : value.items())
        if (!schema["properties"].contains(item.key()) || !matches(item.value(), schema["properties"][item.key()]))
            return false;
    return true;
}

}  // namespace llmnas::test
