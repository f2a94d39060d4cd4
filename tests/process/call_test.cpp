// Calls that go well, and calls that never begin.
#include "worker_under_test.hpp"

namespace parley {
namespace {

using Calls = WorkerTest;

TEST_F(Calls, HungUp_EndsInOrder_WithOneTerminalRecordAndEachHookOnce) {
  start();
  const auto id = call();
  hang_up(id);
  const auto events = events_to_end(id);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().at("type"), "call_ended");
  EXPECT_EQ(events.back().at("data").at("cause"), "caller_hung_up");
  const auto record = terminal(id);
  EXPECT_EQ(record.at("reason"), "caller_hung_up");
  EXPECT_EQ(record.at("usage").at("answers"), 1);
  EXPECT_EQ(hook_lines(id), (std::vector<std::string>{"first/1 1", "second/1 1"}));
  EXPECT_TRUE(eventually([&] { return ask({{"op", "status"}}).at("slots").at("in_use") == 0; }));
}

TEST_F(Calls, AgentHangsUp_TheRecordSaysSo) {
  start();
  const auto id = call();
  ask({{"op", "reoffer"}, {"call", id}, {"sdp", "end"}});
  EXPECT_EQ(terminal(id).at("reason"), "agent_hung_up");
}

TEST_F(Calls, AllSlotsTaken_TheNextIsRefusedAtOnce_AndServedWhenOneIsFree) {
  start({"--fast", "--slots", "2"});
  const auto first = call();
  const auto second = call();
  EXPECT_EQ(offer().at("error"), "overloaded");
  hang_up(first);
  EXPECT_TRUE(eventually([&] { return ask({{"op", "status"}}).at("slots").at("in_use") == 1; }));
  const auto third = call();
  EXPECT_NE(third, second);
}

class FailedStart : public WorkerTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(FailedStart, IsAnsweredWithAnError_FreesItsSlot_AndIsRecorded) {
  start({"--fast", "--slots", "1"});
  const auto refused = offer({{"on_answer", GetParam()}});
  EXPECT_TRUE(refused.contains("error")) << json::serialize(refused);
  EXPECT_TRUE(eventually([&] { return ask({{"op", "status"}}).at("slots").at("in_use") == 0; }));
  const auto next = call();  // the only slot is free again
  hang_up(next);
  (void)terminal(next);
}

INSTANTIATE_TEST_SUITE_P(Ways, FailedStart, ::testing::Values("refuse", "throw", "crash", "hang", "block"),
                         [](const auto& way) { return std::string(way.param); });

}  // namespace
}  // namespace parley
