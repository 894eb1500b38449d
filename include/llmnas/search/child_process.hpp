// SPDX-License-Identifier: MIT
/// \file
/// Each training in a child process: the same program, started again. Memory of the GPU comes back, and a crash or an
/// out-of-memory costs one trial. Fork without exec is no choice: torch's threads and CUDA do not survive it.
#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <llmnas/json/json_value.hpp>

#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/training_json.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/search/executor.hpp>

namespace llmnas {

namespace detail {

/// Rounds that libgomp lets waiting threads spin.
inline constexpr const char* short_spin = "10000";

inline constexpr std::string_view child_flag = "--llmnas-run-trial";
/// From SIGTERM to SIGKILL: within the 30 s that Slurm leaves a job by default.
inline constexpr std::chrono::seconds child_grace{20};
inline constexpr int child_event_fd = 3;  ///< events go here; a library that prints to stdout does no harm

/// Set by run_trial_if_child(): a child of a program that never calls it would run the whole program again.
inline bool child_entry_exists = false;

/// Set in a child by SIGUSR1: the parent's epoch callback said stop.
inline volatile std::sig_atomic_t child_stop = 0;
/// Set in a child by SIGTERM, from the parent or from a batch scheduler: it saves a checkpoint and ends. What it has by
/// then must not pass for a whole training.
inline volatile std::sig_atomic_t child_terminated = 0;

inline bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

inline std::string read_all(int fd) {
    std::string text;
    char buffer[4096];
    while (true) {
        const ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return text;
        text.append(buffer, static_cast<std::size_t>(n));
    }
}

inline json_value error_to_json(const error& e) {
    return {
        {"code", static_cast<int>(e.code)}, {"what", e.what}, {"where", e.where}, {"got", e.got}, {"wanted", e.wanted}};
}

inline error error_from_json(const json_value& j) {
    return {static_cast<errc>(j.value("code", 0)), j.value("what", ""), j.value("where", ""), j.value("got", ""),
            j.value("wanted", "")};
}

template <SearchDefinition D>
result<training_metrics> run_child_request(const json_value& request) {
    using space = typename D::space;
    const shape input{request.at("input").at(0), request.at("input").at(1), request.at("input").at(2)};
    auto net = network_from_json<space>(request.at("network"), input, request.at("classes"));
    if (!net) return tl::unexpected<error>(net.error());
    in_process<D> here(request.at("options"), [] { return child_terminated != 0; });
    auto done = here.run({*net, request.at("fidelity"), request.at("seed"), request.at("checkpoint").get<std::string>(),
                          request.at("until")},
                         [](const epoch_report& report) {
                             const std::string line = json_value{{"epoch", report}}.dump() + "\n";
                             const bool stop =
                                 !write_all(child_event_fd, line) || child_stop != 0 || child_terminated != 0;
                             return stop ? training_control::stop : training_control::proceed;
                         });
    if (done && child_terminated != 0 && done->epochs < request.at("until").get<std::int32_t>())
        return fail(errc::interrupted, "stopped by SIGTERM", "training process");
    return done;
}

}  // namespace detail

/// First line of main() of a program that trains in child processes:
/// `if (auto rc = llmnas::run_trial_if_child<my_search>(argc, argv)) return *rc;`
/// In a child it trains the one network it was asked for and gives the exit code; elsewhere it gives nothing.
template <SearchDefinition D>
[[nodiscard]] std::optional<int> run_trial_if_child(int argc, char** argv) {
    detail::child_entry_exists = true;
    if (argc != 2 || argv[1] != detail::child_flag) return std::nullopt;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody would read the result of an orphan
    std::signal(SIGINT, SIG_IGN);        // Ctrl-C reaches the whole group; the parent decides
    std::signal(SIGUSR1, [](int) { detail::child_stop = 1; });
    std::signal(SIGTERM, [](int) { detail::child_terminated = 1; });
    ::fcntl(detail::child_event_fd, F_SETFD, FD_CLOEXEC);  // what the trainer starts must not keep the pipe open
    json_value answer;
    try {
        const auto request = json_value::parse(detail::read_all(STDIN_FILENO));
        const auto done = detail::run_child_request<D>(request);
        answer = done ? json_value{{"result", *done}} : json_value{{"error", detail::error_to_json(done.error())}};
    } catch (const std::exception& e) {
        answer = {{"error", detail::error_to_json({errc::training, valid_utf8(e.what()), "child process"})}};
    }
    return detail::write_all(detail::child_event_fd,
                             answer.dump(-1, ' ', false, json_value::error_handler_t::replace) + "\n")
               ? 0
               : 1;
}

/// Starts this program again for each trial. `interrupted` is asked a few times a second; where it says yes, the child
/// is sent SIGTERM, has 20 s to save its checkpoint behind a step or an epoch, and is killed then; the trial stays
/// open. An epoch callback that says stop ends the run behind the epoch that the child is in by then.
template <SearchDefinition D>
class child_process {
public:
    using space = typename D::space;

