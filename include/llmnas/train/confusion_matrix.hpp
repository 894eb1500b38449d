// SPDX-License-Identifier: MIT
/// \file
/// Which class was taken for which, and the scores that follow. No torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace llmnas {

/// Of one class, or means over classes; fractions of 1.
struct class_scores {
    double precision = 0;  ///< of the images taken for the class, those that are of it; 0 where none was
    double recall = 0;     ///< of the images of the class, those taken for it; 0 where there are none
    double f1 = 0;         ///< harmonic mean of both: 2 hits / (images of the class + images taken for it)
    friend constexpr bool operator==(const class_scores&, const class_scores&) = default;
};

/// Counts of (true class, predicted class).
class confusion_matrix {
public:
    confusion_matrix() = default;
    explicit confusion_matrix(std::int32_t classes)
        : classes_(static_cast<std::size_t>(classes)), counts_(classes_ * classes_) {}

    /// Both in 0 .. classes - 1.
    void add(std::int32_t truth, std::int32_t prediction, std::int64_t images = 1) {
        counts_[index(truth, prediction)] += images;
    }

    [[nodiscard]] std::int32_t classes() const noexcept { return static_cast<std::int32_t>(classes_); }
    [[nodiscard]] std::int64_t count(std::int32_t truth, std::int32_t prediction) const {
        return counts_[index(truth, prediction)];
    }
    [[nodiscard]] std::int64_t images() const { return std::accumulate(counts_.begin(), counts_.end(), count_type{0}); }
    [[nodiscard]] std::int64_t images_of(std::int32_t truth) const { return sum(index(truth, 0), 1); }
    [[nodiscard]] std::int64_t taken_for(std::int32_t prediction) const { return sum(index(0, prediction), classes_); }
    [[nodiscard]] std::int64_t hits() const { return sum(0, classes_ + 1); }

    /// Scores of one class.
    [[nodiscard]] class_scores scores(std::int32_t c) const {
        const auto ratio = [](std::int64_t part, std::int64_t whole) {
            return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
        };
        const std::int64_t hits = count(c, c);
        const std::int64_t there = images_of(c);
        const std::int64_t taken = taken_for(c);
        return {ratio(hits, taken), ratio(hits, there), ratio(2 * hits, there + taken)};
    }

    /// Macro means: each class counts once, however many images it has. Classes without images that nothing was taken
    /// for are left out, as scikit-learn does; 0 without any image. The mean of F1, not F1 of the means.
    [[nodiscard]] class_scores macro() const {
        class_scores mean;
        std::int32_t present = 0;
        for (std::int32_t c = 0; c < classes(); ++c) {
            if (images_of(c) + taken_for(c) == 0) continue;
            const class_scores s = scores(c);
            mean.precision += s.precision;
            mean.recall += s.recall;
            mean.f1 += s.f1;
            ++present;
        }
        if (present == 0) return mean;
        return {mean.precision / present, mean.recall / present, mean.f1 / present};
    }

    friend bool operator==(const confusion_matrix&, const confusion_matrix&) = default;

private:
    using count_type = std::int64_t;

    [[nodiscard]] std::size_t index(std::int32_t truth, std::int32_t prediction) const {
        return static_cast<std::size_t>(truth) * classes_ + static_cast<std::size_t>(prediction);
    }

    /// Of `classes` counts from this one on, `step` apart.
    [[nodiscard]] std::int64_t sum(std::size_t first, std::size_t step) const {
        std::int64_t total = 0;
        for (std::size_t i = 0; i < classes_; ++i) total += counts_[first + i * step];
        return total;
    }

    std::size_t classes_ = 0;
    std::vector<count_type> counts_;
};

}  // namespace llmnas
