// SPDX-License-Identifier: MIT
/// \file
/// Tables whose columns are as wide as what stands in them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace llmnas::cli {

enum class align : std::uint8_t { left, right };

/// Rows of ASCII text under a head, two spaces between columns, nothing behind the last word of a line.
class text_table {
public:
    struct column {
        std::string title;
        align side = align::right;
    };

    explicit text_table(std::vector<column> columns) : columns_(std::move(columns)) {}

    /// A cell a column; missing ones stay empty.
    void add(std::vector<std::string> cells) {
        cells.resize(columns_.size());
        rows_.push_back(std::move(cells));
    }

    [[nodiscard]] bool empty() const { return rows_.empty(); }

    /// Head and rows, a line each.
    [[nodiscard]] std::string text() const {
        std::vector<std::string> head;
        std::vector<std::size_t> widths;
        for (const column& c : columns_) {
            head.push_back(c.title);
            widths.push_back(c.title.size());
        }
        for (const auto& cells : rows_)
            for (std::size_t k = 0; k < cells.size(); ++k) widths[k] = std::max(widths[k], cells[k].size());
        std::string text = line(head, widths);
        for (const auto& cells : rows_) text += line(cells, widths);
        return text;
    }

private:
    [[nodiscard]] std::string line(const std::vector<std::string>& cells,
                                   const std::vector<std::size_t>& widths) const {
        std::string text;
        for (std::size_t k = 0; k < cells.size(); ++k) {
            const std::string space(widths[k] - cells[k].size(), ' ');
            if (k > 0) text += "  ";
            text += columns_[k].side == align::left ? cells[k] + space : space + cells[k];
        }
        text.erase(text.find_last_not_of(' ') + 1);
        return text + '\n';
    }

    std::vector<column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace llmnas::cli
