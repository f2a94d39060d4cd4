// A close returns by its deadline with a report, and a call goes on, whatever the streams of providers do when they are closed.
#include "call_test.hpp"

#include <gmock/gmock.h>

#include "session/stream_close.hpp"

namespace parley {
namespace {

using sim::Fault;

using Closing = CallTest;

TEST_F(Closing, SttWhoseCloseNeverReturns_IsReplacedAllTheSame) {
  stt->never_closes = true;
  hung_stt_is_replaced();
}

TEST_F(Closing, LlmWhoseCloseNeverReturns_IsTriedAgain_AndEveryTurnIsAnswered) {
  llm->never_closes = true;
  llm->faults = {Fault::unavailable};
  start({.name = "a"});
  for (int turn = 0; turn < 3; ++turn) {
    caller_says("hello there");
    ASSERT_TRUE(wait_for(AgentState::speaking, 8s)) << describe();
    ASSERT_TRUE(wait_for_silence()) << describe();
  }
}

TEST_F(Closing, TtsWhoseCloseNeverReturns_SpeaksEverySpeech) {
  tts->never_closes = true;
  start({.name = "a"});
  for (int i = 0; i < 3; ++i) {
    auto speech = session->say("Good evening to you.");
    ASSERT_TRUE(run_until([&] { return speech.done(); }, 10s)) << describe();
    EXPECT_FALSE(speech.error());
  }
}

TEST_F(Closing, NoProviderEverCloses_TheSessionDoesInItsTime) {
  stt->never_closes = llm->never_closes = tts->never_closes = true;
  start({.name = "a", .greeting = Greeting{.say = "Good evening. How can I help you today?"}});
  ASSERT_TRUE(wait_for(AgentState::speaking, 8s)) << describe();
  caller_says("hello there");
  close();
  ASSERT_TRUE(report) << describe();
  EXPECT_TRUE(report->finished);
  EXPECT_LE(report->took, PipelineSession::kCloseBudget + 50ms) << to_string(*report);
}

// What an agent says before the caller's connection is there is heard when it is.
TEST_F(Closing, AgentEndsTheCallBeforeTheCallerIsConnected_IsHeardToTheEndAllTheSame) {
  caller.breaks();
  start({.name = "a"});
  close_when_it_ends();
  (void)session->say("We are closed today.");
  session->end();
  run_for(500ms);
  EXPECT_TRUE(caller.heard_texts().empty());
  caller.comes_back();
  ASSERT_TRUE(run_until([&] { return report.has_value(); }, 20s)) << describe();
  EXPECT_THAT(caller.heard_texts(), ::testing::ElementsAre("We are closed today."));
}

TEST_F(Closing, CallerIsNeverConnected_TheEndDoesNotWaitLong) {
  caller.breaks();
  start({.name = "a"});
  close_when_it_ends();
  (void)session->say("We are closed today.");
  session->end();
  ASSERT_TRUE(run_until([&] { return report.has_value(); }, 20s)) << describe();
  EXPECT_LE(close_ended - close_began, PipelineSession::kDrainStall + 100ms);
}

// The deadline falls between two frames, and is so short that the margin is less than a frame.
TEST_F(Closing, DrainThatLastsUntilAnOddDeadline_TheSessionIsStillClosedInOrder) {
  start({.name = "a"});
  (void)session->say("This is a long sentence, and it goes on and on and on.");
  ASSERT_TRUE(wait_for(AgentState::speaking, 8s)) << describe();
  session->request_stop({StopCause::shutdown, {}}, Ending::graceful);
  std::optional<CloseReport> closed;
  ASSERT_TRUE(outside->spawn("closer", [](SimulatedCall& self, std::optional<CloseReport>& out) -> Task<void> {
    const auto deadline = self.loop.in(33ms);
    out = co_await self.session->close(deadline, deadline);
  }(*this, closed)));
  ASSERT_TRUE(run_until([&] { return closed.has_value(); }, 1s)) << describe();
  EXPECT_LE(closed->took, 33ms);
  EXPECT_EQ(events.count(events::kClose), 1u) << "the close was cut off before its end: " << to_string(*closed);
}

// A stream that is closed as the test says.
class OddStream final : public ProviderStream {
 public:
  using Close = std::function<Task<CloseReport>(Deadline)>;
  explicit OddStream(Close close) : close_(std::move(close)) {}
  void request_stop(StopReason) noexcept override {}
  Task<CloseReport> close(Deadline deadline) override { return close_(deadline); }
  void kill() noexcept override { killed = true; }
  bool killed = false;

 private:
  Close close_;
};

Task<CloseReport> in_its_time(Deadline deadline) {
  co_await sleep_until(deadline.at());
  CloseReport report;
  report.add({"socket", CloseOutcome::forced, {}, {}});
  co_return report;
}
Task<CloseReport> never(Deadline) {
  co_await sleep_for(Duration::max());
  co_return CloseReport{};
}
Task<CloseReport> throws(Deadline) {
  throw std::runtime_error("out of sockets");
  co_return CloseReport{};
}

class StreamClose : public ::testing::Test {
 protected:
  CloseReport close(OddStream& stream) {
    CloseReport report;
    EXPECT_TRUE(scope.spawn("close", [](Loop& l, OddStream& s, CloseReport& r) -> Task<void> {
      const auto began = l.now();
      r = co_await close_stream(s, l.in(100ms));
      r.took = l.now() - began;
    }(loop, stream, report)));
    EXPECT_TRUE(world.run_until([&] { return scope.tasks() == 0; }, 1s)) << world.describe();
    EXPECT_LE(report.took, 101ms);
    return report;
  }
  sim::World world{3};
  sim::SimLoop& loop{world.add_loop("test")};
  Scope scope{loop, "root"};
};

TEST_F(StreamClose, UsesUpItsTime_ItsOwnReportComesBack) {
  OddStream stream(in_its_time);
  EXPECT_EQ(close(stream).items.at(0).name, "socket");
  EXPECT_FALSE(stream.killed);
}

TEST_F(StreamClose, NeverReturns_IsKilledAtTheDeadline) {
  OddStream stream(never);
  EXPECT_EQ(close(stream).forced, 1u);
  EXPECT_TRUE(stream.killed);
}

TEST_F(StreamClose, Throws_IsKilled_AndTheReportSaysWhy) {
  OddStream stream(throws);
  EXPECT_EQ(close(stream).items.at(0).detail, "out of sockets");
  EXPECT_TRUE(stream.killed);
}

}  // namespace
}  // namespace parley
