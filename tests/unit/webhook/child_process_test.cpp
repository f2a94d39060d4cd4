#include "webhook/child_process.hpp"

#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "process_fixture.hpp"

namespace parley::webhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ChildProcesses : public WithProcesses {
 public:
  static ChildCommand shell(std::string script) { return {.words = {"/bin/sh", "-c", std::move(script)}}; }

  // Runs a program to its end, and what it said.
  struct Ended {
    Result<ChildExit> exit = fail(Errc::timeout, "not run");
    std::string said;
  };
  Ended run_program(ChildCommand command) {
    Ended ended;
    run([](ChildProcesses& t, ChildCommand c, Ended& out) -> Task<void> {
      auto child = ChildProcess::start(t.loop(), t.scope(), c);
      CO_ASSERT_OK(child);
      out.exit = co_await (*child)->wait(t.in(20s));
      out.said = (*child)->tail();
    }(*this, std::move(command), ended));
    return ended;
  }
};

TEST_F(ChildProcesses, InputComesWhole_AndTheExitCodeTells) {
  auto command = shell("wc -c; echo oops >&2; exit 3");
  command.input.assign(3 * MiB, 'x');
  const auto ended = run_program(std::move(command));
  ASSERT_TRUE(ended.exit) << ended.exit.error().message();
  EXPECT_EQ(ended.exit->code, 3);
  EXPECT_EQ(ended.said, "3145728\noops\n");
}

TEST_F(ChildProcesses, ProgramThatReadsNothing_IsNoMatter) {
  auto command = shell("exec <&-; exit 0");
  command.input.assign(3 * MiB, 'x');
  EXPECT_EQ(run_program(std::move(command)).exit->code, 0);
}

TEST_F(ChildProcesses, OnlyTheEndOfItsOutput_IsKept) {
  const auto ended = run_program(shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"));
  EXPECT_EQ(ended.exit->code, 0);
  EXPECT_LE(ended.said.size(), ChildProcess::kMaxTail);
  EXPECT_THAT(ended.said, HasSubstr("line 19999\n"));
}

TEST_F(ChildProcesses, ProgramThatIsNotThere_IsNamed_WithTheReason) {
  const auto ended = run_program({.words = {"/nowhere/archive-call"}});
  ASSERT_FALSE(ended.exit);
  EXPECT_THAT(ended.exit.error().message(), AllOf(HasSubstr("/nowhere/archive-call"), HasSubstr("No such file")));
  EXPECT_THAT(run_program({.words = {"/etc"}}).exit.error().message(), HasSubstr("Permission denied"));
}

TEST_F(ChildProcesses, EnvironmentIsOurs_WithWhatIsAdded) {
  ::setenv("PARLEY_TEST_A", "ours", 1);
  auto command = shell("echo $PARLEY_TEST_A $PARLEY_TEST_B; test -n \"$PATH\"");
  command.environment = {{"PARLEY_TEST_A", "added"}, {"PARLEY_TEST_B", "b"}};
  const auto ended = run_program(std::move(command));
  ::unsetenv("PARLEY_TEST_A");
  EXPECT_EQ(ended.exit->code, 0);
  EXPECT_EQ(ended.said, "added b\n");
}

// As a container's runtime leaves the C library's own signals, which ::signal refuses to touch.
void ignored_by_whoever_started_us(int number) {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void* restorer;
    std::uint64_t mask;
  } ignored{.handler = SIG_IGN};
  ASSERT_EQ(::syscall(SYS_rt_sigaction, number, &ignored, nullptr, sizeof ignored.mask), 0);
}

TEST_F(ChildProcesses, NothingOfOurs_IsInherited_ButTheThreeDescriptors) {
  const int stray = ::open("/dev/null", O_RDONLY);  // not closed on exec
  ::signal(SIGPIPE, SIG_IGN);
  ignored_by_whoever_started_us(32);
  sigset_t term, before;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &term, &before);
  // A shell's own `echo *` opens the folder, which is one more.
  const auto ended = run_program(shell("cd /proc/self/fd; echo *; grep -E 'SigBlk|SigIgn' /proc/self/status; test $(ps -o pgid= -p $$ 2>/dev/null || echo $$) -eq $$"));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::close(stray);
  EXPECT_EQ(ended.exit->code, 0) << ended.said;
  EXPECT_THAT(ended.said, ::testing::StartsWith("0 1 2 3\n"));
  EXPECT_THAT(ended.said, AllOf(HasSubstr("SigBlk:\t0000000000000000"), HasSubstr("SigIgn:\t0000000000000000")));
}

TEST_F(ChildProcesses, WhatAProgramLeavesBehind_EndsWithIt) {
  const auto ended = run_program(shell("sleep 1000 & echo $!"));
  EXPECT_EQ(ended.exit->code, 0);
  EXPECT_EQ(signal_that_ended(std::stoi(ended.said)), SIGKILL);
}

TEST_F(ChildProcesses, DestroyedOne_IsKilled_WithAllItHasStarted_AndReaped) {
  int grandchild = 0;
  run([](ChildProcesses& t, int& pid) -> Task<void> {
    auto child = ChildProcess::start(t.loop(), t.scope(), shell("trap '' TERM; sleep 1000 & echo $!; wait"));
    CO_ASSERT_OK(child);
    CO_ASSERT(co_await until(t, [&] { return (*child)->tail().ends_with("\n"); }));
    pid = std::stoi((*child)->tail());
    const int own = (*child)->pid();
    child->reset();
    CO_ASSERT(::kill(own, 0) == -1);  // not even a zombie
  }(*this, grandchild));
  EXPECT_EQ(signal_that_ended(grandchild), SIGKILL);
}

TEST_F(ChildProcesses, TaskThatIsDestroyedInItsWait_TakesTheProgramWithIt) {
  int pid = 0;
  run([](ChildProcesses& t, int& out) -> Task<void> {
    Scope attempt(t.loop(), "try");
    CO_ASSERT_OK(attempt.spawn("hook", [](ChildProcesses& test, Scope& scope, int& of) -> Task<void> {
      auto child = ChildProcess::start(test.loop(), scope, shell("exec sleep 1000"));
      CO_ASSERT_OK(child);
      of = (*child)->pid();
      (void)co_await (*child)->wait(Deadline::bounded_by_scope());
    }(t, attempt, out)));
    co_await settle();
  }(*this, pid));
  ASSERT_GT(pid, 0);
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(ChildProcesses, ProcessThatDies_TakesItsProgramWithIt) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const std::string running = ::testing::TempDir() + "parley-running-" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(running.c_str(), 0600), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    RealLoop own("dying");
    Scope top(own, "root");
    auto child = ChildProcess::start(own, top, shell("echo running > " + running + "; exec sleep 1000"));
    const int pid = child ? (*child)->pid() : 0;
    // Before the program runs, what was forked for it ends by itself: that is not what is tested.
    std::string word;
    std::ifstream(running) >> word;
    (void)!::write(told[1], &pid, sizeof pid);
    ::raise(SIGKILL);
  }
  int pid = 0;
  ASSERT_EQ(::read(told[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  ::close(told[0]);
  ::close(told[1]);
  ::unlink(running.c_str());
  EXPECT_EQ(signal_that_ended(parent), SIGKILL);
  ASSERT_GT(pid, 0);
  EXPECT_EQ(signal_that_ended(pid), SIGKILL);
}

}  // namespace
}  // namespace parley::webhook
