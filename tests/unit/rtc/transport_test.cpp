#include <array>

#include "fixture.hpp"

namespace parley::rtc {
namespace {

using Type = TransportEvent::Type;

TEST_F(OnLoopback, TwoEndsConnect_ToneIsHeardBothWays) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    auto ends = co_await connect(self, s, s);
    const auto at_agent =
        co_await listen(self.loop, *ends.caller, *ends.agent, 75, [](std::size_t n) { return tone(440, n); });
    const auto at_caller =
        co_await listen(self.loop, *ends.agent, *ends.caller, 75, [](std::size_t n) { return tone(1000, n); });
    constexpr std::size_t kSecond = kTransportRate;
    EXPECT_GT(at_agent.size(), kSecond);
    EXPECT_GT(at_caller.size(), kSecond);
    if (at_agent.size() <= kSecond || at_caller.size() <= kSecond) co_return;
    const auto last_half = [](const auto& v) { return Samples(v).last(kTransportRate / 2); };
    EXPECT_GT(share_at(440, last_half(at_agent)), 0.95);
    EXPECT_GT(share_at(1000, last_half(at_caller)), 0.95);
    EXPECT_LT(share_at(1000, last_half(at_agent)), 0.01);
    EXPECT_NEAR(level_dbov(last_half(at_agent)), level_dbov(tone(440, 0).samples), 1.5F);
    EXPECT_TRUE(co_await wait_for(self.loop, *ends.agent, Type::caller_joined));
    EXPECT_LT(ends.agent->connect_time(), 3s);
  }(*this, settings()));
}

TEST_F(OnLoopback, SilenceIsNotSent_AndTheTimestampGoesOn) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    auto ends = co_await connect(self, s, s);
    co_await listen(self.loop, *ends.caller, *ends.agent, 30, [](std::size_t n) { return tone(440, n); });
    const auto before = ends.caller->stats().sent.packets;
    co_await listen(self.loop, *ends.caller, *ends.agent, 50, [](std::size_t) { return silence(); });
    const auto hangover = static_cast<std::uint64_t>(AudioSender::kHangover / kFrameDuration);
    EXPECT_LE(ends.caller->stats().sent.packets - before, hangover + 1);
    // After the pause the tone is whole again at once: no burst of concealment, nothing late.
    const auto heard = co_await listen(self.loop, *ends.caller, *ends.agent, 50, [](std::size_t n) { return tone(440, n); });
    EXPECT_GT(share_at(440, Samples(heard).last(kTransportRate / 4)), 0.95);
    EXPECT_EQ(ends.agent->stats().received.jitter.lost, 0u);
  }(*this, settings()));
}

TEST_F(OnLoopback, ReportsTravelBothWays_EachEndKnowsLossAndRoundTrip) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    auto ends = co_await connect(self, s, s);
    const auto until = self.loop.in(12s);
    while (!ends.agent->stats().round_trip || !ends.caller->stats().remote_loss) {
      if (until.passed(self.loop.now())) break;
      co_await listen(self.loop, *ends.agent, *ends.caller, 10, [](std::size_t n) { return tone(300, n); });
      co_await listen(self.loop, *ends.caller, *ends.agent, 10, [](std::size_t n) { return tone(300, n); });
    }
    EXPECT_TRUE(ends.agent->stats().round_trip);
    EXPECT_TRUE(ends.caller->stats().remote_loss);
    EXPECT_LT(ends.agent->stats().round_trip.value_or(1s), 200ms);
  }(*this, settings()));
}

TEST_F(OnLoopback, CallerClosesItsConnection_InterruptedAndThenGone) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    s.rejoin_window = 100ms;
    auto ends = co_await connect(self, s, s);
    const auto closed_at = self.loop.now();
    const auto report = co_await ends.caller->close(self.loop.in(5s));
    EXPECT_TRUE(report.clean()) << to_string(report);
    EXPECT_TRUE(co_await wait_for(self.loop, *ends.agent, Type::interrupted));
    EXPECT_FALSE(ends.agent->can_deliver());
    const auto left = co_await wait_for(self.loop, *ends.agent, Type::caller_left);
    EXPECT_TRUE(left);
    if (left) EXPECT_EQ(left->reason.cause, StopCause::caller_hung_up) << left->reason.detail;
    EXPECT_LT(self.loop.now() - closed_at, 3s);
  }(*this, settings()));
}

TEST_F(OnLoopback, CallerReloadsThePage_SameCallGoesOnWithTheNewConnection) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    s.rejoin_window = 10s;
    auto ends = co_await connect(self, s, s);
    co_await ends.caller->close(self.loop.in(5s));
    EXPECT_TRUE(co_await wait_for(self.loop, *ends.agent, Type::interrupted));
    const auto reloaded = self.make_transport(s);
    co_await signal(self, *reloaded, *ends.agent);
    EXPECT_TRUE(co_await wait_for(self.loop, *ends.agent, Type::connected));
    const auto heard = co_await listen(self.loop, *reloaded, *ends.agent, 50, [](std::size_t n) { return tone(440, n); });
    EXPECT_GT(share_at(440, Samples(heard).last(kTransportRate / 4)), 0.9);
    EXPECT_TRUE(ends.agent->events().empty() || ends.agent->events().try_pop()->type != Type::caller_left);
  }(*this, settings()));
}

