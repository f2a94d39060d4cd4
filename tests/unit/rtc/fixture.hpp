// A real loop with an engine, two ends of a call on loopback, and sound to send between them.
#pragma once

#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <parley/async/within.hpp>

#include "async/real_loop.hpp"
#include "audio/samples.hpp"
#include "rtc/webrtc_transport.hpp"

namespace parley::rtc {

constexpr Duration kTestLimit = 20s;

// Answers: a job's end. Offers: a caller's.
struct Ends {
  std::unique_ptr<WebRtcTransport> agent;
  std::unique_ptr<WebRtcTransport> caller;
};

inline AudioFrame tone(double hertz, std::size_t frame_number, double amplitude = 8'000) {
  AudioFrame frame{std::vector<std::int16_t>(kTransportFrameSamples), kTransportRate};
  for (std::size_t i = 0; i < frame.samples.size(); ++i) {
    const auto t = static_cast<double>(frame_number * kTransportFrameSamples + i) / kTransportRate;
    frame.samples[i] = static_cast<std::int16_t>(amplitude * std::sin(2 * std::numbers::pi * hertz * t));
  }
  return frame;
}

inline AudioFrame silence() { return {std::vector<std::int16_t>(kTransportFrameSamples), kTransportRate}; }

// How much of the sound's power is at `hertz` (Goertzel), 0 to 1.
inline double share_at(double hertz, Samples samples) {
  const double w = 2 * std::numbers::pi * hertz / kTransportRate;
  double s1 = 0, s2 = 0, power = 0;
  for (const auto sample : samples) {
    const double s = sample + 2 * std::cos(w) * s1 - s2;
    s2 = s1;
    s1 = s;
    power += static_cast<double>(sample) * sample;
  }
  if (power == 0) return 0;
  const double found = s1 * s1 + s2 * s2 - 2 * std::cos(w) * s1 * s2;
  return 2 * found / (power * static_cast<double>(samples.size()));
}

class OnLoopback : public ::testing::Test {
 public:
  OnLoopback() : loop("test"), engine(std::make_unique<Engine>()), scope(std::in_place, loop, "root") {}

  // The law of endings, in every test: no native object is left, nothing was abandoned, no task is left.
  void TearDown() override {
    run([](OnLoopback& self) -> Task<void> {
      const auto report = co_await self.scope->close(self.loop.in(5s));
      EXPECT_EQ(report.abandoned, 0u) << to_string(report);
    }(*this), /*in_scope=*/false);
    scope.reset();
    run([](OnLoopback& self) -> Task<void> {
      const auto report = co_await self.engine->close(self.loop.in(5s));
      EXPECT_TRUE(report.clean()) << to_string(report);
    }(*this), false);
    EXPECT_EQ(engine->counts().abandoned, 0u);
    engine.reset();
    EXPECT_EQ(loop.counters().tasks, 0);
  }

  // Runs a test's body as a task to its end.
  void run(Task<void> body, bool in_scope = true) {
    std::optional<Scope> own;
    if (!in_scope) own.emplace(loop, "driver");
    auto& home = in_scope ? *scope : *own;
    ASSERT_TRUE(home.spawn("body", drive(*this, std::move(body))));
    loop.run();
  }

  static Task<void> drive(OnLoopback& self, Task<void> body) {
    const auto ended = co_await within(self.loop.in(kTestLimit), std::move(body));
    EXPECT_TRUE(ended) << "the test did not end in time";
    self.loop.stop();
  }

  WebRtcSettings settings() const {
    WebRtcSettings s;
    s.connection.bind_address = "127.0.0.1";
    return s;
  }

  std::unique_ptr<WebRtcTransport> make_transport(const WebRtcSettings& s) {
    return std::make_unique<WebRtcTransport>(*scope, *engine, s);
  }

  // Until `transport` says `type`; events before it are skipped.
  static Task<std::optional<TransportEvent>> wait_for(Loop& loop, WebRtcTransport& transport, TransportEvent::Type type) {
    const auto until = loop.in(15s);
    for (;;) {
      auto event = co_await transport.events().pop(until);
      if (!event) co_return std::nullopt;
      if (event->type == type) co_return std::move(*event);
    }
  }

  static Task<void> signal(OnLoopback& self, WebRtcTransport& caller, WebRtcTransport& agent) {
    auto offer = co_await caller.offer(self.loop.in(5s));
    EXPECT_TRUE(offer) << (offer ? "" : offer.error().message());
    if (!offer) co_return;
    auto answer = co_await agent.answer(*offer, self.loop.in(5s));
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message());
    if (!answer) co_return;
    auto accepted = co_await caller.accept(*answer, self.loop.in(5s));
    EXPECT_TRUE(accepted) << (accepted ? "" : accepted.error().message());
  }

  static Task<Ends> connect(OnLoopback& self, WebRtcSettings for_agent, WebRtcSettings for_caller) {
    Ends ends{self.make_transport(for_agent), self.make_transport(for_caller)};
    co_await signal(self, *ends.caller, *ends.agent);
    const bool both = (co_await wait_for(self.loop, *ends.agent, TransportEvent::Type::connected)).has_value() &&
                      (co_await wait_for(self.loop, *ends.caller, TransportEvent::Type::connected)).has_value();
    EXPECT_TRUE(both) << "not connected";
    co_return ends;
  }

  // Sends `make(n)` from one end for `frames` ticks and returns what the other end heard in them.
  template <class Make>
  static Task<std::vector<std::int16_t>> listen(Loop& loop, WebRtcTransport& from, WebRtcTransport& to, std::size_t frames,
                                                Make make) {
    std::vector<std::int16_t> heard;
    auto tick = loop.now();
    for (std::size_t n = 0; n < frames; ++n) {
      from.send(make(n), loop.now());
      if (const auto frame = to.receive(tick)) heard.insert(heard.end(), frame->samples.begin(), frame->samples.end());
      tick += kFrameDuration;
      co_await sleep_until(tick);
    }
    co_return heard;
  }

  RealLoop loop;
  std::unique_ptr<Engine> engine;
  std::optional<Scope> scope;
};

}  // namespace parley::rtc
