// SPDX-License-Identifier: MIT
/// \file
/// A language model chosen at run time.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <llmnas/core/result.hpp>
#include <llmnas/llm/language_model.hpp>

namespace llmnas {

/// Any LanguageModel behind one type. Movable, not copyable.
class any_language_model {
public:
    template <LanguageModel Model>
        requires(!std::same_as<std::remove_cvref_t<Model>, any_language_model>)
    explicit any_language_model(Model model) : model_(std::make_unique<holder<Model>>(std::move(model))) {}

    [[nodiscard]] result<completion> complete(const completion_request& request) { return model_->complete(request); }
    [[nodiscard]] std::string name() const { return model_->name(); }

    [[nodiscard]] std::optional<std::int32_t> context_length() { return model_->context_length(); }

    /// The model where it is of this type, else null.
    template <LanguageModel Model>
    [[nodiscard]] const Model* get() const noexcept {
        const auto* const found = dynamic_cast<const holder<Model>*>(model_.get());
        return found == nullptr ? nullptr : &found->model;
    }

private:
    struct base {
        base() = default;
        base(const base&) = delete;
        base& operator=(const base&) = delete;
        virtual ~base() = default;
        [[nodiscard]] virtual result<completion> complete(const completion_request&) = 0;
        [[nodiscard]] virtual std::string name() const = 0;
        [[nodiscard]] virtual std::optional<std::int32_t> context_length() = 0;
    };
    template <class Model>
    struct holder final : base {
        explicit holder(Model m) : model(std::move(m)) {}
        [[nodiscard]] result<completion> complete(const completion_request& r) override { return model.complete(r); }
        [[nodiscard]] std::string name() const override { return model.name(); }
        [[nodiscard]] std::optional<std::int32_t> context_length() override { return context_length_of(model); }
        Model model;
    };

    std::unique_ptr<base> model_;
};

static_assert(ContextualModel<any_language_model>);

}  // namespace llmnas
