// SPDX-License-Identifier: MIT
/// \file
/// Any network as a torch module, built from its operators.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <c10/core/GradMode.h>
#include <torch/nn/module.h>

#include <llmnas/core/graph.hpp>
#include <llmnas/train/fused_operators.hpp>
#include <llmnas/train/parameter_names.hpp>
#include <llmnas/train/torch_compat.hpp>

namespace llmnas {

/// What a module has that operators do not say.
struct module_options {
    double dropout = 0;  ///< before the classifier, while training (0.2 mini, 0.05 full phase in the paper)
    double norm_epsilon = 1e-5;
    double norm_momentum = 0.1;
    bool fused_operators = true;  ///< where they serve (fused_operators.hpp); else libtorch's alone
};

/// Is called with an operator and its output, activation included.
using operator_observer = std::function<void(const op&, const at::Tensor&)>;

/// A lowered network as a module: N x C x H x W floats in, N x classes logits out. Height and width may differ from the
/// network's input as long as shapes_at() accepts them. Names of parameters and buffers are those of
/// parameter_names.hpp.
///
/// Initialisation, from the seed alone: convolutions kaiming normal (fan out), batch norm 1 and 0, linear N(0, 0.01),
/// biases 0 (He et al., "Delving Deep into Rectifiers", 2015).
class network_module : public torch::nn::Module {
public:
    explicit network_module(const graph_view& net, std::uint64_t seed = 0, module_options options = {})
        : torch::nn::Module("network"),
          ops_(net.ops.begin(), net.ops.end()),
          inputs_(net.inputs.begin(), net.inputs.end()),
          input_(net.input),
          input_last_use_(net.input_last_use),
          options_(options),
          layers_(net.ops.size()),
          dropout_generator_(make_generator(seed)) {
        at::Generator generator = make_generator(seed);
        const std::vector<parameter_paths> paths = parameter_paths_of(net);
        for (std::size_t i = 0; i < ops_.size(); ++i)
            if (ops_[i].has_weights()) add_weights(ops_[i], layers_[i], paths[i], generator);
    }

    /// Logits of a batch; `observe` sees each operator's output. Throws c10::Error where the shape does not fit
    /// (shapes_at() tells before).
    [[nodiscard]] at::Tensor forward(const at::Tensor& images, const operator_observer& observe = {}) {
        std::vector<at::Tensor> values(ops_.size() + 1);
        values[0] = images;
        const graph_view net = view();
        std::vector<at::Tensor> arguments;
        for (std::size_t i = 0; i < ops_.size(); ++i) {
            arguments.clear();
            for (const std::int32_t t : net.inputs_of(ops_[i]))
                arguments.push_back(values[static_cast<std::size_t>(t)]);
            values[i + 1] = run(ops_[i], layers_[i], arguments);
            if (observe) observe(ops_[i], values[i + 1]);
            for (const std::int32_t t : net.inputs_of(ops_[i]))  // maps that nothing reads any more
                if (t > 0 && ops_[static_cast<std::size_t>(t) - 1].last_use == static_cast<std::int32_t>(i))
                    values[static_cast<std::size_t>(t)].reset();
        }
        return values.back().flatten(1);
    }

    /// The operators, valid as long as the module.
    [[nodiscard]] graph_view view() const noexcept { return {ops_, inputs_, input_, input_last_use_}; }

    /// Starts the dropout masks of a new stream; a resumed run gives the stream of its epoch.
    void seed_dropout(std::uint64_t seed) { dropout_generator_ = make_generator(seed); }

    /// Where the stream of dropout masks stands, as bytes; and going on from there. Throws c10::Error on other bytes.
    [[nodiscard]] at::Tensor dropout_state() const { return dropout_generator_.get_state(); }
    void set_dropout_state(const at::Tensor& state) { dropout_generator_.set_state(state); }

    /// Lays the weights of convolutions out by channels: with batches laid out alike, training on CPUs gets faster by
    /// 1.3 (160 px) to 2.5 (32 px).
    void use_channels_last() {
        for (at::Tensor& p : parameters())
            if (p.dim() == 4) p.set_data(p.to(p.options(), false, false, at::MemoryFormat::ChannelsLast));
    }

private:
    struct layer {
        at::Tensor weight, bias;
        at::Tensor norm_weight, norm_bias, mean, variance, batches;
    };

