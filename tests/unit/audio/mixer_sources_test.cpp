// The loops beneath the speech.
#include <gtest/gtest.h>

#include <algorithm>

#include "audio/loop_source.hpp"
#include "audio/mixer.hpp"
#include "signals.hpp"

namespace parley {
namespace {

using testing::at_ms;

Clip clip(std::vector<std::int16_t> samples) {
  return std::make_shared<const std::vector<std::int16_t>>(std::move(samples));
}

std::vector<std::int16_t> render(LoopSource& loop, std::size_t count) {
  std::vector<std::int16_t> out(count);
  loop.render(out);
  return out;
}

TEST(LoopSource, WithoutFade_PlaysTheClipAtItsGain) {
  LoopSource loop(clip(std::vector<std::int16_t>(4800, 1000)), 0.5F, 0ms);
  EXPECT_EQ(render(loop, 960), std::vector<std::int16_t>(960, 500));
}

TEST(LoopSource, FadeIn_RisesEvenlyToTheGain) {
  LoopSource loop(clip(std::vector<std::int16_t>(48000, 10000)), 1.0F, 100ms);
  const auto out = render(loop, 9600);
  EXPECT_EQ(out[0], 0);
  EXPECT_NEAR(out[2400], 5000, 20);
  EXPECT_NEAR(out[4800], 10000, 5);
  EXPECT_EQ(out[9599], 10000);
  EXPECT_TRUE(std::ranges::is_sorted(out));
}

TEST(LoopSource, NewGain_IsReachedByAFade) {
  LoopSource loop(clip(std::vector<std::int16_t>(48000, 10000)), 1.0F, 0ms);
  render(loop, 960);
  loop.set_gain(0.2F, 50ms);
  const auto out = render(loop, 4800);
  EXPECT_NEAR(out[1200], 6000, 20);
  EXPECT_EQ(out[4799], 2000);
}

TEST(LoopSource, Stopped_FadesOutAndIsDone) {
  LoopSource loop(clip(std::vector<std::int16_t>(48000, 10000)), 1.0F, 0ms);
  render(loop, 960);
  loop.stop(20ms);
  EXPECT_FALSE(loop.done());
  const auto out = render(loop, 1920);
  EXPECT_TRUE(loop.done());
  EXPECT_EQ(out[1919], 0);
  EXPECT_LE(testing::largest_step(out), 20);
  EXPECT_EQ(render(loop, 10), std::vector<std::int16_t>(10));
}

TEST(LoopSource, ClipThatDoesNotMeetItsBeginning_StillLoopsWithoutAClick) {
  // 5 and a half periods: end and beginning are far apart.
  const auto tone = testing::tone(500, 48 * 11, kTransportRate, 8000, 24);
  LoopSource loop(clip(tone), 1.0F, 0ms);
  EXPECT_LE(testing::largest_step(render(loop, 48000)), testing::largest_step(tone) + 150);
}

TEST(LoopSource, ClipOfOneSample_LoopsToo) {
  LoopSource loop(clip({77}), 1.0F, 0ms);
  EXPECT_EQ(render(loop, 5), std::vector<std::int16_t>(5, 77));
}

class MixerLoops : public ::testing::Test {
 protected:
  std::vector<std::int16_t> frame() {
    auto out = mixer_.tick(now_, true);
    now_ += kFrameDuration;
    return out.frames.at(0).samples;
  }
  Mixer mixer_;
  TimePoint now_ = at_ms(0);
};

TEST_F(MixerLoops, LoopAndSpeech_AreAdded) {
  ASSERT_TRUE(mixer_.add_loop(clip(std::vector<std::int16_t>(4800, 1000)), 1.0F, 0ms));
  const auto id = mixer_.speech().begin().value();
  mixer_.speech().write(id, std::vector<std::int16_t>(1920, 200));
  EXPECT_EQ(frame(), std::vector<std::int16_t>(960, 1200));
}

TEST_F(MixerLoops, SumBeyondFullScale_Saturates) {
  ASSERT_TRUE(mixer_.add_loop(clip(std::vector<std::int16_t>(4800, 30000)), 1.0F, 0ms));
  ASSERT_TRUE(mixer_.add_loop(clip(std::vector<std::int16_t>(4800, 30000)), 1.0F, 0ms));
  EXPECT_EQ(frame(), std::vector<std::int16_t>(960, 32767));
}

TEST_F(MixerLoops, PausedSpeech_LeavesTheLoopsPlaying) {
  ASSERT_TRUE(mixer_.add_loop(clip(std::vector<std::int16_t>(4800, 1000)), 1.0F, 0ms));
  mixer_.speech().pause();
  frame();
  EXPECT_EQ(frame(), std::vector<std::int16_t>(960, 1000));
}

TEST_F(MixerLoops, RemovedLoop_FadesOutAndMakesRoomForAnother) {
  std::vector<SourceId> ids;
  for (std::size_t i = 0; i < Mixer::kMaxSources; ++i) {
    ids.push_back(mixer_.add_loop(clip({1}), 1.0F, 0ms).value());
  }
  EXPECT_EQ(mixer_.add_loop(clip({1}), 1.0F, 0ms).error().code(), Errc::overloaded);
  mixer_.remove(ids[1], 40ms);
  EXPECT_FALSE(mixer_.add_loop(clip({1}), 1.0F, 0ms)) << "it still fades";
  for (int i = 0; i < 3; ++i) frame();
  EXPECT_TRUE(mixer_.add_loop(clip({1}), 1.0F, 0ms));
}

TEST_F(MixerLoops, LoopRemovedAtOnce_IsGone) {
  const auto id = mixer_.add_loop(clip(std::vector<std::int16_t>(4800, 1000)), 1.0F, 0ms).value();
  mixer_.remove(id, 0ms);
  EXPECT_EQ(frame(), std::vector<std::int16_t>(960));
  mixer_.set_gain(id, 1.0F, 0ms);
  EXPECT_EQ(frame(), std::vector<std::int16_t>(960));
}

TEST_F(MixerLoops, DuringAStall_LoopsStandStill) {
  std::vector<std::int16_t> ramp(9600);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<std::int16_t>(i);
  ASSERT_TRUE(mixer_.add_loop(clip(ramp), 1.0F, 0ms));
  frame();
  mixer_.tick(now_, false);
  now_ += 5s;
  EXPECT_EQ(frame().front(), 960);
}

TEST_F(MixerLoops, UnusableClips_AreRefused) {
  EXPECT_EQ(mixer_.add_loop(nullptr, 1.0F, 0ms).error().code(), Errc::invalid_argument);
  EXPECT_EQ(mixer_.add_loop(clip({}), 1.0F, 0ms).error().code(), Errc::invalid_argument);
  const auto longest = samples_in(Mixer::kMaxClip, kTransportRate);
  EXPECT_EQ(mixer_.add_loop(clip(std::vector<std::int16_t>(longest + 1)), 1.0F, 0ms).error().code(),
            Errc::invalid_argument);
}

}  // namespace
}  // namespace parley
