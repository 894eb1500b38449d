// SPDX-License-Identifier: MIT
/// \file
/// A language model as a proposer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <llmnas/json/gbnf.hpp>
#include <llmnas/json/reply.hpp>
#include <llmnas/json/schema.hpp>
#include <llmnas/llm/answer_form.hpp>
#include <llmnas/llm/backlog.hpp>
#include <llmnas/llm/conversation.hpp>
#include <llmnas/llm/language_model.hpp>
#include <llmnas/llm/prompt.hpp>
#include <llmnas/llm/prompt_document.hpp>
#include <llmnas/llm/spending.hpp>
#include <llmnas/search/proposer.hpp>

namespace llmnas {

struct llm_proposer_options {
    sampling_options sampling;  ///< max_tokens: of the answer with one network
    /// Tokens of prompt and answer together; nothing: as the model says, else context_window's.
    std::optional<std::int32_t> context = {};
    bool send_schema = true;  ///< asks the server to constrain the answer to the schema of the space
    reply_limits reply;
    std::size_t batch = 1;  ///< networks asked for in one call
    bool explain = false;   ///< asks for an explanation beside each network, as the paper does
    /// Proposals that are asked for while a network trains, so that training does not wait for the model. Their prompts
    /// do not know the result of that training; the journal has how much they knew.
    std::size_t ahead = 0;
    bool background = true;        ///< asks ahead in a thread; false (replays): when the proposal is wanted
    std::size_t conversation = 0;  ///< earlier answers that the model is shown; 0: every call stands alone
    token_prices prices;
    spending_caps caps;
    proposal_counters earlier = {};  ///< of earlier runs of the study: the caps are for all together
    /// Called when no answer is wanted any more, from the search's thread; may make a call that is under way give up.
    std::function<void()> cancel = {};
};

/// El Zeinaty et al., IJCNN 2025: the model is told the task and the results so far and answers with a network as
/// JSON. Every failure is a rejection that the next prompt tells back. What is told comes from the context alone but
/// for the conversation, so that several trials may be open; the seed of each request comes from the proposal's random
/// stream (hosted models ignore it).
///
/// Requests are built in the search's thread at fixed points of the search, with `ahead` too: only the model's answer
/// is waited for elsewhere. So what is asked, and in which order, does not depend on how fast anybody is, and a
/// recorded search is replayed bit-equal.
template <SearchSpace Space, LanguageModel Model, class Prompt = paper_prompt<Space>>
    requires PromptPolicy<Prompt, Space>
class llm_proposer {
public:
    explicit llm_proposer(Model model, llm_proposer_options options = {}, Prompt prompt = Prompt{})
        : options_(std::move(options)),
          prompt_(std::move(prompt)),
          said_(options_.conversation),
          model_name_(model.name()),
          model_(std::move(model), options_.background) {
        options_.batch = std::max<std::size_t>(options_.batch, 1);
        if constexpr (ExplainingPrompt<Prompt>) prompt_.explain(options_.explain);
        if (options_.send_schema) set_schema();
    }

    [[nodiscard]] static std::string_view name() { return "llm"; }
    /// The model's name without its server.
    [[nodiscard]] std::string search_name() const { return model_name_.substr(0, model_name_.find(" at ")); }

    /// Rejections: no_reply (server), malformed (no architecture in the reply), out_of_space (a value that no axis
    /// has).
    [[nodiscard]] tl::expected<proposal<Space>, rejection> ask(const search_context<Space>& context, splitmix64& rng) {
        while (ready_.empty()) receive(context, rng);
        auto first = std::move(ready_.front());
        ready_.pop_front();
        counters_.proposals += is_interruption(first) ? 0 : 1;
        return first;
    }

    void tell(const trial<Space>&) {}

    /// Asks for proposals until `ahead` of them, but not more than `more`, are there or under way.
    void prepare(const search_context<Space>& context, splitmix64& rng, std::int32_t more) {
        task_ = context.task;
        const std::size_t wanted = std::min(options_.ahead, static_cast<std::size_t>(std::max(more, 0)));
        while (ready_.size() + asked_.size() * options_.batch < wanted && !over_cap()) {
            auto r = request(context, rng);
            asked_.push_back({static_cast<std::int32_t>(context.trials.size()), token_estimate(r.messages)});
            model_.submit(std::move(r));
        }
    }

