// What a connection costs: time to connect, memory, processor time with Opus both ways, time to close. Printed for
// docs/figures.md; the bounds here only catch what has gone badly wrong.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <numbers>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <parley/async/within.hpp>

#include "async/real_loop.hpp"
#include "rtc/webrtc_transport.hpp"

namespace parley::rtc {
namespace {

constexpr std::size_t kPairs = 20;  // 40 connections in this process

double private_megabytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  std::string word;
  double kilobytes = 0;
  while (file >> word) {
    if (word != "Private_Dirty:") continue;
    file >> kilobytes;
    break;
  }
  return kilobytes / 1024;
}

Duration processor_time() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return std::chrono::seconds(t.tv_sec) + Duration(t.tv_nsec);
}

AudioFrame voice(std::size_t n) {  // something that Opus takes for speech: a buzz with a moving formant
  AudioFrame frame{std::vector<std::int16_t>(kTransportFrameSamples)};
  for (std::size_t i = 0; i < frame.samples.size(); ++i) {
    const auto t = static_cast<double>(n * kTransportFrameSamples + i) / kTransportRate;
    const auto buzz = std::fmod(t * 120, 1.0) - 0.5;
    frame.samples[i] = static_cast<std::int16_t>(9000 * buzz * std::sin(2 * std::numbers::pi * (500 + 200 * std::sin(3 * t)) * t));
  }
  return frame;
}

WebRtcSettings settings() { return {.connection = {.bind_address = "127.0.0.1"}}; }

struct Pair {
  Pair(Scope& scope, Engine& engine) : agent(scope, engine, settings()), caller(scope, engine, settings()) {}
  WebRtcTransport agent;
  WebRtcTransport caller;
};

Task<Duration> connect(Loop& loop, Pair& pair) {
  const auto began = loop.now();
  auto offer = co_await pair.caller.offer(loop.in(10s));
  auto answer = co_await pair.agent.answer(offer.value_or(""), loop.in(10s));
  EXPECT_TRUE(co_await pair.caller.accept(answer.value_or(""), loop.in(10s)));
  while (!pair.agent.can_deliver() || !pair.caller.can_deliver()) co_await sleep_for(1ms);
  co_return loop.now() - began;
}

Task<void> talk(Loop& loop, std::vector<std::unique_ptr<Pair>>& pairs, Duration length) {
  auto tick = loop.now();
  for (std::size_t n = 0; n * kFrameDuration < length; ++n) {
    const auto frame = voice(n);
    for (auto& pair : pairs) {
      pair->caller.send(frame, tick);
      pair->agent.send(frame, tick);
      (void)pair->caller.receive(tick);
      (void)pair->agent.receive(tick);
    }
    tick += kFrameDuration;
    co_await sleep_until(tick);
  }
}

Task<void> measure(RealLoop& loop, Engine& engine, Scope& scope) {
  std::vector<std::unique_ptr<Pair>> pairs;
  pairs.push_back(std::make_unique<Pair>(scope, engine));  // the first one starts the library's threads
  co_await connect(loop, *pairs.back());
  const auto memory_before = private_megabytes();
  std::vector<double> connects;
  while (pairs.size() < kPairs) {
    pairs.push_back(std::make_unique<Pair>(scope, engine));
    connects.push_back(to_ms(co_await connect(loop, *pairs.back())));
  }
  std::ranges::sort(connects);
  const auto connections = 2.0 * static_cast<double>(kPairs);
  co_await talk(loop, pairs, 1s);
  const auto memory = (private_megabytes() - memory_before) / (connections - 2);
  const auto busy_before = processor_time();
  co_await talk(loop, pairs, 5s);
  const auto share = 100 * to_seconds(processor_time() - busy_before) / 5.0 / connections;
  const auto closing = loop.now();
  for (auto& pair : pairs) {
    EXPECT_TRUE((co_await pair->caller.close(loop.in(5s))).clean());
    EXPECT_TRUE((co_await pair->agent.close(loop.in(5s))).clean());
  }
  const auto closed = to_ms(loop.now() - closing);
  fmt::print("figure: {} connections in one process, one after the other connected in {:.0f} ms (median), {:.0f} ms (slowest)\n", connections,
             connects[connects.size() / 2], connects.back());
  fmt::print("figure: {:.2f} MB private and {:.2f} % of a core each, Opus both ways; all closed in {:.0f} ms, one after the other\n", memory, share,
             closed);
  EXPECT_LT(connects[connects.size() / 2], 1000);
  EXPECT_LT(memory, 2.0);
  EXPECT_LT(share, 10.0);
  EXPECT_LT(closed, 5000);
}

TEST(MediaFigures, ConnectMemoryProcessorAndClose) {
  RealLoop loop("figures");
  Engine engine;
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("measure", [](RealLoop& l, Engine& e, Scope& s) -> Task<void> {
    EXPECT_TRUE(co_await within(l.in(90s), measure(l, e, s)));
    EXPECT_TRUE((co_await e.close(l.in(5s))).clean());
    l.stop();
  }(loop, engine, scope)));
  loop.run();
}

}  // namespace
}  // namespace parley::rtc