    /// The submodule at a dotted path; torch allows no dots in the names of tensors themselves.
    torch::nn::Module& submodule(const std::string& path) {
        torch::nn::Module* at = this;
        for (std::size_t begin = 0; begin <= path.size();) {
            const std::size_t end = std::min(path.find('.', begin), path.size());
            const std::string name = path.substr(begin, end - begin);
            std::shared_ptr<torch::nn::Module> next;
            for (const auto& child : at->named_children())
                if (child.key() == name) next = child.value();
            if (!next) next = at->register_module(name, std::make_shared<torch::nn::Module>(name));
            at = next.get();
            begin = end + 1;
        }
        return *at;
    }

    void add_weights(const op& o, layer& l, const parameter_paths& paths, at::Generator& generator) {
        const bool conv = o.kind == op_kind::conv;
        const std::int64_t out = o.out.channels;
        const std::int64_t in = conv ? o.in.channels / o.groups : static_cast<std::int64_t>(o.in.elements());
        const double deviation =
            conv ? std::sqrt(2.0 / (static_cast<double>(out) * o.kernel_h * o.kernel_w)) : 0.01;  // fan out; N(0, 0.01)
        l.weight = conv ? at::empty({out, in, o.kernel_h, o.kernel_w}) : at::empty({out, in});
        l.weight.normal_(0, deviation, generator);
        torch::nn::Module& weights = submodule(paths.weights);
        l.weight = weights.register_parameter("weight", l.weight);
        if (o.bias) l.bias = weights.register_parameter("bias", at::zeros({out}));
        if (paths.norm.empty()) return;
        torch::nn::Module& norm = submodule(paths.norm);
        l.norm_weight = norm.register_parameter("weight", at::ones({out}));
        l.norm_bias = norm.register_parameter("bias", at::zeros({out}));
        l.mean = norm.register_buffer("running_mean", at::zeros({out}));
        l.variance = norm.register_buffer("running_var", at::ones({out}));
        l.batches = norm.register_buffer("num_batches_tracked", at::zeros({}, at::kLong));
    }

    [[nodiscard]] at::Tensor run(const op& o, const layer& l, const std::vector<at::Tensor>& x) {
        switch (o.kind) {
            case op_kind::conv:
                return normalise_and_activate(o, l, convolve(o, l, x[0]));
            case op_kind::linear:
                return normalise_and_activate(o, l, at::linear(drop(o, x[0].flatten(1)), l.weight, l.bias));
            default:
                return activate(combine(o, x), o.activation);
        }
    }

    /// Operators without weights.
    [[nodiscard]] static at::Tensor combine(const op& o, const std::vector<at::Tensor>& x) {
        switch (o.kind) {
            case op_kind::add: {
                at::Tensor sum = x[0] + x[1];
                for (std::size_t i = 2; i < x.size(); ++i) sum = sum + x[i];
                return sum;
            }
            case op_kind::scale:
                return x[0] * x[1];
            case op_kind::global_avg_pool:
                return x[0].mean({2, 3}, true);
            case op_kind::avg_pool:
                return average(o, x[0]);
            case op_kind::max_pool:
                return at::max_pool2d(padded(o, x[0], -std::numeric_limits<double>::infinity()),
                                      {o.kernel_h, o.kernel_w}, {o.stride_h, o.stride_w});
            case op_kind::concat:
                return at::cat(x, 1);
            default:
                return x[0];
        }
    }

    /// Fused operators have gradients only: nothing is to be had from them without.
    [[nodiscard]] bool fuses(const at::Tensor& x) const {
        return options_.fused_operators && is_training() && at::GradMode::is_enabled() && laid_out_by_channels(x);
    }

    [[nodiscard]] static bool is_padded(const op& o) noexcept { return o.pad != padding{}; }

