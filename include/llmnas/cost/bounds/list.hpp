// SPDX-License-Identifier: MIT
/// \file
/// A growing array that works in constant expressions and without <vector>.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace llmnas::detail {

template <class T>
class list {
public:
    constexpr list() noexcept = default;
    constexpr list(list&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    list(const list&) = delete;
    constexpr list& operator=(list&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    list& operator=(const list&) = delete;
    constexpr ~list() { delete[] data_; }

    constexpr T& push_back(T value) {
        if (size_ == capacity_) reserve(capacity_ == 0 ? 8 : 2 * capacity_);
        return data_[size_++] = std::move(value);
    }
    constexpr void clear() noexcept { size_ = 0; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr T& operator[](std::size_t i) noexcept { return data_[i]; }
    [[nodiscard]] constexpr const T& operator[](std::size_t i) const noexcept { return data_[i]; }
    [[nodiscard]] constexpr std::span<const T> span() const noexcept { return {data_, size_}; }

private:
    constexpr void reserve(std::size_t capacity) {
        T* larger = new T[capacity];
        for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move(data_[i]);
        delete[] data_;
        data_ = larger;
        capacity_ = capacity;
    }

    T* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// What a constant expression can hand on to the next one: a list copied into its exact size (at least 1).
template <class T, std::size_t N>
struct frozen_list {
    T items[N == 0 ? 1 : N]{};
    std::size_t count = 0;

    constexpr frozen_list() = default;
    constexpr explicit frozen_list(const list<T>& from) : count(from.size()) {
        for (std::size_t i = 0; i < from.size(); ++i) items[i] = from[i];
    }
    [[nodiscard]] constexpr std::span<const T> span() const noexcept { return {items, count}; }
};

}  // namespace llmnas::detail
