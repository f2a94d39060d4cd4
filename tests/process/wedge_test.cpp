// User code that never gives the loop back, or never comes to an end. With deadlines of a fraction of the real ones.
#include <csignal>
#include <filesystem>

#include "worker_under_test.hpp"

namespace parley {
namespace {

class Wedged : public WorkerTest {
 protected:
  std::string stacks() {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(state_dir_ + "/calls")) {
      if (entry.path().extension() == ".stack") all += read_file(entry.path());
    }
    return all;
  }
};

TEST_F(Wedged, LoopBlockedForEver_IsTold_GetsSigterm_IsKilled_AndLeavesItsStack) {
  start();
  const auto id = call({{"in_call", "block"}});
  ask({{"op", "reoffer"}, {"call", id}, {"sdp", "go"}});
  (void)events_to_end(id);
  (void)terminal(id);
  const auto exits = records(id, "attempt.exited");
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits.front().at("data").at("signal"), SIGKILL);
  EXPECT_NE(std::string(exits.front().at("data").at("detail").as_string()).find("loop does not turn"), std::string::npos);
  EXPECT_NE(stacks().find("process_test_worker"), std::string::npos) << "the stack of the loop's thread";
  EXPECT_EQ(hook_lines(id), (std::vector<std::string>{"first/1 1", "second/1 1"}));
}

TEST_F(Wedged, SwallowsSigterm_IsKilledAllTheSame) {
  start();
  const auto id = call({{"in_call", "swallow_term"}});
  ask({{"op", "reoffer"}, {"call", id}, {"sdp", "go"}});
  (void)terminal(id);
  EXPECT_EQ(records(id, "attempt.exited").front().at("data").at("signal"), SIGKILL);
}

TEST_F(Wedged, WithoutASupervisor_TheKernelsTimerEndsIt) {
  start();
  const auto id = call({{"in_call", "block"}});
  const int job = pid_of(id);
  ask({{"op", "reoffer"}, {"call", id}, {"sdp", "go"}});
  kill_supervisor();
  EXPECT_TRUE(eventually([&] { return gone(job); })) << "nobody ended it";
  start();
  (void)terminal(id);
  EXPECT_EQ(hook_lines(id), (std::vector<std::string>{"first/1 1", "second/1 1"}));
}

class BadEnd : public WorkerTest, public ::testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(BadEnd, EveryLaterStepIsDoneAllTheSame) {
  start();
  const auto id = call({{GetParam().first, GetParam().second}});
  hang_up(id);
  EXPECT_EQ(events_to_end(id).back().at("type"), "call_ended");
  const auto record = terminal(id);
  EXPECT_EQ(hook_lines(id), (std::vector<std::string>{"first/1 1", "second/1 1"}));
  EXPECT_TRUE(eventually([&] { return ask({{"op", "status"}}).at("slots").at("in_use") == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Ways, BadEnd,
                         ::testing::Values(std::pair("on_close", "throw"), std::pair("on_close", "hang"), std::pair("on_close", "block"),
                                           std::pair("on_dispose", "hang"), std::pair("on_dispose", "block")),
                         [](const auto& way) { return std::string(way.param.first) + "_" + way.param.second; });

}  // namespace
}  // namespace parley
