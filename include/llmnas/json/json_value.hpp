// SPDX-License-Identifier: MIT
/// \file
/// The JSON value of the library. Layers above json/ name this type, so that the choice of the JSON library stands
/// here.
#pragma once

#include <nlohmann/json.hpp>

namespace llmnas {

/// Members keep the order in which they were written: files and prompts read the same every time.
using json_value = nlohmann::ordered_json;

/// What json_value's accessors throw where a document has another form.
using json_exception = nlohmann::json::exception;

}  // namespace llmnas
