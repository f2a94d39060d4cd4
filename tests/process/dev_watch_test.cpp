// `parley dev FILE` starts its worker anew when the file changes: real processes, a dummy worker.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace parley {
namespace {

class DevWatch : public ::testing::Test {
 protected:
  static constexpr int kPatienceMs = 20'000;

  void SetUp() override {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // nobody gets away
    char name[] = "/tmp/parley-dev-XXXXXX";
    folder_ = ::mkdtemp(name);
    file_ = folder_ + "/agent.yaml";
  }
  void TearDown() override {
    if (watcher_ > 0) ::kill(watcher_, SIGKILL);
    if (output_ >= 0) ::close(output_);
    while (::wait(nullptr) > 0) {
    }
    std::filesystem::remove_all(folder_);
  }

  void write(const std::string& content) const { std::ofstream(file_) << content; }
  // As editors do: a new file in the place of the old.
  void replace(const std::string& content) const {
    std::ofstream(file_ + "~") << content;
    std::filesystem::rename(file_ + "~", file_);
  }

  void start(const std::string& content) {
    write(content);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    watcher_ = ::fork();
    if (watcher_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::execl(PARLEY_DEV_WATCH, PARLEY_DEV_WATCH, file_.c_str(), nullptr);
      ::_exit(99);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }

  // The next line of watcher or worker; "" at its end, "(nothing)" when it takes too long.
  std::string line() {
    for (;;) {
      if (const auto end = read_.find('\n'); end != std::string::npos) {
        auto first = read_.substr(0, end);
        read_.erase(0, end + 1);
        return first;
      }
      pollfd asked{.fd = output_, .events = POLLIN, .revents = 0};
      if (::poll(&asked, 1, kPatienceMs) <= 0) return "(nothing)";
      char bytes[512];
      const auto n = ::read(output_, bytes, sizeof(bytes));
      if (n <= 0) return "";
      read_.append(bytes, static_cast<std::size_t>(n));
    }
  }
  // The pid of the worker that says now that it has begun, with that content.
  int worker(const std::string& content) {
    const auto said = line();
    int pid = 0;
    EXPECT_EQ(std::sscanf(said.c_str(), "worker %d", &pid), 1) << said;
    EXPECT_EQ(said, fmt::format("worker {} {}", pid, content));
    return pid;
  }
  // The watcher's exit code; nobody else is left then.
  int ended() {
    int status = 0;
    EXPECT_EQ(::waitpid(watcher_, &status, 0), watcher_);
    watcher_ = 0;
    EXPECT_LT(::waitpid(-1, nullptr, WNOHANG), 0) << "somebody was left behind";
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::string folder_, file_, read_;
  pid_t watcher_ = 0;
  int output_ = -1;
};

TEST_F(DevWatch, FileThatChanges_StartsTheWorkerAnew_WrittenOrReplaced) {
  start("one");
  const int first = worker("one");
  write("two");
  EXPECT_EQ(line(), "told 15");
  const int second = worker("two");
  EXPECT_NE(first, second);
  EXPECT_NE(::kill(first, 0), 0) << "the one before is gone";
  replace("three");
  EXPECT_EQ(line(), "told 15");
  (void)worker("three");
  ::kill(watcher_, SIGTERM);
  EXPECT_EQ(line(), "told 15");
  EXPECT_EQ(ended(), 5) << "the worker's own";
}

TEST_F(DevWatch, ChangeThatIsNoGood_IsTold_AndTheWorkerGoesOn) {
  start("one");
  const int first = worker("one");
  write("bad");
  EXPECT_EQ(line(), "mistake");
  EXPECT_EQ(::kill(first, 0), 0);
  write("good again");
  EXPECT_EQ(line(), "told 15");
  (void)worker("good again");
  ::kill(watcher_, SIGINT);
  EXPECT_EQ(line(), "told 2");
  EXPECT_EQ(ended(), 5);
}

TEST_F(DevWatch, OtherFilesOfTheFolder_AreNoChange) {
  start("one");
  (void)worker("one");
  std::ofstream(folder_ + "/other") << "x";
  ::kill(watcher_, SIGHUP);
  EXPECT_EQ(line(), "told 1") << "and not 15 before it";
  EXPECT_EQ(ended(), 5);
}

TEST_F(DevWatch, WorkerThatDoesNotEnd_IsToldAgain) {
  start("stubborn");
  (void)worker("stubborn");
  write("two");
  EXPECT_EQ(line(), "told 15");
  EXPECT_EQ(line(), "told 15");
  (void)worker("two");
  ::kill(watcher_, SIGTERM);
  EXPECT_EQ(line(), "told 15");
  EXPECT_EQ(ended(), 5);
}

TEST_F(DevWatch, WorkerThatEndsByItself_TakesTheWatcherAlong_WithItsCode) {
  start("ends");
  EXPECT_EQ(ended(), 7);
}

TEST_F(DevWatch, WatcherThatIsKilled_TakesTheWorkerAlong) {
  start("one");
  const int pid = worker("one");
  ::kill(watcher_, SIGKILL);
  EXPECT_EQ(line(), "told 15");
  EXPECT_EQ(line(), "") << "the last one who could write is gone";
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid) << "it came to us when its parent died";
}

TEST_F(DevWatch, WhatAWorkerLeaves_EndsWithTheWatcher) {
  start("leaves");
  (void)worker("leaves");
  ::kill(watcher_, SIGTERM);
  EXPECT_EQ(line(), "told 15");
  EXPECT_EQ(ended(), 5);
}

}  // namespace
}  // namespace parley