    /// Ends what is under way and counts what nobody asked for.
    void close() {
        if (options_.cancel && !asked_.empty()) options_.cancel();
        for (auto& answer : model_.close()) {
            read(std::move(answer), asked_.front());
            asked_.pop_front();
        }
        asked_.clear();
        std::erase_if(ready_, is_interruption);
        counters_.proposals += ready_.size();
        counters_.unused += ready_.size();
        ready_.clear();
    }

    /// Where a cap is reached and no proposal that was paid for is left.
    [[nodiscard]] std::optional<std::string> retired() const {
        return ready_.empty() && asked_.empty() ? over_cap() : std::nullopt;
    }

    /// Of this run.
    [[nodiscard]] const proposal_counters& counters() const noexcept { return counters_; }
    /// Text of the last answer; empty where there was none.
    [[nodiscard]] const std::string& last_reply() const noexcept { return last_reply_; }
    /// Requests made ahead whose answers are there, and all of them.
    [[nodiscard]] std::size_t answered_ahead() const { return model_.ready(); }
    [[nodiscard]] std::size_t asked_ahead() const { return asked_.size(); }
    [[nodiscard]] const Model& model() const noexcept { return model_.model(); }

private:
    using outcome = tl::expected<proposal<Space>, rejection>;

    struct asked_request {
        std::optional<std::int32_t> shown;  ///< trials that the prompt knew, where it was asked ahead
        std::size_t prompt_tokens = 0;      ///< estimated
    };

    void set_schema() {
        const std::size_t n = options_.batch;
        if (options_.explain) {
            schema_ = n == 1 ? explained_schema<Space>() : explained_batch_schema<Space>(n);
            grammar_ = n == 1 ? explained_grammar<Space>() : explained_batch_grammar<Space>(n);
        } else {
            schema_ = n == 1 ? proposal_schema<Space>() : batch_schema<Space>(n);
            grammar_ = n == 1 ? proposal_grammar<Space>() : batch_grammar<Space>(n);
        }
    }

    [[nodiscard]] completion_request request(const search_context<Space>& context, splitmix64& rng) {
        completion_request r;
        if (!budget_) find_window();
        std::string more;
        if (options_.explain && !ExplainingPrompt<Prompt>)
            more = fmt::format("Answer with a JSON object: {}.\n", detail::explained_members<Space>());
        if (options_.batch > 1)
            more += fmt::format("Answer this time with {} different networks: a JSON array of {} such {}.\n",
                                options_.batch, options_.batch, options_.explain ? "objects" : "arrays");
        const auto earlier = said_.messages_within(budget_->tokens() / 2);
        if constexpr (SizedPrompt<Prompt>) {
            const std::size_t taken = token_estimate(earlier) + token_estimate(more);
            prompt_.fit(budget_->tokens() - std::min(taken, budget_->tokens()));
        }
        r.messages = prompt_.messages(context);
        if (!r.messages.empty()) r.messages.back().content += more;
        conversation::weave(earlier, r.messages);
        budget_->spend(token_estimate(r.messages));
        r.json_schema = schema_;
        r.grammar = grammar_;
        r.sampling = options_.sampling;
        r.sampling.max_tokens = window_.answer;
        if (!r.sampling.seed) r.sampling.seed = static_cast<std::uint32_t>(rng() >> 33U);  // 31 bits
        return r;
    }

    /// What the model's context leaves for the prompt, and for the answer: a batch has more of it, up to a half.
    void find_window() {
        if (const auto context = options_.context ? options_.context : model_.context_length())
            window_.tokens = *context;
        const std::int64_t one = options_.sampling.max_tokens;
        const std::int64_t all = one * static_cast<std::int64_t>(options_.batch);
        window_.answer = static_cast<std::int32_t>(std::max(one, std::min<std::int64_t>(all, window_.tokens / 2)));
        budget_.emplace(window_);
    }

