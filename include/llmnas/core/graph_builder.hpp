// SPDX-License-Identifier: MIT
/// \file
/// The sink that networks and block types lower into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include <llmnas/core/graph.hpp>

namespace llmnas {

/// Handle of a feature map while lowering.
struct tensor {
    std::int32_t id = 0;
    llmnas::shape shape;
};

/// What a convolution needs besides its input; linear layers and pooling use the part that applies.
struct conv_attributes {
    std::int32_t out_channels = 1;
    std::int32_t kernel_h = 1;
    std::int32_t kernel_w = 1;
    std::int32_t stride_h = 1;
    std::int32_t stride_w = 1;
    padding pad{};
    std::int32_t groups = 1;
    bool batch_norm = false;
    bool bias = false;
    activation_kind activation = activation_kind::none;
};

/// k/2 zeros on each side of a square kernel: the padding of the paper's networks.
[[nodiscard]] constexpr padding half_padding(std::int32_t kernel) noexcept {
    return {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
}

/// TensorFlow's SAME padding: the output has ceil(size / stride) positions; an odd zero goes to the bottom and right.
[[nodiscard]] constexpr padding same_padding(const shape& in, std::int32_t kernel_h, std::int32_t kernel_w,
                                             std::int32_t stride_h, std::int32_t stride_w) noexcept {
    constexpr auto total = [](std::int32_t size, std::int32_t kernel, std::int32_t stride) {
        if (stride < 1) return 0;
        const std::int32_t positions = (size + stride - 1) / stride;
        const std::int32_t needed = (positions - 1) * stride + kernel - size;
        return needed > 0 ? needed : 0;
    };
    const std::int32_t v = total(in.height, kernel_h, stride_h);
    const std::int32_t h = total(in.width, kernel_w, stride_w);
    return {v / 2, v - v / 2, h / 2, h - h / 2};
}

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
        here_ = {static_cast<std::int16_t>(stage), static_cast<std::int16_t>(block), role::main, 0};
    }
    /// Leaves the stages: operators that follow belong to stem or head.
    constexpr void end_blocks() noexcept { here_ = {}; }

    /// Reports an illegal value found by a block type or a network; the first report wins.
    constexpr void fail(graph_errc code, std::int64_t got, std::int64_t limit, role r = role::main) noexcept {
        if (error_) return;
        error_ = {code, here_, got, limit};
        error_.at.role = r;
    }

    /// Makes a map known to all blocks behind this one, in place of the one published before; XiNet's broadcast tensor.
    constexpr void publish(tensor x) noexcept { published_ = x; }
    [[nodiscard]] constexpr bool has_published() const noexcept { return published_.id >= 0; }
    /// The published map; graph_errc::not_published where there is none.
    constexpr tensor published(role r = role::main) noexcept {
        if (published_.id < 0) fail(graph_errc::not_published, 0, 1, r);
        return published_;
    }

    constexpr tensor conv(tensor x, role r, const conv_attributes& a) noexcept {
        if (!within(graph_errc::channels, a.out_channels, max_extent, r)) return x;
        if (a.groups < 1 || x.shape.channels % a.groups != 0 || a.out_channels % a.groups != 0) {
            fail(graph_errc::groups, a.groups, x.shape.channels, r);
            return x;
        }
        return windowed(op_kind::conv, x, r, a);
    }

