// kill -9, and what becomes of calls.
#include <algorithm>
#include <csignal>

#include "worker_under_test.hpp"

namespace parley {
namespace {

using Crash = WorkerTest;

TEST_F(Crash, JobKilled_WatchersSeeTheEnd_HooksRunInAFreshProcess_OneTerminalRecord) {
  start();
  const auto id = call({{"remember", json::object{{"name", "Ada"}}}});
  // What is remembered reaches the journal by the writer's thread, a moment later.
  ASSERT_TRUE(eventually([&] { return !records(id, "call.remember").empty(); }));
  ::kill(pid_of(id), SIGKILL);
  const auto events = events_to_end(id);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().at("type"), "call_ended");
  EXPECT_EQ(events.back().at("data").at("clean"), false);
  const auto record = terminal(id);
  EXPECT_EQ(record.at("data").at("test").at("name"), "Ada");
  const auto exits = records(id, "attempt.exited");
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits.front().at("data").at("signal"), SIGKILL);
  EXPECT_EQ(hook_lines(id), (std::vector<std::string>{"first/1 1", "second/1 1"}));
}

TEST_F(Crash, JobAborts_OthersGoOn) {
  start();
  const auto bystander = call();
  const auto id = call({{"in_call", "crash"}});
  ask({{"op", "reoffer"}, {"call", id}, {"sdp", "go"}});
  (void)events_to_end(id);
  EXPECT_EQ(records(id, "attempt.exited").size() <= 1, true);
  (void)terminal(id);
  EXPECT_EQ(ask({{"op", "reoffer"}, {"call", bystander}, {"sdp", "again"}}).at("sdp"), "answer to again");
}

TEST_F(Crash, HookKillsItsProcess_AFreshOneDoesTheWork_UnderTheSameKey) {
  start();
  const auto id = call({{"remember", json::object{{"hook", "crash"}}}});
  hang_up(id);
  (void)terminal(id);
  const auto lines = hook_lines(id);
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(std::ranges::count_if(lines, [](const auto& line) { return line.starts_with("first/1"); }), 1) << "done is done";
  EXPECT_EQ(lines.back(), "second/1 2");
}

TEST_F(Crash, HookFails_IsTriedAgainLater) {
  start();
  const auto id = call({{"remember", json::object{{"hook", "fail"}}}});
  hang_up(id);
  (void)terminal(id);
  EXPECT_EQ(hook_lines(id).back(), "second/1 2");
}

TEST_F(Crash, ZygoteKilled_CallsGoOn_AndTheNextIsAnswered) {
  start();
  const auto before = call();
  const int zygote = zygote_pid();
  ::kill(zygote, SIGKILL);
  const auto after = call();
  EXPECT_NE(zygote_pid(), zygote);
  EXPECT_EQ(ask({{"op", "reoffer"}, {"call", before}, {"sdp", "again"}}).at("sdp"), "answer to again");
  for (const auto& id : {before, after}) {
    hang_up(id);
    (void)terminal(id);
  }
}

TEST_F(Crash, ZygoteHasAThread_JobsAreStartedByExec) {
  start({"--fast", "--thread-in-zygote"});
  const auto id = call();
  const auto command = read_file("/proc/" + std::to_string(pid_of(id)) + "/cmdline");
  EXPECT_NE(command.find("--role=job"), std::string::npos) << "it was forked from a process with threads";
  hang_up(id);
  EXPECT_EQ(terminal(id).at("reason"), "caller_hung_up");
}

TEST_F(Crash, InferenceKilled_IsStartedAgain_CallsGoOn) {
  start({"--fast", "--recognizer"});
  const auto pid = [&] { return static_cast<int>(ask({{"op", "status"}}).at("inference").at("pid").as_int64()); };
  const auto id = call();
  const int first = pid();
  ASSERT_GT(first, 0);
  ::kill(first, SIGKILL);
  EXPECT_TRUE(eventually([&] { return pid() != 0 && pid() != first; }));
  hang_up(id);
  (void)terminal(id);
}

}  // namespace
}  // namespace parley
