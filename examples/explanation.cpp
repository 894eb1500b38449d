// SPDX-License-Identifier: MIT
// link: llmnas::search
/// \file
/// The claims of a text about a network, checked; and what can be said without any text.
#include <string>

#include <fmt/format.h>

#include <llmnas/llm/explanation.hpp>
#include <llmnas/zoo/lmanet.hpp>

using namespace llmnas;

int main() {
    //! [check]
    explanation_report report{.network = "lmanet_elite",
                              .author = "a text",
                              .accuracy = {},
                              .statements = {},
                              .evidence = evidence_of(zoo::lmanet_elite)};
    report.statements =
        check_explanation("Stage 5 has a stride of 1. Most of the parameters are in stage 5. The design is elegant.",
                          report.evidence.facts);
    fmt::print("{}", to_markdown(report));
    //! [check]
    const verdict_counts n = count_verdicts(report.statements);
    return n.no == 1 && n.yes == 1 && n.uncheckable == 1 ? 0 : 1;
}