    /// Depthwise convolution with a square kernel, k/2 padding and batch norm.
    constexpr tensor depthwise(tensor x, std::int32_t kernel, std::int32_t stride, activation_kind act) noexcept {
        return conv(x, role::depthwise,
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
    constexpr tensor pointwise(tensor x, role r, std::int32_t channels, activation_kind act) noexcept {
        return conv(x, r, {.out_channels = channels, .batch_norm = true, .activation = act});
    }

    constexpr tensor avg_pool(tensor x, const conv_attributes& a) noexcept { return pool(op_kind::avg_pool, x, a); }
    constexpr tensor max_pool(tensor x, const conv_attributes& a) noexcept { return pool(op_kind::max_pool, x, a); }

    constexpr tensor global_avg_pool(tensor x, role r = role::head_pool) noexcept {
        op o = make(op_kind::global_avg_pool, x, r);
        o.out = {x.shape.channels, 1, 1};
        o.kernel_h = x.shape.height;
        o.kernel_w = x.shape.width;
        return record(o, {x.id});
    }

    constexpr tensor linear(tensor x, std::int32_t features, role r = role::classifier) noexcept {
        if (!within(graph_errc::channels, features, max_extent, r)) return x;
        op o = make(op_kind::linear, x, r);
        o.out = {features, 1, 1};
        o.bias = true;
        return record(o, {x.id});
    }

    /// Element-wise sum of two maps of one shape.
    constexpr tensor add(tensor x, tensor y, activation_kind act = activation_kind::none,
                         role r = role::skip_add) noexcept {
        if (!(x.shape == y.shape)) {
            fail(graph_errc::shapes_differ, y.shape.channels, x.shape.channels, r);
            return x;
        }
        op o = make(op_kind::add, x, r);
        o.activation = act;
        return record(o, {x.id, y.id});
    }

    /// Element-wise product of a map with gates: one a channel (C x 1 x 1), or a map of the same shape.
    constexpr tensor multiply(tensor x, tensor gates, activation_kind act = activation_kind::none,
                              role r = role::join) noexcept {
        if (!(gates.shape == x.shape) && !(gates.shape == shape{x.shape.channels, 1, 1})) {
            fail(graph_errc::shapes_differ, gates.shape.channels, x.shape.channels, r);
            return x;
        }
        op o = make(op_kind::scale, x, r);
        o.activation = act;
        return record(o, {x.id, gates.id});
    }

    constexpr tensor concat(std::initializer_list<tensor> maps) noexcept {
        const tensor first = *maps.begin();
        op o = make(op_kind::concat, first, role::join);
        o.out.channels = 0;
        for (const tensor& t : maps) {
            if (t.shape.height != first.shape.height || t.shape.width != first.shape.width) {
                fail(graph_errc::shapes_differ, t.shape.height, first.shape.height, role::join);
                return first;
            }
            o.out.channels += t.shape.channels;
        }
        if (!within(graph_errc::channels, o.out.channels, max_extent, role::join)) return first;
        const tensor result = record(o, {});
        if (error_) return first;
        for (const tensor& t : maps) append_input(t.id);
        if (!counting_) ops_[size_.ops - 1].input_count = static_cast<std::int32_t>(maps.size());
        return result;
    }

    /// Squeeze-and-excitation on x: mean, 1x1 to `hidden` channels with bias and ReLU, 1x1 back with bias and sigmoid,
    /// product. It takes one slot of the block's main path (Hu et al., "Squeeze-and-Excitation Networks", 2018).
    constexpr tensor squeeze_excite(tensor x, std::int32_t hidden) noexcept {
        const tensor mean = global_avg_pool(x, role::se_pool);
        const tensor squeezed =
            conv(mean, role::se_reduce, {.out_channels = hidden, .bias = true, .activation = activation_kind::relu});
        const tensor gates =
            conv(squeezed, role::se_expand,
                 {.out_channels = x.shape.channels, .bias = true, .activation = activation_kind::sigmoid});
        const tensor y = multiply(x, gates, activation_kind::none, role::se_scale);
        ++here_.slot;
        return y;
    }

private:
    constexpr graph_builder(shape input, std::span<op> ops, std::span<std::int32_t> inputs, bool counting) noexcept
        : ops_(ops), inputs_(inputs), input_(input), published_{-1, input}, counting_(counting) {
        for (const std::int32_t extent : {input.channels, input.height, input.width})
            within(graph_errc::input_size, extent, max_extent, role::main);
    }

    constexpr bool within(graph_errc code, std::int64_t got, std::int64_t limit, role r) noexcept {
        if (got < 1 || got > limit) fail(code, got, limit, r);
        return !error_;
    }

    [[nodiscard]] constexpr op make(op_kind kind, tensor x, role r) const noexcept {
        op o;
        o.kind = kind;
        o.from = here_;
        o.from.role = r;
        o.in = x.shape;
        o.out = x.shape;
        return o;
    }

    constexpr tensor pool(op_kind kind, tensor x, conv_attributes a) noexcept {
        a.out_channels = x.shape.channels;
        return windowed(kind, x, role::pool, a);
    }

    constexpr tensor windowed(op_kind kind, tensor x, role r, const conv_attributes& a) noexcept {
        const auto extent = [&](std::int32_t size, std::int32_t kernel, std::int32_t stride, std::int32_t before,
                                std::int32_t after) -> std::int32_t {
            if (!within(graph_errc::kernel_size, kernel, max_kernel, r)) return 1;
            if (!within(graph_errc::stride, stride, max_kernel, r)) return 1;
            for (const std::int32_t p : {before, after})
                if (p < 0 || p >= kernel) fail(graph_errc::padding, p, kernel - 1, r);
            const std::int32_t padded = size + before + after;
            if (kernel > padded) fail(graph_errc::kernel_exceeds_map, kernel, padded, r);
            return error_ ? 1 : (padded - kernel) / stride + 1;
        };
        op o = make(kind, x, r);
        o.out.channels = a.out_channels;
        o.out.height = extent(x.shape.height, a.kernel_h, a.stride_h, a.pad.top, a.pad.bottom);
        o.out.width = extent(x.shape.width, a.kernel_w, a.stride_w, a.pad.left, a.pad.right);
        o.kernel_h = a.kernel_h;
        o.kernel_w = a.kernel_w;
        o.stride_h = a.stride_h;
        o.stride_w = a.stride_w;
        o.pad = a.pad;
        o.groups = a.groups;
        o.batch_norm = a.batch_norm;
        o.bias = a.bias;
        o.activation = a.activation;
        return record(o, {x.id});
    }

    constexpr tensor record(op o, std::initializer_list<std::int32_t> inputs) noexcept {
        const auto index = static_cast<std::int32_t>(size_.ops);
        if (!error_ && !counting_ && size_.ops >= ops_.size())
            fail(graph_errc::capacity, index + 1, static_cast<std::int64_t>(ops_.size()), o.from.role);
        if (error_) return {0, o.out};
        if (!counting_) {
            o.first_input = static_cast<std::int32_t>(size_.inputs);
            o.input_count = static_cast<std::int32_t>(inputs.size());
            o.last_use = index;
            ops_[size_.ops] = o;
        }
        ++size_.ops;
        for (const std::int32_t id : inputs) append_input(id);
        if (takes_slot(o)) here_.slot = static_cast<std::uint8_t>(here_.slot + slots(o));
        return {index + 1, o.out};
    }

    constexpr void append_input(std::int32_t id) noexcept {
        if (error_) return;
        if (!counting_) {
            if (size_.inputs >= inputs_.size()) {
                fail(graph_errc::capacity, static_cast<std::int64_t>(size_.inputs) + 1,
                     static_cast<std::int64_t>(inputs_.size()));
                return;
            }
            inputs_[size_.inputs] = id;
            const auto reader = static_cast<std::int32_t>(size_.ops) - 1;
            (id > 0 ? ops_[static_cast<std::size_t>(id) - 1].last_use : input_last_use_) = reader;
        }
        ++size_.inputs;
    }

    [[nodiscard]] static constexpr bool takes_slot(const op& o) noexcept {
        return o.has_weights() && o.from.role != role::se_reduce && o.from.role != role::se_expand &&
               o.from.role != role::skip_proj;
    }
    [[nodiscard]] static constexpr int slots(const op& o) noexcept {
        return 1 + (o.batch_norm ? 1 : 0) + (o.activation != activation_kind::none ? 1 : 0);
    }

    std::span<op> ops_;
    std::span<std::int32_t> inputs_;
    shape input_;
    tensor published_;  ///< id -1: none yet
    graph_size size_{};
    std::int32_t input_last_use_ = 0;
    graph_error error_{};
    origin here_{};
    bool counting_;
};

}  // namespace llmnas
