// SPDX-License-Identifier: MIT
/// \file
/// Architectures inside the reply of a language model, whatever stands around them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <llmnas/core/result.hpp>
#include <llmnas/json/relaxed_json.hpp>
#include <llmnas/json/repairs.hpp>
#include <llmnas/json/reply_scan.hpp>
#include <llmnas/json/schema.hpp>
#include <llmnas/json/stage_repair.hpp>
#include <llmnas/json/synonyms.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/space/search_space.hpp>

namespace llmnas {

/// A network read from a reply, what was mended to read it, and what the model says about it.
template <SearchSpace Space>
struct parsed_reply {
    network_of<Space> network;
    repair_counts repairs;
    std::string explanation = {};  ///< the text beside its stages, valid UTF-8; mostly empty
};

/// All networks of a reply, in its order. Of a document with several, the first has the repairs of its text.
template <SearchSpace Space>
struct parsed_batch {
    std::vector<parsed_reply<Space>> networks;
    std::vector<error> rejected;  ///< lists of stages that are no networks; where there are none at all, why
};

namespace detail {

/// Reads all networks of a reply.
template <SearchSpace Space>
class reply_reader {
public:
    using json = nlohmann::ordered_json;

    reply_reader(std::string_view text, const shape& input, std::int32_t classes, const reply_limits& limits)
        : input_(input), classes_(classes), limits_(limits), whole_(text.size()) {
        if (text.size() > limits.bytes) {
            note(clue::document, "too long", fmt::format("{} bytes", text.size()),
                 fmt::format("at most {} bytes", limits.bytes));
            return;
        }
        const auto answer = behind_thoughts(text);
        if (!answer) {
            note(clue::document, "the reply ends inside the model's thoughts",
                 fmt::format("end of the text after {} bytes", text.size()), wanted);
            return;
        }
        text_ = *answer;
        work_ = scan_documents(text_, limits, [this](relaxed_document& d, std::size_t begin, bool inside) {
            return read(d, begin, inside);
        });
        if (clue_ == clue::none)
            note(clue::text, "no JSON", text.empty() ? "an empty reply" : one_line(is_blank(text_) ? text : text_, 80),
                 wanted);
    }

    [[nodiscard]] std::size_t work() const { return work_; }
    [[nodiscard]] parsed_batch<Space>& batch() { return batch_; }
    /// The error that says most.
    [[nodiscard]] error& why() { return why_; }

private:
    /// What an error is about; the later kinds say more.
    enum class clue : std::uint8_t { none, text, other_json, malformed, document, stage_count, stage };
    static constexpr const char* wanted = "a JSON array of stages, or an object with \"blocks\"";

    void note(clue c, error e) {
        if (c <= clue_) return;
        clue_ = c;
        why_ = std::move(e);
    }
    void note(clue c, std::string what, std::string got, std::string want) {
        note(c, {errc::bad_input, std::move(what), "reply of the language model", std::move(got), std::move(want)});
    }
    [[nodiscard]] std::size_t byte(std::size_t at) const { return whole_ - text_.size() + at; }

    bool read(relaxed_document& d, std::size_t begin, bool inside) {
        // A bracket in prose fails at once; what got further was meant as JSON.
        const bool meant = !inside && d.end > begin + 2;
        switch (d.how) {
            case json_end::malformed:
                if (meant)
                    note(clue::malformed, "malformed JSON",
                         fmt::format("`{}` at byte {}", one_line(text_.substr(d.end, 20), 20), byte(d.end)), wanted);
                return false;
            case json_end::too_deep:
                note(clue::document, "nested too deeply", fmt::format("more than {} levels", limits_.depth), wanted);
                return false;
            case json_end::too_large:
                note(clue::document, "too large",
                     fmt::format("more than {} members of an object or {} values", limits_.members, limits_.values),
                     wanted);
                return false;
            case json_end::complete:
            case json_end::cut:
                break;
        }
        if (!d.twice.empty()) {
            if (!inside)
                note(clue::document, "a member stands twice in one object", '"' + one_line(d.twice, 60) + '"',
                     "each member once");
            return true;  // nothing inside it counts either
        }
        const std::vector<const json*> open = open_parts(d);
        const std::size_t before = batch_.networks.size();
        const auto lists = stage_lists<Space>::in(d.value);
        for (const auto& list : lists) {
            if (batch_.networks.size() + batch_.rejected.size() == limits_.networks) break;
            const bool is_open = std::find(open.begin(), open.end(), list.place) != open.end();
            if (auto e = take(list, d, begin, is_open); e && !inside) {
                batch_.rejected.push_back(why_of(std::move(*e), is_open));
                note(clue_of(batch_.rejected.back(), is_open), batch_.rejected.back());
            }
        }
        if (d.how == json_end::cut && lists.empty() && meant) note_cut();
        if (d.how == json_end::complete && lists.empty() && !inside)
            note(clue::other_json, "the JSON is no proposal", one_line(text_.substr(begin), 80), wanted);
        return batch_.networks.size() > before;
    }

