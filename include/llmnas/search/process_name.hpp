// SPDX-License-Identifier: MIT
/// \file
/// Which process on which host: `host:pid:start`, unique over hosts, reused process ids and restarts of a machine.
#pragma once

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>
#include <unistd.h>

#include <fmt/format.h>

namespace llmnas {

namespace detail {

/// Name of this host; in a container with process ids of its own, which may share the host's name, with `@` and the
/// number of that namespace.
[[nodiscard]] inline std::string host_name() {
    char name[256] = "localhost";
    static_cast<void>(::gethostname(name, sizeof name - 1));
    char space[64];
    const ssize_t n = ::readlink("/proc/self/ns/pid", space, sizeof space);
    const std::string_view text(space, n > 0 ? static_cast<std::size_t>(n) : 0);
    constexpr std::string_view initial = "pid:[4026531836]";  // PROC_PID_INIT_INO of the kernel
    if (text.empty() || text == initial) return name;
    return fmt::format("{}@{}", name, text.substr(5, text.size() - 6));
}

/// What proc(5) says of a process of this host.
struct process_status {
    char state = '?';
    std::string start;  ///< clock ticks since boot
};

/// Nothing where there is no such process, or /proc does not show it.
[[nodiscard]] inline std::optional<process_status> status_of(pid_t pid) {
    std::ifstream in(fmt::format("/proc/{}/stat", pid));
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    auto at = text.rfind(')');  // the program's name, which may hold anything, stands in parentheses
    if (at == std::string::npos || at + 2 >= text.size()) return std::nullopt;
    process_status s;
    s.state = text[at + 2];
    for (int field = 2; field < 22 && at != std::string::npos; ++field) at = text.find(' ', at + 1);
    if (at != std::string::npos) s.start = text.substr(at + 1, text.find(' ', at + 1) - at - 1);
    return s;
}

struct process_parts {
    std::string_view host, pid, start;
};
[[nodiscard]] inline process_parts parts_of(std::string_view process) {
    process_parts p;
    const auto first = process.find(':');
    if (first == std::string_view::npos) return p;
    p.host = process.substr(0, first);
    p.pid = process.substr(first + 1);
    if (const auto second = p.pid.find(':'); second != std::string_view::npos) {
        p.start = p.pid.substr(second + 1);
        p.pid = p.pid.substr(0, second);
    }
    return p;
}

}  // namespace detail

/// `host:pid:start` of this process.
[[nodiscard]] inline std::string this_process() {
    thread_local pid_t pid = 0;
    thread_local std::string name;
    if (pid != ::getpid()) {
        pid = ::getpid();
        const auto status = detail::status_of(pid);
        name = fmt::format("{}:{}:{}", detail::host_name(), pid, status ? status->start : "0");
    }
    return name;
}

/// Whether a process of that name is one of this host, where its end can be seen.
[[nodiscard]] inline bool is_process_of_this_host(std::string_view process) {
    return detail::parts_of(process).host == detail::parts_of(this_process()).host;
}

/// Whether the process is known to have ended: it ran on this host and is gone, or awaits its parent's wait(), or its
/// id belongs to another one now. False for names of another form.
[[nodiscard]] inline bool process_is_gone(std::string_view process) {
    const auto parts = detail::parts_of(process);
    pid_t pid = 0;
    const auto read = std::from_chars(parts.pid.data(), parts.pid.data() + parts.pid.size(), pid);
    if (read.ec != std::errc{} || pid <= 0 || !is_process_of_this_host(process)) return false;
    if (const auto status = detail::status_of(pid))
        return status->state == 'Z' || status->state == 'X' || (!parts.start.empty() && status->start != parts.start);
    return ::kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace llmnas
