// SPDX-License-Identifier: MIT
/// \file
/// A space of a user's own for tests of JSON: own stage, own block types, axes under conditions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <boost/hana/tuple.hpp>

#include <llmnas/core/block_types.hpp>
#include <llmnas/space/search_space.hpp>

namespace llmnas::test {

/// A stage, blocks and a space; two axes under conditions, one of them under two.
struct user_stage {
    std::int32_t width = 8;
    bool pooled = false;
    std::int32_t window = 2;
    block_type conv_type{};
    ratio slope{1, 8};
    friend constexpr bool operator==(const user_stage&, const user_stage&) = default;
};
struct plain {
    static constexpr std::string_view name = "plain";
    static constexpr tensor lower(graph_builder& g, const user_stage& s, std::size_t, tensor x) {
        return g.pointwise(x, role::main, s.width, activation_kind::relu);
    }
};
struct fancy : plain {
    static constexpr std::string_view name = "fancy";
};
struct user_blocks {
    static constexpr auto types = boost::hana::tuple_t<plain, fancy>;
};
struct user_space {
    static constexpr std::string_view name = "user";
    using stage_type = user_stage;
    using blocks = user_blocks;
    static constexpr std::size_t stages = 2;
    static constexpr auto axes =
        boost::hana::make_tuple(axis<"width", &user_stage::width, 8, 12>{},
                                axis<"conv_type", &user_stage::conv_type, block_type{0}, block_type{1}>{},
                                axis<"pooled", &user_stage::pooled, false, true>{},
                                axis_when<axis<"window", &user_stage::window, 2, 3>, is<&user_stage::pooled, true>>{},
                                axis_when<axis<"slope", &user_stage::slope, ratio{1, 8}, ratio{3, 8}>,
                                          is<&user_stage::pooled, true>, is<&user_stage::conv_type, block_type{1}>>{});
};

/// A condition on an axis with many choices: too many forms to write each down.
struct many_forms_space {
    static constexpr std::string_view name = "many forms";
    using stage_type = user_stage;
    using blocks = user_blocks;
    static constexpr std::size_t stages = 3;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"width", &user_stage::width, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17>{},
        axis_when<axis<"window", &user_stage::window, 2, 3>, is<&user_stage::width, 8>>{},
        axis<"pooled", &user_stage::pooled, false, true>{});
};

/// Conditions on a field without an axis, names that no grammar rule can have; one of the axes never exists.
struct odd_names_space {
    static constexpr std::string_view name = "odd names";
    using stage_type = user_stage;
    using blocks = user_blocks;
    static constexpr std::size_t stages = 1;
    static constexpr auto axes = boost::hana::make_tuple(
        axis_when<axis<"never", &user_stage::window, 2, 3>, is<&user_stage::pooled, true>>{},
        axis<"a \"b\"", &user_stage::width, 8, 12>{},
        axis_when<axis<"a_\\b_", &user_stage::slope, ratio{1, 8}, ratio{3, 8}>, is<&user_stage::pooled, false>>{});
};

}  // namespace llmnas::test
