// SPDX-License-Identifier: MIT
/// \file
/// Operators with gradients of our own, for training on CPUs, where they are faster than libtorch's: a batch norm with
/// its activation, and the gradients of a depthwise convolution.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <llmnas/core/operators.hpp>
#include <llmnas/train/kernels/depthwise_gradients.hpp>
#include <llmnas/train/kernels/norm_activation.hpp>

namespace llmnas {

/// Whether the operators below serve a map: N x C x H x W floats on a CPU, laid out by channels.
[[nodiscard]] inline bool laid_out_by_channels(const at::Tensor& x) {
    return x.dim() == 4 && x.device().is_cpu() && x.scalar_type() == at::kFloat &&
           x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

/// Batch norm over a batch and the activation behind it. Equal to at::batch_norm in training mode (Ioffe and Szegedy,
/// "Batch Normalization", 2015) and the activation, up to rounding.
class norm_activation : public torch::autograd::Function<norm_activation> {
public:
    using context = torch::autograd::AutogradContext;

    /// Updates the running mean and variance (with the unbiased one, as torch does). Of a map that is
    /// laid_out_by_channels(), an activation that detail::joins_norm(), and all four tensors of C floats.
    [[nodiscard]] static at::Tensor forward(context* ctx, const at::Tensor& x, const at::Tensor& weight,
                                            const at::Tensor& bias, at::Tensor running_mean,
                                            at::Tensor running_variance, double momentum, double epsilon,
                                            std::int64_t activation) {
        const std::int64_t channels = x.size(1);
        const std::int64_t pixels = x.numel() / channels;
        const detail::channel_rows rows(pixels, channels);
        const auto row = static_cast<std::size_t>(rows.row());
        const float* const from = x.data_ptr<float>();
        // Sums of differences to the first pixel lose no digits to a large mean.
        const std::vector<float> shift = rows.repeated([&](std::int64_t c) { return from[c]; });
        std::vector<double> sums(static_cast<std::size_t>(rows.pieces()) * row);
        std::vector<double> squares(sums.size());
        for_pieces(rows, [&](std::int64_t piece) {
            double* sum = sums.data() + static_cast<std::size_t>(piece) * row;
            double* square = squares.data() + static_cast<std::size_t>(piece) * row;
            rows.visit(piece, std::array{from}, nullptr, shift.data(), [&](const auto& in, std::int64_t count, float*) {
                detail::add_moments(in[0], shift.data(), count, rows.row(), sum, square);
            });
        });
        const std::vector<double> sum = rows.folded(sums);
        const std::vector<double> square = rows.folded(squares);
        at::Tensor statistics = at::empty({2, channels}, x.options().memory_format(at::MemoryFormat::Contiguous));
        auto* mean = statistics.data_ptr<float>();
        float* deviation = mean + channels;  // its inverse
        const auto n = static_cast<double>(pixels);
        for (std::int64_t c = 0; c < channels; ++c) {
            const auto i = static_cast<std::size_t>(c);
            const double difference = sum[i] / n;
            const double variance = std::max(0.0, square[i] / n - difference * difference);
            const double m = static_cast<double>(from[c]) + difference;
            mean[c] = static_cast<float>(m);
            deviation[c] = static_cast<float>(1 / std::sqrt(variance + epsilon));
            float& held_mean = running_mean.data_ptr<float>()[c];
            float& held_variance = running_variance.data_ptr<float>()[c];
            held_mean = static_cast<float>((1 - momentum) * static_cast<double>(held_mean) + momentum * m);
            held_variance = static_cast<float>((1 - momentum) * static_cast<double>(held_variance) +
                                               momentum * variance * n / std::max(1.0, n - 1));
        }
        at::Tensor y = at::empty_like(x);
        const linear_map map(rows, statistics, weight, bias);
        const auto kind = static_cast<activation_kind>(activation);
        auto* to = y.data_ptr<float>();
        for_pieces(rows, [&](std::int64_t piece) {
            rows.visit(piece, std::array{from}, to, nullptr, [&](const auto& in, std::int64_t count, float* out) {
                detail::normalise_rows(kind, in[0], map.scale.data(), map.offset.data(), count, rows.row(), out);
            });
        });
        ctx->save_for_backward({x, weight, bias, statistics});
        ctx->saved_data["activation"] = activation;
        return y;
    }

    [[nodiscard]] static torch::autograd::variable_list backward(context* ctx,
                                                                 const torch::autograd::variable_list& gradients) {
        const auto saved = ctx->get_saved_variables();
        const at::Tensor& x = saved[0];
        const at::Tensor& statistics = saved[3];
        const auto kind = static_cast<activation_kind>(ctx->saved_data["activation"].toInt());
        const at::Tensor gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
        const std::int64_t channels = x.size(1);
        const std::int64_t pixels = x.numel() / channels;
        const detail::channel_rows rows(pixels, channels);
        const auto row = static_cast<std::size_t>(rows.row());
        const linear_map map(rows, statistics, saved[1], saved[2]);
        const auto* mean = statistics.data_ptr<float>();
        const float* deviation = mean + channels;
        const std::vector<float> means = rows.repeated([&](std::int64_t c) { return mean[c]; });
        const float* const from = x.data_ptr<float>();
        const float* const g = gradient.data_ptr<float>();
        std::vector<double> sums(static_cast<std::size_t>(rows.pieces()) * row);
        std::vector<double> products(sums.size());
        for_pieces(rows, [&](std::int64_t piece) {
            double* sum = sums.data() + static_cast<std::size_t>(piece) * row;
            double* product = products.data() + static_cast<std::size_t>(piece) * row;
            // What fills a row up has no gradient and adds nothing.
            rows.visit(piece, std::array{from, g}, nullptr, nullptr, [&](const auto& in, std::int64_t count, float*) {
                detail::add_gradient_sums(kind, in[0], in[1], map.scale.data(), map.offset.data(), means.data(), count,
                                          rows.row(), sum, product);
            });
        });
        const std::vector<double> sum = rows.folded(sums);
        const std::vector<double> product = rows.folded(products);
        at::Tensor weight_gradient = at::empty({channels}, statistics.options());
        at::Tensor bias_gradient = at::empty({channels}, statistics.options());
        const auto n = static_cast<double>(pixels);
        const auto* weight = saved[1].data_ptr<float>();
        for (std::int64_t c = 0; c < channels; ++c) {
            const auto i = static_cast<std::size_t>(c);
            weight_gradient.data_ptr<float>()[c] = static_cast<float>(product[i] * static_cast<double>(deviation[c]));
            bias_gradient.data_ptr<float>()[c] = static_cast<float>(sum[i]);
        }
        const auto scale_of = [&](std::int64_t c) {
            return static_cast<double>(weight[c]) * static_cast<double>(deviation[c]);
        };
        const std::vector<float> slope = rows.repeated([&](std::int64_t c) {
            const auto d = static_cast<double>(deviation[c]);
            return -scale_of(c) * d * d * product[static_cast<std::size_t>(c)] / n;
        });
        const std::vector<float> level =
            rows.repeated([&](std::int64_t c) { return -scale_of(c) * sum[static_cast<std::size_t>(c)] / n; });
        at::Tensor out = at::empty_like(x);
        auto* to = out.data_ptr<float>();
        for_pieces(rows, [&](std::int64_t piece) {
            rows.visit(
                piece, std::array{from, g}, to, nullptr, [&](const auto& in, std::int64_t count, float* written) {
                    detail::write_gradient_rows(kind, in[0], in[1], map.scale.data(), map.offset.data(), means.data(),
                                                slope.data(), level.data(), count, rows.row(), written);
                });
        });
        const at::Tensor none;
        return {out, weight_gradient, bias_gradient, none, none, none, none, none};
    }

private:
    /// y = x * scale + offset, for each element of a row.
    struct linear_map {
        std::vector<float> scale, offset;

        linear_map(const detail::channel_rows& rows, const at::Tensor& statistics, const at::Tensor& weight,
                   const at::Tensor& bias) {
            const auto* mean = statistics.data_ptr<float>();
            const float* deviation = mean + rows.channels();
            const auto* w = weight.data_ptr<float>();
            const auto* b = bias.data_ptr<float>();
            const auto slope = [=](std::int64_t c) {
                return static_cast<double>(w[c]) * static_cast<double>(deviation[c]);
            };
            scale = rows.repeated(slope);
            offset = rows.repeated(
                [=](std::int64_t c) { return static_cast<double>(b[c]) - static_cast<double>(mean[c]) * slope(c); });
        }
    };

    template <class F>
    static void for_pieces(const detail::channel_rows& rows, const F& f) {
        at::parallel_for(0, rows.pieces(), 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t piece = begin; piece < end; ++piece) f(piece);
        });
    }
};

