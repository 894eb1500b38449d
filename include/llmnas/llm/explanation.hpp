// SPDX-License-Identifier: MIT
/// \file
/// Explanations whose claims are checked (docs/explanations.md).
#pragma once

#include <llmnas/llm/explanation_claim.hpp>
#include <llmnas/llm/explanation_evidence.hpp>
#include <llmnas/llm/explanation_extract.hpp>
#include <llmnas/llm/explanation_facts.hpp>
#include <llmnas/llm/explanation_prompt.hpp>
#include <llmnas/llm/explanation_report.hpp>
#include <llmnas/llm/explanation_verify.hpp>
