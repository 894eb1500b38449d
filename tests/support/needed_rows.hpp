// SPDX-License-Identifier: MIT
// Rows of maps that an output depends on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/operator_simulator.hpp"

namespace memory_simulation {

/// Which rows of maps the last output of operators `first` to `last` depends on. Others belong to windows that stride
/// over them.
class needed_rows {
public:
    needed_rows(const graph_view& g, std::int32_t first, std::int32_t last) : rows_(g.ops.size() + 1) {
        const auto rows_of = [&](std::int32_t tensor) -> std::vector<bool>& {
            auto& rows = rows_[static_cast<std::size_t>(tensor)];
            rows.resize(static_cast<std::size_t>(g.shape_of(tensor).height));
            return rows;
        };
        rows_of(last + 1).assign(rows_of(last + 1).size(), true);
        for (std::int32_t i = last; i >= first; --i) {
            const op& o = g.ops[static_cast<std::size_t>(i)];
            const std::vector<bool> written = rows_of(i + 1);
            for (const std::int32_t input : g.inputs_of(o)) {
                std::vector<bool>& read = rows_of(input);
                for (i64 r = 0; r < o.out.height; ++r) {
                    if (!written[static_cast<std::size_t>(r)]) continue;
                    if (has_window(o))
                        for_each_window_row(o, r, 0,
                                            [&](i64 row, i64, i64) { read[static_cast<std::size_t>(row)] = true; });
                    else if (read.size() == written.size())
                        read[static_cast<std::size_t>(r)] = true;
                    else  // gates, and what linear layers and global pooling read
                        read.assign(read.size(), true);
                }
            }
        }
    }

    [[nodiscard]] bool row(std::int32_t tensor, i64 r) const {
        const auto& rows = rows_[static_cast<std::size_t>(tensor)];
        return !rows.empty() && rows[static_cast<std::size_t>(r)];
    }

private:
    std::vector<std::vector<bool>> rows_;
};

}  // namespace memory_simulation
