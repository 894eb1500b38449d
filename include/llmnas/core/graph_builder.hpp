// SPDX-License-Identifier: MIT
/// \file
/// The sink that networks and block types lower into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include <llmnas/core/conv_attributes.hpp>
#include <llmnas/core/graph.hpp>

namespace llmnas {

/// Handle of a feature map while lowering.
struct tensor {
    std::int32_t id = 0;
    llmnas::shape shape;
};

/// Records operators into storage given by the caller; without storage it only counts them. The first illegal value is
/// kept in error(), and nothing is recorded behind it.
class graph_builder {
public:
    /// Counts only: size() then tells the storage that a second pass needs.
    constexpr explicit graph_builder(shape input) noexcept : graph_builder(input, {}, {}, true) {}

    constexpr graph_builder(shape input, std::span<op> ops, std::span<std::int32_t> inputs) noexcept
        : graph_builder(input, ops, inputs, false) {}

    [[nodiscard]] constexpr tensor input() const noexcept { return {0, input_}; }
    [[nodiscard]] constexpr const graph_error& error() const noexcept { return error_; }
    [[nodiscard]] constexpr graph_size size() const noexcept { return size_; }
    /// Index of the last operator that reads the network's input.
    [[nodiscard]] constexpr std::int32_t input_last_use() const noexcept { return input_last_use_; }

    /// Starts block `block` of stage `stage`: operators that follow carry this origin and count slots from zero.
    constexpr void begin_block(std::size_t stage, std::size_t block) noexcept {
        stage_ = static_cast<std::int16_t>(stage);
        block_ = static_cast<std::int16_t>(block);
        slot_ = 0;
    }
    /// Leaves the stages: operators that follow belong to stem or head.
    constexpr void end_blocks() noexcept {
        stage_ = origin::outside;
        block_ = 0;
        slot_ = 0;
    }

    /// Reports an illegal value found by a block type or a network; the first report wins.
    [[gnu::cold, gnu::noinline]] constexpr void fail(graph_errc code, std::int64_t got, std::int64_t limit,
                                                     role r = role::main) noexcept {
        if (error_) return;
        error_ = {code, from(r), got, limit};
        writable_ = {};
    }

    /// Makes a map known to all blocks behind this one, in place of the one published before; XiNet's broadcast tensor.
    constexpr void publish(tensor x) noexcept { published_ = x; }
    [[nodiscard]] constexpr bool has_published() const noexcept { return published_.id >= 0; }
    /// The published map; graph_errc::not_published where there is none.
    constexpr tensor published(role r = role::main) noexcept {
        if (published_.id < 0) fail(graph_errc::not_published, 0, 1, r);
        return published_;
    }

    /// Convolution, depthwise where the groups are the input's channels; the groups divide both numbers of channels.
    constexpr tensor conv(tensor x, role r, const conv_attributes& a) noexcept {
        if (!within(graph_errc::channels, a.out_channels, max_extent, r)) return x;
        // Two divisions spared where every channel or none has a filter of its own.
        const auto divides = [&a](std::int32_t n) { return a.groups == 1 || a.groups == n || n % a.groups == 0; };
        if (a.groups < 1 || !divides(x.shape.channels) || !divides(a.out_channels)) {
            fail(graph_errc::groups, a.groups, x.shape.channels, r);
            return x;
        }
        return windowed(op_kind::conv, x, r, a);
    }

    /// Depthwise convolution with a square kernel, k/2 padding and batch norm.
    [[gnu::always_inline]] constexpr tensor depthwise(tensor x, std::int32_t kernel, std::int32_t stride,
                                                      activation_kind act) noexcept {
        return windowed(op_kind::conv, x, role::depthwise,
                        {.out_channels = x.shape.channels,
                         .kernel_h = kernel,
                         .kernel_w = kernel,
                         .stride_h = stride,
                         .stride_w = stride,
                         .pad = half_padding(kernel),
                         .groups = x.shape.channels,
                         .batch_norm = true,
                         .activation = act});
    }

    /// 1x1 convolution with batch norm.
    [[gnu::always_inline]] constexpr tensor pointwise(tensor x, role r, std::int32_t channels,
                                                      activation_kind act) noexcept {
        return one_by_one(x, r, {.out_channels = channels, .batch_norm = true, .activation = act});
    }

    /// Mean or maximum of each window, channel by channel; the map keeps its channels.
    constexpr tensor avg_pool(tensor x, const conv_attributes& a) noexcept { return pool(op_kind::avg_pool, x, a); }
    constexpr tensor max_pool(tensor x, const conv_attributes& a) noexcept { return pool(op_kind::max_pool, x, a); }

    /// Mean over height and width: C x 1 x 1.
    constexpr tensor global_avg_pool(tensor x, role r = role::head_pool) noexcept {
        return record(op_kind::global_avg_pool, r, x, {x.shape.channels, 1, 1},
                      {.kernel_h = x.shape.height, .kernel_w = x.shape.width});
    }