TEST_F(OnLoopback, CallerChangesTheNetwork_OldConnectionCarriesAudioUntilTheNewOneDoes) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    auto ends = co_await connect(self, s, s);
    const auto second = self.make_transport(s);
    auto offer = co_await second->offer(self.loop.in(5s));
    EXPECT_TRUE(offer);
    auto answer = co_await ends.agent->answer(offer.value_or(""), self.loop.in(5s));
    EXPECT_TRUE(answer);
    EXPECT_TRUE(ends.agent->can_deliver()) << "the old connection is still there";
    EXPECT_TRUE(co_await second->accept(answer.value_or(""), self.loop.in(5s)));
    EXPECT_TRUE(co_await wait_for(self.loop, *ends.agent, Type::connected));
    EXPECT_TRUE(co_await wait_for(self.loop, *ends.caller, Type::interrupted)) << "the old one is said goodbye to";
    const auto heard = co_await listen(self.loop, *ends.agent, *second, 50, [](std::size_t n) { return tone(440, n); });
    EXPECT_GT(heard.size(), kTransportRate / 2u);
  }(*this, settings()));
}

TEST_F(OnLoopback, OfferThatNeverConnects_CallerHasVanished) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    s.vanished_after = 300ms;
    const auto agent = self.make_transport(s);
    const auto caller = self.make_transport(s);
    auto offer = co_await caller->offer(self.loop.in(5s));
    EXPECT_TRUE(co_await agent->answer(offer.value_or(""), self.loop.in(5s)));
    const auto left = co_await wait_for(self.loop, *agent, Type::caller_left);
    EXPECT_TRUE(left);
    if (left) EXPECT_EQ(left->reason.cause, StopCause::caller_vanished);
    EXPECT_FALSE(agent->can_deliver());
    EXPECT_FALSE(co_await agent->answer(offer.value_or(""), self.loop.in(5s))) << "the call is over";
  }(*this, settings()));
}

TEST_F(OnLoopback, CallerNeverSendsAudio_ConnectedButNeverJoined) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    auto ends = co_await connect(self, s, s);
    co_await listen(self.loop, *ends.agent, *ends.caller, 75, [](std::size_t n) { return tone(440, n); });
    EXPECT_TRUE(ends.agent->events().empty()) << "nothing but connected was said";
    EXPECT_EQ(ends.agent->stats().received.jitter.received, 0u);
    EXPECT_FALSE(ends.agent->receive(self.loop.now()));
    EXPECT_GT(ends.agent->last_heard(), self.loop.now() - 2s) << "its reports are heard";
  }(*this, settings()));
}

TEST_F(OnLoopback, CallerSendsAnotherCodec_NothingIsHeardAndItIsTold) {
  class Lines final : public LogSink {
   public:
    void write(const LogLine& line) noexcept override { text += std::string(line.message) + "\n"; }
    std::string text;
  };
  auto lines = std::make_shared<Lines>();
  run([](OnLoopback& self, WebRtcSettings s, std::shared_ptr<Lines> log) -> Task<void> {
    WebRtcTransport agent(*self.scope, *self.engine, s, Logger(log));
    PeerConnection caller(self.loop, *self.engine, s.connection);
    const auto local = co_await caller.offer(self.loop.in(5s));
    EXPECT_TRUE(local);
    auto answer = co_await agent.answer(write_offer(*local, {.ssrc = 7, .cname = "other"}, 1), self.loop.in(5s));
    EXPECT_TRUE(answer);
    EXPECT_TRUE(co_await caller.accept(*read_answer(answer.value_or("")), self.loop.in(5s)));
    EXPECT_TRUE(co_await wait_for(self.loop, agent, Type::connected));
    while (!caller.open()) (void)co_await caller.next(self.loop.in(1s));
    RtpPacketizer pcmu({.ssrc = 7, .payload_type = 0});
    const std::array<std::uint8_t, 160> payload{};
    const auto until = self.loop.in(10s);
    while (log->text.find("another codec") == std::string::npos && !until.passed(self.loop.now())) {
      caller.send(*pcmu.packet(payload, 160, {}));
      co_await sleep_for(2ms);
    }
    EXPECT_NE(log->text.find("another codec"), std::string::npos);
    EXPECT_TRUE(agent.events().empty());
    EXPECT_FALSE(agent.receive(self.loop.now()));
    co_await caller.close(self.loop.in(2s));
    co_await agent.close(self.loop.in(2s));
  }(*this, settings(), lines));
}

TEST_F(OnLoopback, HostileOffers_AreRefusedWithASentence_AndTheNextOneIsAnswered) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    const auto agent = self.make_transport(s);
    for (const auto& text : {std::string(), std::string("v=0"), std::string(1 << 20, 'a'), std::string("v=0\r\nm=audio")}) {
      const auto refused = co_await agent->answer(text, self.loop.in(1s));
      EXPECT_FALSE(refused);
      if (!refused) EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
    }
    const auto caller = self.make_transport(s);
    co_await signal(self, *caller, *agent);
    EXPECT_TRUE(co_await wait_for(self.loop, *agent, Type::connected));
  }(*this, settings()));
}

}  // namespace
}  // namespace parley::rtc
