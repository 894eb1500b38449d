// SPDX-License-Identifier: MIT
/// \file
/// The reader of architectures in JSON: what is accepted and what each error says, for texts and documents alike.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/json/field_json.hpp>
#include <llmnas/json/json_events.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/space/canonical.hpp>

namespace llmnas::detail {

/// Reads the members of one stage, in any order. Nothing is allocated while they are right.
template <SearchSpace Space>
class stage_reader {
public:
    using stage_type = typename Space::stage_type;

    explicit stage_reader(std::size_t index = 0) : index_(index) {}

    void key(std::string_view name) {
        // Members mostly stand in the order of the list.
        field_ = field_ + 1 < field_count && name == names[field_ + 1] ? field_ + 1 : number_of(name);
        if (field_ == field_count) {
            unknown_.assign(name);
        } else if ((seen_ & bit(field_)) != 0) {
            report({errc::bad_input, "a member stands twice in one object", field_place(index_, name)});
        }
        seen_ |= bit(field_);
    }

    void value(const json_scalar& v) {
        if (field_ == field_count) {
            if (!stray_)
                stray_ = error{errc::bad_input, "unknown field", field_place(index_, one_line(unknown_, 40)), shown(v)};
        } else if (std::string wanted; !readers[field_](v, stage_, wanted)) {
            report({errc::bad_input, "not a legal value", field_place(index_, names[field_]), shown(v),
                    std::move(wanted)});
        }
    }

    /// The stage, or what is wrong with it: a value before a missing field before an unknown one. Absence is judged
    /// when all values are known: a field without effect may be left out, and a field without an axis has the value
    /// that the space gives it.
    [[nodiscard]] std::optional<error> finish(stage_type& out) {
        if (!problem_) {
            if ((seen_ & all) != all) find_missing();
            if (!problem_) problem_ = std::move(stray_);
        }
        out = stage_;
        return std::move(problem_);
    }

private:
    using blocks = typename Space::blocks;
    using value_reader = bool (*)(const json_scalar&, stage_type&, std::string& wanted);

    static constexpr std::size_t field_count = unpack_fields<Space>([](auto... f) { return sizeof...(f); });
    static_assert(field_count < 64, "llmnas: a stage can have at most 63 fields in JSON");
    static constexpr std::array<std::string_view, field_count> names =
        unpack_fields<Space>([](auto... f) { return std::array<std::string_view, field_count>{decltype(f)::name...}; });
    static constexpr std::array<value_reader, field_count> readers = unpack_fields<Space>([](auto... f) {
        return std::array<value_reader, field_count>{&read_field<blocks, decltype(f), stage_type>...};
    });

    static constexpr std::uint64_t bit(std::size_t field) { return std::uint64_t{1} << field; }
    static constexpr std::uint64_t all = bit(field_count) - 1;

    static constexpr std::size_t number_of(std::string_view name) {
        std::size_t i = 0;
        while (i < field_count && names[i] != name) ++i;
        return i;
    }

    void report(error e) {
        if (!problem_) problem_ = std::move(e);
    }

    void find_missing() {
        std::size_t i = 0;
        for_each_field<Space>([&](auto field) {
            using Field = decltype(field);
            if ((seen_ & bit(i++)) != 0 || is_inert<blocks, Field::member>(stage_)) return;
            bool optional = true;
            for_each_axis<Space>([&](auto a) {
                if constexpr (same_member<decltype(a)::member, Field::member>) optional = !decltype(a)::active(stage_);
            });
            if (!optional) report({errc::bad_input, "missing field", field_place(index_, Field::name)});
        });
    }

    stage_type stage_{};
    std::size_t index_;
    std::size_t field_ = field_count;  ///< of the value that comes next; field_count: unknown
    std::uint64_t seen_ = 0;
    std::string unknown_;
    std::optional<error> problem_;
    std::optional<error> stray_;
};

/// Reads a network: an array of stages, or an object with `blocks`, or one with `candidate_config` that holds either.
/// Members beside these belong to others. Of several errors the first one around the stages is kept, else a wrong
/// number of stages, else the first one inside a stage.
template <SearchSpace Space>
class architecture_reader {
public:
    architecture_reader(const shape& input, std::int32_t classes) {
        net_.input = input;
        net_.classes = classes;
    }

    void key(std::string_view name) {
        if (place_ == place::stage) return stage_->key(name);
        member_ = member_of(name);
        if (member_ == member::other) return;
        if (member_ == member::candidate && !in_candidate_) {
            // It counts alone, wherever it stands.
            problem_.reset();
            stage_problem_.reset();
            stage_count_ = 0;
            seen_ = 0;
            in_candidate_ = true;
        }
        const unsigned bit = 1U << static_cast<unsigned>(member_);
        if ((seen_ & bit) != 0) {
            report("a member stands twice in one object", fmt::format("\"{}\"", name), "each member once");
            member_ = member::other;
        }
        seen_ |= bit;
    }