    [[nodiscard]] static at::Tensor padded(const op& o, const at::Tensor& x, double value) {
        if (!is_padded(o)) return x;
        return at::constant_pad_nd(x, {o.pad.left, o.pad.right, o.pad.top, o.pad.bottom}, value);
    }

    [[nodiscard]] at::Tensor convolve(const op& o, const layer& l, const at::Tensor& x) const {
        if (fuses(x) && depthwise_convolution::serves(x, o))
            return depthwise_convolution::apply(x, l.weight, std::int64_t{o.stride_h}, std::int64_t{o.pad.top},
                                                std::int64_t{o.pad.left});
        const bool symmetric = o.pad.top == o.pad.bottom && o.pad.left == o.pad.right;
        const std::int64_t pad_h = symmetric ? o.pad.top : 0;
        const std::int64_t pad_w = symmetric ? o.pad.left : 0;
        return at::conv2d(symmetric ? x : padded(o, x, 0), l.weight, l.bias, {o.stride_h, o.stride_w}, {pad_h, pad_w},
                          {1, 1}, o.groups);
    }

    /// Windowed mean in which padding does not count: torch's own option covers symmetric padding up to half the
    /// kernel.
    [[nodiscard]] static at::Tensor average(const op& o, const at::Tensor& x) {
        const auto pool = [&o](const at::Tensor& t) {
            return at::avg_pool2d(t, {o.kernel_h, o.kernel_w}, {o.stride_h, o.stride_w});
        };
        if (!is_padded(o)) return pool(x);
        const at::Tensor ones = at::ones({1, 1, x.size(2), x.size(3)}, x.options());
        return pool(padded(o, x, 0)) / pool(padded(o, ones, 0));
    }

    [[nodiscard]] at::Tensor normalise_and_activate(const op& o, const layer& l, at::Tensor x) const {
        if (!o.batch_norm) return activate(std::move(x), o.activation);
        if (is_training()) {
            const c10::NoGradGuard guard;
            at::Tensor batches = l.batches;
            batches.add_(1);
        }
        if (fuses(x)) {
            const bool joined = detail::joins_norm(o.activation);
            at::Tensor y = norm_activation::apply(
                x, l.norm_weight, l.norm_bias, l.mean, l.variance, options_.norm_momentum, options_.norm_epsilon,
                static_cast<std::int64_t>(joined ? o.activation : activation_kind::none));
            return joined ? y : activate(std::move(y), o.activation);
        }
        return activate(
            at::batch_norm(x, l.norm_weight, l.norm_bias, l.mean, l.variance, is_training(), options_.norm_momentum,
                           options_.norm_epsilon, at::globalContext().userEnabledCuDNN()),
            o.activation);
    }

    [[nodiscard]] at::Tensor drop(const op& o, const at::Tensor& x) {
        if (o.from.role != role::classifier || !is_training() || options_.dropout <= 0) return x;
        const double keep = 1 - options_.dropout;
        const at::Tensor mask = at::empty(x.sizes(), at::kFloat).bernoulli_(keep, dropout_generator_).div_(keep);
        return x * mask.to(x.options());
    }

    /// In place where the gradient needs the output only: every operator writes a tensor of its own.
    [[nodiscard]] static at::Tensor activate(at::Tensor x, activation_kind a) {
        switch (a) {
            case activation_kind::none:
                return x;
            case activation_kind::relu:
                return x.relu_();
            case activation_kind::relu6:
                // libtorch 1.13 has no gradient of relu6 for bf16 on CPUs.
                return x.scalar_type() == at::kFloat || !x.is_cpu() ? at::relu6_(x) : x.clamp(0, 6);
            case activation_kind::leaky_relu:
                return at::leaky_relu_(x, 0.01);
            case activation_kind::swish:
                return at::silu(x);
            case activation_kind::sigmoid:
                return x.sigmoid_();
        }
        return x;
    }

    std::vector<op> ops_;
    std::vector<std::int32_t> inputs_;
    shape input_;
    std::int32_t input_last_use_;
    module_options options_;
    std::vector<layer> layers_;
    at::Generator dropout_generator_;
};

}  // namespace llmnas