    explicit child_process(json_value options = json_value::object(), std::function<bool()> interrupted = {})
        : options_(std::move(options)), interrupted_(std::move(interrupted)) {}

    [[nodiscard]] static std::string_view name() { return "child_process"; }

    /// Called several times a second while a training runs.
    void on_tick(std::function<void()> tick) { tick_ = std::move(tick); }

    [[nodiscard]] result<training_metrics> run(const trial_request<space>& request, const epoch_callback& on_epoch) {
        if (!detail::child_entry_exists)
            return fail(errc::unavailable,
                        "main() of this program must begin with `if (auto rc = "
                        "llmnas::run_trial_if_child<Definition>(argc, argv)) return *rc;`",
                        "child_process");
        const shape& in = request.network.input;
        const json_value j{{"network", to_json<space>(request.network)},
                           {"input", {in.channels, in.height, in.width}},
                           {"classes", request.network.classes},
                           {"fidelity", request.fidelity},
                           {"seed", request.seed},
                           {"checkpoint", request.checkpoint.string()},
                           {"until", request.until > 0 ? request.until : request.fidelity.epochs},
                           {"options", options_}};
        child c;
        if (auto started = c.start(); !started) return tl::unexpected<error>(started.error());
        const auto previous = std::signal(SIGPIPE, SIG_IGN);  // a child that died early is told by its status
        detail::write_all(c.requests, j.dump(-1, ' ', false, json_value::error_handler_t::replace));
        std::signal(SIGPIPE, previous);
        c.close_requests();
        return c.follow(on_epoch, interrupted_, tick_);
    }

private:
    struct child {
        pid_t pid = -1;
        int requests = -1;
        int events = -1;
        int complaints = -1;  ///< the child's stdout and stderr

        child() = default;
        child(const child&) = delete;
        child& operator=(const child&) = delete;
        ~child() {
            for (const int fd : {requests, events, complaints})
                if (fd >= 0) ::close(fd);
            if (pid > 0) {
                ::kill(pid, SIGKILL);
                ::waitpid(pid, nullptr, 0);
            }
        }

        void close_requests() { ::close(std::exchange(requests, -1)); }

        result<void> start() {
            int in[2], out[2], err[2];
            if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0)
                return fail(errc::io, "cannot make a pipe", "child_process", std::strerror(errno));
            posix_spawn_file_actions_t actions;
            posix_spawn_file_actions_init(&actions);
            posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
            posix_spawn_file_actions_adddup2(&actions, err[1], STDOUT_FILENO);
            posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
            posix_spawn_file_actions_adddup2(&actions, out[1], detail::child_event_fd);
            std::string program = "/proc/self/exe";
            std::string flag(detail::child_flag);
            char* argv[] = {program.data(), flag.data(), nullptr};
            // libgomp lets waiting threads spin for milliseconds: as soon as another process wants a core, a training
            // is many times slower. Sleeping at once (OMP_WAIT_POLICY=passive) halves the speed on an idle machine; a
            // short spin keeps nearly all of it. A user's own setting stands.
            std::vector<char*> environment;
            for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
            std::string spin = std::string("GOMP_SPINCOUNT=") + detail::short_spin;
            if (std::getenv("OMP_WAIT_POLICY") == nullptr && std::getenv("GOMP_SPINCOUNT") == nullptr)
                environment.push_back(spin.data());
            environment.push_back(nullptr);
            const int rc = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv, environment.data());
            posix_spawn_file_actions_destroy(&actions);
            for (const int fd : {in[0], out[1], err[1]}) ::close(fd);
            requests = in[1], events = out[0], complaints = err[0];
            if (rc == 0) return {};
            pid = -1;
            return fail(errc::io, "cannot start a child process", "child_process", std::strerror(rc));
        }

