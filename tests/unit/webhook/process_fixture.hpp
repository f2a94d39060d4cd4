// Real processes under a real loop; what they leave behind comes to the test, which is the nearest reaper.
#pragma once

#include <csignal>
#include <functional>
#include <string>

#include <sys/prctl.h>
#include <sys/wait.h>

#include "net_test/fixture.hpp"

namespace parley::webhook {

class WithProcesses : public net::OnRealLoop {
 public:
  void SetUp() override {
    OnRealLoop::SetUp();
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  }
  void TearDown() override {
    OnRealLoop::TearDown();
    // What a program had started comes to us when it is gone: told to end, like it.
    for (int status = 0; ::waitpid(-1, &status, 0) > 0;) {
      EXPECT_TRUE(WIFSIGNALED(status)) << "a process was left to itself";
    }
  }

  // Polls what no event tells, for at most ten seconds.
  static Task<bool> until(OnRealLoop& t, std::function<bool()> done) {
    const auto deadline = t.in(10s);
    while (!done() && !deadline.passed(t.loop().now())) co_await sleep_for(2ms);
    co_return done();
  }
  // How a process ended that has become ours. Waits for it: it was told to end already.
  static int signal_that_ended(int pid) {
    int status = 0;
    const int got = ::waitpid(pid, &status, 0);
    return got == pid && WIFSIGNALED(status) ? WTERMSIG(status) : -1;
  }
};

}  // namespace parley::webhook