    void value(const json_scalar& v) {
        switch (place_) {
            case place::stage:
                return stage_->value(v);
            case place::stages:
                if (stage_count_ < Space::stages && !stage_problem_)
                    stage_problem_ = error{errc::bad_input, "not a stage", fmt::format("stage {}", stage_count_ + 1),
                                           shown(v), "an object"};
                ++stage_count_;
                return;
            case place::top:
                return report("not an architecture", shown(v), form);
            case place::document:
            case place::candidate:
                return member_value(v);
        }
    }

    [[nodiscard]] bool begin_object() {
        if (place_ == place::top) {
            place_ = place::document;
        } else if (place_ == place::document && member_ == member::candidate) {
            place_ = place::candidate;
        } else if (place_ == place::stages && stage_count_ < Space::stages) {
            place_ = place::stage;
            stage_.emplace(stage_count_);
        } else {
            value(json_composite{"an object"});
            return false;
        }
        return true;
    }

    [[nodiscard]] bool begin_array() {
        const bool is_member = place_ == place::document || place_ == place::candidate;
        if (place_ != place::top && !(is_member && (member_ == member::blocks || member_ == member::candidate))) {
            value(json_composite{"an array"});
            return false;
        }
        around_stages_ = place_;
        place_ = place::stages;
        return true;
    }

    void end() {
        switch (place_) {
            case place::stage: {
                auto problem = stage_->finish(net_.stages[stage_count_]);
                if (problem && !stage_problem_) stage_problem_ = std::move(problem);
                ++stage_count_;
                place_ = place::stages;
                return;
            }
            case place::stages:
                place_ = around_stages_;
                return;
            case place::candidate:
                require_blocks();
                place_ = place::document;
                return;
            case place::document:
                if (!in_candidate_) require_blocks();
                place_ = place::top;
                return;
            case place::top:
                return;
        }
    }

    /// The network, when the document is at its end.
    [[nodiscard]] result<network_of<Space>> finish() {
        if (problem_) return tl::unexpected<error>(*std::move(problem_));
        if (stage_count_ != Space::stages)
            return fail(errc::bad_input, "wrong number of stages", "architecture", fmt::format("{}", stage_count_),
                        fmt::format("{}", Space::stages));
        if (stage_problem_) return tl::unexpected<error>(*std::move(stage_problem_));
        return net_;
    }

private:
    enum class place : std::uint8_t { top, document, candidate, stages, stage };
    enum class member : std::uint8_t { other, candidate, channels, pool, blocks };
    static constexpr const char* form = "an array of stages or an object with \"blocks\"";

    /// What stands beside `candidate_config` is not looked at, and neither is one inside it.
    [[nodiscard]] member member_of(std::string_view name) const {
        if (place_ == place::document && name == "candidate_config") return member::candidate;
        if (place_ == place::document && in_candidate_) return member::other;
        return name == "blocks"           ? member::blocks
               : name == "input_channels" ? member::channels
               : name == "pool_type"      ? member::pool
                                          : member::other;
    }

    void member_value(const json_scalar& v) {
        double channels = 0;
        switch (member_) {
            case member::other:
                return;
            case member::channels:
                if (number_from(v, channels) && channels == net_.input.channels) return;
                return report("input_channels differ from the input of the task", shown(v),
                              fmt::format("{}", net_.input.channels));
            case member::pool:
                if (const auto* text = std::get_if<std::string_view>(&v); text && *text == "average") return;
                return report("unknown pool_type", shown(v), "\"average\"");
            case member::candidate:
            case member::blocks:
                return report("not an architecture", shown(v), form);
        }
    }

    void require_blocks() {
        if ((seen_ & (1U << static_cast<unsigned>(member::blocks))) == 0)
            report("no stages in the JSON", "an object without them", form);
    }

    void report(const char* what, std::string got, std::string wanted) {
        if (!problem_) problem_ = error{errc::bad_input, what, "architecture", std::move(got), std::move(wanted)};
    }

    network_of<Space> net_{};
    place place_ = place::top;
    place around_stages_ = place::top;
    member member_ = member::other;
    bool in_candidate_ = false;
    unsigned seen_ = 0;  ///< members of the object that holds the stages, a bit each
    std::size_t stage_count_ = 0;
    std::optional<stage_reader<Space>> stage_;
    std::optional<error> problem_;
    std::optional<error> stage_problem_;
};

}  // namespace llmnas::detail
