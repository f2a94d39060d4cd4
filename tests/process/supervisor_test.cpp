// The supervisor dies, is told to stop, or is there already.
#include <csignal>

#include "worker_under_test.hpp"

namespace parley {
namespace {

using SupervisorDies = WorkerTest;
using Drain = WorkerTest;

TEST_F(SupervisorDies, TheCallGoesOn_AndTheNextOneTakesItOver) {
  start();
  const auto id = call({{"talk", 20}});
  const int job = pid_of(id);
  kill_supervisor();
  EXPECT_FALSE(gone(job));
  start();
  EXPECT_EQ(pid_of(id), job);
  EXPECT_EQ(ask({{"op", "status"}}).at("slots").at("in_use"), 1);
  EXPECT_EQ(ask({{"op", "reoffer"}, {"call", id}, {"sdp", "again"}}).at("sdp"), "answer to again");
  hang_up(id);
  const auto events = events_to_end(id);
  ASSERT_GE(events.size(), 2u);
  EXPECT_EQ(events.front().at("id"), 1) << "what was said to the supervisor that died is said again";
  EXPECT_EQ(events.back().at("data").at("cause"), "caller_hung_up");
  EXPECT_EQ(terminal(id).at("reason"), "caller_hung_up");
  EXPECT_EQ(hook_lines(id), (std::vector<std::string>{"first/1 1", "second/1 1"}));
}

TEST_F(SupervisorDies, JobDiesWithIt_TheNextOneWritesTheRecordAndRunsTheHooks) {
  start();
  const auto id = call();
  const int job = pid_of(id);
  kill_supervisor();
  ::kill(job, SIGKILL);
  EXPECT_TRUE(eventually([&] { return gone(job); }));
  start();
  (void)terminal(id);
  EXPECT_EQ(hook_lines(id), (std::vector<std::string>{"first/1 1", "second/1 1"}));
}

TEST_F(SupervisorDies, AgainAndAgain_TheCallIsStillThere) {
  start();
  const auto id = call();
  const int job = pid_of(id);
  for (int i = 0; i < 3; ++i) {
    kill_supervisor();
    start();
    EXPECT_EQ(pid_of(id), job);
  }
  hang_up(id);
  (void)terminal(id);
}

TEST_F(SupervisorDies, AWedgedJobIsLeft_TheNextOneEndsIt) {
  start();
  const auto id = call({{"in_call", "block"}});
  ask({{"op", "reoffer"}, {"call", id}, {"sdp", "go"}});
  kill_supervisor();
  start();
  EXPECT_EQ(events_to_end(id).back().at("type"), "call_ended");
  (void)terminal(id);
}

TEST_F(Drain, CallsThatFinish_ExitCodeOk) {
  start();
  const auto id = call();
  ::kill(supervisor_pid(), SIGTERM);
  EXPECT_TRUE(eventually([&] { return ask({{"op", "status"}}).at("state") == "draining"; }));
  EXPECT_EQ(offer().at("error"), "closing");
  hang_up(id);
  EXPECT_EQ(wait_supervisor().code, 0);
  (void)terminal(id);
}

TEST_F(Drain, GraceIsOver_CallsAreClosed_AndTheExitCodeSaysSo) {
  start({"--fast", "--drain-grace", "0.2"});
  const auto id = call();
  EXPECT_EQ(stop().code, 4);
  EXPECT_EQ(terminal(id).at("reason"), "shutdown");
}

TEST_F(Drain, SecondSignal_ClosesAWedgedCallInBoundedTime) {
  start();
  const auto id = call({{"in_call", "block"}});
  ask({{"op", "reoffer"}, {"call", id}, {"sdp", "go"}});
  ::kill(supervisor_pid(), SIGTERM);
  EXPECT_TRUE(eventually([&] { return ask({{"op", "status"}}).at("state") == "draining"; }));
  ::kill(supervisor_pid(), SIGINT);
  EXPECT_EQ(wait_supervisor().code, 4);
  EXPECT_EQ(records(id, "call.terminal").size(), 1u);
  start();  // the work after it is the next one's
  (void)terminal(id);
  EXPECT_EQ(hook_lines(id), (std::vector<std::string>{"first/1 1", "second/1 1"}));
}

TEST_F(Drain, JobGetsSigtermFromAnOperator_EndsInOrder_AndItsHooksRun) {
  start();
  const auto id = call();
  ::kill(pid_of(id), SIGTERM);
  (void)terminal(id);
  EXPECT_EQ(records(id, "attempt.exited").front().at("data").at("code"), 7);
  EXPECT_EQ(hook_lines(id), (std::vector<std::string>{"first/1 1", "second/1 1"}));
}

}  // namespace
}  // namespace parley
