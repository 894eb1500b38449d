// SPDX-License-Identifier: MIT
/// \file
/// The zoo by name, as types: `zoo::entries` is a Hana list of structs with a name, a design and a source. Families
/// with parameters appear with their usual instances.
#pragma once

#include <string_view>

#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <llmnas/core/fixed_string.hpp>
#include <llmnas/zoo/efficientnet.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include <llmnas/zoo/mcunet.hpp>
#include <llmnas/zoo/mlperf_tiny.hpp>
#include <llmnas/zoo/mobilenet.hpp>
#include <llmnas/zoo/xinet.hpp>

namespace llmnas::zoo {

/// A design with its name on the command line, and where its layers come from.
template <fixed_string Name, const auto& Design, fixed_string Source>
struct entry {
    static constexpr std::string_view name = Name.view();
    static constexpr std::string_view source = Source.view();
    static constexpr const auto& design = Design;
};

inline constexpr auto entries = boost::hana::tuple_t<                         //
    entry<"lmanet_elite", lmanet_elite, "arXiv 2504.09685">,                  //
    entry<"lmanet_core", lmanet_core, "arXiv 2504.09685">,                    //
    entry<"mcunet_in0", mcunet_in0, "mit-han-lab/mcunet">,                    //
    entry<"mcunet_in1", mcunet_in1, "mit-han-lab/mcunet">,                    //
    entry<"mcunet_in2", mcunet_in2, "mit-han-lab/mcunet">,                    //
    entry<"mcunet_in3", mcunet_in3, "mit-han-lab/mcunet">,                    //
    entry<"mcunet_in4", mcunet_in4, "mit-han-lab/mcunet">,                    //
    entry<"mcunet_vww0", mcunet_vww0, "mit-han-lab/mcunet">,                  //
    entry<"mcunet_vww1", mcunet_vww1, "mit-han-lab/mcunet">,                  //
    entry<"mcunet_vww2", mcunet_vww2, "mit-han-lab/mcunet">,                  //
    entry<"proxyless_w03", proxyless_w03, "mit-han-lab/mcunet">,              //
    entry<"mcunet_mbv2_w035", mcunet_mbv2_w035, "mit-han-lab/mcunet">,        //
    entry<"mobilenet_v1_100_224", mobilenet_v1_100_224, "arXiv 1704.04861">,  //
    entry<"mobilenet_v2_100_224", mobilenet_v2_100_224, "arXiv 1801.04381">,  //
    entry<"mobilenet_v2_035_144", mobilenet_v2_035_144, "arXiv 1801.04381">,  //
    entry<"efficientnet_lite0", efficientnet_lite0, "tensorflow/tpu">,        //
    entry<"xinet_l5", xinet_l5, "micromind-toolkit/micromind">,               //
    entry<"xinet_l6", xinet_l6, "micromind-toolkit/micromind">,               //
    entry<"xinet_l7", xinet_l7, "micromind-toolkit/micromind">,               //
    entry<"resnet8", resnet8, "mlcommons/tiny">,                              //
    entry<"ds_cnn", ds_cnn, "mlcommons/tiny">,                                //
    entry<"mobilenet_v1_025", mobilenet_v1_025, "mlcommons/tiny">>;

}  // namespace llmnas::zoo
