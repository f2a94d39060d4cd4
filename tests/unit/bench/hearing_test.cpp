// What is worked out of the packets of a call: when the agent was heard, how a turn went, which frames were late.
#include "bench/hearing.hpp"

#include <gtest/gtest.h>

#include <parley/audio/frame.hpp>

#include "audio/sender.hpp"
#include "bench/speech.hpp"

namespace parley::bench {
namespace {

TimePoint at(Duration d) { return TimePoint(1000s) + d; }

// An agent's voice: loud from one moment to another, with the sender's hangover of quiet frames behind it.
void speak(std::vector<Heard>& heard, Duration from, Duration to) {
  const auto clock = [](Duration t) {
    return static_cast<std::uint32_t>(t / kFrameDuration) * 960U - 48'000U;
  };  // wraps
  for (auto t = from; t < to; t += kFrameDuration)
    heard.push_back({.at = at(t), .level = -20, .quiet = false, .timestamp = clock(t)});
  for (auto t = to; t < to + AudioSender::kHangover; t += kFrameDuration)
    heard.push_back({.at = at(t), .level = -100, .quiet = true, .timestamp = clock(t)});
}

Said said(Duration first, Duration last, bool interrupts = false) { return {at(first), at(last), interrupts}; }

TEST(BenchHearing, AnswerIsMeasuredFromTheLastVoicedFrameToTheFirstLoudPacket) {
  std::vector<Heard> heard;
  speak(heard, 0s, 2s);
  speak(heard, 6s, 8s);
  const auto turn = measure_turn(heard, said(3s, 5s), at(20s));
  ASSERT_TRUE(turn.answer);
  EXPECT_EQ(*turn.answer, 1s);
  EXPECT_FALSE(turn.stop);
  EXPECT_FALSE(turn.unclear);
}

TEST(BenchHearing, AnswerThatComesAfterTheCallersNextWords_IsNotThisTurns) {
  std::vector<Heard> heard;
  speak(heard, 9s, 10s);
  EXPECT_FALSE(measure_turn(heard, said(3s, 5s), at(8s)).answer);
}

TEST(BenchHearing, InterruptedAgentStopsAtItsLastLoudPacketAndItsAnswerIsMeasuredToo) {
  std::vector<Heard> heard;
  speak(heard, 0s, 3500ms);
  speak(heard, 6s, 7s);
  const auto turn = measure_turn(heard, said(3s, 5s, true), at(20s));
  ASSERT_TRUE(turn.stop);
  EXPECT_EQ(*turn.stop, 500ms - kFrameDuration);
  ASSERT_TRUE(turn.answer);
  EXPECT_EQ(*turn.answer, 1s);
}

TEST(BenchHearing, AgentThatSpeaksOnThroughAnInterruption_IsSaidSoAndNotMeasured) {
  std::vector<Heard> heard;
  speak(heard, 0s, 9s);
  const auto turn = measure_turn(heard, said(3s, 5s, true), at(20s));
  EXPECT_TRUE(turn.spoke_on);
  EXPECT_FALSE(turn.stop);
  EXPECT_FALSE(turn.answer);
}

TEST(BenchHearing, TurnDuringWhichTheAgentBeganToSpeak_IsUnclearAndNotMeasured) {
  std::vector<Heard> heard;
  speak(heard, 4s, 6s);
  const auto turn = measure_turn(heard, said(3s, 5s), at(20s));
  EXPECT_TRUE(turn.unclear);
  EXPECT_FALSE(turn.answer);
}

TEST(BenchHearing, CallerWhoInterruptsNobody_IsNotMeasured) {
  std::vector<Heard> heard;
  speak(heard, 0s, 2s);
  const auto turn = measure_turn(heard, said(2100ms, 4s, true), at(10s));  // the agent had just finished
  EXPECT_TRUE(turn.unclear);
  EXPECT_FALSE(turn.stop);
}

TEST(BenchHearing, GapInSpeechIsLate_PauseOfTheAgentIsNot) {
  std::vector<Heard> heard;
  speak(heard, 0s, 1s);
  speak(heard, 3s, 4s);
  EXPECT_EQ(late_frames(heard), 0U);
  for (auto& h : heard) {
    if (h.at >= at(3500ms)) h.at += 41ms;  // 61 ms instead of 20
  }
  EXPECT_EQ(late_frames(heard), 1U);
}

TEST(BenchHearing, GapOfSixtyMillisecondsIsNotLateYet) {
  std::vector<Heard> heard;
  speak(heard, 0s, 1s);
  for (auto& h : heard) {
    if (h.at >= at(500ms)) h.at += 40ms;
  }
  EXPECT_EQ(late_frames(heard), 0U);
}

// Through the real encoder and packets.
TEST(BenchHearing, FramesThatDidNotComeAreMissing_ThoseOfAPauseAreNot) {
  std::vector<Heard> heard;
  speak(heard, 0s, 2s);
  speak(heard, 4s, 5s);
  EXPECT_EQ(missing_frames(heard, at(0s), at(6s)), 0U);
  heard.erase(heard.begin() + 40, heard.begin() + 47);  // from 800 ms on
  EXPECT_EQ(missing_frames(heard, at(0s), at(6s)), 7U);
  EXPECT_EQ(missing_frames(heard, at(1s), at(6s)), 0U);
}

TEST(BenchHearing, KeptPacketsAreDecodedToTheirLoudness) {
  auto sender = AudioSender::create({.rtp = {.audio_level_id = 1}});
  ASSERT_TRUE(sender);
  std::vector<Kept> kept;
  const auto send = [&](std::int16_t loudness, Duration from, Duration to) {
    for (auto t = from; t < to; t += kFrameDuration) {
      AudioFrame frame{std::vector<std::int16_t>(kTransportFrameSamples)};
      for (std::size_t i = 0; i < frame.samples.size(); ++i)
        frame.samples[i] = (i / 60) % 2 == 0 ? loudness : static_cast<std::int16_t>(-loudness);
      auto packet = sender->send(frame, at(t));
      ASSERT_TRUE(packet);
      if (*packet) kept.push_back({at(t), **packet});
    }
  };
  send(0, 0ms, 500ms);  // nothing is sent
  send(8000, 500ms, 1s);
  send(0, 1s, 2s);  // only the hangover is
  send(8000, 2s, 2500ms);
  kept.push_back({at(2600ms), Bytes{1, 2, 3}});  // no RTP
  const auto heard = listen(kept);
  ASSERT_TRUE(heard);
  EXPECT_EQ(first_loud(*heard, at(0s)), at(500ms));
  const auto last = last_loud(*heard, at(0s), at(1900ms));
  ASSERT_TRUE(last);
  EXPECT_GE(*last, at(980ms));
  EXPECT_LE(*last, at(1040ms));  // what was loud dies away in the codec
  EXPECT_EQ(first_loud(*heard, at(1100ms)), at(2s));
  EXPECT_EQ(late_frames(*heard), 0U);
}

TEST(BenchSpeech, UtteranceKnowsItsFirstAndLastVoicedFrames) {
  std::vector<std::int16_t> sound(48'000);
  for (std::size_t i = 9'600; i < 38'400; ++i)
    sound[i] = static_cast<std::int16_t>(9000 * ((i / 100) % 2 == 0 ? 1 : -1));
  Random random(1);
  const auto utterance = encode_utterance(sound, random);
  ASSERT_TRUE(utterance);
  EXPECT_EQ(utterance->frames.size(), 50U);
  EXPECT_EQ(utterance->first_voiced, 10U);
  EXPECT_EQ(utterance->last_voiced, 39U);
}

TEST(BenchSpeech, SoundWithoutVoiceIsRefused) {
  Random random(1);
  EXPECT_FALSE(encode_utterance(std::vector<std::int16_t>(9'600), random));
}

}  // namespace
}  // namespace parley::bench
