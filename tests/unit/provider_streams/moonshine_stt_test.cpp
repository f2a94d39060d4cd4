#include "providers/moonshine/moonshine_stt.hpp"

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "sim/world.hpp"

namespace parley {
namespace {

// Answers with the length of what it was given: "1200ms".
struct FakeRecogniser {
  Duration takes = 30ms;
  bool fails = false;
  int asked = 0;

  Task<Result<std::string>> recognise(std::vector<float> samples) {
    ++asked;
    const auto ms = samples.size() * 1000 / kSpeechRate;
    co_await sleep_for(takes);
    if (fails) co_return fail(Errc::unavailable, "the inference process is starting again");
    co_return std::to_string(ms) + "ms";
  }
};

class MoonshineStreams : public ::testing::Test {
 protected:
  MoonshineStreams()
      : stt([this](std::vector<float> samples, Deadline) { return recogniser.recognise(std::move(samples)); }),
        loop(world.add_loop("job")),
        scope(loop, "session"),
        stream(stt.stream(scope, {})) {
    EXPECT_TRUE(scope.spawn("collect", collect(*stream, *this)));
  }

  static Task<void> collect(SttStream& s, MoonshineStreams& self) {
    for (;;) {
      auto event = co_await s.events().pop(Deadline::bounded_by_scope());
      if (!event) break;
      if (!*event) {
        self.errors.push_back((*event).error().error.message());
      } else if ((*event)->type == SttEvent::Type::final_transcript) {
        self.finals.push_back((*event)->text);
        self.billed += (*event)->audio;
      } else {
        self.interims.push_back((*event)->text);
      }
    }
    self.closed = true;
  }

  void hear(Duration duration) {
    for (Duration t{}; t < duration; t += 20ms) {
      stream->push({std::vector<std::int16_t>(kSpeechFrameSamples, 1000), kSpeechRate});
      world.run_for(20ms);
    }
  }

  sim::World world{1};
  FakeRecogniser recogniser;
  MoonshineStt stt;
  sim::SimLoop& loop;
  Scope scope;
  std::unique_ptr<SttStream> stream;
  std::vector<std::string> finals, interims, errors;
  Duration billed{};
  bool closed = false;
};

TEST_F(MoonshineStreams, Utterance_BeginsALittleBeforeTheVadSaysSo_AndIsRecognisedAtTheFlush) {
  hear(3s);
  stream->start_of_speech();
  hear(800ms);
  stream->flush();
  world.run_for(100ms);
  EXPECT_EQ(finals, (std::vector<std::string>{"1200ms"}));
  EXPECT_EQ(billed, 1200ms);
  EXPECT_TRUE(interims.empty());
}

TEST_F(MoonshineStreams, LongSpeech_HasInterimTranscriptsThatGrow) {
  stream->start_of_speech();
  hear(3500ms);
  stream->flush();
  world.run_for(100ms);
  EXPECT_EQ(interims, (std::vector<std::string>{"1000ms", "2000ms", "3000ms"}));
  EXPECT_EQ(finals, (std::vector<std::string>{"3500ms"}));
}

TEST_F(MoonshineStreams, SlowRecogniser_InterimsAreSkipped_TheFinalOneIsNot) {
  recogniser.takes = 2500ms;
  stream->start_of_speech();
  hear(4s);
  stream->flush();
  world.run_for(10s);
  EXPECT_LE(recogniser.asked, 3);
  EXPECT_EQ(finals, (std::vector<std::string>{"4000ms"}));
}

TEST_F(MoonshineStreams, SpeechWithoutAPause_IsRecognisedInParts_AndOneTranscriptComesOut) {
  stream->start_of_speech();
  hear(25s);
  stream->flush();
  world.run_for(1s);
  EXPECT_EQ(finals, (std::vector<std::string>{"20000ms 5000ms"}));
}

TEST_F(MoonshineStreams, FlushWithoutSpeech_IsAnsweredAllTheSame) {
  stream->start_of_speech();
  stream->flush();
  world.run_for(100ms);
  EXPECT_EQ(finals, (std::vector<std::string>{""}));
}

TEST_F(MoonshineStreams, RecogniserFails_TheErrorIsTheLastEvent) {
  recogniser.fails = true;
  stream->start_of_speech();
  hear(500ms);
  stream->flush();
  world.run_for(1s);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0], "moonshine: the inference process is starting again");
  EXPECT_TRUE(closed);
}

TEST_F(MoonshineStreams, EndOfInput_FinishesWhatWasBeingSaid_ThenCloses) {
  stream->start_of_speech();
  hear(500ms);
  stream->end_input();
  stream->end_input();
  world.run_for(1s);
  EXPECT_EQ(finals, (std::vector<std::string>{"500ms"}));
  EXPECT_TRUE(closed);
  hear(100ms);  // refused quietly
}

TEST_F(MoonshineStreams, ManyUtterancesBehindAStuckRecogniser_AreBounded_AndEachFlushIsAnswered) {
  recogniser.takes = 20s;
  for (int i = 0; i < 8; ++i) {
    stream->start_of_speech();
    hear(200ms);
    stream->flush();
  }
  world.run_for(200s);
  EXPECT_EQ(finals.size(), 8u);
  EXPECT_LE(recogniser.asked, 6);
}

}  // namespace
}  // namespace parley
