// SPDX-License-Identifier: MIT
/// \file
/// Several processes of this program at one job: started, watched, started again when they crash, stopped together.
#pragma once

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>

namespace llmnas::cli {

class worker_pool {
public:
    /// `words`: the command line of each behind the program's name.
    explicit worker_pool(std::vector<std::string> words) : words_(std::move(words)) {}
    worker_pool(const worker_pool&) = delete;
    worker_pool& operator=(const worker_pool&) = delete;
    ~worker_pool() {
        for (const int fd : said_)
            if (fd >= 0) ::close(fd);
    }

    /// Starts one more. What it prints is read by take_lines().
    [[nodiscard]] result<void> start() {
        if (said_[0] < 0 && (::pipe2(said_, O_CLOEXEC) != 0 || ::fcntl(said_[0], F_SETFL, O_NONBLOCK) != 0))
            return fail(errc::io, "cannot make a pipe", "worker", std::strerror(errno));
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);  // not the terminal
        posix_spawn_file_actions_adddup2(&actions, said_[1], STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, said_[1], STDERR_FILENO);
        std::string program = "/proc/self/exe";
        std::vector<char*> argv{program.data()};
        for (std::string& word : words_) argv.push_back(word.data());
        argv.push_back(nullptr);
        pid_t pid = -1;
        const int rc = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (rc != 0) return fail(errc::io, "cannot start a worker", "worker", std::strerror(rc));
        running_.push_back(pid);
        return {};
    }

    [[nodiscard]] std::size_t running() const { return running_.size(); }

    /// Those that ended since the last call: text of how, and whether it was a signal that nobody here sent.
    struct end {
        int exit_code = 0;
        bool crashed = false;
        std::string how;
    };
    [[nodiscard]] std::vector<end> take_ends() {
        std::vector<end> ends;
        int status = 0;
        const auto ended = [&](pid_t pid) {
            if (::waitpid(pid, &status, WNOHANG) != pid) return false;
            const bool crashed = WIFSIGNALED(status);
            const int number = crashed ? WTERMSIG(status) : WEXITSTATUS(status);
            ends.push_back({crashed ? 0 : number, crashed,
                            crashed ? fmt::format("signal {} ({})", number, ::strsignal(number))
                                    : fmt::format("exit status {}", number)});
            return true;
        };
        running_.erase(std::remove_if(running_.begin(), running_.end(), ended), running_.end());
        return ends;
    }

    /// Whole lines that workers printed since the last call.
    [[nodiscard]] std::vector<std::string> take_lines() {
        char buffer[4096];
        for (ssize_t n = 0; said_[0] >= 0 && (n = ::read(said_[0], buffer, sizeof buffer)) > 0;)
            pending_.append(buffer, static_cast<std::size_t>(n));
        std::vector<std::string> lines;
        for (auto at = pending_.find('\n'); at != std::string::npos; at = pending_.find('\n')) {
            lines.push_back(pending_.substr(0, at));
            pending_.erase(0, at + 1);
        }
        return lines;
    }

    /// Asks all to stop in order.
    void stop() const {
        for (const pid_t pid : running_) ::kill(pid, SIGTERM);
    }

private:
    std::vector<std::string> words_;
    std::vector<pid_t> running_;
    int said_[2] = {-1, -1};
    std::string pending_;
};

}  // namespace llmnas::cli