    /// Fully connected layer with bias on the flattened map: `features` x 1 x 1.
    constexpr tensor linear(tensor x, std::int32_t features, role r = role::classifier) noexcept {
        if (!within(graph_errc::channels, features, max_extent, r)) return x;
        return record(op_kind::linear, r, x, {features, 1, 1}, {.bias = true});
    }

    /// Element-wise sum of two maps of one shape.
    constexpr tensor add(tensor x, tensor y, activation_kind act = activation_kind::none,
                         role r = role::skip_add) noexcept {
        if (!(x.shape == y.shape)) return mismatch(x, y.shape, x.shape, r);
        const tensor sum = record(op_kind::add, r, x, x.shape, {.activation = act});
        append_input(y.id);
        return sum;
    }

    /// Element-wise product of a map with gates: one a channel (C x 1 x 1), or a map of the same shape.
    constexpr tensor multiply(tensor x, tensor gates, activation_kind act = activation_kind::none,
                              role r = role::join) noexcept {
        if (!(gates.shape == x.shape) && !(gates.shape == shape{x.shape.channels, 1, 1}))
            return mismatch(x, gates.shape, x.shape, r);
        const tensor product = record(op_kind::scale, r, x, x.shape, {.activation = act});
        append_input(gates.id);
        return product;
    }

    /// Channels of maps of one height and width, one map behind the other; at least one map.
    constexpr tensor concat(std::initializer_list<tensor> maps) noexcept {
        const tensor first = *maps.begin();
        shape out = first.shape;
        out.channels = 0;
        for (const tensor& t : maps) {
            const shape fitting{t.shape.channels, out.height, out.width};
            if (!(t.shape == fitting)) return mismatch(first, t.shape, fitting, role::join);
            out.channels += t.shape.channels;
        }
        if (!within(graph_errc::channels, out.channels, max_extent, role::join)) return first;
        const tensor joined = record(op_kind::concat, role::join, first, out, {});
        for (const tensor& t : maps)
            if (&t != maps.begin()) append_input(t.id);
        return joined;
    }

    /// Squeeze-and-excitation on x: mean, 1x1 to `hidden` channels with bias and ReLU, 1x1 back with bias and sigmoid,
    /// product. It takes one slot of the block's main path (Hu et al., "Squeeze-and-Excitation Networks", 2018).
    constexpr tensor squeeze_excite(tensor x, std::int32_t hidden) noexcept {
        const tensor mean = global_avg_pool(x, role::se_pool);
        const tensor squeezed = one_by_one(mean, role::se_reduce,
                                           {.out_channels = hidden, .bias = true, .activation = activation_kind::relu});
        const tensor gates =
            one_by_one(squeezed, role::se_expand,
                       {.out_channels = x.shape.channels, .bias = true, .activation = activation_kind::sigmoid});
        const tensor y = multiply(x, gates, activation_kind::none, role::se_scale);
        ++slot_;
        return y;
    }

private:
    constexpr graph_builder(shape input, std::span<op> ops, std::span<std::int32_t> inputs, bool counting) noexcept
        : ops_(ops),
          inputs_(inputs),
          input_(input),
          published_{-1, input},
          writable_{ops.size(), inputs.size()},
          counting_(counting) {
        for (const std::int32_t extent : {input.channels, input.height, input.width})
            within(graph_errc::input_size, extent, max_extent, role::main);
        if (error_) input_ = published_.shape = {};  // whatever is computed behind an error stays in range
    }

    [[gnu::always_inline]] constexpr bool within(graph_errc code, std::int64_t got, std::int64_t limit,
                                                 role r) noexcept {
        if (got < 1 || got > limit) fail(code, got, limit, r);
        return !error_;
    }

    /// Reports the first extent in which two shapes differ; gives x.
    [[gnu::cold, gnu::noinline]] constexpr tensor mismatch(tensor x, const shape& got, const shape& wanted,
                                                           role r) noexcept {
        if (got.channels != wanted.channels)
            fail(graph_errc::shapes_differ, got.channels, wanted.channels, r);
        else if (got.height != wanted.height)
            fail(graph_errc::shapes_differ, got.height, wanted.height, r);
        else
            fail(graph_errc::shapes_differ, got.width, wanted.width, r);
        return x;
    }

    constexpr tensor pool(op_kind kind, tensor x, conv_attributes a) noexcept {
        a.out_channels = x.shape.channels;
        return windowed(kind, x, role::pool, a);
    }

    /// A convolution with kernel 1, stride 1 and no padding: it keeps the map's extents, whatever they are.
    [[gnu::always_inline]] constexpr tensor one_by_one(tensor x, role r, const conv_attributes& a) noexcept {
        if (a.out_channels < 1 || a.out_channels > max_extent) {
            fail(graph_errc::channels, a.out_channels, max_extent, r);
            return x;
        }
        return record(op_kind::conv, r, x, {a.out_channels, x.shape.height, x.shape.width}, a);
    }

