// SPDX-License-Identifier: MIT
/// \file
/// The zoo by name, as types: `zoo::entries` is a Hana list of structs with a name, a design and a source.
#pragma once

#include <string_view>

#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <llmnas/zoo/lmanet.hpp>
#include <llmnas/zoo/mcunet.hpp>
#include <llmnas/zoo/mlperf_tiny.hpp>

namespace llmnas::zoo {

struct lmanet_elite_entry {
    static constexpr std::string_view name = "lmanet_elite";
    static constexpr std::string_view source = "arXiv 2504.09685";
    static constexpr const auto& design = lmanet_elite;
};
struct lmanet_core_entry {
    static constexpr std::string_view name = "lmanet_core";
    static constexpr std::string_view source = "arXiv 2504.09685";
    static constexpr const auto& design = lmanet_core;
};
struct mcunet_in3_entry {
    static constexpr std::string_view name = "mcunet_in3";
    static constexpr std::string_view source = "mit-han-lab/mcunet";
    static constexpr const auto& design = mcunet_in3;
};
struct ds_cnn_entry {
    static constexpr std::string_view name = "ds_cnn";
    static constexpr std::string_view source = "mlcommons/tiny";
    static constexpr const auto& design = ds_cnn;
};

inline constexpr auto entries =
    boost::hana::tuple_t<lmanet_elite_entry, lmanet_core_entry, mcunet_in3_entry, ds_cnn_entry>;

}  // namespace llmnas::zoo
