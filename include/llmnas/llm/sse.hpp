// SPDX-License-Identifier: MIT
/// \file
/// Server-sent events (WHATWG HTML, section "Server-sent events"), from pieces cut anywhere.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace llmnas {

/// One event. `name` is that of the `event:` field, "message" where there is none, and "error" for the bare
/// `error: {...}` line of old llama.cpp servers, which no standard knows.
struct sse_event {
    std::string name;
    std::string data;
};

/// Takes the bytes of a stream in pieces of any size and hands over whole events. Memory: one event.
class sse_parser {
public:
    /// Calls `on_event(const sse_event&)` for each event that the piece completes.
    template <class F>
    void feed(std::string_view piece, F&& on_event) {
        while (!piece.empty()) {
            if (std::exchange(after_return_, false) && piece.front() == '\n') {  // the second half of \r\n
                piece.remove_prefix(1);
                continue;
            }
            // Not find_first_of(), which asks memchr about each character.
            const auto stop = std::find_if(piece.begin(), piece.end(), [](char c) { return c == '\n' || c == '\r'; });
            const auto end = static_cast<std::size_t>(stop - piece.begin());
            line_ += piece.substr(0, end);
            if (stop == piece.end()) return;
            after_return_ = piece[end] == '\r';
            end_line(on_event);
            line_.clear();
            piece.remove_prefix(end + 1);
        }
    }

    /// The end of the stream: an event without its blank line counts, as servers forget it behind the last one.
    template <class F>
    void finish(F&& on_event) {
        if (!line_.empty()) end_line(on_event);
        line_.clear();
        dispatch(on_event);
    }

private:
    template <class F>
    void end_line(F&& on_event) {
        std::string_view line = line_;
        if (std::exchange(first_line_, false) && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
        if (line.empty()) return dispatch(on_event);
        const std::string_view field = line.substr(0, line.find(':'));
        std::string_view value = field.size() < line.size() ? line.substr(field.size() + 1) : std::string_view{};
        if (value.starts_with(' ')) value.remove_prefix(1);
        if (field == "event") {
            event_.name = value;
        } else if (field == "data") {
            if (std::exchange(has_data_, true)) event_.data += '\n';
            event_.data += value;
        } else if (field == "error") {
            dispatch(on_event);
            on_event(sse_event{"error", std::string(value)});
        }
    }

    template <class F>
    void dispatch(F&& on_event) {
        if (std::exchange(has_data_, false)) {
            if (event_.name.empty()) event_.name = "message";
            on_event(std::as_const(event_));
        }
        event_ = {};
    }

    std::string line_;
    sse_event event_;
    bool has_data_ = false;
    bool after_return_ = false;
    bool first_line_ = true;
};

}  // namespace llmnas