    [[gnu::always_inline]] constexpr tensor windowed(op_kind kind, tensor x, role r,
                                                     const conv_attributes& a) noexcept {
        const padding& p = a.pad;
        if (!detail::window_is_legal(x.shape.height, a.kernel_h, a.stride_h, p.top, p.bottom) ||
            !detail::window_is_legal(x.shape.width, a.kernel_w, a.stride_w, p.left, p.right)) {
            report(x.shape.height, a.kernel_h, a.stride_h, p.top, p.bottom, r);
            report(x.shape.width, a.kernel_w, a.stride_w, p.left, p.right, r);
            return {0, {a.out_channels, 1, 1}};
        }
        return record(
            kind, r, x,
            {a.out_channels, detail::window_positions(x.shape.height + p.top + p.bottom, a.kernel_h, a.stride_h),
             detail::window_positions(x.shape.width + p.left + p.right, a.kernel_w, a.stride_w)},
            a);
    }

    /// Reports what window_is_legal() refused, if anything.
    [[gnu::cold, gnu::noinline]] constexpr void report(std::int32_t size, std::int32_t kernel, std::int32_t stride,
                                                       std::int32_t before, std::int32_t after, role r) noexcept {
        if (!within(graph_errc::kernel_size, kernel, max_kernel, r)) return;
        if (!within(graph_errc::stride, stride, max_kernel, r)) return;
        for (const std::int32_t p : {before, after})
            if (p < 0 || p >= kernel) return fail(graph_errc::padding, p, kernel - 1, r);
        const std::int32_t padded = size + before + after;
        if (kernel > padded) fail(graph_errc::kernel_exceeds_map, kernel, padded, r);
    }

    /// Appends an operator on x; append_input() adds further inputs. It is written where it stays, field by field: a
    /// copy from the stack would wait for the stores before it.
    [[gnu::always_inline]] constexpr tensor record(op_kind kind, role r, const tensor& x, const shape& out,
                                                   const conv_attributes& a) noexcept {
        const auto index = static_cast<std::int32_t>(size_.ops);
        if (has_room()) {
            op& o = ops_[size_.ops];
            o.kind = kind;
            o.activation = a.activation;
            o.batch_norm = a.batch_norm;
            o.bias = a.bias;
            o.from = from(r);
            o.in = x.shape;
            o.out = out;
            o.kernel_h = a.kernel_h;
            o.kernel_w = a.kernel_w;
            o.stride_h = a.stride_h;
            o.stride_w = a.stride_w;
            o.pad = a.pad;
            o.groups = a.groups;
            o.first_input = static_cast<std::int32_t>(size_.inputs);
            o.input_count = 1;
            o.last_use = index;
            write_input(x.id, index);
        } else if (!may_count(r)) {
            return {0, out};
        }
        ++size_.ops;
        ++size_.inputs;
        if (takes_slot(kind, r)) slot_ += slots(a);
        return {index + 1, out};
    }

    /// One more input of the operator recorded last.
    [[gnu::always_inline]] constexpr void append_input(std::int32_t id) noexcept {
        if (size_.inputs < writable_.inputs) {
            ++ops_[size_.ops - 1].input_count;
            write_input(id, static_cast<std::int32_t>(size_.ops) - 1);
        } else if (!may_count(role::main)) {
            return;
        }
        ++size_.inputs;
    }

    [[gnu::always_inline]] constexpr void write_input(std::int32_t id, std::int32_t reader) noexcept {
        inputs_[size_.inputs] = id;
        (id > 0 ? ops_[static_cast<std::size_t>(id) - 1].last_use : input_last_use_) = reader;
    }

    [[nodiscard]] constexpr origin from(role r) const noexcept {
        return {stage_, block_, r, static_cast<std::uint8_t>(slot_)};
    }

    [[nodiscard]] constexpr bool has_room() const noexcept {
        return size_.ops < writable_.ops && size_.inputs < writable_.inputs;
    }

    /// Whether what is not written is at least counted; else there is an error.
    [[gnu::cold, gnu::noinline]] constexpr bool may_count(role r) noexcept {
        if (!error_ && !counting_) {
            const bool inputs = size_.inputs >= inputs_.size();
            fail(graph_errc::capacity, static_cast<std::int64_t>(inputs ? size_.inputs : size_.ops) + 1,
                 static_cast<std::int64_t>(inputs ? inputs_.size() : ops_.size()), r);
        }
        return !error_;
    }

    [[nodiscard]] static constexpr bool takes_slot(op_kind kind, role r) noexcept {
        return (kind == op_kind::conv || kind == op_kind::linear) && r != role::se_reduce && r != role::se_expand &&
               r != role::skip_proj;
    }
    [[nodiscard]] static constexpr int slots(const conv_attributes& a) noexcept {
        return 1 + (a.batch_norm ? 1 : 0) + (a.activation != activation_kind::none ? 1 : 0);
    }

    std::span<op> ops_;
    std::span<std::int32_t> inputs_;
    shape input_;
    tensor published_;  ///< id -1: none yet
    graph_size size_{};
    graph_size writable_;  ///< what the storage can hold, nothing after an error
    std::int32_t input_last_use_ = 0;
    graph_error error_{};
    std::int16_t stage_ = origin::outside;
    std::int16_t block_ = 0;
    std::int32_t slot_ = 0;  ///< not beside the others in one origin: read as a whole, it would wait for each change
    bool counting_;
};

}  // namespace llmnas
