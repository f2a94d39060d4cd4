#include "providers/flite/flite_tts.hpp"

#include <optional>

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "sim/world.hpp"

namespace parley {
namespace {

struct Heard {
  std::vector<std::string> segments;
  Duration audio{};
  std::optional<Error> error;
  bool closed = false;
};

Task<void> listen(TtsStream& stream, Heard& heard) {
  for (;;) {
    auto chunk = co_await stream.audio().pop(Deadline::bounded_by_scope());
    if (!chunk) break;
    if (!*chunk) {
      heard.error = (*chunk).error().error;
      continue;
    }
    heard.audio += (*chunk)->audio.duration();
    if ((*chunk)->end_of_segment) heard.segments.push_back((*chunk)->text);
  }
  heard.closed = true;
}

class FliteStreams : public ::testing::Test {
 protected:
  FliteStreams() : tts(*FliteVoice::open("kal16")), loop(world.add_loop("job")), scope(loop, "session") {}

  sim::World world{1};
  FliteTts tts;
  sim::SimLoop& loop;
  Scope scope;
};

TEST_F(FliteStreams, SentencesAreSpokenInOrder_AndTheStreamClosesAfterTheLast) {
  Heard heard;
  auto stream = tts.stream(scope);
  ASSERT_TRUE(stream->push_text("Good evening, Trattoria Roma."));
  ASSERT_TRUE(stream->push_text("How can I help?"));
  stream->end_input();
  ASSERT_TRUE(scope.spawn("listen", listen(*stream, heard)));
  ASSERT_TRUE(world.run_until([&] { return heard.closed; }, 10s)) << world.describe();
  EXPECT_EQ(heard.segments, (std::vector<std::string>{"Good evening, Trattoria Roma.", "How can I help?"}));
  EXPECT_GT(heard.audio, 2s);
  EXPECT_LT(heard.audio, 8s);
  EXPECT_FALSE(heard.error);
}

TEST_F(FliteStreams, NothingSayable_IsASegmentWithoutSound) {
  Heard heard;
  auto stream = tts.stream(scope);
  ASSERT_TRUE(stream->push_text("\xF0\x9F\x98\x80"));
  stream->end_input();
  ASSERT_TRUE(scope.spawn("listen", listen(*stream, heard)));
  ASSERT_TRUE(world.run_until([&] { return heard.closed; }, 10s));
  EXPECT_EQ(heard.segments.size(), 1u);
  EXPECT_EQ(heard.audio, 0s);
}

TEST_F(FliteStreams, NobodyListens_SynthesisWaits) {
  auto stream = tts.stream(scope);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stream->push_text("This is a sentence that takes about three seconds to say aloud."));
  world.run_for(10s);
  EXPECT_EQ(stream->audio().size(), TtsStream::kMaxChunks);
}

TEST_F(FliteStreams, MoreTextThanTheBound_IsRefused) {
  auto stream = tts.stream(scope);
  Result<void> last;
  for (int i = 0; i < 100 && last; ++i) last = stream->push_text(std::string(1000, 'a'));
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code(), Errc::overloaded);
}

TEST_F(FliteStreams, StoppedWhileItSpeaks_ClosesAtOnceAndCleanly) {
  Heard heard;
  CloseReport report;
  bool closed = false;
  auto stream = tts.stream(scope);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(stream->push_text("One sentence after the other is spoken here."));
  world.run_for(500us);
  Scope outside(loop, "outside");
  ASSERT_TRUE(outside.spawn("close", [](TtsStream& s, Loop& l, CloseReport& r, bool& c) -> Task<void> {
    r = co_await s.close(l.in(1s));
    c = true;
  }(*stream, loop, report, closed)));
  ASSERT_TRUE(world.run_until([&] { return closed; }, 10ms)) << world.describe();
  EXPECT_TRUE(report.clean()) << to_string(report);
  EXPECT_TRUE(stream->audio().closed());
  stream.reset();
  world.run_for(1s);
  EXPECT_TRUE(world.idle()) << world.describe();
}

TEST_F(FliteStreams, KilledAtAnyStep_LeavesNothing) {
  for (std::uint64_t cut = 1; cut < 60; ++cut) {
    sim::World other(cut);
    auto& own = other.add_loop("job");
    Scope session(own, "session");
    auto stream = tts.stream(session);
    ASSERT_TRUE(stream->push_text("Hello there. How are you?"));
    stream->end_input();
    Heard heard;
    ASSERT_TRUE(session.spawn("listen", listen(*stream, heard)));
    other.on_step([&](std::uint64_t step) {
      if (step == cut) session.kill();
    });
    other.run_for(100ms);
    EXPECT_EQ(own.counters().tasks, 0) << other.describe();
    stream.reset();
    EXPECT_TRUE(other.idle()) << other.describe();
  }
}

}  // namespace
}  // namespace parley
