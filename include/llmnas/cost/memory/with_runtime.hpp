// SPDX-License-Identifier: MIT
/// \file
/// Any memory model with an allowance for what is not the network's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <llmnas/cost/memory_layout.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

/// `with_runtime<planned<>, 20 * 1024>`: the model's peak and so many bytes for the runtime (stack, interpreter,
/// buffers of drivers). The allowance is part of the name, of the overhead and of the layout, so that no figure hides
/// it. Rows of the ST model zoo carry 7 to 58 KiB of it.
template <MemoryModel Model, std::uint64_t Allowance>
struct with_runtime {
private:
    struct text {
        char value[Model::name.size() + 24]{};
        std::size_t size = 0;
    };
    static constexpr text written = [] {
        text t;
        const auto put = [&](char c) { t.value[t.size++] = c; };
        for (const char c : std::string_view(Model::name)) put(c);
        put('+');
        std::uint64_t digit = 1;
        while (Allowance / digit >= 10) digit *= 10;
        for (; digit > 0; digit /= 10) put(static_cast<char>('0' + Allowance / digit % 10));
        put('B');
        return t;
    }();

public:
    static constexpr std::string_view name{written.value, written.size};
    static constexpr bool max_of_stages = requires { requires Model::max_of_stages; };
    static constexpr bool parts_max_of_stages = requires { requires Model::parts_max_of_stages; };
    static constexpr bool stages_bound_above = requires { requires Model::stages_bound_above; };
    static constexpr bool rises_with_operators = requires { requires Model::rises_with_operators; };
    using never_below = Model;

    [[nodiscard]] static constexpr coverage covers(const graph_view& g) noexcept { return coverage_of(Model{}, g); }

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        memory_peak p = Model::peak(g);
        p.size += bytes{Allowance};
        p.overhead += bytes{Allowance};
        return p;
    }

    static constexpr void usage(const graph_view& g,
                                std::span<bytes> by_operator) noexcept requires ExplainsPeak<Model> {
        Model::usage(g, by_operator);
        for (std::size_t i = 0; i < g.ops.size() && i < by_operator.size(); ++i) by_operator[i] += bytes{Allowance};
    }

    [[nodiscard]] static constexpr memory_layout layout(const graph_view& g) noexcept requires ExplainsPeak<Model> {
        memory_layout l = Model::layout(g);
        l.peak = peak(g);
        l.stack(buffer_kind::runtime, -1, bytes{Allowance});
        return l;
    }
};

}  // namespace llmnas
