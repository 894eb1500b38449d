// SPDX-License-Identifier: MIT
/// \file
/// A language model as a proposer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <llmnas/json/reply.hpp>
#include <llmnas/json/schema.hpp>
#include <llmnas/llm/language_model.hpp>
#include <llmnas/llm/prompt.hpp>
#include <llmnas/search/proposer.hpp>

namespace llmnas {

struct llm_proposer_options {
    sampling_options sampling;
    bool send_schema = true;  ///< asks the server to constrain the answer to proposal_schema()
    reply_limits reply;
};

/// What the calls of one proposer amount to so far.
struct llm_counters {
    std::uint64_t calls = 0;
    std::uint64_t failed_calls = 0;  ///< no usable answer of the server
    std::uint64_t cut_replies = 0;   ///< finish_reason "length"
    std::uint64_t prompt_tokens = 0;
    std::uint64_t completion_tokens = 0;
    double seconds = 0;
};

/// El Zeinaty et al., IJCNN 2025: the model is told the task and the results so far and answers with a network as
/// JSON. Every failure is a rejection that the next prompt tells back. All state is in the context, so that several
/// trials may be open; the seed of each request comes from the proposal's random stream (hosted models ignore it).
template <SearchSpace Space, LanguageModel Model, class Prompt = paper_prompt<Space>>
    requires PromptPolicy<Prompt, Space>
class llm_proposer {
public:
    explicit llm_proposer(Model model, const llm_proposer_options& options = {}, Prompt prompt = Prompt{})
        : model_(std::move(model)), options_(options), prompt_(std::move(prompt)) {
        if (options_.send_schema) schema_ = proposal_schema<Space>();
    }

    [[nodiscard]] static std::string_view name() { return "llm"; }

    /// Rejections: no_reply (server), malformed (no architecture in the reply), out_of_space (a value that no axis
    /// has).
    [[nodiscard]] tl::expected<proposal<Space>, rejection> ask(const search_context<Space>& context, splitmix64& rng) {
        completion_request request;
        request.messages = prompt_.messages(context);
        request.json_schema = schema_;
        request.sampling = options_.sampling;
        if (!request.sampling.seed) request.sampling.seed = static_cast<std::uint32_t>(rng() >> 33U);  // 31 bits

        ++counters_.calls;
        last_reply_.clear();
        auto answer = model_.complete(request);
        if constexpr (SizedPrompt<Prompt>)
            while (!answer && answer.error().code == errc::context_overflow && prompt_.shrink()) {
                ++counters_.calls;
                ++counters_.failed_calls;
                request.messages = prompt_.messages(context);
                answer = model_.complete(request);
            }
        if (!answer) {
            ++counters_.failed_calls;
            return reject(rejection_kind::no_reply, std::move(answer).error());
        }
        counters_.seconds += answer->seconds;
        if (answer->usage) {
            counters_.prompt_tokens += static_cast<std::uint64_t>(answer->usage->prompt);
            counters_.completion_tokens += static_cast<std::uint64_t>(answer->usage->completion);
        }
        const bool cut = answer->finish_reason == "length";
        if (cut) ++counters_.cut_replies;
        last_reply_ = std::move(answer->text);

        const auto json = extract_proposal(last_reply_, options_.reply);
        if (!json) {
            error e = json.error();
            if (cut) e.what += ", and the server says that it ended at its limit of tokens";
            return reject(rejection_kind::malformed, std::move(e));
        }
        auto net = proposal_from_json<Space>(*json, context.task.input, context.task.classes);
        if (!net)
            return reject(
                net.error().code == errc::out_of_space ? rejection_kind::out_of_space : rejection_kind::malformed,
                std::move(net).error());
        return proposal<Space>{*std::move(net), std::string(name())};
    }

    void tell(const trial<Space>&) {}

    [[nodiscard]] const llm_counters& counters() const noexcept { return counters_; }
    /// Text of the last answer; empty where there was none.
    [[nodiscard]] const std::string& last_reply() const noexcept { return last_reply_; }
    [[nodiscard]] const Model& model() const noexcept { return model_; }

private:
    [[nodiscard]] static tl::unexpected<rejection> reject(rejection_kind kind, error e) {
        return tl::unexpected<rejection>(rejection{kind, std::move(e)});
    }

    Model model_;
    llm_proposer_options options_;
    Prompt prompt_;
    std::optional<nlohmann::ordered_json> schema_;
    llm_counters counters_;
    std::string last_reply_;
};

}  // namespace llmnas
