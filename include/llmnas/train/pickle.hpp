// SPDX-License-Identifier: MIT
/// \file
/// A restricted reader of Python pickles, enough for state dicts: it builds values and calls nothing. No torch.
///
/// An allow-list of globals by name, bounds on the bytes, the values and every index; values live in one array and
/// refer to each other by position, so that a hostile file can neither recurse nor leak. Format: Python's pickletools.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>

namespace llmnas::pickle {

enum class kind : std::uint8_t {
    none,
    boolean,  ///< integer 0 or 1
    integer,
    real,
    text,
    tuple,       ///< items
    list,        ///< items
    dict,        ///< items: key, value, key, value, ...
    global,      ///< text: "module name"
    persistent,  ///< items: 'storage', type, key, device, number of elements
    call,        ///< items: global, tuple of arguments; never executed
};

struct value {
    pickle::kind kind = pickle::kind::none;
    std::int64_t integer = 0;
    double real = 0;
    std::string text = {};
    std::vector<std::uint32_t> items = {};  ///< positions in document::values
};

struct document {
    std::vector<value> values;
    std::uint32_t root = 0;

    [[nodiscard]] const value& operator[](std::uint32_t i) const { return values[i]; }
};

inline constexpr std::size_t max_bytes = std::size_t{64} << 20;
inline constexpr std::size_t max_values = 1'000'000;

/// Globals that a state dict may name; all others are refused by name.
[[nodiscard]] constexpr bool allowed_global(std::string_view name) noexcept {
    constexpr std::string_view names[] = {"collections OrderedDict",
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
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// The machine that runs the opcodes.
class reader {
public:
    reader(std::span<const std::uint8_t> bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {}

    [[nodiscard]] result<document> read() {
        if (bytes_.size() > max_bytes) refuse("pickle too large", bytes_.size(), max_bytes);
        while (!failed_ && !done_) {
            const std::size_t at = position_;
            step(static_cast<char>(byte()));
            for (const std::size_t n : {values_.size(), stack_.size(), marks_.size(), memo_.size()})
                if (n > max_values) refuse("too many values", n, max_values);
            if (failed_ && problem_.where.empty()) problem_.where = fmt::format("{}, byte {}", where_, at);
        }
        if (failed_) return tl::unexpected(std::move(problem_));
        return document{std::move(values_), stack_.back()};
    }

private:
    static constexpr std::uint32_t nothing = 0;

    void refuse(std::string what, std::string got = {}, std::string wanted = {}) {
        if (failed_) return;
        failed_ = true;
        problem_ = {errc::bad_input, "pickle: " + std::move(what), {}, std::move(got), std::move(wanted)};
    }
    void refuse(std::string what, std::size_t got, std::size_t limit) {
        refuse(std::move(what), fmt::format("{}", got), fmt::format("at most {}", limit));
    }

    // --- bytes ---
    std::span<const std::uint8_t> take(std::uint64_t n) {
        if (n > bytes_.size() - position_) {
            refuse("ends too early", fmt::format("{} bytes left", bytes_.size() - position_), fmt::format("{}", n));
            position_ = bytes_.size();
            return {};
        }
        const auto part = bytes_.subspan(position_, static_cast<std::size_t>(n));
        position_ += static_cast<std::size_t>(n);
        return part;
    }
    std::uint64_t little_endian(std::size_t n) {
        std::uint64_t v = 0;
        const auto part = take(n);
        for (std::size_t i = part.size(); i > 0; --i) v = v << 8 | part[i - 1];
        return v;
    }
    std::uint8_t byte() { return static_cast<std::uint8_t>(little_endian(1)); }
    std::string text(std::uint64_t n) {
        const auto part = take(n);
        return {part.begin(), part.end()};
    }
    std::string line() {
        const auto rest = bytes_.subspan(position_);
        const auto end = std::find(rest.begin(), rest.end(), std::uint8_t{'\n'});
        const std::string s(rest.begin(), end);
        take(s.size() + 1);
        return s;
    }

    // --- stack ---
    void push(value v) {
        stack_.push_back(static_cast<std::uint32_t>(values_.size()));
        values_.push_back(std::move(v));
    }
    void push_integer(std::int64_t i, pickle::kind k = pickle::kind::integer) { push({.kind = k, .integer = i}); }
    std::uint32_t pop() {
        if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
            refuse("stack is empty");
            return nothing;
        }
        const std::uint32_t v = stack_.back();
        stack_.pop_back();
        return v;
    }
    std::vector<std::uint32_t> pop_to_mark() {
        if (marks_.empty()) {
            refuse("no mark on the stack");
            return {};
        }
        const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
        std::vector<std::uint32_t> items(begin, stack_.end());
        stack_.erase(begin, stack_.end());
        marks_.pop_back();
        return items;
    }
    void push_tuple(std::vector<std::uint32_t> items) { push({.kind = kind::tuple, .items = std::move(items)}); }
    void push_tuple_of(std::size_t n) {
        std::vector<std::uint32_t> items(n);
        for (std::size_t i = n; i > 0; --i) items[i - 1] = pop();
        push_tuple(std::move(items));
    }
    /// Appends to the list or dict on top of the stack.
    void extend(pickle::kind k, const std::vector<std::uint32_t>& items) {
        if (failed_) return;
        if (stack_.empty() || values_[stack_.back()].kind != k || (k == kind::dict && items.size() % 2 != 0))
            return refuse("items for something that takes none");
        auto& into = values_[stack_.back()].items;
        into.insert(into.end(), items.begin(), items.end());
    }
    void remember(std::uint64_t key) {
        if (stack_.empty()) return refuse("stack is empty");
        memo_[key] = stack_.back();
    }
    void recall(std::uint64_t key) {
        const auto at = memo_.find(key);
        if (at == memo_.end()) return refuse("unknown memo", fmt::format("{}", key));
        stack_.push_back(at->second);
    }

    // --- what pickles call ---
    void push_global(const std::string& module, const std::string& name) {
        std::string full = module + ' ' + name;
        if (!allowed_global(full))
            return refuse("global is not allowed in a state dict", module + '.' + name,
                          "OrderedDict, tensors and their storages");
        push({.kind = kind::global, .text = std::move(full)});
    }
    void push_global_from_stack() {
        const std::uint32_t name = pop();
        const std::uint32_t module = pop();
        if (failed_) return;
        if (values_[name].kind != kind::text || values_[module].kind != kind::text)
            return refuse("global without a name");
        push_global(std::string(values_[module].text), std::string(values_[name].text));
    }
    void reduce() {
        const std::uint32_t arguments = pop();
        const std::uint32_t callee = pop();
        if (failed_) return;
        if (values_[callee].kind != kind::global || values_[arguments].kind != kind::tuple)
            return refuse("call of something that is no function");
        const std::string& name = values_[callee].text;
        if (name == "collections OrderedDict") {
            if (!values_[arguments].items.empty()) return refuse("OrderedDict with arguments");
            push({.kind = kind::dict});
        } else if (name.starts_with("torch._utils")) {
            push({.kind = kind::call, .items = {callee, arguments}});
        } else {
            refuse("call of a storage type", name);
        }
    }
    /// Attributes of an OrderedDict (torch leaves `_metadata` there): read and dropped.
    void build() {
        pop();
        if (failed_) return;
        if (stack_.empty() || values_[stack_.back()].kind != kind::dict) refuse("state of something that is no dict");
    }
    void persistent() {
        const std::uint32_t id = pop();
        if (failed_) return;
        if (values_[id].kind != kind::tuple || values_[id].items.size() != 5)
            return refuse("persistent id that is no storage");
        push({.kind = kind::persistent, .items = values_[id].items});
    }
    void push_long(std::size_t n) {
        if (n > 8) return refuse("integer too long", n, 8);
        std::uint64_t v = little_endian(n);
        if (n > 0 && n < 8 && (v >> (8 * n - 1) & 1U) != 0) v |= ~std::uint64_t{0} << (8 * n);
        push_integer(static_cast<std::int64_t>(v));
    }
    void push_real() {
        std::uint64_t v = 0;
        for (const std::uint8_t b : take(8)) v = v << 8 | b;
        push({.kind = kind::real, .real = std::bit_cast<double>(v)});
    }
    void stop() {
        if (stack_.size() != 1 || !marks_.empty()) return refuse("more or less than one object at the end");
        done_ = true;
    }

    void step(char opcode) {
        if (failed_) return;
        switch (opcode) {
            case '\x80': {  // PROTO
                const auto protocol = byte();
                if (protocol < 2 || protocol > 5) refuse("protocol", fmt::format("{}", protocol), "2 .. 5");
                break;
            }
            case '\x95':
                little_endian(8);
                break;  // FRAME: its length changes nothing
            case 'N':
                push({});
                break;
            case '\x88':
                push_integer(1, kind::boolean);
                break;
            case '\x89':
                push_integer(0, kind::boolean);
                break;
            case 'K':
                push_integer(byte());
                break;
            case 'M':
                push_integer(static_cast<std::int64_t>(little_endian(2)));
                break;
            case 'J':
                push_integer(static_cast<std::int32_t>(little_endian(4)));
                break;
            case '\x8a':
                push_long(byte());
                break;
            case 'G':
                push_real();
                break;
            case 'X':
                push({.kind = kind::text, .text = text(little_endian(4))});
                break;
            case '\x8c':
                push({.kind = kind::text, .text = text(byte())});
                break;
            case ')':
                push_tuple({});
                break;
            case '\x85':
                push_tuple_of(1);
                break;
            case '\x86':
                push_tuple_of(2);
                break;
            case '\x87':
                push_tuple_of(3);
                break;
            case 't':
                push_tuple(pop_to_mark());
                break;
            case ']':
                push({.kind = kind::list});
                break;
            case 'a': {
                const std::uint32_t item = pop();
                extend(kind::list, {item});
                break;
            }
            case 'e':
                extend(kind::list, pop_to_mark());
                break;
            case '}':
                push({.kind = kind::dict});
                break;
            case 's': {
                const std::uint32_t item = pop();
                const std::uint32_t key = pop();
                extend(kind::dict, {key, item});
                break;
            }
            case 'u':
                extend(kind::dict, pop_to_mark());
                break;
            case '(':
                marks_.push_back(stack_.size());
                break;
            case 'q':
                remember(byte());
                break;
            case 'r':
                remember(little_endian(4));
                break;
            case '\x94':
                remember(memo_.size());
                break;
            case 'h':
                recall(byte());
                break;
            case 'j':
                recall(little_endian(4));
                break;
            case 'c': {
                const std::string module = line();
                const std::string name = line();
                if (!failed_) push_global(module, name);
                break;
            }
            case '\x93':
                push_global_from_stack();
                break;
            case 'R':
                reduce();
                break;
            case 'b':
                build();
                break;
            case 'Q':
                persistent();
                break;
            case '.':
                stop();
                break;
            default:
                refuse("opcode is not allowed in a state dict",
                       fmt::format("0x{:02x}", static_cast<unsigned char>(opcode)));
        }
    }

    std::span<const std::uint8_t> bytes_;
    std::string where_;
    std::size_t position_ = 0;
    std::vector<value> values_;
    std::vector<std::uint32_t> stack_;
    std::vector<std::size_t> marks_;
    std::unordered_map<std::uint64_t, std::uint32_t> memo_;
    bool failed_ = false;
    bool done_ = false;
    error problem_;
};

/// Reads one pickle. bad_input with the byte position where it is malformed, too large, or names what a state dict does
/// not need.
[[nodiscard]] inline result<document> read(std::span<const std::uint8_t> bytes, std::string where = "pickle") {
    return reader(bytes, std::move(where)).read();
}

}  // namespace llmnas::pickle
