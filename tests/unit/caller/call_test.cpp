#include "caller/call.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include <parley/async/within.hpp>

#include "async/real_loop.hpp"

namespace parley::caller {
namespace {

// An agent at the other end of a real connection: it greets, and answers when the caller has been silent for 300 ms.
class Agent final : public CallServer {
 public:
  Agent(Scope& parent, rtc::Engine& engine, bool hangs_up)
      : loop_(parent.loop()), hangs_up_(hangs_up), transport_(parent, engine, settings()), scope_(parent, "agent") {}

  static rtc::WebRtcSettings settings() { return {.connection = {.bind_address = "127.0.0.1"}, .rejoin_window = 0ms}; }

  Task<Result<std::string>> offer(std::string sdp, Deadline deadline) override {
    auto answer = co_await transport_.answer(std::move(sdp), deadline);
    if (answer) (void)scope_.spawn("talk", talk());
    co_return answer;
  }
  std::string call_id() const override { return "CA_test"; }
  Task<Result<ServerEvent>> next_event(Deadline deadline) override { co_return co_await events_.pop(deadline); }
  Task<Result<void>> hang_up(Deadline) override {
    hung_up = true;
    (void)events_.try_push({"close", {{"reason", "caller"}}});
    events_.close();
    co_return Result<void>{};
  }

  bool hung_up = false;
  int answers = 0;

 private:
  Task<void> talk() {
    int left = 30;  // frames of greeting
    AgentVoice caller;
    bool owed = false;
    for (auto tick = loop_.now();; tick += kFrameDuration) {
      co_await sleep_until(tick);
      const auto heard = transport_.receive(tick);
      caller.frame(heard ? Samples(heard->samples) : Samples{}, tick);
      if (caller.heard()) {
        owed = true;
        left = 0;  // interrupted
      } else if (owed && tick - caller.last_heard() > 300ms) {
        owed = false;
        left = 40;
        ++answers;
        (void)events_.try_push({"conversation_item_added", {{"item", {{"role", "assistant"}, {"content", {"yes"}}}}}});
      }
      AudioFrame frame{std::vector<std::int16_t>(kTransportFrameSamples)};
      if (left > 0) {
        for (std::size_t i = 0; i < frame.samples.size(); ++i) frame.samples[i] = i % 120 < 60 ? 6000 : -6000;
        if (--left == 0 && hangs_up_ && answers > 0) break;
      }
      transport_.send(frame, tick);
    }
    co_await sleep_for(100ms);
    transport_.kill();
  }

  Loop& loop_;
  bool hangs_up_;
  rtc::WebRtcTransport transport_;
  Channel<ServerEvent> events_{100};
  Scope scope_;
};

Turn spoken(std::string name, Duration length, std::optional<Duration> interrupt_at = {}) {
  Turn turn{std::move(name), std::vector<std::int16_t>(samples_in(length, kTransportRate)), interrupt_at};
  for (std::size_t i = 0; i < turn.samples.size(); ++i) turn.samples[i] = i % 96 < 48 ? 7000 : -7000;
  return turn;
}

Script script(std::vector<Turn> turns) {
  Script s;
  s.turns = std::move(turns);
  s.pause = 400ms;
  s.answer_within = 5s;
  return s;
}

class CallTest : public ::testing::Test {
 public:
  void run(Task<void> body) {
    ASSERT_TRUE(scope->spawn("body", [](CallTest& self, Task<void> task) -> Task<void> {
      EXPECT_TRUE(co_await within(self.loop.in(30s), std::move(task)));
      self.loop.stop();
    }(*this, std::move(body))));
    loop.run();
  }
  void TearDown() override {
    run([](CallTest& self) -> Task<void> { EXPECT_TRUE((co_await self.engine.close(self.loop.in(5s))).clean()); }(*this));
    scope.reset();
  }
  CallSettings settings() const { return {.connection = {.bind_address = "127.0.0.1"}}; }

