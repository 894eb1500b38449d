// SPDX-License-Identifier: MIT
/// \file
/// State dicts as Python's torch.save writes them (`.pth`, zip format), without Python and without running what is in
/// them. libtorch's own readers fail on these files or trust their sizes, so the container is read by libtorch and the
/// pickle by train/pickle.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <caffe2/serialize/inline_container.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <llmnas/core/quantities.hpp>
#include <llmnas/train/pickle.hpp>
#include <llmnas/train/state_dict.hpp>
#include <llmnas/train/torch_compat.hpp>

namespace llmnas {

namespace detail {

/// Turns the values of a pickle into tensors, with every size checked against its storage.
class pth_tensors {
public:
    pth_tensors(caffe2::serialize::PyTorchStreamReader& zip, const pickle::document& doc, std::string where,
                std::uint64_t file_bytes)
        : zip_(zip),
          doc_(doc),
          where_(std::move(where)),
          bytes_left_(file_bytes),
          copies_left_(saturating_mul(4, file_bytes)) {}

    result<state_dict> read() {
        const pickle::value* root = &doc_[doc_.root];
        if (root->kind != pickle::kind::dict) return refuse("holds no dict of tensors");
        // Training checkpoints keep the state dict one level down.
        for (const char* key : {"state_dict", "model_state_dict", "model"})
            if (const pickle::value* inner = lookup(*root, key); inner && inner->kind == pickle::kind::dict) {
                root = inner;
                break;
            }
        state_dict out;
        std::set<std::string> seen;
        for (std::size_t i = 0; i + 1 < root->items.size(); i += 2) {
            const pickle::value& key = doc_[root->items[i]];
            if (key.kind != pickle::kind::text) return refuse("key is no text");
            if (!seen.insert(key.text).second) return refuse("a tensor stands twice", key.text);
            auto t = tensor(doc_[root->items[i + 1]], key.text, 0);
            if (!t) return tl::unexpected(std::move(t.error()));
            out.entries.push_back({key.text, std::move(*t)});
        }
        return out;
    }

private:
    [[nodiscard]] tl::unexpected<error> refuse(std::string what, std::string got = {}, std::string wanted = {}) const {
        return fail(errc::bad_input, std::move(what), where_, std::move(got), std::move(wanted));
    }

    [[nodiscard]] const pickle::value* lookup(const pickle::value& dict, std::string_view name) const {
        for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
            if (doc_[dict.items[i]].kind == pickle::kind::text && doc_[dict.items[i]].text == name)
                return &doc_[dict.items[i + 1]];
        return nullptr;
    }

    [[nodiscard]] static const at::ScalarType* element_type(std::string_view storage) {
        struct entry {
            std::string_view name;
            at::ScalarType type;
        };
        static constexpr std::array<entry, 10> types{{{"torch FloatStorage", at::kFloat},
                                                      {"torch DoubleStorage", at::kDouble},
                                                      {"torch HalfStorage", at::kHalf},
                                                      {"torch BFloat16Storage", at::kBFloat16},
                                                      {"torch LongStorage", at::kLong},
                                                      {"torch IntStorage", at::kInt},
                                                      {"torch ShortStorage", at::kShort},
                                                      {"torch CharStorage", at::kChar},
                                                      {"torch ByteStorage", at::kByte},
                                                      {"torch BoolStorage", at::kBool}}};
        for (const entry& e : types)
            if (e.name == storage) return &e.type;
        return nullptr;
    }

    /// The whole storage as a flat tensor, read once.
    result<at::Tensor> storage(const pickle::value& id) {
        if (id.kind != pickle::kind::persistent || id.items.size() != 5) return refuse("tensor without a storage");
        const pickle::value& tag = doc_[id.items[0]];
        const pickle::value& type = doc_[id.items[1]];
        const pickle::value& key = doc_[id.items[2]];
        const pickle::value& count = doc_[id.items[4]];
        const at::ScalarType* element = type.kind == pickle::kind::global ? element_type(type.text) : nullptr;
        if (tag.text != "storage" || element == nullptr || key.kind != pickle::kind::text ||
            count.kind != pickle::kind::integer || count.integer < 0)
            return refuse("malformed storage");
        if (const auto known = storages_.find(key.text); known != storages_.end()) {
            if (known->second.scalar_type() != *element || known->second.numel() != count.integer)
                return refuse("storage " + key.text + " described in two ways");
            return known->second;
        }
        // Storages lie uncompressed in the file, so together they cannot be larger: refused before any memory is taken.
        const std::uint64_t item = c10::elementSize(*element);
        const auto n = static_cast<std::uint64_t>(count.integer);
        if (n > bytes_left_ / item)
            return refuse("storage " + key.text + " is larger than the file",
                          fmt::format("{} elements of {} bytes", n, item),
                          fmt::format("at most {} bytes", bytes_left_));
        bytes_left_ -= n * item;
        const std::string record = "data/" + key.text;
        if (!zip_.hasRecord(record)) return refuse("storage is missing in the file", record);
        const auto [data, size] = zip_.getRecord(record);
        if (size != n * item)
            return refuse("storage " + key.text + " has another size", fmt::format("{} bytes", size),
                          fmt::format("{}", n * item));
        at::Tensor flat = at::empty({count.integer}, *element);
        if (size > 0) std::memcpy(flat.data_ptr(), data.get(), size);
        storages_.emplace(key.text, flat);
        return flat;
    }

    /// Non-negative integers of a tuple, at most 8.
    [[nodiscard]] bool extents(const pickle::value& tuple, std::vector<std::int64_t>& out) const {
        if (tuple.kind != pickle::kind::tuple || tuple.items.size() > 8) return false;
        for (const std::uint32_t i : tuple.items) {
            if (doc_[i].kind != pickle::kind::integer || doc_[i].integer < 0) return false;
            out.push_back(doc_[i].integer);
        }
        return true;
    }

