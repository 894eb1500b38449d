// SPDX-License-Identifier: MIT
/// \file
/// The few things whose spelling depends on the version of libtorch (1.13, 2.6, 2.14) or on the machine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <thread>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>

namespace llmnas {

/// A generator of the library's own, so that nothing depends on torch's global one.
[[nodiscard]] inline at::Generator make_generator(std::uint64_t seed) { return at::detail::createCPUGenerator(seed); }

/// "cpu", "cuda", or "auto": cuda where there is one. unavailable where cuda was asked for and is missing.
[[nodiscard]] inline result<at::Device> device_named(std::string_view name) {
    if (name == "cpu") return at::Device(at::kCPU);
    if (name != "auto" && name != "cuda")
        return fail(errc::bad_input, "unknown device", {}, std::string(name), "auto, cpu or cuda");
    if (at::hasCUDA()) return at::Device(at::kCUDA);
    if (name == "auto") return at::Device(at::kCPU);
    return fail(errc::unavailable, "this libtorch finds no CUDA device", {}, "cuda", "cpu or auto");
}

/// Threads of torch's operators on the calling thread; 0: all cores. libtorch alone may start with one.
inline void use_threads(std::int32_t threads) {
    at::set_num_threads(threads > 0 ? threads : static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
}

/// The first line of what torch has thrown: its messages carry a C++ stack trace behind it.
[[nodiscard]] inline std::string first_line_of(const std::exception& e) {
    const auto* torch_error = dynamic_cast<const c10::Error*>(&e);
    const std::string text = torch_error != nullptr ? torch_error->what_without_backtrace() : e.what();
    return text.substr(0, text.find('\n'));
}

/// While it lives, the calling thread's operators compute in this type where that is safe.
class autocast_scope {
public:
    autocast_scope(at::Device device, at::ScalarType type) : device_(device.type()) {
        set(true, type);
        at::autocast::increment_nesting();
    }
    ~autocast_scope() {
        // Weights that were converted are forgotten: the next step has other ones.
        if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
        set(false, at::kFloat);
    }
    autocast_scope(const autocast_scope&) = delete;
    autocast_scope& operator=(const autocast_scope&) = delete;

private:
    void set(bool on, at::ScalarType type) const {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
        at::autocast::set_autocast_enabled(device_, on);
        if (on) at::autocast::set_autocast_dtype(device_, type);
#else
        if (device_ == at::kCPU) {
            at::autocast::set_cpu_enabled(on);
            if (on) at::autocast::set_autocast_cpu_dtype(type);
        } else {
            at::autocast::set_enabled(on);
            if (on) at::autocast::set_autocast_gpu_dtype(type);
        }
#endif
    }

    at::DeviceType device_;
};

}  // namespace llmnas