/// A depthwise convolution whose gradients are our own; the forward pass is libtorch's.
class depthwise_convolution : public torch::autograd::Function<depthwise_convolution> {
public:
    using context = torch::autograd::AutogradContext;

    /// Whether there are gradients for a convolution of this map by C x 1 x k x k weights.
    [[nodiscard]] static bool serves(const at::Tensor& x, const op& o) {
        return laid_out_by_channels(x) && o.groups == x.size(1) && o.out.channels == x.size(1) && !o.bias &&
               o.kernel_h == o.kernel_w && o.stride_h == o.stride_w && o.pad.top == o.pad.bottom &&
               o.pad.left == o.pad.right &&
               detail::depthwise_gradients::serves(shape_of(x, o.kernel_h, o.stride_h, o.pad.top, o.pad.left));
    }

    [[nodiscard]] static at::Tensor forward(context* ctx, const at::Tensor& x, const at::Tensor& weight,
                                            std::int64_t stride, std::int64_t pad_h, std::int64_t pad_w) {
        ctx->save_for_backward({x, weight});
        ctx->saved_data["stride"] = stride;
        ctx->saved_data["pad_h"] = pad_h;
        ctx->saved_data["pad_w"] = pad_w;
        ctx->saved_data["input"] = x.requires_grad();
        return at::conv2d(x, weight, {}, {stride, stride}, {pad_h, pad_w}, {1, 1}, x.size(1));
    }