    [[nodiscard]] error cut_error() const {
        return {errc::bad_input, "the JSON is cut", "reply of the language model",
                fmt::format("end of the text after {} bytes", whole_), "complete JSON in a shorter answer"};
    }
    void note_cut() { note(clue::document, cut_error()); }
    [[nodiscard]] error why_of(error e, bool is_open) const { return is_open ? cut_error() : e; }
    [[nodiscard]] static clue clue_of(const error& e, bool is_open) {
        return is_open ? clue::document : e.where.starts_with("stage ") ? clue::stage : clue::stage_count;
    }

    /// The arrays and objects that a cut left open: the last part of the last part ... of the document.
    [[nodiscard]] static std::vector<const json*> open_parts(const relaxed_document& d) {
        std::vector<const json*> parts;
        const json* p = &d.value;
        for (std::size_t i = 0; i < d.open; ++i) {
            parts.push_back(p);
            if (!p->is_structured() || p->empty()) break;
            p = &p->back();
        }
        return parts;
    }

    /// Takes a list of stages as a network, or says what is wrong with it.
    [[nodiscard]] std::optional<error> take(const typename stage_lists<Space>::found& list, relaxed_document& d,
                                            std::size_t begin, bool is_open) {
        if (is_open && d.torn) return cut_error();
        repair_counts repairs;
        std::string explanation = stage_lists<Space>::explanation_beside(list, limits_.explanation);
        json document = json::object();
        if (list.around != nullptr) {
            if (auto it = list.around->find("input_channels"); it != list.around->end()) {
                repair_value<Space, std::int32_t, meaning::nothing>(*it, repairs);
                document["input_channels"] = *it;
            }
            if (auto it = list.around->find("pool_type"); it != list.around->end() && it->is_string()) {
                const auto average = [](std::size_t) { return std::string_view{"average"}; };
                const meaning m = meaning_of(it->template get_ref<const std::string&>(), 1, average, value_synonyms);
                if (m && !m.exact) repairs.add(repair_kind::value_name);
                document["pool_type"] = m ? json("average") : *it;
            }
        }
        json stages = json::array();
        for (auto& member : *list.place)
            if (!list.numbered || member.is_object()) stages.push_back(std::move(member));
        for (std::size_t s = 0; s < stages.size(); ++s)
            if (stages[s].is_object())
                if (auto e = stage_repair<Space>::repair(stages[s], s, repairs)) return e;
        document["blocks"] = std::move(stages);
        auto net = proposal_from_json<Space>(document, input_, classes_);
        if (!net) return std::move(net).error();

        if (list.wrapped) repairs.add(repair_kind::wrapped);
        if (text_.size() < whole_) repairs.add(repair_kind::thoughts);
        if (!is_blank(text_.substr(0, begin)) || !is_blank(text_.substr(d.end)))
            repairs.add(repair_kind::surrounding_text);
        repairs += std::exchange(d.repairs, {});
        batch_.networks.push_back({*std::move(net), repairs, std::move(explanation)});
        return std::nullopt;
    }

    shape input_;
    std::int32_t classes_;
    reply_limits limits_;
    std::size_t whole_;
    std::string_view text_;  ///< behind the thoughts
    std::size_t work_ = 0;
    parsed_batch<Space> batch_;
    clue clue_ = clue::none;
    error why_;
};

}  // namespace detail

/// The networks of a reply: each array of objects with fields of the space's stages, wherever it stands, whatever
/// stands around it, with the repairs that have one meaning only (repair_kind). Repairs add nothing: every stage and
/// every field that has an effect stands in the reply. Time and memory are linear in the text and bounded by `limits`;
/// throws nothing but std::bad_alloc.
template <SearchSpace Space>
[[nodiscard]] parsed_batch<Space> parse_batch(std::string_view text, const shape& input, std::int32_t classes,
                                              const reply_limits& limits = {}) {
    detail::reply_reader<Space> reader(text, input, classes, limits);
    auto batch = std::move(reader.batch());
    if (batch.networks.empty() && batch.rejected.empty()) batch.rejected.push_back(std::move(reader.why()));
    return batch;
}

/// The first network of a reply. Whether it lies in the space is a question of its own (encode()).
///
/// Errors: of parts that come closest to a network, errc::out_of_space for a value that is none of its axis, else
/// errc::bad_input: a stage's member (with stage, field, got, wanted), a wrong number of stages, cut, malformed (with
/// the byte), nested too deeply, too long, no JSON.
template <SearchSpace Space>
[[nodiscard]] result<parsed_reply<Space>> parse_reply(std::string_view text, const shape& input, std::int32_t classes,
                                                      const reply_limits& limits = {}) {
    detail::reply_reader<Space> reader(text, input, classes, limits);
    auto& networks = reader.batch().networks;
    if (networks.empty()) return tl::unexpected<error>(std::move(reader.why()));
    parsed_reply<Space> first = std::move(networks.front());
    for (std::size_t i = 1; i < networks.size(); ++i)
        if (!(networks[i].network == first.network)) first.repairs.add(repair_kind::other_architecture);
    return first;
}

}  // namespace llmnas
