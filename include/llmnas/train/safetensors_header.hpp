// SPDX-License-Identifier: MIT
/// \file
/// The header of a safetensors file: names, types, shapes and places of tensors. No torch.
/// Format: huggingface/safetensors, "Format": 8 bytes of header length, JSON, data without gaps.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <llmnas/core/result.hpp>

namespace llmnas::safetensors {

inline constexpr std::uint64_t max_header_bytes = 100'000'000;  ///< the format's own limit

/// Element types of the format that libtorch has too.
[[nodiscard]] constexpr std::size_t element_bytes(std::string_view type) noexcept {
    struct entry {
        std::string_view name;
        std::size_t bytes;
    };
    constexpr entry types[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                               {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};
    for (const entry& e : types)
        if (e.name == type) return e.bytes;
    return 0;
}

struct tensor_entry {
    std::string name;
    std::string type;
    std::vector<std::int64_t> shape;
    std::uint64_t begin = 0;  ///< in the data behind the header
    std::uint64_t end = 0;
};

struct header {
    std::vector<tensor_entry> tensors;  ///< in the order of their data
    std::map<std::string, std::string> metadata;
};

/// JSON text, padded with blanks so that the data behind it is aligned to 8 bytes.
[[nodiscard]] inline std::string write_header(const header& h) {
    auto json = nlohmann::ordered_json::object();
    if (!h.metadata.empty()) json["__metadata__"] = h.metadata;
    for (const tensor_entry& t : h.tensors)
        json[t.name] = {{"dtype", t.type}, {"shape", t.shape}, {"data_offsets", {t.begin, t.end}}};
    std::string text = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
}

namespace detail {

inline std::string parse_tensor(const std::string& name, const nlohmann::json& json, tensor_entry& t) {
    t.name = name;
    if (!json.is_object()) return "tensor " + name + " is no object";
    const auto type = json.find("dtype");
    const auto shape = json.find("shape");
    const auto offsets = json.find("data_offsets");
    if (type == json.end() || !type->is_string() || shape == json.end() || !shape->is_array() ||
        offsets == json.end() || !offsets->is_array() || offsets->size() != 2 || !(*offsets)[0].is_number_unsigned() ||
        !(*offsets)[1].is_number_unsigned())
        return "tensor " + name + " lacks dtype, shape or data_offsets";
    t.type = type->get<std::string>();
    const std::size_t item = element_bytes(t.type);
    if (item == 0) return "tensor " + name + " has an unknown dtype " + t.type;
    if (shape->size() > 8) return "tensor " + name + " has more than 8 dimensions";
    std::uint64_t bytes = item;
    for (const auto& extent : *shape) {
        if (!extent.is_number_unsigned() || extent.get<std::uint64_t>() > std::uint64_t{1} << 48 ||
            __builtin_mul_overflow(bytes, extent.get<std::uint64_t>(), &bytes))
            return "tensor " + name + " has an impossible shape";
        t.shape.push_back(static_cast<std::int64_t>(extent.get<std::uint64_t>()));
    }
    t.begin = (*offsets)[0].get<std::uint64_t>();
    t.end = (*offsets)[1].get<std::uint64_t>();
    if (t.begin > t.end || t.end - t.begin != bytes)
        return fmt::format("tensor {} has offsets {}..{} for {} bytes", name, t.begin, t.end, bytes);
    return {};
}

}  // namespace detail

/// Reads and checks a header against the number of bytes behind it: types, shapes, no gap, no overlap, nothing left
/// over. bad_input otherwise.
[[nodiscard]] inline result<header> parse_header(std::string_view text, std::uint64_t data_bytes,
                                                 const std::string& where) {
    const auto refuse = [&](std::string what, std::string got = {}, std::string wanted = {}) {
        return fail(errc::bad_input, "safetensors: " + std::move(what), where, std::move(got), std::move(wanted));
    };
    std::set<std::string> names;
    std::string twice;
    const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
        if (event == nlohmann::json::parse_event_t::key && depth == 1 &&
            !names.insert(parsed.get<std::string>()).second)
            twice = parsed.get<std::string>();
        return true;
    };
    const auto json = nlohmann::json::parse(text.begin(), text.end(), watch, false);
    if (json.is_discarded() || !json.is_object()) return refuse("header is no JSON object");
    if (!twice.empty()) return refuse("name appears twice", twice);

    header h;
    for (const auto& [name, entry] : json.items()) {
        if (name == "__metadata__") {
            if (!entry.is_object()) return refuse("__metadata__ is no object");
            for (const auto& [key, content] : entry.items()) {
                if (!content.is_string()) return refuse("metadata is no text", key);
                h.metadata.emplace(key, content.get<std::string>());
            }
            continue;
        }
        tensor_entry t;
        if (std::string problem = detail::parse_tensor(name, entry, t); !problem.empty())
            return refuse(std::move(problem));
        h.tensors.push_back(std::move(t));
    }
    std::sort(h.tensors.begin(), h.tensors.end(), [](const tensor_entry& a, const tensor_entry& b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t next = 0;
    for (const tensor_entry& t : h.tensors) {
        if (t.begin != next)
            return refuse(t.begin < next ? "tensors overlap" : "gap in the data",
                          fmt::format("{} at {}", t.name, t.begin), fmt::format("{}", next));
        next = t.end;
    }
    if (next != data_bytes)
        return refuse(next > data_bytes ? "file is truncated" : "bytes left over behind the tensors",
                      fmt::format("{} bytes of data", data_bytes), fmt::format("{}", next));
    return h;
}

}  // namespace llmnas::safetensors
