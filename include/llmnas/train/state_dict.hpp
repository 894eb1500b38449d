// SPDX-License-Identifier: MIT
/// \file
/// Named tensors, and how they get into a module: completely or not at all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/nn/module.h>

#include <llmnas/core/result.hpp>

namespace llmnas {

struct named_tensor {
    std::string name;
    at::Tensor value;
};

/// Named tensors in the order of their file.
struct state_dict {
    std::vector<named_tensor> entries;

    [[nodiscard]] const at::Tensor* find(std::string_view name) const noexcept {
        const auto at = std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.name == name; });
        return at == entries.end() ? nullptr : &at->value;
    }
};

/// What a file of weights holds: tensors, and text beside them (train/weights_file.hpp).
struct weights_file {
    state_dict tensors;
    std::map<std::string, std::string> metadata;
};

namespace detail {

inline std::string shape_text(const at::Tensor& t) {
    return fmt::format("[{}]", fmt::join(t.sizes().begin(), t.sizes().end(), ", "));
}

}  // namespace detail

/// Parameters and buffers of a module under their names. The tensors are the module's own, not copies.
[[nodiscard]] inline state_dict state_of(const torch::nn::Module& module) {
    state_dict out;
    for (const auto& p : module.named_parameters()) out.entries.push_back({p.key(), p.value()});
    for (const auto& b : module.named_buffers()) out.entries.push_back({b.key(), b.value()});
    return out;
}

/// Writes the tensors of `dict` into the tensors of `target` with the same names, converted to their types and devices.
/// bad_input, and nothing changed, where a name is missing or left over (the first one and how many), a shape differs,
/// or a value is not finite. `where` names the source in the message.
[[nodiscard]] inline result<void> load_into(const state_dict& target, const state_dict& dict,
                                            const std::string& where = "state dict") {
    std::map<std::string_view, const at::Tensor*> given;
    for (const named_tensor& e : dict.entries)
        if (!given.emplace(e.name, &e.value).second) return fail(errc::bad_input, "name appears twice", where, e.name);

    std::size_t missing = 0;
    std::string first_missing;
    std::string first_mismatch;
    std::string mismatch_got;
    std::string mismatch_wanted;
    std::size_t mismatches = 0;
    std::map<std::string_view, const at::Tensor*> unused = given;
    for (const named_tensor& t : target.entries) {
        const auto at = given.find(t.name);
        if (at == given.end()) {
            if (missing++ == 0) first_missing = t.name;
            continue;
        }
        unused.erase(t.name);
        if (at->second->sizes() == t.value.sizes()) continue;
        if (mismatches++ == 0) {
            first_mismatch = t.name;
            mismatch_got = detail::shape_text(*at->second);
            mismatch_wanted = detail::shape_text(t.value);
        }
    }
    std::string first_unexpected;  // in the order of the file
    for (const named_tensor& e : dict.entries)
        if (first_unexpected.empty() && unused.contains(e.name)) first_unexpected = e.name;
    if (missing + unused.size() > 0) {
        std::string what = "tensors do not belong to this network:";
        if (missing > 0) what += fmt::format(" {} missing, first {};", missing, first_missing);
        if (!unused.empty()) what += fmt::format(" {} unexpected, first {};", unused.size(), first_unexpected);
        what.pop_back();
        return fail(errc::bad_input, what, where, fmt::format("{} tensors", dict.entries.size()),
                    fmt::format("{}", target.entries.size()));
    }
    if (mismatches > 0)
        return fail(errc::bad_input, fmt::format("{} of another shape, first {}", mismatches, first_mismatch), where,
                    mismatch_got, mismatch_wanted);
    for (const named_tensor& e : dict.entries)
        if (e.value.is_floating_point() && !at::isfinite(e.value).all().item<bool>())
            return fail(errc::bad_input, "weights are not finite (NaN or infinity)", where, e.name);

    const c10::NoGradGuard guard;
    for (const named_tensor& t : target.entries) {
        at::Tensor into = t.value;
        into.copy_(*given.at(t.name));
    }
    return {};
}

/// Loads a state dict into a module, see above.
[[nodiscard]] inline result<void> load_into(torch::nn::Module& module, const state_dict& dict,
                                            const std::string& where = "state dict") {
    return load_into(state_of(module), dict, where);
}

}  // namespace llmnas
