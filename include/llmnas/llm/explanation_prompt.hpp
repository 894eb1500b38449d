// SPDX-License-Identifier: MIT
/// \file
/// A language model asked to explain a design whose costs, and perhaps accuracy, are known.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/llm/cost_words.hpp>
#include <llmnas/llm/explanation_evidence.hpp>
#include <llmnas/llm/language_model.hpp>

namespace llmnas {

/// How an explanation is asked for. Little temperature: it is not to invent.
struct explanation_options {
    sampling_options sampling{
        .temperature = 0.2, .min_p = 0.1, .top_k = 0, .top_p = 1.0, .max_tokens = 1024, .seed = {}};
    std::size_t sentences = 15;  ///< at most, so the prompt says
    std::size_t changes = 4;     ///< told from either end of the list of effects; of measured ones twice as many
};

/// The messages: the network stage by stage, its costs, the measured accuracy, what a few changes would do, and the
/// wish for sentences that can be checked.
[[nodiscard]] inline std::vector<chat_message> explanation_messages(const design_evidence& e,
                                                                    std::optional<double> accuracy,
                                                                    const explanation_options& options = {}) {
    using detail::grouped;
    const network_facts& f = e.facts;
    std::string text = fmt::format(
        "# Network\n{} stages; stage 1 takes the image, and behind the last stage stand "
        "global average pooling and a linear classifier.\n",
        f.stages.size());
    for (std::size_t i = 0; i < f.stages.size(); ++i) {
        const stage_facts& s = f.stages[i];
        text += fmt::format("- Stage {}: {}{}{} output channels", i + 1, s.conv_type, s.conv_type.empty() ? "" : ", ",
                            s.output_channels);
        const auto number = [&](const char* what, const auto& value) {
            if (value) text += fmt::format(", {} {:g}", what, static_cast<double>(*value));
        };
        number("layers", std::optional(s.num_layers));
        number("kernel size", s.kernel_size);
        number("stride", s.stride);
        number("expansion factor", s.expansion_factor);
        if (s.use_se) text += *s.use_se ? ", with squeeze-and-excitation" : ", no squeeze-and-excitation";
        if (s.use_se == true && !s.se_channels.empty())
            text +=
                fmt::format(" (ratio {:.2g})", static_cast<double>(s.se_channels[0].second) / s.se_channels[0].first);
        if (s.residual) text += *s.residual ? ", residual connections" : ", no residual connections";
        if (s.activation) text += fmt::format(", {}", name_of(*s.activation));
        text += fmt::format("; {} MACs, {} parameters\n", grouped(s.mac_count.value), grouped(s.parameters.value));
    }
    text += fmt::format("\n# Costs\n{} MACs, {} parameters, {} bytes of int8 flash", grouped(f.total.mac_count.value),
                        grouped(f.total.parameters.value), grouped(f.total.flash.value));
    if (f.memory_covered) text += fmt::format(", {} bytes of peak SRAM", grouped(f.total.sram.size.value));
    if (!e.peak_place.empty()) text += fmt::format(", reached at {}", e.peak_place);
    text += ".\n";
    if (accuracy) text += fmt::format("\n# Measured\nAccuracy {}.\n", detail::percent(*accuracy));
    if (!e.effects.empty()) {
        text += "\n# What other values would cost (computed)\n";
        for (std::size_t i = 0; i < e.effects.size(); ++i) {
            if (i >= options.changes && i + options.changes < e.effects.size()) continue;
            text += fmt::format("- {}: {}\n", e.effects[i].change.text(), detail::cost_words(e.effects[i].after));
        }
    }
    if (e.measured && !e.measured->empty()) {
        text += "\n# Trained beside it with one other value (each once: small differences are noise)\n";
        for (const measured_effect& m : std::span(*e.measured).first(std::min(e.measured->size(), 2 * options.changes)))
            text += fmt::format("- {}: accuracy {}, {}\n", m.change.text(), detail::percent(m.accuracy),
                                detail::cost_words(m.after));
    }
    text += fmt::format(
        "\n# Question\nExplain this design to an engineer in at most {} short sentences: kernel sizes, expansion, "
        "strides, "
        "squeeze-and-excitation, activations, residual connections, channels, and where the costs lie. Name stages by "
        "number "
        "(\"Stages 1 and 2 use ...\"), one statement a sentence, and state only what the lines above say. Say what you "
        "only suppose "
        "in sentences of their own that begin with \"Perhaps\".\n",
        options.sentences);
    return {{chat_role::system,
             "You explain convolutional networks for microcontrollers, in plain prose without headings or lists."},
            {chat_role::user, std::move(text)}};
}

/// Asks a model. Errors are the model's; an empty answer is one (errc::server).
template <LanguageModel Model>
[[nodiscard]] result<completion> ask_explanation(Model& model, const design_evidence& e,
                                                 std::optional<double> accuracy = {},
                                                 const explanation_options& options = {}) {
    completion_request request;
    request.messages = explanation_messages(e, accuracy, options);
    request.sampling = options.sampling;
    auto answer = model.complete(request);
    if (answer && answer->text.find_first_not_of(" \t\r\n") == std::string::npos)
        return fail(errc::server, "an empty explanation", model.name());
    // The thoughts of a reasoning model are no explanation.
    if (answer)
        if (const std::size_t end = answer->text.rfind("</think>"); end != std::string::npos)
            answer->text.erase(0, end + 8);
    return answer;
}

}  // namespace llmnas