    /// The next answer, as one or more outcomes. A prompt that was too long is made shorter.
    void receive(const search_context<Space>& context, splitmix64& rng) {
        task_ = context.task;
        while (true) {
            asked_request a;
            std::optional<result<completion>> answer;
            if (asked_.empty()) {
                const auto r = request(context, rng);
                a.prompt_tokens = token_estimate(r.messages);
                answer = model_.ask(r);
            } else {
                a = asked_.front();
                asked_.pop_front();
                answer = model_.take();
            }
            if (*answer || answer->error().code != errc::context_overflow || !shorten())
                return read(*std::move(answer), a);
            ++counters_.calls;
            ++counters_.failed_calls;
        }
    }

    [[nodiscard]] bool shorten() {
        if (said_.shorten()) return true;
        if constexpr (SizedPrompt<Prompt>) return budget_->shrink();
        return false;
    }

    void read(result<completion> answer, const asked_request& a) {
        ++counters_.calls;
        last_reply_.clear();
        if (!answer) {
            ++counters_.failed_calls;
            ready_.push_back(reject(rejection_kind::no_reply, std::move(answer).error()));
            return;
        }
        count_costs(counters_, *answer, a.prompt_tokens, options_.prices);
        last_reply_ = std::move(answer->text);
        if (options_.batch == 1)
            read_one(answer->finish_reason == "length", a.shown);
        else
            read_batch(answer->finish_reason == "length", a.shown);
    }

    void read_one(bool cut, std::optional<std::int32_t> shown) {
        auto parsed = parse_reply<Space>(last_reply_, task_.input, task_.classes, options_.reply);
        if (!parsed) return add_failure(std::move(parsed).error(), cut);
        add(*parsed, shown);
        said_.add(understood(*parsed).dump());
    }

    void read_batch(bool cut, std::optional<std::int32_t> shown) {
        auto parsed = parse_batch<Space>(last_reply_, task_.input, task_.classes, options_.reply);
        auto networks = nlohmann::ordered_json::array();
        for (const auto& p : parsed.networks) {
            if (networks.size() == options_.batch) break;
            add(p, shown);
            networks.push_back(understood(p));
        }
        for (std::size_t i = 0; i < parsed.rejected.size() && networks.size() + i < options_.batch; ++i)
            add_failure(std::move(parsed.rejected[i]), cut);
        if (!networks.empty()) said_.add(networks.dump());
    }

    void add(const parsed_reply<Space>& p, std::optional<std::int32_t> shown) {
        counters_.repaired_replies += p.repairs.total() > 0 ? 1 : 0;
        counters_.reply_repairs += p.repairs;
        ready_.push_back(proposal<Space>{p.network, std::string(name()), shown, p.explanation});
    }
    /// An answer as it is shown to the model again.
    [[nodiscard]] nlohmann::ordered_json understood(const parsed_reply<Space>& p) const {
        return options_.explain ? explained_json<Space>(p.network, p.explanation) : proposal_json<Space>(p.network);
    }
    void add_failure(error e, bool cut) {
        const bool outside = e.code == errc::out_of_space;
        if (cut && !outside) e.what += ", and the server says that it ended at its limit of tokens";
        ready_.push_back(reject(outside ? rejection_kind::out_of_space : rejection_kind::malformed, std::move(e)));
    }
    /// An interruption by the user is nobody's proposal.
    [[nodiscard]] static bool is_interruption(const outcome& o) {
        return !o && o.error().why.code == errc::interrupted;
    }
    [[nodiscard]] static outcome reject(rejection_kind kind, error e) {
        return tl::unexpected<rejection>(rejection{kind, std::move(e)});
    }

    [[nodiscard]] std::optional<std::string> over_cap() const {
        proposal_counters all = options_.earlier;
        all += counters_;
        return options_.caps.reached(all);
    }

    llm_proposer_options options_;
    Prompt prompt_;
    context_window window_;
    std::optional<prompt_budget> budget_;  ///< once the window is known
    std::optional<nlohmann::ordered_json> schema_;
    std::optional<std::string> grammar_;
    problem task_;  ///< of the last context: what answers are read for
    proposal_counters counters_;
    std::string last_reply_;
    conversation said_;
    std::deque<outcome> ready_;        ///< read and not asked for yet
    std::deque<asked_request> asked_;  ///< of the requests under way
    std::string model_name_;
    backlog<Model> model_;
};

}  // namespace llmnas
