// What a bad network does to a call: through the relay of tests/support.
#include <parley/audio/frame.hpp>

#include "fixture.hpp"
#include "support/udp_relay.hpp"

namespace parley::rtc {
namespace {

using Type = TransportEvent::Type;
using test::RelayRules;
using test::UdpRelay;

// The answer with `port` in the place of the agent's.
std::string through(const std::string& answer, std::uint16_t agent_port, std::uint16_t port) {
  auto text = answer;
  for (const auto& [from, to] : {std::pair{fmt::format(" {} typ", agent_port), fmt::format(" {} typ", port)},
                                 std::pair{fmt::format("m=audio {} ", agent_port), fmt::format("m=audio {} ", port)}}) {
    if (const auto at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
  }
  return text;
}

struct RelayedEnds : Ends {
  std::unique_ptr<UdpRelay> relay;
};

Task<RelayedEnds> connect_through(OnLoopback& self, WebRtcSettings s, RelayRules rules) {
  RelayedEnds ends{{self.make_transport(s), self.make_transport(s)}, nullptr};
  auto offer = co_await ends.caller->offer(self.loop.in(5s));
  auto answer = co_await ends.agent->answer(offer.value_or(""), self.loop.in(5s));
  EXPECT_TRUE(answer);
  const auto port = read_answer(*answer)->transport.candidates.at(0).port;
  ends.relay = std::make_unique<UdpRelay>(port, rules);
  EXPECT_TRUE(co_await ends.caller->accept(through(*answer, port, ends.relay->port()), self.loop.in(5s)));
  EXPECT_TRUE(co_await OnLoopback::wait_for(self.loop, *ends.agent, Type::connected));
  EXPECT_TRUE(co_await OnLoopback::wait_for(self.loop, *ends.caller, Type::connected));
  co_return ends;
}

TEST_F(OnLoopback, FivePercentLossAndSixtyMillisecondsOfJitter_ToneStaysWhole) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    auto ends = co_await connect_through(self, s, {.seed = 11, .loss = 0.05, .delay = 20ms, .jitter = 60ms});
    const auto heard =
        co_await OnLoopback::listen(self.loop, *ends.caller, *ends.agent, 300, [](std::size_t n) { return tone(440, n); });
    const auto stats = ends.agent->stats().received;
    EXPECT_GT(ends.relay->counts().lost, 5u);
    EXPECT_GT(ends.relay->counts().overtaken, 20u);
    EXPECT_GT(stats.jitter.concealed, 0u);
    EXPECT_LT(stats.jitter.late, 10u);
    // Share of the tone in each half second once the buffer has settled: concealment keeps it sounding.
    constexpr std::size_t kHalf = kTransportRate / 2;
    EXPECT_GT(heard.size(), 8 * kHalf);
    for (std::size_t at = 4 * kHalf; at + kHalf <= heard.size(); at += kHalf) {
      EXPECT_GT(share_at(440, Samples(heard).subspan(at, kHalf)), 0.5) << "at sample " << at;
    }
  }(*this, settings()));
}

TEST_F(OnLoopback, DatagramsDoubledAndOvertaking_NothingIsLostOrHeardTwice) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    auto ends = co_await connect_through(self, s, {.seed = 3, .jitter = 30ms, .duplication = 0.3});
    co_await OnLoopback::listen(self.loop, *ends.caller, *ends.agent, 150, [](std::size_t n) { return tone(440, n); });
    EXPECT_GT(ends.relay->counts().doubled, 10u);
    // SRTP drops the second of two equal packets before we see it.
    EXPECT_EQ(ends.agent->stats().received.jitter.duplicate, 0u);
    EXPECT_LE(ends.agent->stats().received.jitter.received, ends.caller->stats().sent.packets);
  }(*this, settings()));
}

TEST_F(OnLoopback, NetworkGoneForAMoment_CallGoesOn) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    s.vanished_after = 4s;
    auto ends = co_await connect_through(self, s, {});
    co_await OnLoopback::listen(self.loop, *ends.caller, *ends.agent, 25, [](std::size_t n) { return tone(440, n); });
    ends.relay->set_blackout(true);
    co_await OnLoopback::listen(self.loop, *ends.caller, *ends.agent, 50, [](std::size_t n) { return tone(440, n); });
    ends.relay->set_blackout(false);
    const auto heard =
        co_await OnLoopback::listen(self.loop, *ends.caller, *ends.agent, 75, [](std::size_t n) { return tone(440, n); });
    EXPECT_GT(share_at(440, Samples(heard).last(kTransportRate / 4)), 0.9);
    while (const auto event = ends.agent->events().try_pop()) EXPECT_EQ(event->type, Type::caller_joined);
  }(*this, settings()));
}

TEST_F(OnLoopback, CallerVanishesWithoutGoodbye_NoticedInTime) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    s.vanished_after = 1500ms;
    auto ends = co_await connect_through(self, s, {});
    co_await OnLoopback::listen(self.loop, *ends.caller, *ends.agent, 25, [](std::size_t n) { return tone(440, n); });
    ends.relay->set_blackout(true);
    const auto gone_at = self.loop.now();
    EXPECT_TRUE(co_await OnLoopback::wait_for(self.loop, *ends.agent, Type::interrupted));
    const auto left = co_await OnLoopback::wait_for(self.loop, *ends.agent, Type::caller_left);
    EXPECT_TRUE(left);
    if (left) EXPECT_EQ(left->reason.cause, StopCause::caller_vanished) << left->reason.detail;
    EXPECT_GE(self.loop.now() - gone_at, 1s);
    EXPECT_LT(self.loop.now() - gone_at, 4s);
  }(*this, settings()));
}

// On hold: no RTP, no RTCP. The checks of ICE (every 4 to 6 s) are all there is.
TEST_F(OnLoopback, CallerSilentOnRtpAndRtcp_IsStillThereByIce) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    s.vanished_after = 7s;
    const auto agent = self.make_transport(s);
    PeerConnection caller(self.loop, *self.engine, s.connection);
    const auto local = co_await caller.offer(self.loop.in(5s));
    EXPECT_TRUE(local);
    auto answer = co_await agent->answer(write_offer(*local, {.ssrc = 7, .cname = "hold"}, 1), self.loop.in(5s));
    EXPECT_TRUE(co_await caller.accept(*read_answer(answer.value_or("")), self.loop.in(5s)));
    EXPECT_TRUE(co_await OnLoopback::wait_for(self.loop, *agent, Type::connected));
    const auto event = co_await agent->events().pop(self.loop.in(9s));
    EXPECT_FALSE(event) << "nothing was to happen";
    EXPECT_TRUE(agent->can_deliver());
    co_await caller.close(self.loop.in(2s));
  }(*this, settings()));
}

}  // namespace
}  // namespace parley::rtc
