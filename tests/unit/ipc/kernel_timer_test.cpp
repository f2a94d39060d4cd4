#include "ipc/kernel_timer.hpp"

#include <csignal>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "ipc/finish_process.hpp"
#include "ipc/threads.hpp"

namespace parley::ipc {
namespace {

constexpr int kPatienceMs = 10'000;

// A child that a broken timer leaves spinning must not outlive the test.
pid_t fork_child() {
  const pid_t child = ::fork();
  if (child == 0) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return child;
}

// How the child ended; false: it had not after kPatienceMs, and was killed.
bool ends(pid_t child, int& status) {
  const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  pollfd look{.fd = handle, .events = POLLIN, .revents = 0};
  const bool in_time = handle >= 0 && ::poll(&look, 1, kPatienceMs) == 1;
  if (!in_time) ::kill(child, SIGKILL);
  if (handle >= 0) ::close(handle);
  return ::waitpid(child, &status, 0) == child && in_time;
}

TEST(KernelTimer, KillsAProcessThatSpinsWithAllSignalsBlocked) {
  const pid_t child = fork_child();
  ASSERT_GE(child, 0);
  if (child == 0) {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    auto timer = KernelTimer::create();
    if (!timer) ::_exit(1);
    timer->arm(SystemClock().now() + 20ms);
    for (volatile bool on = true; on;) {
    }
  }
  int status = 0;
  ASSERT_TRUE(ends(child, status));
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(KernelTimer, ArmedAgain_TheLastMomentCounts) {
  const pid_t child = fork_child();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto timer = KernelTimer::create();
    if (!timer) ::_exit(1);
    timer->arm(SystemClock().now() + 10ms);
    timer->arm(SystemClock().now() + 1h);
    ::poll(nullptr, 0, 50);  // the work during which the first moment passes
    ::_exit(42);
  }
  int status = 0;
  ASSERT_TRUE(ends(child, status));
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST(FinishProcess, FlushesFirst_AndTheCodeComesOut) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = fork_child();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::function<void()> flush[] = {[&] { (void)!::write(pipe[1], "flushed", 7); }};
    finish_process(ExitCode::unclean, flush);
  }
  int status = 0;
  ASSERT_TRUE(ends(child, status));
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ExitCode::unclean));
  char text[8] = {};
  EXPECT_EQ(::read(pipe[0], text, 7), 7);
  EXPECT_STREQ(text, "flushed");
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(Threads, AProcessWithOneThread_HasNoOthers) { EXPECT_TRUE(other_threads().empty()); }

}  // namespace
}  // namespace parley::ipc
