// SPDX-License-Identifier: MIT
/// \file
/// A network from a JSON file in the published format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>

#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/file.hpp>

namespace llmnas {

/// Any legal network of the space's form, in the space or not. Errors name the file, the stage and the field.
template <SearchSpace Space>
[[nodiscard]] result<network_of<Space>> network_from_file(const std::filesystem::path& path, const shape& input,
                                                          std::int32_t classes) {
    auto text = read_text_file(path);
    if (!text) return tl::unexpected<error>(std::move(text.error()));
    auto net = network_from_text<Space>(*text, input, classes);
    if (!net) net.error().where = path.string() + (net.error().where.empty() ? "" : ": ") + net.error().where;
    return net;
}

}  // namespace llmnas
