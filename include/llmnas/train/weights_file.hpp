// SPDX-License-Identifier: MIT
/// \file
/// Weights in either format, told apart by their first bytes.
#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include <llmnas/core/result.hpp>
#include <llmnas/train/pth.hpp>
#include <llmnas/train/safetensors.hpp>
#include <llmnas/train/state_dict.hpp>

namespace llmnas {

/// Tensors and metadata of a `.pth` or safetensors file, whatever its name. Errors as read_pth() and
/// read_safetensors().
[[nodiscard]] inline result<weights_file> read_weights(const std::filesystem::path& path) {
    std::array<char, 4> first{};
    std::ifstream(path, std::ios::binary).read(first.data(), first.size());
    const std::string_view magic(first.data(), first.size());
    // A zip file; or PyTorch's format before 1.6, a bare pickle, for the message of the reader.
    return magic == "PK\x03\x04" || first[0] == '\x80' ? read_pth(path) : read_safetensors(path);
}

}  // namespace llmnas
