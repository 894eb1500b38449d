// SPDX-License-Identifier: MIT
/// \file
/// Lists of block types: which ones a stage's `conv_type` can name. A list is a struct with a Hana tuple of types, so
/// that users add block types of their own without touching this library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <boost/hana/length.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>
#include <boost/hana/unpack.hpp>

#include <llmnas/core/blocks.hpp>
#include <llmnas/core/graph_builder.hpp>
#include <llmnas/core/stage.hpp>

namespace llmnas {

/// A type with a name and a lowering of block `b` of a stage on input x.
template <class Block, class Stage>
concept BlockType = requires(graph_builder& g, const Stage& s, std::size_t b, tensor x) {
    { Block::name } -> std::convertible_to<std::string_view>;
    { Block::lower(g, s, b, x) } -> std::same_as<tensor>;
};

/// A struct with `static constexpr auto types = hana::tuple_t<...>`.
template <class List>
concept BlockTypeList = requires {
    boost::hana::length(List::types);
};

/// The paper's list: `block_type::depthwise` and `block_type::mbconv`.
struct table1_blocks {
    static constexpr auto types = boost::hana::tuple_t<depthwise_block, mbconv_block>;
};

template <BlockTypeList List>
inline constexpr std::size_t block_type_count = decltype(boost::hana::length(List::types))::value;

/// True for a block type that reads what earlier blocks published; it says so by a member
/// `static constexpr bool reads_earlier_blocks = true`.
template <class Block>
concept ReadsEarlierBlocks = requires {
    requires Block::reads_earlier_blocks;
};

/// Whether each block lowers to the same operators wherever it stands, given its input.
template <BlockTypeList List>
inline constexpr bool blocks_stand_alone = boost::hana::unpack(List::types, [](auto... types) {
    return !(ReadsEarlierBlocks<typename decltype(types)::type> || ...);
});

namespace detail {

template <class Stage, class Block>
constexpr bool check_block_type() {
    static_assert(BlockType<Block, Stage>,
                  "llmnas: a block type needs `static constexpr std::string_view name` and `static constexpr tensor "
                  "lower(graph_builder&, const Stage&, std::size_t block, tensor input)` for the stage type of the "
                  "network it is used in (see docs/block_types.md)");
    return true;
}

}  // namespace detail

/// Names of the block types in the order of their index.
template <BlockTypeList List>
[[nodiscard]] constexpr std::string_view name_of(block_type t) noexcept {
    return boost::hana::unpack(List::types, [t](auto... types) -> std::string_view {
        constexpr std::string_view names[] = {decltype(types)::type::name...};
        return t.index < sizeof...(types) ? names[t.index] : std::string_view{"?"};
    });
}

/// Position of a block type in a list.
template <BlockTypeList List, class Block>
inline constexpr block_type index_of = boost::hana::unpack(List::types, [](auto... types) {
    constexpr bool found[] = {std::is_same_v<typename decltype(types)::type, Block>...};
    std::uint8_t i = 0;
    while (!found[i]) ++i;  // reads past the end, an error at compile time, where the list lacks the type
    return block_type{i};
});

/// Appends block `b` of a stage by the block type that the stage names.
template <BlockTypeList List, class Stage>
constexpr tensor lower_block(graph_builder& g, const Stage& s, block_type t, std::size_t b, tensor x) {
    boost::hana::unpack(List::types, [&](auto... types) {
        static_assert((detail::check_block_type<Stage, typename decltype(types)::type>() && ...));
        std::size_t i = 0;
        const bool known =
            ((t.index == i++ && (static_cast<void>(x = decltype(types)::type::lower(g, s, b, x)), true)) || ...);
        if (!known) g.fail(graph_errc::block_type, t.index, static_cast<std::int64_t>(sizeof...(types)) - 1);
    });
    return x;
}

static_assert(index_of<table1_blocks, depthwise_block> == block_type::depthwise);
static_assert(index_of<table1_blocks, mbconv_block> == block_type::mbconv);

}  // namespace llmnas
