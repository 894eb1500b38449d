// SPDX-License-Identifier: MIT
/// \file
/// The vocabulary of explanations: phrases and what each means to the grammar.
#pragma once

#include <array>
#include <map>
#include <string_view>

#include <llmnas/llm/explanation_words.hpp>

namespace llmnas::claim_grammar {

// clang-format off
/// The vocabulary. Lower case; hyphens and underscores are blanks. The longest phrase wins.
inline constexpr auto phrases = [] {
    using enum word_class;
    using p = claim_property;
    using r = claim_relation;
    return std::to_array<phrase>({
        // nouns
        {"network", network}, {"model", network}, {"architecture", network}, {"design", network},
        {"candidate", network}, {"whole network", network}, {"entire network", network}, {"it", pronoun},
        {"they", pronoun}, {"this", this_one}, {"these", this_one}, {"that stage", this_one}, {"those", this_one},
        {"such", this_one}, {"both", both}, {"this network", network}, {"this model", network},
        {"this architecture", network}, {"this design", network}, {"stage", stage, {}, {}, {}, 1},
        {"stages", stage, {}, {}, {}, 1}, {"ones", stage, {}, {}, {}, 1}, {"layer", stage, {}, {}, {}, 2},
        {"layers", stage, {}, {}, {}, 2}, {"block", stage, {}, {}, {}, 2}, {"blocks", stage, {}, {}, {}, 2},
        // places
        {"first", ordinal, {}, {}, {}, 1}, {"second", ordinal, {}, {}, {}, 2}, {"third", ordinal, {}, {}, {}, 3},
        {"fourth", ordinal, {}, {}, {}, 4}, {"fifth", ordinal, {}, {}, {}, 5}, {"sixth", ordinal, {}, {}, {}, 6},
        {"seventh", ordinal, {}, {}, {}, 7}, {"eighth", ordinal, {}, {}, {}, 8}, {"initial", early}, {"last", last},
        {"final", last}, {"early", early}, {"earlier", early}, {"shallow", early}, {"shallower", early},
        {"middle", middle}, {"mid", middle}, {"intermediate", middle}, {"late", late}, {"later", late},
        {"deep", late}, {"deeper", late}, {"rest", rest}, {"remaining", rest}, {"other", rest}, {"others", rest},
        {"remainder", rest}, {"rest of the network", rest}, {"in total", total}, {"overall", total},
        {"altogether", total}, {"total", total},
        // how many
        {"all", all}, {"every", all}, {"each", all}, {"throughout", all}, {"everywhere", all}, {"uniformly", all},
        {"consistently", all}, {"always", all}, {"across the network", all}, {"across the whole network", all},
        {"across the entire network", all}, {"throughout the network", all}, {"in the whole network", all},
        {"no", none}, {"none", none}, {"none of", none}, {"nowhere", none}, {"only", only}, {"exclusively", only},
        {"solely", only}, {"some", some}, {"selected", some}, {"selectively", some}, {"certain", some},
        {"several", some}, {"some of", some}, {"a few", some}, {"in places", some}, {"most", most}, {"mostly", most},
        {"the majority of", most}, {"majority of", most}, {"most of", most_of}, {"the most", the_most},
        {"the highest", the_most}, {"highest", the_most}, {"the largest", the_most}, {"largest", the_most},
        {"the greatest", the_most}, {"the largest share of", the_most}, {"the largest number of", the_most},
        {"the highest number of", the_most}, {"the fewest", the_least}, {"fewest", the_least},
        {"the least", the_least}, {"the lowest", the_least}, {"lowest", the_least}, {"the smallest", the_least},
        {"smallest", the_least}, {"the smallest number of", the_least}, {"half", half_of}, {"half of", half_of},
        {"half of all", half_of}, {"except", except}, {"except in", except}, {"except for", except},
        {"apart from", except}, {"with the exception of", except}, {"other than", except}, {"excluding", except},
        {"not", negation}, {"t", negation}, {"never", negation}, {"without", negation}, {"lack", negation},
        {"lacks", negation}, {"omit", negation}, {"omits", negation}, {"avoid", negation}, {"avoids", negation},
        {"neither", negation}, {"skips", negation}, {"disabled", negation}, {"absent", negation},
        {"is missing", negation}, {"free of", negation}, {"absent from", negation}, {"missing in", negation},
        // numbers
        {"zero", number, {}, {}, {}, 0}, {"one", number, {}, {}, {}, 1}, {"two", number, {}, {}, {}, 2},
        {"three", number, {}, {}, {}, 3}, {"four", number, {}, {}, {}, 4}, {"five", number, {}, {}, {}, 5},
        {"six", number, {}, {}, {}, 6}, {"seven", number, {}, {}, {}, 7}, {"eight", number, {}, {}, {}, 8},
        {"nine", number, {}, {}, {}, 9}, {"ten", number, {}, {}, {}, 10}, {"eleven", number, {}, {}, {}, 11},
        {"twelve", number, {}, {}, {}, 12}, {"a single", number, {}, {}, {}, 1}, {"single", number, {}, {}, {}, 1},
        // properties
        {"kernel", property, p::kernel_size}, {"kernels", property, p::kernel_size},
        {"kernel size", property, p::kernel_size}, {"kernel sizes", property, p::kernel_size},
        {"convolution kernels", property, p::kernel_size}, {"filter size", property, p::kernel_size},
        {"receptive kernel", property, p::kernel_size}, {"expansion", property, p::expansion_factor},
        {"expansions", property, p::expansion_factor}, {"expansion factor", property, p::expansion_factor},
        {"expansion factors", property, p::expansion_factor}, {"expansion ratio", property, p::expansion_factor},
        {"expansion ratios", property, p::expansion_factor}, {"expand", property, p::expansion_factor},
        {"expands", property, p::expansion_factor}, {"expand their channels", property, p::expansion_factor},
        {"expands its channels", property, p::expansion_factor},
        {"expand the channels", property, p::expansion_factor},
        {"expands the channels", property, p::expansion_factor}, {"stride", property, p::stride},
        {"strides", property, p::stride}, {"se ratio", property, p::se_ratio}, {"se ratios", property, p::se_ratio},
        {"squeeze ratio", property, p::se_ratio}, {"squeeze and excitation ratio", property, p::se_ratio},
        {"se reduction ratio", property, p::se_ratio}, {"ratio", ratio}, {"ratios", ratio}, {"factor of", factor},
        {"factor", factor}, {"channels", property, p::output_channels},
        {"output channels", property, p::output_channels}, {"channel", property, p::output_channels},
        {"channel count", property, p::output_channels}, {"channel counts", property, p::output_channels},
        {"number of channels", property, p::output_channels},
        {"number of output channels", property, p::output_channels}, {"channel width", property, p::output_channels},
        {"width", property, p::output_channels}, {"number of layers", property, p::num_layers},
        {"number of blocks", property, p::num_layers}, {"layer count", property, p::num_layers},
        {"activation", property, p::activation}, {"activations", property, p::activation},
        {"activation function", property, p::activation}, {"activation functions", property, p::activation},
        {"nonlinearity", property, p::activation}, {"non linearity", property, p::activation},
        {"block type", property, p::conv_type}, {"conv type", property, p::conv_type},
        {"convolution type", property, p::conv_type}, {"macs", property, p::macs}, {"mac", property, p::macs},
        {"multiply accumulates", property, p::macs}, {"multiply accumulate operations", property, p::macs},
        {"mac operations", property, p::macs}, {"mac count", property, p::macs},
        {"parameters", property, p::parameters}, {"params", property, p::parameters},
        {"trainable parameters", property, p::parameters}, {"parameter count", property, p::parameters},
        {"number of parameters", property, p::parameters}, {"sram", property, p::sram},
        {"peak sram", property, p::sram, {}, r::peak}, {"sram peak", property, p::sram, {}, r::peak},
        {"peak memory", property, p::sram, {}, r::peak}, {"memory peak", property, p::sram, {}, r::peak},
        {"sram usage", property, p::sram}, {"peak sram usage", property, p::sram, {}, r::peak},
        {"peak memory usage", property, p::sram, {}, r::peak}, {"peak of the sram", property, p::sram, {}, r::peak},
        {"peak of sram", property, p::sram, {}, r::peak}, {"flash", property, p::flash},
        {"flash footprint", property, p::flash}, {"flash size", property, p::flash},
        {"flash usage", property, p::flash},
        // values
        {"relu6", value, p::activation, "relu6"}, {"relu 6", value, p::activation, "relu6"},
        {"leakyrelu", value, p::activation, "leakyrelu"}, {"leaky relu", value, p::activation, "leakyrelu"},
        {"swish", value, p::activation, "swish"}, {"silu", value, p::activation, "swish"},
        {"relu", value, p::activation, "relu"}, {"se", value, p::use_se, "true"},
        {"se block", value, p::use_se, "true"}, {"se blocks", value, p::use_se, "true"},
        {"se module", value, p::use_se, "true"}, {"se modules", value, p::use_se, "true"},
        {"se layers", value, p::use_se, "true"}, {"squeeze and excitation", value, p::use_se, "true"},
        {"squeeze and excite", value, p::use_se, "true"}, {"squeeze excitation", value, p::use_se, "true"},
        {"squeeze and excitation module", value, p::use_se, "true"},
        {"squeeze and excitation modules", value, p::use_se, "true"},
        {"squeeze and excitation block", value, p::use_se, "true"},
        {"squeeze and excitation blocks", value, p::use_se, "true"},
        {"squeeze and excitation se", value, p::use_se, "true"}, {"residual", value, p::skip_op, "residual"},
        {"residuals", value, p::skip_op, "residual"}, {"residual connection", value, p::skip_op, "residual"},
        {"residual connections", value, p::skip_op, "residual"}, {"residual skips", value, p::skip_op, "residual"},
        {"residual skip connections", value, p::skip_op, "residual"},
        {"residual skip connection", value, p::skip_op, "residual"},
        {"skip connection", value, p::skip_op, "residual"}, {"skip connections", value, p::skip_op, "residual"},
        {"shortcut", value, p::skip_op, "residual"}, {"shortcuts", value, p::skip_op, "residual"},
        {"shortcut connection", value, p::skip_op, "residual"},
        {"shortcut connections", value, p::skip_op, "residual"},
        {"residual shortcuts", value, p::skip_op, "residual"}, {"mbconv", value, p::conv_type, "mbconv"},
        {"mb conv", value, p::conv_type, "mbconv"}, {"inverted bottleneck", value, p::conv_type, "mbconv"},
        {"inverted bottlenecks", value, p::conv_type, "mbconv"}, {"inverted residual", value, p::conv_type, "mbconv"},
        {"inverted residuals", value, p::conv_type, "mbconv"}, {"depthwise", value, p::conv_type, "depthwise"},
        {"depthwise separable", value, p::conv_type, "depthwise"},
        {"depthwise type", value, p::conv_type, "depthwise"},
        {"depthwise convolution", value, p::conv_type, "depthwise", {}, 0, true},
        {"depthwise convolutions", value, p::conv_type, "depthwise", {}, 0, true},
        {"depthwise separable convolution", value, p::conv_type, "depthwise", {}, 0, true},
        {"depthwise separable convolutions", value, p::conv_type, "depthwise", {}, 0, true},
        {"downsample", value, p::stride, "2"}, {"downsamples", value, p::stride, "2"},
        {"halve the resolution", value, p::stride, "2"}, {"halves the resolution", value, p::stride, "2"},
        // relations
        {"at least", relation, {}, {}, r::at_least}, {"no less than", relation, {}, {}, r::at_least},
        {"no fewer than", relation, {}, {}, r::at_least}, {"at most", relation, {}, {}, r::at_most},
        {"up to", relation, {}, {}, r::at_most}, {"no more than", relation, {}, {}, r::at_most},
        {"not more than", relation, {}, {}, r::at_most}, {"a maximum of", relation, {}, {}, r::at_most},
        {"fits in", relation, {}, {}, r::at_most}, {"fits into", relation, {}, {}, r::at_most},
        {"within", relation, {}, {}, r::at_most}, {"under", relation, {}, {}, r::less},
        {"below", relation, {}, {}, r::less}, {"less than", relation, {}, {}, r::less},
        {"fewer than", relation, {}, {}, r::less}, {"smaller than", relation, {}, {}, r::less},
        {"lower than", relation, {}, {}, r::less}, {"over", relation, {}, {}, r::more},
        {"above", relation, {}, {}, r::more}, {"exceed", relation, {}, {}, r::more},
        {"exceeds", relation, {}, {}, r::more}, {"more than", relation, {}, {}, r::more},
        {"larger than", relation, {}, {}, r::more}, {"greater than", relation, {}, {}, r::more},
        {"bigger than", relation, {}, {}, r::more}, {"higher than", relation, {}, {}, r::more},
        {"wider than", relation, {}, {}, r::more}, {"peak", property, p::sram, {}, r::peak},
        {"about", relation, {}, {}, r::about}, {"around", relation, {}, {}, r::about},
        {"roughly", relation, {}, {}, r::about}, {"approximately", relation, {}, {}, r::about},
        {"nearly", relation, {}, {}, r::about}, {"almost", relation, {}, {}, r::about},
        {"close to", relation, {}, {}, r::about}, {"circa", relation, {}, {}, r::about},
        {"exactly", relation, {}, {}, r::equal}, {"precisely", relation, {}, {}, r::equal}, {"more", compare_more},
        {"larger", compare_more}, {"bigger", compare_more}, {"greater", compare_more}, {"higher", compare_more},
        {"fewer", compare_less}, {"less", compare_less}, {"smaller", compare_less}, {"lower", compare_less},
        {"than", than}, {"as many", as_many_as}, {"as", as_many_as}, {"between", between}, {"range", range},
        {"ranges", range}, {"vary", range}, {"varies", range}, {"from", from}, {"to", to}, {"same", same},
        {"identical", same}, {"constant", same}, {"fixed", same}, {"unchanged", same}, {"differs", differs},
        {"differ", differs}, {"increase", rises}, {"increases", rises}, {"grow", rises}, {"grows", rises},
        {"rise", rises}, {"rises", rises}, {"increasing", rises}, {"growing", rises}, {"decrease", falls},
        {"decreases", falls}, {"shrink", falls}, {"shrinks", falls}, {"fall", falls}, {"falls", falls},
        {"decreasing", falls}, {"drops", falls}, {"drop", falls}, {"respectively", respectively},
        {"replace", replaced}, {"replaces", replaced}, {"by", by}, {"widest", the_most, p::output_channels, "widest"},
        {"narrowest", the_least, p::output_channels, "narrowest"},
        // clauses
        {"and", conj}, {"or", conj}, {"while", split}, {"whereas", split}, {"but", but}, {"which", cut},
        {"that", cut}, {"because", cut}, {"since", cut}, {"so", cut}, {"thus", cut}, {"thereby", cut},
        {"therefore", cut}, {"in order", cut}, {"for", cut}, {"where", cut}, {"instead of", cut},
        {"rather than", cut},
        // no statement of fact
        {"could", hedge}, {"can", hedge}, {"may", hedge}, {"might", hedge}, {"should", hedge}, {"would", hedge},
        {"must", hedge}, {"if", hedge}, {"when", hedge}, {"unless", hedge}, {"usually", hedge}, {"typically", hedge},
        {"often", hedge}, {"generally", hedge}, {"sometimes", hedge}, {"commonly", hedge}, {"compared", hedge},
        {"relative", hedge}, {"unlike", hedge}, {"previous", hedge}, {"previously", hedge}, {"accuracy", hedge},
        {"flops", hedge}, {"dilation", hedge}, {"stem", hedge}, {"head", hedge}, {"classifier", hedge},
        {"will", hedge}, {"possibly", hedge}, {"perhaps", hedge}, {"probably", hedge}, {"likely", hedge},
        {"limit", hedge}, {"budget", hedge}, {"allowed", hedge}, {"search space", hedge}, {"choices", hedge},
        {"options", hedge}, {"either", hedge}, {"attention", hedge}, {"input", hedge}, {"teacher", hedge},
        {"optimal", hedge}, {"reduces", hedge}, {"improve", hedge},
        // in front of stages and values
        {"in", in}, {"at", in}, {"on", in}, {"into", in}, {"across", in}, {"of", filler}, {"with", with},
        // verbs
        {"use", verb}, {"uses", verb}, {"used", verb}, {"using", with}, {"has", verb}, {"have", verb},
        {"having", with}, {"is", verb}, {"are", verb}, {"was", verb}, {"were", verb}, {"be", verb}, {"been", verb},
        {"employ", verb}, {"employs", verb}, {"employed", verb}, {"apply", verb}, {"applies", verb},
        {"applied", verb}, {"adopt", verb}, {"adopts", verb}, {"adopted", verb}, {"contain", verb},
        {"contains", verb}, {"include", verb}, {"includes", verb}, {"included", verb}, {"consist", verb},
        {"consists", verb}, {"comprise", verb}, {"comprises", verb}, {"rely", verb}, {"relies", verb}, {"keep", verb},
        {"keeps", verb}, {"kept", verb}, {"stay", verb}, {"stays", verb}, {"remain", verb}, {"remains", verb},
        {"need", verb}, {"needs", verb}, {"require", verb}, {"requires", verb}, {"cost", verb}, {"costs", verb},
        {"hold", verb}, {"holds", verb}, {"set", verb}, {"enabled", verb}, {"added", verb}, {"appear", verb},
        {"appears", verb}, {"occur", verb}, {"occurs", verb}, {"found", verb}, {"present", verb}, {"placed", verb},
        {"combined", verb}, {"mixed", verb}, {"mix", verb}, {"mixes", verb}, {"combines", verb}, {"serve", verb},
        {"serves", verb}, {"do", verb}, {"does", verb}, {"output", verb}, {"outputs", verb}, {"produce", verb},
        {"produces", verb}, {"feature", verb}, {"features", verb}, {"account", verb}, {"accounts", verb},
        {"accounts for", verb}, {"account for", verb}, {"responsible for", verb}, {"contribute", verb},
        {"contributes", verb}, {"spent", verb}, {"built", verb}, {"made", verb}, {"amount", verb}, {"amounts", verb},
        {"amounts to", verb}, {"amount to", verb}, {"set to", verb}, {"equal to", verb}, {"equals", verb},
        {"reach", verb}, {"reaches", verb}, {"work", verb}, {"works", verb}, {"run", verb}, {"runs", verb},
        {"chosen", verb}, {"limited to", relation, {}, {}, r::at_most}, {"added to", verb}, {"share", verb},
        {"shares", verb}, {"carry", verb}, {"carries", verb}, {"there", filler}, {"located", verb}, {"reached", verb},
        {"attained", verb}, {"s", filler}, {"lies", verb}, {"lie", verb}, {"sits", verb}, {"concentrated", verb},
        {"goes", verb}, {"go", verb}, {"maintain", verb}, {"maintains", verb}, {"operate", verb}, {"operates", verb},
        {"possess", verb}, {"applied to", verb}, {"restricted to", only}, {"confined to", only}, {"come with", verb},
        {"comes with", verb},
        // words without weight
        {"a", filler}, {"an", filler}, {"the", filler}, {"its", filler}, {"their", filler}, {"value", filler},
        {"values", filler}, {"size", filler}, {"sizes", filler}, {"number", filler}, {"type", filler},
        {"function", filler}, {"functions", filler}, {"convolution", filler}, {"convolutions", filler},
        {"also", filler}, {"moreover", filler}, {"furthermore", filler}, {"additionally", filler}, {"here", filler},
        {"finally", filler}, {"different", filler}, {"steadily", filler}, {"gradually", filler},
        {"progressively", filler}, {"monotonically", filler}, {"depth", filler}, {"with depth", filler},
        {"with every stage", filler}, {"from stage to stage", filler}, {"usage", filler}, {"footprint", filler},
        {"memory", filler}, {"connection", filler}, {"connections", filler}, {"module", filler}, {"modules", filler},
        {"out", filler}, {"such as", filler}, {"however", filler}, {"fits into flash", filler}, {"any", filler},
        {"stays", verb}, {"operations", filler}, {"count", filler},
        {"as the activation function", property, p::activation}, {"as activation", property, p::activation},
        {"as the activation", property, p::activation}, {"as activation function", property, p::activation},
    });
}();
// clang-format on

/// The table by text.
[[nodiscard]] inline const std::map<std::string_view, const phrase*>& phrase_index() {
    static const auto index = [] {
        std::map<std::string_view, const phrase*> m;
        for (const phrase& p : phrases) m.emplace(p.text, &p);
        return m;
    }();
    return index;
}

}  // namespace llmnas::claim_grammar