    [[nodiscard]] static torch::autograd::variable_list backward(context* ctx,
                                                                 const torch::autograd::variable_list& gradients) {
        const auto saved = ctx->get_saved_variables();
        const at::Tensor& x = saved[0];
        const at::Tensor weight = saved[1].contiguous();
        const at::Tensor gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
        const auto value = [&](const char* name) { return ctx->saved_data[name].toInt(); };
        detail::depthwise_shape s = shape_of(x, weight.size(2), value("stride"), value("pad_h"), value("pad_w"));
        s.out_h = gradient.size(2);
        s.out_w = gradient.size(3);
        at::Tensor input_gradient;
        if (ctx->saved_data["input"].toBool()) input_gradient = at::empty_like(x);
        detail::depthwise_gradients work(s, x.data_ptr<float>(), weight.data_ptr<float>(), gradient.data_ptr<float>(),
                                         input_gradient.defined() ? input_gradient.data_ptr<float>() : nullptr);
        at::parallel_for(0, work.tasks(), 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t task = begin; task < end; ++task) work.run(task);
        });
        at::Tensor weight_gradient = at::empty(weight.sizes(), weight.options());
        work.write_weight_gradient(weight_gradient.data_ptr<float>());
        const at::Tensor none;
        return {input_gradient, weight_gradient, none, none, none};
    }

private:
    [[nodiscard]] static detail::depthwise_shape shape_of(const at::Tensor& x, std::int64_t kernel, std::int64_t stride,
                                                          std::int64_t pad_h, std::int64_t pad_w) {
        return {.images = x.size(0),
                .channels = x.size(1),
                .in_h = x.size(2),
                .in_w = x.size(3),
                .kernel = kernel,
                .stride = stride,
                .pad_top = pad_h,
                .pad_left = pad_w};
    }
};

}  // namespace llmnas
