// Speech and the clock of the mixer; its loops are in mixer_sources_test.cpp.
#include "audio/mixer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signals.hpp"

namespace parley {
namespace {

using Kind = MixerEvent::Kind;
using testing::at_ms;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// 1, 2, 3, ... up to 30,000 and again: every sample tells its place.
std::vector<std::int16_t> counting(std::size_t count, std::size_t from = 0) {
  std::vector<std::int16_t> samples(count);
  for (std::size_t i = 0; i < count; ++i) samples[i] = static_cast<std::int16_t>((from + i) % 30000 + 1);
  return samples;
}

class MixerSpeech : public ::testing::Test {
 protected:
  // One frame, 20 ms after the last.
  std::vector<std::int16_t> frame(bool deliverable = true) {
    auto out = mixer_.tick(now_, deliverable);
    now_ += kFrameDuration;
    events_.insert(events_.end(), out.events.begin(), out.events.end());
    EXPECT_EQ(out.frames.size(), 1U);
    return out.frames.empty() ? std::vector<std::int16_t>{} : out.frames[0].samples;
  }
  std::vector<std::int16_t> frames(int count) {
    std::vector<std::int16_t> all;
    for (int i = 0; i < count; ++i) {
      const auto one = frame();
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }
  UtteranceId say(const std::vector<std::int16_t>& sound, bool whole = true) {
    const auto id = speech().begin().value();
    EXPECT_EQ(speech().write(id, sound), sound.size());
    if (whole) speech().end(id);
    return id;
  }
  SpeechQueue& speech() { return mixer_.speech(); }
  std::vector<Kind> kinds() const {
    std::vector<Kind> all;
    for (const auto& event : events_) all.push_back(event.kind);
    return all;
  }

  static constexpr std::size_t kFade = 240;

  Mixer mixer_;
  TimePoint now_ = at_ms(1000);
  std::vector<MixerEvent> events_;
};

TEST_F(MixerSpeech, NothingToSay_IsSilentFrames) {
  EXPECT_EQ(frames(3), std::vector<std::int16_t>(3 * 960));
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(MixerSpeech, Utterance_IsPlayedSampleForSample) {
  const auto sound = counting(960 * 3 + 100);
  const auto id = say(sound);
  const auto heard = frames(5);
  EXPECT_TRUE(std::equal(sound.begin(), sound.end(), heard.begin()));
  EXPECT_EQ(testing::rms(Samples(heard).subspan(sound.size())), 0);
  EXPECT_THAT(events_, ElementsAre(MixerEvent{Kind::started, id, 0, 0, at_ms(1000)},
                                   MixerEvent{Kind::finished, id, sound.size(), 0, at_ms(1060)}));
  EXPECT_EQ(speech().played(id), std::nullopt);
}

TEST_F(MixerSpeech, TwoUtterances_FollowEachOtherWithinAFrame) {
  const auto first = counting(1000);
  const auto second = counting(1000, 5000);
  const auto a = say(first);
  const auto b = say(second);
  const auto heard = frames(3);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), heard.begin()));
  EXPECT_TRUE(std::equal(second.begin(), second.end(), heard.begin() + 1000));
  EXPECT_THAT(events_, ElementsAre(MixerEvent{Kind::started, a, 0, 0, at_ms(1000)},
                                   MixerEvent{Kind::finished, a, 1000, 0, at_ms(1020)},
                                   MixerEvent{Kind::started, b, 0, 0, at_ms(1020)},
                                   MixerEvent{Kind::finished, b, 1000, 0, at_ms(1040)}));
}

TEST_F(MixerSpeech, Position_IsToldEveryHundredMillisecondsOfSpeech) {
  const auto id = say(counting(48000));
  frames(11);
  EXPECT_THAT(events_, ElementsAre(MixerEvent{Kind::started, id, 0, 0, at_ms(1000)},
                                   MixerEvent{Kind::position, id, 4800, 0, at_ms(1080)},
                                   MixerEvent{Kind::position, id, 9600, 0, at_ms(1180)}));
  EXPECT_EQ(speech().played(id), 11U * 960);
}

TEST_F(MixerSpeech, SlowWriter_LeavesSilenceAndGoesOnWhereItWas) {
  const auto sound = counting(2000);
  const auto id = say({sound.begin(), sound.begin() + 1000}, false);
  const auto first = frames(3);
  EXPECT_TRUE(std::equal(sound.begin(), sound.begin() + 760, first.begin())) << "then it fades";
  EXPECT_EQ(testing::rms(Samples(first).subspan(1000)), 0);
  EXPECT_THAT(kinds(), ElementsAre(Kind::started)) << "not finished";
  EXPECT_EQ(speech().write(id, Samples(sound).subspan(1000)), 1000U);
  speech().end(id);
  const auto second = frames(2);
  EXPECT_TRUE(std::equal(sound.begin() + 1240, sound.end(), second.begin() + 240)) << "after the fade";
  EXPECT_EQ(events_.back(), (MixerEvent{Kind::finished, id, 2000, 0, at_ms(1080)}));
}

TEST_F(MixerSpeech, WriterExactlyInStep_IsNotFaded) {
  const auto sound = counting(960 * 10);
  const auto id = speech().begin().value();
  for (std::size_t i = 0; i < 10; ++i) {
    speech().write(id, Samples(sound).subspan(960 * i, 960));
    const auto heard = frame();
    EXPECT_TRUE(std::equal(heard.begin(), heard.end(), sound.begin() + static_cast<std::ptrdiff_t>(960 * i)));
  }
}

TEST_F(MixerSpeech, EndedWithoutASample_IsFinishedAndNeverStarted) {
  const auto id = say({});
  frame();
  EXPECT_THAT(events_, ElementsAre(MixerEvent{Kind::finished, id, 0, 0, at_ms(1000)}));
}

TEST_F(MixerSpeech, Pause_IsSilentAtOnceButForTheFade) {
  const auto sound = testing::tone(300, 48000);
  say(sound);
  const auto before = frames(5);
  speech().pause();
  const auto after = frames(5);
  EXPECT_EQ(testing::rms(Samples(after).subspan(kFade)), 0);
  EXPECT_GT(testing::rms(Samples(after).first(kFade)), 100);
  auto joined = before;
  joined.insert(joined.end(), after.begin(), after.end());
  EXPECT_LE(testing::largest_step(joined), testing::largest_step(sound) + 50) << "no click";
}

TEST_F(MixerSpeech, Resume_GoesOnAtTheVerySample) {
  const auto sound = testing::tone(300, 48000);
  const auto id = say(sound);
  frames(5);
  speech().pause();
  const auto silent = frames(50);
  EXPECT_EQ(speech().played(id), 5U * 960);
  speech().resume();
  const auto heard = frames(5);
  EXPECT_TRUE(std::equal(heard.begin() + kFade, heard.end(), sound.begin() + 5 * 960 + kFade));
  auto joined = silent;
  joined.insert(joined.end(), heard.begin(), heard.end());
  EXPECT_LE(testing::largest_step(joined), testing::largest_step(sound) + 50) << "no click";
  EXPECT_EQ(speech().played(id), 10U * 960);
}

TEST_F(MixerSpeech, PauseAndResumeAgainAndAgain_EverySampleIsPlayedOnce) {
  const auto sound = counting(48000);
  const auto id = say(sound);
  for (int i = 0; i < 10; ++i) {
    frames(2);
    speech().pause();
    speech().pause();
    frames(3);
    speech().resume();
    speech().resume();
  }
  const auto heard = frames(1);
  EXPECT_TRUE(std::equal(heard.begin() + kFade, heard.end(), sound.begin() + 20 * 960 + kFade));
  EXPECT_EQ(speech().played(id), 21U * 960);
}

TEST_F(MixerSpeech, WhilePaused_WritingGoesOnIntoTheBuffer) {
  const auto id = speech().begin().value();
  speech().write(id, counting(960));
  frame();
  speech().pause();
  EXPECT_EQ(speech().write(id, counting(48000, 960)), 48000U);
  frames(10);
  EXPECT_EQ(speech().played(id), 960U);
  speech().resume();
  frame();
  EXPECT_EQ(speech().played(id), 1920U);
}

TEST_F(MixerSpeech, PausedBeforeItBegins_StartsOnResumeWithoutAFade) {
  speech().pause();
  const auto sound = counting(1920);
  say(sound);
  frames(2);
  EXPECT_THAT(events_, IsEmpty());
  speech().resume();
  const auto heard = frame();
  EXPECT_TRUE(std::equal(heard.begin(), heard.end(), sound.begin()));
}

TEST_F(MixerSpeech, Cut_DropsTheRestAndTellsExactlyWhatWasPlayed) {
  const auto sound = testing::tone(300, 48000);
  const auto id = say(sound);
  const auto before = frames(7);
  const auto cut = mixer_.cut(id, now_);
  ASSERT_TRUE(cut);
  EXPECT_EQ(*cut, (MixerEvent{Kind::cut, id, 7 * 960, 48000 - 7 * 960, now_}));
  auto joined = before;
  const auto after = frames(3);
  joined.insert(joined.end(), after.begin(), after.end());
  EXPECT_LE(testing::largest_step(joined), testing::largest_step(sound) + 50) << "no click";
  EXPECT_EQ(testing::rms(Samples(after).subspan(kFade)), 0);
  EXPECT_EQ(std::ranges::count(events_, *cut), 1) << "and the next tick reports it";
}

TEST_F(MixerSpeech, CutWhilePaused_ReportsThePausedSampleAndEndsThePause) {
  const auto id = say(counting(48000));
  frames(4);
  speech().pause();
  frames(20);
  EXPECT_EQ(mixer_.cut(id, now_)->played, 4U * 960);
  EXPECT_FALSE(speech().paused());
  const auto next = counting(960, 777);
  say(next);
  EXPECT_EQ(frame(), next);
}

TEST_F(MixerSpeech, CutOfOneThatWaits_LeavesTheOneThatPlaysAlone) {
  const auto sound = counting(1920);
  const auto a = say(sound);
  const auto b = say(counting(1920, 9000));
  frame();
  EXPECT_EQ(mixer_.cut(b, now_)->played, 0U);
  const auto heard = frame();
  EXPECT_TRUE(std::equal(heard.begin(), heard.end(), sound.begin() + 960));
  EXPECT_THAT(events_, Contains(MixerEvent{Kind::finished, a, 1920, 0, at_ms(1020)}));
}

TEST_F(MixerSpeech, CutOfWhatIsGone_DoesNothing) {
  const auto id = say(counting(100));
  frames(2);
  EXPECT_FALSE(mixer_.cut(id, now_));
  EXPECT_FALSE(mixer_.cut(UtteranceId{999}, now_));
}

TEST_F(MixerSpeech, CutAll_ReportsEveryUtteranceInOrder) {
  const auto a = say(counting(48000));
  const auto b = say(counting(480));
  frames(2);
  EXPECT_THAT(mixer_.cut_all(now_),
              ElementsAre(MixerEvent{Kind::cut, a, 1920, 46080, now_}, MixerEvent{Kind::cut, b, 0, 480, now_}));
  EXPECT_EQ(speech().active(), std::nullopt);
  frame();
  EXPECT_EQ(frame(), std::vector<std::int16_t>(960));
}

TEST_F(MixerSpeech, WriterOfACutUtterance_IsNotHeldUp) {
  const auto id = say(counting(960), false);
  mixer_.cut(id, now_);
  EXPECT_EQ(speech().write(id, counting(100'000)), 100'000U);
  speech().end(id);
  EXPECT_EQ(frame(), std::vector<std::int16_t>(960));
}

TEST_F(MixerSpeech, FullBuffer_TakesWhatFitsAndTellsWhenThereIsRoom) {
  const auto room = samples_in(SpeechQueue::kMaxBuffered, kTransportRate);
  const auto id = speech().begin().value();
  EXPECT_EQ(speech().write(id, counting(room + 5000)), room);
  EXPECT_EQ(speech().write(id, counting(10)), 0U);
  frames(200);
  EXPECT_EQ(std::ranges::count(kinds(), Kind::writable), 0) << "not for every frame";
  frames(100);
  EXPECT_EQ(std::ranges::count(kinds(), Kind::writable), 1);
  EXPECT_GE(speech().write(id, counting(room)), room / 4);
}

TEST_F(MixerSpeech, UtterancesThatWait_CannotTakeTheRoomOfTheOneThatPlays) {
  const auto room = samples_in(SpeechQueue::kMaxBuffered, kTransportRate);
  const auto first = speech().begin().value();
  const auto second = speech().begin().value();
  EXPECT_EQ(speech().write(second, counting(room)), room / 2);
  EXPECT_EQ(speech().write(first, counting(room)), room / 2);
  const auto third = speech().begin().value();
  EXPECT_EQ(speech().write(third, counting(1)), 0U);
}

TEST_F(MixerSpeech, TooManyUtterances_AreRefused) {
  for (std::size_t i = 0; i < SpeechQueue::kMaxUtterances; ++i) ASSERT_TRUE(speech().begin());
  EXPECT_EQ(speech().begin().error().code(), Errc::overloaded);
}

// ---- the clock

TEST(MixerClock, CalledOnTime_GivesOneFrameEach) {
  Mixer mixer;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(mixer.tick(at_ms(1000 + 20 * i), true).frames.size(), 1U);
    EXPECT_EQ(mixer.next_tick(), at_ms(1020 + 20 * i));
    EXPECT_THAT(mixer.tick(at_ms(1010 + 20 * i), true).frames, IsEmpty()) << "early calls give nothing";
  }
}

TEST(MixerClock, CalledALittleLate_CatchesUpAndKeepsItsPace) {
  Mixer mixer;
  mixer.tick(at_ms(1000), true);
  const auto late = mixer.tick(at_ms(1061), true);
  EXPECT_EQ(late.frames.size(), 3U);
  EXPECT_EQ(late.skipped, 0U);
  EXPECT_EQ(mixer.next_tick(), at_ms(1080));
}

TEST(MixerClock, CalledVeryLate_SkipsTimeButNoSpeech) {
  Mixer mixer;
  const auto id = mixer.speech().begin().value();
  mixer.speech().write(id, counting(48000));
  mixer.tick(at_ms(1000), true);
  const auto late = mixer.tick(at_ms(1500), true);
  EXPECT_EQ(late.frames.size(), 3U);
  EXPECT_EQ(late.skipped, 22U * 960) << "25 frames were due";
  EXPECT_EQ(late.frames[0].samples, counting(960, 960));
  EXPECT_EQ(mixer.next_tick(), at_ms(1520));
}

TEST(MixerClock, TransportCannotDeliver_NothingIsPlayed) {
  Mixer mixer;
  const auto id = mixer.speech().begin().value();
  mixer.speech().write(id, counting(48000));
  mixer.tick(at_ms(1000), true);
  for (int i = 1; i < 100; ++i) EXPECT_THAT(mixer.tick(at_ms(1000 + 20 * i), false).frames, IsEmpty());
  EXPECT_EQ(mixer.speech().played(id), 960U);
}

TEST(MixerClock, AfterAStall_OneFrameNoBurstAndSpeechGoesOnWhereItWas) {
  Mixer mixer;
  const auto id = mixer.speech().begin().value();
  mixer.speech().write(id, counting(48000));
  mixer.tick(at_ms(1000), true);
  mixer.tick(at_ms(1020), false);
  const auto back = mixer.tick(at_ms(3005), true);
  ASSERT_EQ(back.frames.size(), 1U);
  EXPECT_EQ(back.skipped, 48U * 1985) << "to the sample, for the timestamp";
  EXPECT_EQ(back.frames[0].samples, counting(960, 960));
  EXPECT_EQ(mixer.next_tick(), at_ms(3025));
}

TEST(MixerClock, ShortStallBetweenTwoFrames_ChangesNothing) {
  Mixer mixer;
  mixer.tick(at_ms(1000), true);
  mixer.tick(at_ms(1005), false);
  mixer.tick(at_ms(1010), true);
  const auto next = mixer.tick(at_ms(1020), true);
  EXPECT_EQ(next.frames.size(), 1U);
  EXPECT_EQ(next.skipped, 0U);
}

TEST(MixerClock, StartsOnlyWhenTheTransportCanDeliver) {
  Mixer mixer;
  mixer.tick(at_ms(0), false);
  const auto first = mixer.tick(at_ms(5000), true);
  EXPECT_EQ(first.frames.size(), 1U);
  EXPECT_EQ(first.skipped, 0U);
}

TEST(MixerClock, CutDuringAStall_IsStillReported) {
  Mixer mixer;
  const auto id = mixer.speech().begin().value();
  mixer.speech().write(id, counting(48000));
  mixer.tick(at_ms(1000), true);
  mixer.cut(id, at_ms(1010));
  EXPECT_THAT(mixer.tick(at_ms(1020), false).events, ElementsAre(MixerEvent{Kind::cut, id, 960, 47040, at_ms(1010)}));
}

TEST(MixerClock, TimeInFramesAndSkips_AddsUpToTheTimeThatPassed) {
  Random random(5);
  Mixer mixer;
  auto now = at_ms(1000);
  std::int64_t samples = 0;
  bool deliverable = true;
  mixer.tick(now, true);
  for (int i = 0; i < 2000; ++i) {
    now += Duration(static_cast<std::int64_t>(random.below(random.chance(0.05) ? 500'000'000 : 25'000'000)));
    if (random.chance(0.02)) deliverable = !deliverable;
    const auto out = mixer.tick(now, deliverable);
    EXPECT_LE(out.frames.size(), static_cast<std::size_t>(Mixer::kMaxBurst));
    samples += out.skipped + static_cast<std::int64_t>(out.frames.size() * 960);
  }
  if (!deliverable) samples += mixer.tick(now, true).skipped;
  EXPECT_NEAR(static_cast<double>(samples), to_seconds(now - at_ms(1000)) * 48000, 2 * 960 + 50);
}

}  // namespace
}  // namespace parley
