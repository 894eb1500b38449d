// SPDX-License-Identifier: MIT
/// \file
/// Other names that language models use for fields and values of a stage: one table, for any space. A word stands for a
/// name only if no other name of the same list has it, too.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace llmnas::detail {

/// Words for one thing, in lower case without separators, a blank between them. `beside` is a name that the list must
/// hold, too: it tells what the list is about (`none` is no skip connection beside `residual`).
struct synonyms {
    std::string_view words;
    std::string_view beside = {};

    [[nodiscard]] constexpr bool has(std::string_view word) const {
        for (std::size_t i = words.find(word); i != std::string_view::npos; i = words.find(word, i + 1)) {
            const std::size_t end = i + word.size();
            if ((i == 0 || words[i - 1] == ' ') && (end == words.size() || words[end] == ' ')) return true;
        }
        return false;
    }
};

/// Names of fields. One letter is that of MobileNetV2's table (t, c, n, s) or of a layer's usual shorthand (k, e).
inline constexpr synonyms field_synonyms[] = {
    {"outputchannels channels outchannels outch outputch ch filters numfilters nfilters width numchannels nchannels "
     "numoutputchannels outputfilters outfilters outputwidth cout c"},
    {"numlayers layers nlayers layercount numberoflayers depth repeats repeat numrepeats numrepeat repetitions "
     "numblocks "
     "nblocks numberofblocks blockcount n"},
    {"kernelsize kernel ksize kernelsz kernelwidth filtersize convkernel convkernelsize depthwisekernel k ks"},
    {"stride strides convstride s"},
    {"expansionfactor expansion expansionratio expandratio expandfactor expand expratio exp t e"},
    {"usese se hasse withse enablese seblock useseblock usesqueezeexcitation usesqueezeandexcitation squeezeexcitation "
     "squeezeandexcitation squeezeexcite usesqueezeexcite"},
    {"seratio squeezeratio squeezeexcitationratio squeezeandexcitationratio squeezeexciteratio"},
    {"convtype conv convolution convolutiontype convop blocktype block type layertype op optype operator operatortype "
     "operation"},
    {"skipop skip skipconnection skipconnections skiptype useskip skipoperation shortcut useshortcut residual "
     "useresidual residualconnection"},
    {"activation activationfn activationfunction activationtype act actfn acttype actfunc nonlinearity nonlin"},
};

/// Names of enumerators and block types.
inline constexpr synonyms value_synonyms[] = {
    {"depthwise dw dwconv dwsep dwsepconv dwseparable depthwiseconv depthwiseconvolution depthwiseseparable "
     "depthwiseseparableconv depthwiseseparableconvolution separable separableconv sepconv dsconv"},
    {"mbconv mbconvblock mbblock invertedresidual invertedresidualblock invertedbottleneck mobileinvertedbottleneck "
     "mobileinvertedbottleneckconv mobilebottleneck irb"},
    {"relu nnrelu torchnnrelu rectifiedlinearunit"},
    {"relu6 nnrelu6 torchnnrelu6"},
    {"leakyrelu lrelu leaky nnleakyrelu torchnnleakyrelu leakyrectifiedlinearunit"},
    {"swish silu nnsilu torchnnsilu swish1"},
    {"sigmoid logistic nnsigmoid torchnnsigmoid"},
    {"none linear identity no noactivation", "relu"},
    {"identity none no false off noskip noresidual noshortcut noskipconnection", "residual"},
    {"residual skip shortcut add yes true on skipconnection residualconnection residualadd addition", "identity"},
    {"average avg averagepool averagepooling avgpool gap globalaverage globalaveragepool globalaveragepooling "
     "globalavgpool"},
};

inline constexpr synonyms true_words{"true yes on y enabled 1"};
inline constexpr synonyms false_words{"false no off n disabled none 0"};
inline constexpr synonyms absent_words{"null none na nil notapplicable unused"};

/// Members beside the fields of a stage: those that number it, and those that hold a text for people.
inline constexpr synonyms number_members{
    "stage stageid stageindex stageidx stagenumber stageno index idx id block blockid "
    "blockindex blocknumber number"};
inline constexpr synonyms note_members{
    "name stagename label comment comments note notes description desc reason reasoning "
    "rationale explanation justification why purpose"};

/// Members beside the stages that hold why the network is as it is.
inline constexpr synonyms explanation_members{
    "explanation explanations rationale reasoning reason reasons justification motivation why"};

/// The word in lower case without separators; empty where it is longer than any word of the table.
[[nodiscard]] inline std::string plain_word(std::string_view s) {
    std::string out;
    for (const char c : s) {
        if (c == ' ' || c == '_' || c == '-' || c == '.' || c == '/') continue;
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        if (out.size() > 40) return {};
    }
    return out;
}

/// What a word means in a list of names.
struct meaning {
    static constexpr std::size_t nothing = ~std::size_t{0};
    std::size_t index = nothing;
    bool exact = false;  ///< the word is the name itself
    [[nodiscard]] explicit operator bool() const { return index != nothing; }
};

/// Looks a word up in `count` names, `name(i)` each: the name itself, then another spelling of one name, then a synonym
/// of one name.
template <class Name, std::size_t Rows>
[[nodiscard]] meaning meaning_of(std::string_view word, std::size_t count, Name name, const synonyms (&table)[Rows]) {
    for (std::size_t i = 0; i < count; ++i)
        if (name(i) == word) return {i, true};
    const std::string plain = plain_word(word);
    if (plain.empty()) return {};
    const auto only_one = [&](auto matches) -> meaning {
        meaning found;
        for (std::size_t i = 0; i < count; ++i) {
            if (!matches(name(i))) continue;
            if (found) return {};
            found.index = i;
        }
        return found;
    };
    if (const meaning m = only_one([&](std::string_view n) { return plain_word(n) == plain; })) return m;
    const auto named = [&](std::string_view wanted) {
        for (std::size_t i = 0; i < count; ++i)
            if (plain_word(name(i)) == wanted) return true;
        return false;
    };
    return only_one([&](std::string_view n) {
        return std::any_of(table, table + Rows, [&](const synonyms& row) {
            return row.has(plain) && row.has(plain_word(n)) && (row.beside.empty() || named(row.beside));
        });
    });
}

}  // namespace llmnas::detail
