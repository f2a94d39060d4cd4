#include "ipc/kernel_timer.hpp"

#include <csignal>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "ipc/finish_process.hpp"
#include "ipc/threads.hpp"

namespace parley::ipc {
namespace {

TEST(KernelTimer, KillsAProcessThatSpinsWithAllSignalsBlocked) {
  const pid_t child = ::fork();
  if (child == 0) {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    auto timer = KernelTimer::create();
    timer->arm(SystemClock().now() + 20ms);
    for (volatile bool on = true; on;) {
    }
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(KernelTimer, ArmedAgain_TheLastMomentCounts) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto timer = KernelTimer::create();
    timer->arm(SystemClock().now() + 10ms);
    timer->arm(SystemClock().now() + 1h);
    ::poll(nullptr, 0, 50);  // the work during which the first moment passes
    ::_exit(42);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST(FinishProcess, FlushesFirst_AndTheCodeComesOut) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::function<void()> flush[] = {[&] { (void)!::write(pipe[1], "flushed", 7); }};
    finish_process(ExitCode::unclean, flush);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
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
