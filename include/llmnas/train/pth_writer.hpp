// SPDX-License-Identifier: MIT
/// \file
/// State dicts as `.pth` files (zip format) that Python's torch.load reads, also with weights_only=True.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <caffe2/serialize/inline_container.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <llmnas/core/atomic_file.hpp>
#include <llmnas/train/pth.hpp>
#include <llmnas/train/state_dict.hpp>
#include <llmnas/train/torch_compat.hpp>

namespace llmnas {

namespace detail {

/// The pickle of an OrderedDict of tensors, tensor i in the storage "i". Protocol 2, and only opcodes that PyTorch's
/// own restricted reader (weights_only=True) knows from version 1.13 on.
class state_dict_pickle {
public:
    state_dict_pickle() {
        out_ =
            "\x80\x02"
            "ccollections\nOrderedDict\n)R(";
    }

    void add(const named_tensor& t, std::string_view storage, std::size_t number) {
        text(t.name);
        out_ += "ctorch._utils\n_rebuild_tensor_v2\n((";
        text("storage");
        out_ += "ctorch\n";
        out_ += storage;
        out_ += '\n';
        text(fmt::format("{}", number));
        text("cpu");
        integer(t.value.numel());
        out_ += "tQ";
        integer(0);
        tuple(t.value.sizes());
        tuple(t.value.strides());
        out_ +=
            "\x89"
            "ccollections\nOrderedDict\n)RtR";
    }

    [[nodiscard]] std::string finish() && { return std::move(out_) + "u."; }

private:
    template <class Integer>
    void raw(Integer value) {
        std::array<char, sizeof(Integer)> bytes{};
        std::memcpy(bytes.data(), &value, sizeof value);
        out_.append(bytes.data(), bytes.size());
    }
    void text(std::string_view s) {
        out_ += 'X';
        raw(static_cast<std::uint32_t>(s.size()));
        out_ += s;
    }
    void integer(std::int64_t value) {
        if (value <= std::numeric_limits<std::int32_t>::max()) {
            out_ += 'J';
            raw(static_cast<std::int32_t>(value));
        } else {
            out_ += "\x8a\x08";
            raw(value);
        }
    }
    void tuple(at::IntArrayRef values) {
        out_ += '(';
        for (const std::int64_t v : values) integer(v);
        out_ += 't';
    }

    std::string out_;
};

/// Name of a type's storage class in Python; empty for types that weights do not have.
inline std::string_view storage_name(at::ScalarType type) {
    switch (type) {
        case at::kFloat:
            return "FloatStorage";
        case at::kDouble:
            return "DoubleStorage";
        case at::kHalf:
            return "HalfStorage";
        case at::kBFloat16:
            return "BFloat16Storage";
        case at::kLong:
            return "LongStorage";
        case at::kInt:
            return "IntStorage";
        case at::kByte:
            return "ByteStorage";
        case at::kBool:
            return "BoolStorage";
        default:
            return {};
    }
}

}  // namespace detail

/// Replaces the file as a whole. Metadata stand in a record of their own that torch.load does not look at: Python gets
/// a plain state dict. Errors: io (the file before stays), bad_input (a type that no weights have).
[[nodiscard]] inline result<void> write_pth(const std::filesystem::path& path, const state_dict& dict,
                                            const std::map<std::string, std::string>& metadata = {}) {
    std::vector<std::byte> bytes;
    try {
        detail::state_dict_pickle pickle;
        std::vector<at::Tensor> kept;  // contiguous, on the CPU
        for (const named_tensor& t : dict.entries) {
            const std::string_view storage = detail::storage_name(t.value.scalar_type());
            if (storage.empty())
                return fail(errc::bad_input, "no element type of weights", path.string() + ": " + t.name,
                            c10::toString(t.value.scalar_type()));
            kept.push_back(t.value.detach().to(at::kCPU).contiguous(at::MemoryFormat::Contiguous));
            pickle.add({t.name, kept.back()}, storage, kept.size() - 1);
        }
        caffe2::serialize::PyTorchStreamWriter zip([&bytes](const void* data, std::size_t size) {
            const auto* const begin = static_cast<const std::byte*>(data);
            bytes.insert(bytes.end(), begin, begin + size);
            return size;
        });
        const std::string text = std::move(pickle).finish();
        zip.writeRecord("data.pkl", text.data(), text.size());
        for (std::size_t i = 0; i < kept.size(); ++i)
            zip.writeRecord(fmt::format("data/{}", i), kept[i].data_ptr(), kept[i].nbytes());
        if (!metadata.empty()) {
            const std::string json =
                nlohmann::json(metadata).dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
            zip.writeRecord(pth_metadata_record, json.data(), json.size());
        }
        zip.writeEndOfFile();
    } catch (const std::exception& e) {
        return fail(errc::io, "cannot make a PyTorch file: " + first_line_of(e), path.string());
    }
    const std::span<const std::byte> all(bytes);
    return write_atomically(path, std::span(&all, 1));
}

}  // namespace llmnas
