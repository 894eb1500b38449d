// SPDX-License-Identifier: MIT
// Random networks of the paper's space for property tests, and what a failed check prints of them.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>

#include <llmnas/core/random.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>

namespace random_networks {

/// Height and width are `least` to `most`.
inline llmnas::architecture<5> draw(llmnas::splitmix64& rng, std::int64_t least, std::int64_t most) {
    const auto height = static_cast<std::int32_t>(rng.between(least, most));
    const auto width = static_cast<std::int32_t>(rng.between(least, most));
    const auto classes = static_cast<std::int32_t>(rng.between(1, 200));
    return decode(llmnas::sample<llmnas::table1_se>(rng), {3, height, width}, classes);
}

/// One network in 64 has an input of up to 160 rows and columns, the others of up to 40.
inline llmnas::architecture<5> draw(llmnas::splitmix64& rng) {
    const std::int64_t most = rng.below(64) == 0 ? 160 : 40;
    return draw(rng, 8, most);
}

inline std::string text(const llmnas::architecture<5>& net) {
    std::ostringstream s;
    s << "input 3x" << net.input.height << 'x' << net.input.width << ", " << net.classes << " classes";
    for (const llmnas::stage& st : net.stages) {
        s << "\n  " << llmnas::name_of<llmnas::table1_blocks>(st.conv_type) << ' ' << st.output_channels << " x"
          << st.num_layers << " k" << st.kernel_size << " s" << st.stride << " e" << st.expansion_factor << ' '
          << name_of(st.skip_op);
        if (st.use_se) s << " se " << st.se_ratio.num << '/' << st.se_ratio.den;
    }
    return s.str();
}

}  // namespace random_networks