  RealLoop loop{"test"};
  rtc::Engine engine;
  std::optional<Scope> scope{std::in_place, loop, "root"};
};

TEST_F(CallTest, TwoTurns_AnswersAreHeardRecordedAndMeasured) {
  const auto path = testing::TempDir() + "parley_call_test.wav";
  run([](CallTest& self, std::string wav) -> Task<void> {
    Agent agent(*self.scope, self.engine, false);
    Call call(*self.scope, self.engine, agent, self.settings());
    auto recording = WavWriter::create(wav, kTransportRate, 2);
    EXPECT_TRUE(recording);
    call.record_to(std::move(*recording));
    const auto report = co_await call.run(script({spoken("a", 500ms), spoken("b", 500ms)}));
    EXPECT_TRUE(report) << (report ? "" : report.error().message());
    if (!report) co_return;
    for (const auto& why : report->script.deviations) ADD_FAILURE() << why;
    EXPECT_TRUE(agent.hung_up);
    EXPECT_EQ(agent.answers, 2);
    EXPECT_TRUE(report->script.greeting_from);
    EXPECT_EQ(report->script.turns.size(), 2u);
    for (const auto& turn : report->script.turns) {
      EXPECT_TRUE(turn.answer_from);
      EXPECT_GT(turn.answer_from.value_or(0s) - turn.said_to, 300ms);
      EXPECT_LT(turn.answer_from.value_or(9s) - turn.said_to, 1500ms);
    }
    const auto json = timings(*report);
    EXPECT_TRUE(json.at("as_scripted").as_bool());
    EXPECT_EQ(transcript(*report).at("lines").as_array().size(), 2u);
    EXPECT_EQ(transcript(*report).at("lines").at(0).at("text"), "yes");
  }(*this, path));
  const auto wav = read_wav_file(path);
  ASSERT_TRUE(wav);
  EXPECT_EQ(wav->channels, 2);
  EXPECT_GT(wav->duration(), 2s);
  EXPECT_GT(level_dbov(wav->channel(0).samples), -30.0F);
  EXPECT_GT(level_dbov(wav->channel(1).samples), -30.0F);
  std::filesystem::remove(path);
}

TEST_F(CallTest, InterruptsTheGreeting_TheAgentFallsSilent) {
  run([](CallTest& self) -> Task<void> {
    Agent agent(*self.scope, self.engine, false);
    Call call(*self.scope, self.engine, agent, self.settings());
    const auto report = co_await call.run(script({spoken("stop", 600ms, 200ms)}));
    EXPECT_TRUE(report && report->as_scripted());
    if (!report) co_return;
    for (const auto& why : report->script.deviations) ADD_FAILURE() << why;
    EXPECT_TRUE(report->script.turns.at(0).interrupted_agent);
    EXPECT_LT(report->script.turns.at(0).agent_silent_after.value_or(9s), 600ms);
  }(*this));
}

TEST_F(CallTest, AgentHangsUp_TheCallEndsAsScripted) {
  run([](CallTest& self) -> Task<void> {
    Agent agent(*self.scope, self.engine, true);
    Call call(*self.scope, self.engine, agent, self.settings());
    auto with_end = script({spoken("bye", 400ms)});
    with_end.agent_hangs_up_within = 5s;
    const auto report = co_await call.run(with_end);
    EXPECT_TRUE(report && report->as_scripted());
    EXPECT_TRUE(report && report->script.agent_hung_up);
    EXPECT_FALSE(agent.hung_up) << "the agent was first";
    EXPECT_GT(report ? report->media.sent.packets : 0, 0u) << "the connection's figures outlive it";
  }(*this));
}

TEST_F(CallTest, StoppedInTheMiddle_HangsUpAndSaysSo) {
  run([](CallTest& self) -> Task<void> {
    Agent agent(*self.scope, self.engine, false);
    Call call(*self.scope, self.engine, agent, self.settings());
    call.on_moment([&call](const Moment& moment) {
      if (moment.what.starts_with("saying")) call.request_stop({StopCause::shutdown, {}});
    });
    const auto report = co_await call.run(script({spoken("long", 8s)}));
    EXPECT_TRUE(report && !report->as_scripted());
    EXPECT_TRUE(report && report->lasted < 6s);
    EXPECT_TRUE(agent.hung_up);
    EXPECT_TRUE((co_await call.close(self.loop.in(2s))).clean());
  }(*this));
}

// Takes the call, and is not to be reached when it is to end.
class Deaf final : public CallServer {
 public:
  explicit Deaf(Agent& agent) : agent_(agent) {}
  Task<Result<std::string>> offer(std::string sdp, Deadline deadline) override { return agent_.offer(std::move(sdp), deadline); }
  std::string call_id() const override { return agent_.call_id(); }
  Task<Result<ServerEvent>> next_event(Deadline deadline) override { return agent_.next_event(deadline); }
  Task<Result<void>> hang_up(Deadline deadline) override {
    co_await sleep_until(deadline.at());
    co_return fail(Errc::timeout, "the server does not answer");
  }

