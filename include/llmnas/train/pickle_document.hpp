// SPDX-License-Identifier: MIT
/// \file
/// What a pickle holds once it is read, and what a reader lets through. No torch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llmnas::pickle {

enum class kind : std::uint8_t {
    none,
    boolean,  ///< integer 0 or 1
    integer,
    real,
    text,
    bytes,       ///< raw: bytes and byte arrays of Python 3, strings of Python 2
    tuple,       ///< items
    list,        ///< items
    dict,        ///< items: key, value, key, value, ...
    global,      ///< text: "module name"
    persistent,  ///< items: 'storage', type, key, device, number of elements
    call,        ///< items: global, tuple of arguments, and the state given to the result if any; never executed
};

struct value {
    pickle::kind kind = pickle::kind::none;
    std::int64_t integer = 0;
    double real = 0;
    std::string text = {};
    std::span<const std::uint8_t> raw = {};  ///< into the bytes that the pickle was read from
    std::vector<std::uint32_t> items = {};   ///< positions in document::values
};

/// Text, or bytes where a string of Python 2 stands for text. Empty for other values.
[[nodiscard]] inline std::string_view text_of(const value& v) noexcept {
    if (v.kind == kind::text) return v.text;
    return {reinterpret_cast<const char*>(v.raw.data()), v.raw.size()};
}

/// The values of one pickle; it must not outlive the bytes that it was read from.
struct document {
    std::vector<value> values;
    std::uint32_t root = 0;

    [[nodiscard]] const value& operator[](std::uint32_t i) const { return values[i]; }

    /// The value of a key of a dict; nullptr where it has no such key or is no dict.
    [[nodiscard]] const value* find(const value& dict, std::string_view key) const {
        if (dict.kind != kind::dict) return nullptr;
        for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
            const value& k = values[dict.items[i]];
            if ((k.kind == kind::text || k.kind == kind::bytes) && text_of(k) == key) return &values[dict.items[i + 1]];
        }
        return nullptr;
    }
};

/// What a pickle of one purpose may be: an allow-list of globals ("module name") and upper bounds.
struct limits {
    std::string_view purpose;                   ///< for messages: "a state dict"
    std::span<const std::string_view> globals;  ///< all others are refused by name
    std::string_view wanted;                    ///< the globals in words
    std::size_t max_bytes = std::size_t{64} << 20;
    std::size_t max_values = 1'000'000;

    [[nodiscard]] constexpr bool allow(std::string_view global) const noexcept {
        return std::find(globals.begin(), globals.end(), global) != globals.end();
    }
};

namespace detail {

inline constexpr std::string_view state_dict_globals[] = {"collections OrderedDict",
                                                          "torch._utils _rebuild_tensor_v2",
                                                          "torch._utils _rebuild_parameter",
                                                          "torch FloatStorage",
                                                          "torch DoubleStorage",
                                                          "torch HalfStorage",
                                                          "torch BFloat16Storage",
                                                          "torch LongStorage",
                                                          "torch IntStorage",
                                                          "torch ShortStorage",
                                                          "torch CharStorage",
                                                          "torch ByteStorage",
                                                          "torch BoolStorage"};
inline constexpr std::string_view array_globals[] = {"numpy.core.multiarray _reconstruct",
                                                     "numpy._core.multiarray _reconstruct",
                                                     "numpy ndarray",
                                                     "numpy.core.numeric _frombuffer",
                                                     "numpy._core.numeric _frombuffer",
                                                     "numpy dtype",
                                                     "_codecs encode"};

}  // namespace detail

/// Tensors by name, as torch.save writes them.
inline constexpr limits state_dict_limits{"a state dict", detail::state_dict_globals,
                                          "OrderedDict, tensors and their storages"};
/// Python values and numpy arrays, as in the Python versions of the CIFAR data sets (155 MB, 200,000 values).
inline constexpr limits array_limits{"a data set", detail::array_globals, "numpy arrays", std::size_t{512} << 20};

}  // namespace llmnas::pickle
