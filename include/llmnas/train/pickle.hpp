// SPDX-License-Identifier: MIT
/// \file
/// A restricted reader of Python pickles: it builds values and calls nothing. No torch.
///
/// An allow-list of globals by name, bounds on the bytes, the values and every index; values live in one array and
/// refer to each other by position, so that a hostile file can neither recurse nor leak. Format: Python's pickletools.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/train/pickle_document.hpp>

namespace llmnas::pickle {

/// The machine that runs the opcodes.
class reader {
public:
    reader(std::span<const std::uint8_t> bytes, std::string where, const limits& most)
        : bytes_(bytes), where_(std::move(where)), limits_(most) {}

    [[nodiscard]] result<document> read() {
        if (bytes_.size() > limits_.max_bytes) refuse("too large", bytes_.size(), limits_.max_bytes);
        while (!failed_ && !done_) {
            const std::size_t at = position_;
            step(byte());
            for (const std::size_t n : {values_.size(), stack_.size(), marks_.size(), memo_.size()})
                if (n > limits_.max_values) refuse("too many values", n, limits_.max_values);
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
        if (!limits_.allow(full))
            return refuse(fmt::format("global is not allowed in {}", limits_.purpose), module + '.' + name,
                          std::string(limits_.wanted));
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
        } else if (name.ends_with("Storage") || name == "numpy ndarray") {
            refuse("call of a type that is only named", name);
        } else {
            push({.kind = kind::call, .items = {callee, arguments}});
        }
    }
    /// State of the result of a call is kept; attributes of an OrderedDict (torch leaves `_metadata` there) are
    /// dropped.
    void build() {
        const std::uint32_t state = pop();
        if (failed_) return;
        const pickle::kind of = stack_.empty() ? kind::none : values_[stack_.back()].kind;
        if (of == kind::dict) return;
        if (of != kind::call) return refuse("state of something that takes none");
        auto& items = values_[stack_.back()].items;
        if (items.size() > 2) return refuse("state is given twice");
        items.push_back(state);
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

    void protocol() {
        const auto version = byte();
        if (version < 2 || version > 5) refuse("protocol", fmt::format("{}", version), "2 .. 5");
    }
    void push_text(std::uint64_t n) { push({.kind = kind::text, .text = text(n)}); }
    void push_bytes(std::uint64_t n) { push({.kind = kind::bytes, .raw = take(n)}); }
    void append() { extend(kind::list, {pop()}); }
    void set_item() {
        const std::uint32_t item = pop();
        const std::uint32_t key = pop();
        extend(kind::dict, {key, item});
    }
    void named_global() {
        const std::string module = line();
        const std::string name = line();
        if (!failed_) push_global(module, name);
    }

    void step(std::uint8_t code) {
        if (failed_) return;
        using action = void (*)(reader&);
        // Names are those of Python's pickletools.
        static constexpr std::pair<char, action> opcodes[] = {
            {'\x80', [](reader& r) { r.protocol(); }},                      // PROTO
            {'\x95', [](reader& r) { r.little_endian(8); }},                // FRAME: changes nothing
            {'N', [](reader& r) { r.push({}); }},                           // NONE
            {'\x88', [](reader& r) { r.push_integer(1, kind::boolean); }},  // NEWTRUE
            {'\x89', [](reader& r) { r.push_integer(0, kind::boolean); }},  // NEWFALSE
            {'K', [](reader& r) { r.push_integer(r.byte()); }},             // BININT1
            {'M', [](reader& r) { r.push_integer(static_cast<std::int64_t>(r.little_endian(2))); }},  // BININT2
            {'J', [](reader& r) { r.push_integer(static_cast<std::int32_t>(r.little_endian(4))); }},  // BININT
            {'\x8a', [](reader& r) { r.push_long(r.byte()); }},                                       // LONG1
            {'G', [](reader& r) { r.push_real(); }},                                                  // BINFLOAT
            {'X', [](reader& r) { r.push_text(r.little_endian(4)); }},                                // BINUNICODE
            {'\x8c', [](reader& r) { r.push_text(r.byte()); }},               // SHORT_BINUNICODE
            {'\x8d', [](reader& r) { r.push_text(r.little_endian(8)); }},     // BINUNICODE8
            {'U', [](reader& r) { r.push_bytes(r.byte()); }},                 // SHORT_BINSTRING
            {'T', [](reader& r) { r.push_bytes(r.little_endian(4)); }},       // BINSTRING
            {'C', [](reader& r) { r.push_bytes(r.byte()); }},                 // SHORT_BINBYTES
            {'B', [](reader& r) { r.push_bytes(r.little_endian(4)); }},       // BINBYTES
            {'\x8e', [](reader& r) { r.push_bytes(r.little_endian(8)); }},    // BINBYTES8
            {'\x96', [](reader& r) { r.push_bytes(r.little_endian(8)); }},    // BYTEARRAY8
            {')', [](reader& r) { r.push_tuple({}); }},                       // EMPTY_TUPLE
            {'\x85', [](reader& r) { r.push_tuple_of(1); }},                  // TUPLE1
            {'\x86', [](reader& r) { r.push_tuple_of(2); }},                  // TUPLE2
            {'\x87', [](reader& r) { r.push_tuple_of(3); }},                  // TUPLE3
            {'t', [](reader& r) { r.push_tuple(r.pop_to_mark()); }},          // TUPLE
            {']', [](reader& r) { r.push({.kind = kind::list}); }},           // EMPTY_LIST
            {'a', [](reader& r) { r.append(); }},                             // APPEND
            {'e', [](reader& r) { r.extend(kind::list, r.pop_to_mark()); }},  // APPENDS
            {'}', [](reader& r) { r.push({.kind = kind::dict}); }},           // EMPTY_DICT
            {'s', [](reader& r) { r.set_item(); }},                           // SETITEM
            {'u', [](reader& r) { r.extend(kind::dict, r.pop_to_mark()); }},  // SETITEMS
            {'(', [](reader& r) { r.marks_.push_back(r.stack_.size()); }},    // MARK
            {'q', [](reader& r) { r.remember(r.byte()); }},                   // BINPUT
            {'r', [](reader& r) { r.remember(r.little_endian(4)); }},         // LONG_BINPUT
            {'\x94', [](reader& r) { r.remember(r.memo_.size()); }},          // MEMOIZE
            {'h', [](reader& r) { r.recall(r.byte()); }},                     // BINGET
            {'j', [](reader& r) { r.recall(r.little_endian(4)); }},           // LONG_BINGET
            {'c', [](reader& r) { r.named_global(); }},                       // GLOBAL
            {'\x93', [](reader& r) { r.push_global_from_stack(); }},          // STACK_GLOBAL
            {'R', [](reader& r) { r.reduce(); }},                             // REDUCE
            {'b', [](reader& r) { r.build(); }},                              // BUILD
            {'Q', [](reader& r) { r.persistent(); }},                         // BINPERSID
            {'.', [](reader& r) { r.stop(); }},                               // STOP
        };
        static constexpr auto table = [] {
            std::array<action, 256> t{};
            for (const auto& [opcode, run] : opcodes) t[static_cast<std::uint8_t>(opcode)] = run;
            return t;
        }();
        if (table[code] == nullptr)
            return refuse(fmt::format("opcode is not allowed in {}", limits_.purpose), fmt::format("0x{:02x}", code));
        table[code](*this);
    }

    std::span<const std::uint8_t> bytes_;
    std::string where_;
    limits limits_;
    std::size_t position_ = 0;
    std::vector<value> values_;
    std::vector<std::uint32_t> stack_;
    std::vector<std::size_t> marks_;
    std::unordered_map<std::uint64_t, std::uint32_t> memo_;
    bool failed_ = false;
    bool done_ = false;
    error problem_;
};

/// Reads one pickle. The document refers to the bytes. bad_input with the byte position where it is malformed, larger
/// than the limits, or names what they do not allow.
[[nodiscard]] inline result<document> read(std::span<const std::uint8_t> bytes, std::string where = "pickle",
                                           const limits& most = state_dict_limits) {
    return reader(bytes, std::move(where), most).read();
}

}  // namespace llmnas::pickle