        result<training_metrics> follow(const epoch_callback& on_epoch, const std::function<bool()>& interrupted,
                                        const std::function<void()>& tick) {
            std::string pending, complaint;
            std::optional<result<training_metrics>> outcome;
            bool open_events = true, open_complaints = true;
            std::optional<std::chrono::steady_clock::time_point> killed_at;
            // The child ends with its events. What it printed is drained without waiting: a process that the trainer
            // started may keep that pipe open for good.
            while (true) {
                if (tick) tick();
                if (interrupted && interrupted()) {
                    const auto now = std::chrono::steady_clock::now();
                    if (!killed_at) {
                        killed_at = now + detail::child_grace;
                        ::kill(pid, SIGTERM);
                    }
                    if (now > *killed_at) return stopped();
                }
                pollfd fds[] = {{open_events ? events : -1, POLLIN, 0}, {open_complaints ? complaints : -1, POLLIN, 0}};
                const int ready = ::poll(fds, 2, open_events ? 200 : 0);
                if (ready <= 0 && !open_events) break;
                if (ready <= 0) continue;
                char buffer[4096];
                if (fds[0].revents != 0) {
                    const ssize_t n = ::read(events, buffer, sizeof buffer);
                    if (n > 0)
                        pending.append(buffer, static_cast<std::size_t>(n));
                    else
                        open_events = false;
                    take_events(pending, on_epoch, outcome);
                }
                if (fds[1].revents != 0) {
                    const ssize_t n = ::read(complaints, buffer, sizeof buffer);
                    if (n > 0)
                        complaint.append(buffer, static_cast<std::size_t>(n));
                    else
                        open_complaints = false;
                    if (complaint.size() > 8192) complaint.erase(0, complaint.size() - 4096);
                }
            }
            int status = 0;
            while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
            }
            pid = -1;
            const bool ended = outcome && (*outcome || outcome->error().code != errc::interrupted);
            if (ended) return std::move(*outcome);
            // The same signal may have ended the child before it could say so.
            if (interrupted && interrupted()) return stopped();
            if (outcome) return fail(errc::crashed, "the training process was told to stop", "child process");
            const std::string how = WIFSIGNALED(status)
                                        ? fmt::format("signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)))
                                        : fmt::format("exit status {}", WEXITSTATUS(status));
            while (!complaint.empty() && complaint.back() == '\n') complaint.pop_back();
            const auto last_line = complaint.rfind('\n');
            return fail(errc::crashed, "the training process died without a result", "child process",
                        complaint.empty()
                            ? how
                            : how + ": " + complaint.substr(last_line == std::string::npos ? 0 : last_line + 1));
        }

        [[nodiscard]] static tl::unexpected<error> stopped() {
            return fail(errc::interrupted, "stopped; the trial continues from its checkpoint", "training");
        }

        void take_events(std::string& pending, const epoch_callback& on_epoch,
                         std::optional<result<training_metrics>>& outcome) {
            std::size_t begin = 0;
            for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', begin)) {
                const auto event = json_value::parse(pending.substr(begin, end - begin), nullptr, false);
                begin = end + 1;
                if (event.is_discarded()) continue;
                try {
                    if (event.contains("epoch") && on_epoch &&
                        on_epoch(event["epoch"].get<epoch_report>()) == training_control::stop)
                        ::kill(pid, SIGUSR1);
                    if (event.contains("result")) outcome = event["result"].get<training_metrics>();
                    if (event.contains("error"))
                        outcome = tl::unexpected<error>(detail::error_from_json(event["error"]));
                } catch (const json_exception& e) {
                    outcome = fail(errc::training, "the training process sent an event of another form",
                                   "child process", e.what());
                }
            }
            pending.erase(0, begin);
        }
    };

    json_value options_;
    std::function<bool()> interrupted_;
    std::function<void()> tick_;
};

}  // namespace llmnas
