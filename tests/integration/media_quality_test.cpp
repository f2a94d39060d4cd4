// What a bad network costs the recogniser: a real speaker's prompts through a real WebRTC connection over a relay that
// loses 5 % of the datagrams and delays each by up to 60 ms, against the same prompts as they are.
//
// 12 prompts, in full counts 40; PARLEY_SEED=n for other losses. It runs in real time: when this process itself was kept from
// running, it is the machine that was measured, and the run is skipped, whatever came out of it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <parley/async/within.hpp>

#include "async/real_loop.hpp"
#include "audio/resample.hpp"
#include "providers/moonshine/moonshine_model.hpp"
#include "rtc/webrtc_transport.hpp"
#include "support/counts.hpp"
#include "support/models.hpp"
#include "support/prompts.hpp"
#include "support/udp_relay.hpp"
#include "support/word_error_rate.hpp"

namespace parley {
namespace {

constexpr std::size_t kLines = 4;         // calls at a time, each with its share of the prompts
constexpr Duration kGap = 700ms;          // between prompts: longer than the path delays
constexpr Duration kPathDelay = 500ms;    // after the end of a prompt, still its own
constexpr double kMostAdded = 0.05;       // of the word error rate
constexpr Duration kLateTick = 30ms;      // a tick later than that is the machine's doing, not the network's
constexpr double kMostLateTicks = 0.005;

struct Spoken {
  test::Prompt prompt;
  std::vector<std::int16_t> said;   // 48 kHz
  std::vector<std::int16_t> heard;  // 48 kHz, through the network
};

struct Ticks {
  std::size_t all = 0;
  std::size_t late = 0;
};

std::vector<Spoken> load_prompts() {
  std::vector<Spoken> spoken;
  const auto prompts = test::sentence_prompts(test::count_of<std::size_t>(12, 40));
  EXPECT_TRUE(prompts) << prompts.error().message();
  if (!prompts) return spoken;
  for (const auto& prompt : *prompts) {
    const auto samples = test::decode_audio(prompt.path, kTransportRate);
    EXPECT_TRUE(samples) << samples.error().message();
    Spoken one{prompt, std::vector<std::int16_t>(samples->size()), {}};
    to_s16(*samples, one.said);
    spoken.push_back(std::move(one));
  }
  return spoken;
}

std::string recognised(const MoonshineModel& model, Samples at_48k) {
  const auto at_16k = resample(at_48k, kTransportRate, kSpeechRate).value();
  std::vector<float> samples(at_16k.size());
  to_float(at_16k, samples);
  return model.transcribe(samples).value_or("");
}

// The answer with the relay's port in the place of the agent's.
std::string through(std::string answer, std::uint16_t agent_port, std::uint16_t relay_port) {
  for (const auto* format : {" {} typ", "m=audio {} "}) {
    const auto from = fmt::format(fmt::runtime(format), agent_port);
    if (const auto at = answer.find(from); at != std::string::npos) {
      answer.replace(at, from.size(), fmt::format(fmt::runtime(format), relay_port));
    }
  }
  return answer;
}

class Line {
 public:
  Line(Scope& scope, rtc::Engine& engine, Ticks& ticks)
      : loop_(scope.loop()), ticks_(ticks), agent_(scope, engine, settings()), caller_(scope, engine, settings()) {}

  Task<bool> connect(test::RelayRules rules) {
    auto offer = co_await caller_.offer(loop_.in(10s));
    auto answer = co_await agent_.answer(offer.value_or(""), loop_.in(10s));
    if (!answer) co_return false;
    const auto port = rtc::read_answer(*answer)->transport.candidates.at(0).port;
    relay_ = std::make_unique<test::UdpRelay>(port, rules);
    if (!co_await caller_.accept(through(*answer, port, relay_->port()), loop_.in(10s))) co_return false;
    const auto until = loop_.in(10s);
    while (!caller_.can_deliver() || !agent_.can_deliver()) {
      if (until.passed(loop_.now())) co_return false;
      co_await sleep_for(5ms);
    }
    co_return true;
  }

  // Says every prompt in real time and cuts what comes out at the other end.
  Task<void> speak(std::vector<Spoken*> prompts) {
    tick_ = loop_.now();
    for (auto* prompt : prompts) {
      for (std::size_t at = 0; at < prompt->said.size(); at += kTransportFrameSamples) co_await tick(prompt, at);
      for (Duration passed{}; passed < kGap; passed += kFrameDuration) {
        co_await tick(passed < kPathDelay ? prompt : nullptr, passed < kPathDelay ? prompt->said.size() : 0);
      }
    }
  }

  rtc::LegStats at_agent() const { return agent_.stats(); }

  Task<void> close() {
    co_await caller_.close(loop_.in(3s));
    co_await agent_.close(loop_.in(3s));
  }

 private:
  static rtc::WebRtcSettings settings() { return {.connection = {.bind_address = "127.0.0.1"}}; }

