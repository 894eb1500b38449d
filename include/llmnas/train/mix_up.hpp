// SPDX-License-Identifier: MIT
/// \file
/// MixUp: images of a batch are blended in pairs. No torch.
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include <llmnas/core/random.hpp>

namespace llmnas {

/// How one batch is blended: image i becomes share * i + (1 - share) * partner[i], and so does its loss.
struct mixture {
    double share = 1;
    std::vector<std::size_t> partners;  ///< a permutation of the batch; empty: not blended
};

/// Draws one share of Beta(alpha, alpha) and one permutation a batch (Zhang et al., "mixup: Beyond empirical risk
/// minimization", 2018). Alpha 0 blends nothing and is the null policy.
struct mix_up {
    double alpha = 0;

    [[nodiscard]] mixture draw(std::size_t images, splitmix64& rng) const {
        mixture m;
        if (alpha <= 0) return m;
        const double a = gamma(rng);
        const double b = gamma(rng);
        m.share = a + b > 0 ? a / (a + b) : 0.5;
        m.partners.resize(images);
        for (std::size_t i = 0; i < images; ++i) m.partners[i] = i;
        for (std::size_t i = images; i > 1; --i) std::swap(m.partners[i - 1], m.partners[rng.below(i)]);
        return m;
    }

private:
    /// Gamma(alpha, 1) (Marsaglia and Tsang, "A simple method for generating gamma variables", 2000), drawn for
    /// alpha + 1 and brought down by a power of a uniform number.
    [[nodiscard]] double gamma(splitmix64& rng) const {
        const double d = alpha + 1 - 1.0 / 3;
        const double c = 1 / std::sqrt(9 * d);
        while (true) {
            const double radius = std::sqrt(-2 * std::log(1 - rng.uniform()));
            const double normal = radius * std::cos(2 * std::numbers::pi * rng.uniform());
            const double root = 1 + c * normal;
            if (root <= 0) continue;
            const double v = root * root * root;
            if (std::log(1 - rng.uniform()) < 0.5 * normal * normal + d - d * v + d * std::log(v))
                return d * v * std::pow(rng.uniform(), 1 / alpha);
        }
    }
};

}  // namespace llmnas