 private:
  Agent& agent_;
};

TEST_F(CallTest, ServerDoesNotAnswerTheGoodbye_TheConnectionStillEndsInItsTime) {
  run([](CallTest& self) -> Task<void> {
    Agent agent(*self.scope, self.engine, false);
    Deaf server(agent);
    Call call(*self.scope, self.engine, server, self.settings());
    Event saying;
    call.on_moment([&saying](const Moment& moment) {
      if (moment.what.starts_with("saying")) saying.set();
    });
    Scope calling(*self.scope, "calling");
    EXPECT_TRUE(calling.spawn("run", [](Call& c) -> Task<void> { (void)co_await c.run(script({spoken("long", 8s)})); }(call)));
    EXPECT_TRUE(co_await saying.wait(self.loop.in(10s)));
    calling.kill();
    const auto report = co_await call.close(self.loop.in(1s));
    EXPECT_LE(report.took, 1s);
    EXPECT_EQ(report.abandoned + report.forced, 0u) << "the connection had no time to end: " << to_string(report);
    EXPECT_EQ(report.failed, 1u) << to_string(report);
  }(*this));
}

class Refusing final : public CallServer {
 public:
  Task<Result<std::string>> offer(std::string, Deadline) override {
    co_return fail(Errc::overloaded, "the call was not taken: all slots are taken");
  }
  std::string call_id() const override { return {}; }
  Task<Result<ServerEvent>> next_event(Deadline) override { co_return fail(Errc::closing, "no call"); }
  Task<Result<void>> hang_up(Deadline) override { co_return Result<void>{}; }
};

TEST_F(CallTest, Refused_ThereIsNoCallAndTheReasonIsTold) {
  run([](CallTest& self) -> Task<void> {
    Refusing server;
    Call call(*self.scope, self.engine, server, self.settings());
    const auto report = co_await call.run(script({spoken("a", 400ms)}));
    EXPECT_FALSE(report);
    if (!report) EXPECT_EQ(report.error().code(), Errc::overloaded);
  }(*this));
}

TEST_F(CallTest, TenAtOnceInOneProcess_AllGoAsScripted) {
  run([](CallTest& self) -> Task<void> {
    constexpr int kCalls = 10;
    int good = 0;
    Scope calls(*self.scope, "calls");
    for (int i = 0; i < kCalls; ++i) {
      EXPECT_TRUE(calls.spawn("call", [](CallTest& t, int& count) -> Task<void> {
        Agent agent(*t.scope, t.engine, false);
        Call call(*t.scope, t.engine, agent, t.settings());
        const auto report = co_await call.run(script({spoken("a", 500ms)}));
        if (report && report->as_scripted()) ++count;
        if (report) {
          for (const auto& why : report->script.deviations) ADD_FAILURE() << why;
        }
      }(self, good)));
    }
    EXPECT_TRUE(co_await calls.wait_idle(self.loop.in(25s)));
    EXPECT_EQ(good, kCalls);
  }(*this));
}

}  // namespace
}  // namespace parley::caller