  Task<void> tick(Spoken* prompt, std::size_t at) {
    AudioFrame frame{std::vector<std::int16_t>(kTransportFrameSamples)};
    if (prompt && at < prompt->said.size()) {
      const auto rest = Samples(prompt->said).subspan(at);
      std::ranges::copy(rest.first(std::min(rest.size(), kTransportFrameSamples)), frame.samples.begin());
    }
    caller_.send(frame, tick_);
    auto heard = agent_.receive(tick_);
    if (!heard) heard.emplace(AudioFrame{std::vector<std::int16_t>(kTransportFrameSamples)});
    if (prompt) prompt->heard.insert(prompt->heard.end(), heard->samples.begin(), heard->samples.end());
    tick_ += kFrameDuration;
    co_await sleep_until(tick_);
    ++ticks_.all;
    if (loop_.now() - tick_ > kLateTick) ++ticks_.late;
  }

  Loop& loop_;
  Ticks& ticks_;
  std::unique_ptr<test::UdpRelay> relay_;
  rtc::WebRtcTransport agent_;
  rtc::WebRtcTransport caller_;
  TimePoint tick_{};
};

Task<void> one_line(RealLoop& loop, rtc::Engine& engine, Scope& scope, std::vector<Spoken*> share, std::uint64_t seed,
                    std::vector<rtc::LegStats>& stats, Ticks& ticks) {
  Line line(scope, engine, ticks);
  const bool connected = co_await line.connect({.seed = seed, .loss = 0.05, .delay = 10ms, .jitter = 60ms});
  EXPECT_TRUE(connected);
  if (!connected) co_return;
  co_await sleep_until(loop.now() + 100ms);
  co_await line.speak(std::move(share));
  stats.push_back(line.at_agent());
  co_await line.close();
}

Task<void> all_lines(RealLoop& loop, rtc::Engine& engine, Scope& scope, std::vector<Spoken>& spoken,
                     std::vector<rtc::LegStats>& stats, Ticks& ticks) {
  const auto seed = test::seed_of(100);
  {
    Scope lines(scope, "lines");
    for (std::size_t i = 0; i < kLines; ++i) {
      std::vector<Spoken*> share;
      for (std::size_t n = i; n < spoken.size(); n += kLines) share.push_back(&spoken[n]);
      EXPECT_TRUE(lines.spawn("line", one_line(loop, engine, scope, std::move(share), seed + 2 * i, stats, ticks)));
    }
    EXPECT_TRUE(co_await lines.wait_idle(loop.in(5min)));
  }
  co_await engine.close(loop.in(5s));
  loop.stop();
}

TEST(MediaQuality, FivePercentLossAndSixtyMillisecondsOfJitter_CostTheRecogniserAtMostFivePoints) {
  auto spoken = load_prompts();
  ASSERT_FALSE(spoken.empty());
  std::vector<rtc::LegStats> stats;
  Ticks ticks;
  {
    RealLoop loop("quality");
    rtc::Engine engine;
    Scope scope(loop, "root");
    ASSERT_TRUE(scope.spawn("lines", all_lines(loop, engine, scope, spoken, stats, ticks)));
    loop.run();
  }
  const auto model = MoonshineModel::load(test::model_path("moonshine-tiny-en"));
  ASSERT_TRUE(model) << model.error().message();
  test::WordErrors clean, relayed;
  for (const auto& one : spoken) {
    const auto as_said = recognised(*model, one.said);
    const auto as_heard = recognised(*model, one.heard);
    clean += test::word_errors(one.prompt.text, as_said);
    const auto errors = test::word_errors(one.prompt.text, as_heard);
    relayed += errors;
    if (errors.total() > 0) fmt::print("{}\n  said:  {}\n  heard: {}\n", one.prompt.name, one.prompt.text, as_heard);
  }
  std::uint64_t received = 0, lost = 0, fec = 0, late = 0;
  for (const auto& line : stats) {
    received += line.received.jitter.received;
    lost += line.received.jitter.lost;
    fec += line.received.jitter.fec;
    late += line.received.jitter.late;
  }
  fmt::print("figure: {} prompts, {} words: word error rate {:.1f} % clean, {:.1f} % through the relay\n", spoken.size(), clean.words,
             100 * clean.rate(), 100 * relayed.rate());
  fmt::print("figure: {} packets received, {} missing at their turn, {} of them restored from redundancy, {} late\n", received, lost, fec, late);
  fmt::print("figure: {} of {} ticks were late\n", ticks.late, ticks.all);
  EXPECT_GT(fec, 0u);
  if (static_cast<double>(ticks.late) > kMostLateTicks * static_cast<double>(ticks.all)) {
    GTEST_SKIP() << "this machine was too busy to measure in real time: " << ticks.late << " of " << ticks.all << " ticks were late";
  }
  EXPECT_LE(relayed.rate(), clean.rate() + kMostAdded);
}

}  // namespace
}  // namespace parley