    result<at::Tensor> tensor(const pickle::value& v, const std::string& name, int depth) {
        if (v.kind != pickle::kind::call) return refuse("value of " + name + " is no tensor");
        const std::string& callee = doc_[v.items[0]].text;
        const std::vector<std::uint32_t>& arguments = doc_[v.items[1]].items;
        if (callee == "torch._utils _rebuild_parameter" && !arguments.empty() && depth == 0)
            return tensor(doc_[arguments[0]], name, depth + 1);
        if (callee != "torch._utils _rebuild_tensor_v2" || arguments.size() < 4)
            return refuse("value of " + name + " is no tensor");
        std::vector<std::int64_t> sizes;
        std::vector<std::int64_t> strides;
        const pickle::value& offset = doc_[arguments[1]];
        if (offset.kind != pickle::kind::integer || offset.integer < 0 || !extents(doc_[arguments[2]], sizes) ||
            !extents(doc_[arguments[3]], strides) || sizes.size() != strides.size())
            return refuse("malformed tensor " + name);
        auto flat = storage(doc_[arguments[0]]);
        if (!flat) return flat;
        if (!fits(sizes, strides, offset.integer, flat->numel()))
            return refuse("tensor " + name + " lies outside of its storage",
                          fmt::format("sizes [{}], strides [{}], offset {}", fmt::join(sizes, ", "),
                                      fmt::join(strides, ", "), offset.integer),
                          fmt::format("inside {} elements", flat->numel()));
        const at::Tensor view = flat->as_strided(sizes, strides, offset.integer);
        // Tensors may share a storage, but a file that asks for many times its own size is no state dict.
        const auto bytes = static_cast<std::uint64_t>(view.numel()) * view.element_size();
        if (bytes > copies_left_) return refuse("tensors take many times the file's size", name);
        copies_left_ -= bytes;
        return view.clone(at::MemoryFormat::Contiguous);
    }

    /// Last element inside the storage, and no more elements than it has: a stride of 0 could ask for any number.
    [[nodiscard]] static bool fits(const std::vector<std::int64_t>& sizes, const std::vector<std::int64_t>& strides,
                                   std::int64_t offset, std::int64_t elements) {
        std::int64_t count = 1;
        std::int64_t last = offset;
        for (const std::int64_t s : sizes)
            if (s == 0) return offset <= elements;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            if (__builtin_mul_overflow(count, sizes[i], &count)) return false;
            std::int64_t step = 0;
            if (__builtin_mul_overflow(sizes[i] - 1, strides[i], &step) || __builtin_add_overflow(last, step, &last))
                return false;
        }
        return last < elements && count <= elements;
    }

    caffe2::serialize::PyTorchStreamReader& zip_;
    const pickle::document& doc_;
    std::string where_;
    std::uint64_t bytes_left_;
    std::uint64_t copies_left_;
    std::map<std::string, at::Tensor> storages_;
};

}  // namespace detail

/// Record of a `.pth` file with its metadata, a JSON object of texts. torch.load does not look at it.
inline constexpr const char* pth_metadata_record = "llmnas.json";

/// Reads the tensors of a `.pth` file onto the CPU, wherever they were saved, and the metadata that write_pth() put
/// beside them, if any. Errors: unavailable (no such file), bad_input (no zip file, truncated, a global that is not
/// allowed, sizes that do not fit, metadata that are no texts: what and where).
[[nodiscard]] inline result<weights_file> read_pth(const std::filesystem::path& path) {
    std::error_code status;
    if (!std::filesystem::is_regular_file(path, status)) return fail(errc::unavailable, "no such file", path.string());
    const std::uint64_t bytes = std::filesystem::file_size(path, status);
    if (status) return fail(errc::io, "cannot read: " + status.message(), path.string());
    try {
        caffe2::serialize::PyTorchStreamReader zip(path.string());
        if (!zip.hasRecord("data.pkl")) return fail(errc::bad_input, "holds no data.pkl", path.string());
        if (zip.hasRecord("byteorder")) {
            const auto [order, length] = zip.getRecord("byteorder");
            if (std::string_view(static_cast<const char*>(order.get()), length) != "little")
                return fail(errc::bad_input, "saved on a big-endian machine", path.string());
        }
        const auto [data, size] = zip.getRecord("data.pkl");
        const auto doc = pickle::read({static_cast<const std::uint8_t*>(data.get()), size}, path.string());
        if (!doc) return tl::unexpected(doc.error());
        auto tensors = detail::pth_tensors(zip, *doc, path.string(), bytes).read();
        if (!tensors) return tl::unexpected(std::move(tensors.error()));
        weights_file file{std::move(*tensors), {}};
        if (!zip.hasRecord(pth_metadata_record)) return file;
        const auto [text, length] = zip.getRecord(pth_metadata_record);
        const auto* const begin = static_cast<const char*>(text.get());
        const auto json = nlohmann::json::parse(begin, begin + length, nullptr, false);
        if (!json.is_object())
            return fail(errc::bad_input, fmt::format("{} is no JSON object", pth_metadata_record), path.string());
        for (const auto& [key, content] : json.items()) {
            if (!content.is_string()) return fail(errc::bad_input, "metadata is no text", path.string(), key);
            file.metadata.emplace(key, content.get<std::string>());
        }
        return file;
    } catch (const std::exception& e) {
        return fail(errc::bad_input, "no readable PyTorch file: " + first_line_of(e), path.string());
    }
}

}  // namespace llmnas
