// SPDX-License-Identifier: MIT
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <llmnas/search/journal_file.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas;
using namespace std::chrono_literals;

namespace {

/// An open journal with the lock of its file.
struct locked_file {
    explicit locked_file(const std::filesystem::path& p, std::chrono::milliseconds stale = 60s)
        : fd(::open(p.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)), lock(p, stale) {}
    locked_file(const locked_file&) = delete;
    locked_file& operator=(const locked_file&) = delete;
    ~locked_file() { ::close(fd); }
    int fd;
    journal_lock lock;
};

std::string target_of(const std::filesystem::path& link) { return std::filesystem::read_symlink(link).string(); }

/// Id of a process that has ended.
pid_t dead_process() {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    ::waitpid(pid, nullptr, 0);
    return pid;
}

}  // namespace

TEST_CASE("process names: this process lives, ended ones and those of a reused id are gone", "[study]") {
    const std::string self = this_process();
    CHECK(is_process_of_this_host(self));
    CHECK_FALSE(process_is_gone(self));
    CHECK_FALSE(process_is_gone("elsewhere:1:5"));
    CHECK_FALSE(process_is_gone("/a/journal.log"));
    CHECK_FALSE(process_is_gone(""));
    const std::string host = self.substr(0, self.find(':'));
    CHECK(process_is_gone(fmt::format("{}:{}:1", host, dead_process())));
    CHECK(process_is_gone(fmt::format("{}:{}:1", host, ::getpid())));      // started at another time
    CHECK_FALSE(process_is_gone(fmt::format("{}:{}", host, ::getpid())));  // of an earlier version
    const pid_t zombie = ::fork();
    if (zombie == 0) ::_exit(0);
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(zombie), &ended, WEXITED | WNOWAIT);
    CHECK(process_is_gone(fmt::format("{}:{}:{}", host, zombie, detail::status_of(zombie)->start)));
    ::waitpid(zombie, nullptr, 0);
}

TEST_CASE("journal lock: names its owner, and excludes another one until it is released", "[study]") {
    const test::temporary_directory dir;
    locked_file a(dir / "j"), b(dir / "j");
    REQUIRE(a.lock.acquire(a.fd));
    CHECK(a.lock.is_held());
    CHECK(target_of(dir / "j.lock").starts_with(this_process() + ":"));
    std::thread later([&] {
        std::this_thread::sleep_for(100ms);
        a.lock.release(a.fd);
    });
    REQUIRE(b.lock.acquire(b.fd));
    later.join();
    CHECK(b.lock.waits().seconds > 0.05);
    CHECK(b.lock.waits().longest == b.lock.waits().seconds);
    CHECK_FALSE(a.lock.is_held());
    b.lock.release(b.fd);
    CHECK_FALSE(std::filesystem::is_symlink(dir / "j.lock"));
}

TEST_CASE("journal lock: one of a dead process is taken over at once, one of another host when it stands still",
          "[study]") {
    const test::temporary_directory dir;
    const std::string self = this_process();
    const std::string dead = fmt::format("{}:{}:1:7", self.substr(0, self.find(':')), dead_process());
    std::filesystem::create_symlink(dead, dir / "j.lock");
    locked_file a(dir / "j", 300ms);
    REQUIRE(a.lock.acquire(a.fd));
    CHECK(a.lock.taken_from() == dead);
    CHECK(a.lock.waits().seconds < 0.2);
    a.lock.release(a.fd);

    std::filesystem::create_symlink("elsewhere:1:5:7", dir / "j.lock");
    REQUIRE(a.lock.acquire(a.fd));
    CHECK(a.lock.taken_from() == "elsewhere:1:5:7");
    CHECK(a.lock.waits().taken_over == 2);
    CHECK(a.lock.waits().longest >= 0.3);
    CHECK(target_of(dir / "j.lock").starts_with(self));
    a.lock.release(a.fd);
    CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);  // the journal alone
}

TEST_CASE("journal lock: one that changes hands is never taken over, though its text stays the same", "[study]") {
    const test::temporary_directory dir;
    std::filesystem::create_symlink("/a/journal.log", dir / "j.lock");  // as Optuna's
    std::thread optuna([&] {
        for (int i = 0; i < 8; ++i) {
            std::this_thread::sleep_for(100ms);
            std::filesystem::create_symlink("/a/journal.log", dir / "next");
            std::filesystem::rename(dir / "next", dir / "j.lock");
        }
        std::filesystem::remove(dir / "j.lock");
    });
    locked_file a(dir / "j", 300ms);
    REQUIRE(a.lock.acquire(a.fd));
    optuna.join();
    CHECK(a.lock.waits().taken_over == 0);
    CHECK(a.lock.waits().seconds > 0.5);
    a.lock.release(a.fd);
}

TEST_CASE("journal lock: a process that stands still with flock() does not stop the others, and finds its lock lost",
          "[study]") {
    const test::temporary_directory dir;
    locked_file stopped(dir / "j"), b(dir / "j", 200ms);
    REQUIRE(stopped.lock.acquire(stopped.fd));
    REQUIRE(b.lock.acquire(b.fd));
    CHECK_FALSE(stopped.lock.is_held());
    CHECK(b.lock.is_held());
    stopped.lock.release(stopped.fd);
    CHECK(b.lock.is_held());
    b.lock.release(b.fd);
}

TEST_CASE("journal: a directory that cannot hold the lock is an error", "[study]") {
    const test::temporary_directory dir;
    std::filesystem::create_directory(dir / "d");
    auto file = journal_file::open(dir / "d/j");
    REQUIRE(file);
    std::filesystem::remove_all(dir / "d");
    const auto written = file->append([](const auto&) { return result<void>(); },
                                      [] {
                                          return std::vector<json_value>{json_value{{"op_code", 9}}};
                                      });
    REQUIRE_FALSE(written);
    CHECK(written.error().code == errc::io);
    CHECK_THAT(written.error().text(), Catch::Matchers::ContainsSubstring("cannot create the journal's lock"));
}

TEST_CASE("journal: one that is replaced or cut while it is open takes no records", "[study]") {
    const test::temporary_directory dir;
    const auto apply = [](const json_value&) { return result<void>(); };
    const auto make = [] { return std::vector<json_value>{json_value{{"op_code", 9}}}; };
    auto file = journal_file::open(dir / "j");
    REQUIRE(file);
    REQUIRE(file->append(apply, make));
    std::filesystem::resize_file(dir / "j", 3);
    CHECK_THAT(file->append(apply, make).error().text(),
               Catch::Matchers::ContainsSubstring("was cut while it was open"));
    std::filesystem::remove(dir / "j");
    std::ofstream(dir / "j") << "";
    CHECK_THAT(file->append(apply, make).error().text(), Catch::Matchers::ContainsSubstring("deleted or replaced"));
}
