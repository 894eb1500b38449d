// SPDX-License-Identifier: MIT
/// \file
/// Where the lists of stages stand in the reply of a language model.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <llmnas/json/relaxed_json.hpp>
#include <llmnas/json/stage_repair.hpp>
#include <llmnas/space/search_space.hpp>

namespace llmnas::detail {

/// The text behind a model's thoughts, or nothing where they do not end.
[[nodiscard]] inline std::optional<std::string_view> behind_thoughts(std::string_view text) {
    struct tags {
        std::string_view open;
        std::string_view close;
    };
    constexpr tags known[] = {{"<think>", "</think>"},
                              {"<thinking>", "</thinking>"},
                              {"<thought>", "</thought>"},
                              {"<reasoning>", "</reasoning>"},
                              {"[THINK]", "[/THINK]"}};
    std::size_t begin = 0;
    for (const tags& t : known)
        if (const std::size_t at = text.rfind(t.close); at != std::string_view::npos)
            begin = std::max(begin, at + t.close.size());
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (begin == 0 && first != std::string_view::npos)
        for (const tags& t : known)
            if (text.substr(first).starts_with(t.open)) return std::nullopt;
    return text.substr(begin);
}

[[nodiscard]] inline bool is_blank(std::string_view s) {
    return s.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// Reads the documents of a text in order: `visit(document, begin, inside)` says whether it took something from the
/// document; `inside` tells that it stands in one that failed. Where reading failed, reading starts again inside it, as
/// long as that is cheap, else behind it: time is linear. Returns the bytes looked at.
template <class Visit>
std::size_t scan_documents(std::string_view text, const reply_limits& limits, Visit&& visit) {
    relaxed_json reader(text, limits);
    std::size_t failed_until = 0;
    std::size_t again = 0;
    for (std::size_t i = text.find_first_of("[{"); i != std::string_view::npos; i = text.find_first_of("[{", i)) {
        relaxed_document document = reader.read(i);
        const std::size_t end = document.end;
        const bool whole = document.how == json_end::complete;
        const bool taken = visit(document, i, i < failed_until);
        if (whole || taken) {
            i = std::max(end, i + 1);
            continue;
        }
        failed_until = std::max(failed_until, end);
        again += end - i;
        i = again <= limits.rescan ? i + 1 : std::max(end, i + 1);
    }
    return reader.work();
}

/// Finds the lists of stages in a document: arrays of stages, wherever they stand, and objects with a stage under each
/// number.
template <SearchSpace Space>
class stage_lists {
public:
    using json = nlohmann::ordered_json;
    struct found {
        json* place;    ///< the array, or the object with a member for each stage
        json* around;   ///< the object that has the array as a member, or null
        json* outside;  ///< the object that has `around` as a member, or null
        bool wrapped;   ///< neither the document nor its member `blocks`
        bool numbered;  ///< a stage under each number
    };

    [[nodiscard]] static std::vector<found> in(json& document) {
        std::vector<found> lists;
        visit(document, {}, false, false, lists);
        return lists;
    }

    /// The explanation beside a list: a text in the object around it or in the one outside, `explanation` before other
    /// names, else the first; at most `limit` bytes of it. Empty where there is none.
    [[nodiscard]] static std::string explanation_beside(const found& list, std::size_t limit) {
        for (const json* object : {list.around, list.outside}) {
            if (object == nullptr) continue;
            const std::string* text = nullptr;
            for (const auto& m : object->items()) {
                if (!m.value().is_string() || !explanation_members.has(plain_word(m.key()))) continue;
                const auto& words = m.value().template get_ref<const std::string&>();
                if (is_blank(words) || (text != nullptr && m.key() != "explanation")) continue;
                text = &words;
            }
            if (text != nullptr) return std::string(utf8_prefix(*text, limit));
        }
        return {};
    }

private:
    /// The objects around an array or object, the innermost first; an array between them ends the list.
    struct objects {
        json* around = nullptr;
        json* outside = nullptr;
    };

    /// Recursion goes as deep as the document, which is bounded.
    static void visit(json& j, objects above, bool named, bool wrapped, std::vector<found>& lists) {
        if (j.is_array()) {
            const auto is_stage = [](const json& e) { return stage_repair<Space>::looks_like_stage(e); };
            const auto is_no_stage = [](const json& e) {
                return e.is_array() || (e.is_object() && e.contains("blocks"));
            };
            if (std::any_of(j.begin(), j.end(), is_stage) || (named && std::none_of(j.begin(), j.end(), is_no_stage)))
                return lists.push_back({&j, above.around, above.outside, wrapped, false});
            for (json& e : j) visit(e, {}, false, false, lists);
        } else if (j.is_object()) {
            // It counts alone, wherever it stands.
            if (const auto it = j.find("candidate_config"); it != j.end() && it->is_structured())
                return visit(*it, {it->is_object() ? &j : nullptr, &j}, it->is_array(), false, lists);
            if (has_numbered_stages(j)) return lists.push_back({&j, &j, above.around, true, true});
            for (const auto& m : j.items())
                visit(m.value(), {&j, above.around}, m.key() == "blocks", m.key() != "blocks", lists);
        }
    }

    /// `{"stage_1": {...}, "stage_2": {...}}`: objects under ascending numbers from 0 or 1 on, and no lists of
    /// objects.
    [[nodiscard]] static bool has_numbered_stages(const json& j) {
        std::size_t n = 0;
        std::size_t first = 0;
        for (const auto& m : j.items()) {
            const json& v = m.value();
            if (v.is_array() && !v.empty() && v[0].is_structured()) return false;
            if (!v.is_object()) continue;
            if (!stage_repair<Space>::looks_like_stage(v)) return false;
            const std::string& name = m.key();
            const std::size_t digits = name.find_last_not_of("0123456789") + 1;  // npos + 1 is 0
            const std::string_view number = std::string_view(name).substr(digits);
            if (n == 0) first = number == "0" ? 0 : 1;
            if (number != fmt::format("{}", first + n)) return false;
            ++n;
        }
        return n > 0;
    }
};

}  // namespace llmnas::detail
