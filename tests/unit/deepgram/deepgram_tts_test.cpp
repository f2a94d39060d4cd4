#include "providers/deepgram/deepgram_tts.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "fakes/deepgram_voice.hpp"
#include "sim/world.hpp"
#include "sim_socket.hpp"

namespace parley {
namespace {

struct Heard {
  std::vector<std::string> segments;
  Duration audio{};
  Duration audio_at_first_end{};
  std::optional<ProviderError> error;
  bool closed = false;
};

Task<void> listen(TtsStream& stream, Heard& heard) {
  for (;;) {
    auto chunk = co_await stream.audio().pop(Deadline::bounded_by_scope());
    if (!chunk) break;
    if (!*chunk) {
      heard.error = std::move((*chunk).error());
      continue;
    }
    heard.audio += (*chunk)->audio.duration();
    if (!(*chunk)->end_of_segment) continue;
    heard.segments.push_back((*chunk)->text);
    if (heard.segments.size() == 1) heard.audio_at_first_end = heard.audio;
  }
  heard.closed = true;
}

class DeepgramVoices : public ::testing::Test {
 protected:
  DeepgramVoices() : loop(world.add_loop("job")), job(loop, "job"), scope(loop, "session") {
    fake.tts_speed = 50;
    options.base_url = "wss://api.deepgram.com/v1";
    options.api_key = "key";
    tts.emplace(job, sockets, options);
  }
  ~DeepgramVoices() override {
    stream.reset();
    tts.reset();
    EXPECT_EQ(sockets.open, 0) << "a paid socket is left";
  }

  std::unique_ptr<fakes::Conversation> voice() { return std::make_unique<fakes::DeepgramVoice>(fake, stats, syllables, "aura", stats.tts + 1); }

  // One utterance, to its end.
  Heard say(std::vector<std::string> segments) {
    Heard heard;
    stream = tts->stream(scope);
    for (auto& segment : segments) EXPECT_TRUE(stream->push_text(std::move(segment)));
    stream->end_input();
    EXPECT_TRUE(scope.spawn("listen", listen(*stream, heard)));
    EXPECT_TRUE(world.run_until([&] { return heard.closed; }, 2min)) << world.describe();
    stream.reset();
    return heard;
  }
  // One that is cut after a while.
  void begin_and_cut(Duration after) {
    stream = tts->stream(scope);
    EXPECT_TRUE(stream->push_text("This is a long sentence, and somebody is going to interrupt it."));
    world.run_for(after);
    stream->request_stop({StopCause::replaced, {}});
    world.run_for(1ms);
    stream.reset();
  }
  std::ptrdiff_t told(std::string_view what) const { return std::ranges::count(sockets.told, what); }

  sim::World world{1};
  fakes::Options fake;
  fakes::Stats stats;
  std::shared_ptr<const fakes::Syllables> syllables = std::make_shared<const fakes::Syllables>(24000);
  SimSockets sockets{[this](TimePoint) { return voice(); }};
  DeepgramTtsOptions options;
  sim::SimLoop& loop;
  Scope job;
  Scope scope;
  std::optional<DeepgramTts> tts;
  std::unique_ptr<TtsStream> stream;
};

TEST_F(DeepgramVoices, SentencesAreSpokenInOrder_AndTheStreamClosesAfterTheLast) {
  const auto heard = say({"Good evening, Trattoria Roma.", "How can I help?"});
  EXPECT_EQ(heard.segments, (std::vector<std::string>{"Good evening, Trattoria Roma.", "How can I help?"}));
  EXPECT_NEAR(to_seconds(heard.audio_at_first_end), 29 / fake.characters_a_second, 0.01);
  EXPECT_NEAR(to_seconds(heard.audio), 44 / fake.characters_a_second, 0.01);
  EXPECT_FALSE(heard.error);
  EXPECT_EQ(sockets.requests.at(0).url,
            "wss://api.deepgram.com/v1/speak?encoding=linear16&model=aura-2-andromeda-en&sample_rate=24000&mip_opt_out=false");
  EXPECT_EQ(sockets.requests.at(0).fields.get("Authorization"), "Token key");
}

TEST_F(DeepgramVoices, NextUtterance_FindsTheSocketWarm) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(say({"One moment, please."}).segments.size(), 1u);
  EXPECT_EQ(sockets.requests.size(), 1u);
  EXPECT_EQ(sockets.open, 1);
}

TEST_F(DeepgramVoices, Interrupted_TheSocketIsCleared_AndTheNextUtteranceHearsNothingOfIt) {
  begin_and_cut(150ms);
  world.run_for(200ms);
  EXPECT_EQ(told(deepgram::kClear), 1);
  const auto heard = say({"Yes?"});
  EXPECT_EQ(sockets.requests.size(), 1u);
  EXPECT_EQ(heard.segments, (std::vector<std::string>{"Yes?"}));
  EXPECT_NEAR(to_seconds(heard.audio), 4 / fake.characters_a_second, 0.01);
}

TEST_F(DeepgramVoices, InterruptedAndAtOnceAskedAgain_AnotherSocketSpeaks) {
  begin_and_cut(150ms);
  const auto heard = say({"Yes?"});
  EXPECT_EQ(heard.segments.size(), 1u);
  EXPECT_LE(sockets.open, 2);
}

TEST_F(DeepgramVoices, ClearNeverAnswered_TheSocketIsDropped) {
  sockets.script.ignores = [](std::string_view message) { return message == deepgram::kClear; };
  begin_and_cut(150ms);
  world.run_for(deepgram::SpeakPool::kClearLimit + 100ms);
  EXPECT_EQ(sockets.open, 0);
  EXPECT_EQ(say({"Yes?"}).segments.size(), 1u);
  EXPECT_EQ(sockets.requests.size(), 2u);
}

TEST_F(DeepgramVoices, MoreSentencesThanFlushesAMinute_GoOnOnAnotherSocket) {
  std::vector<std::string> segments(50, "Yes.");
  const auto heard = say(segments);
  EXPECT_EQ(heard.segments.size(), 50u);
  EXPECT_FALSE(heard.error);
  EXPECT_EQ(sockets.requests.size(), 3u);
}

TEST_F(DeepgramVoices, WarmSocketIsDead_AnotherIsOpenedUnnoticed) {
  sockets.script.cut_after = 2000;
  ASSERT_EQ(say({"Hello."}).segments.size(), 1u);
  // It dies with the first thing that is asked of it.
  SimSockets dying([&](TimePoint) { return voice(); });
  dying.script.cut_after = 1 + 5 + 1;  // Metadata, the sound of "Hello.", Flushed
  DeepgramTts other(job, dying, options);
  for (int i = 0; i < 2; ++i) {
    Heard heard;
    stream = other.stream(scope);
    ASSERT_TRUE(stream->push_text("Hello."));
    stream->end_input();
    ASSERT_TRUE(scope.spawn("listen", listen(*stream, heard)));
    ASSERT_TRUE(world.run_until([&] { return heard.closed; }, 1min));
    EXPECT_FALSE(heard.error) << heard.error->error.message();
    EXPECT_EQ(heard.segments.size(), 1u);
    stream.reset();
  }
  EXPECT_EQ(dying.requests.size(), 2u);
}

TEST_F(DeepgramVoices, CutWhileItSpeaks_IsAnErrorThatMayBeTriedAgain) {
  sockets.script.cut_after = 4;
  const auto heard = say({"This sentence is not going to be finished."});
  ASSERT_TRUE(heard.error);
  EXPECT_TRUE(heard.error->retryable);
  EXPECT_GT(heard.audio, 0s);
  EXPECT_EQ(sockets.open, 0) << "a broken socket is not kept";
}

TEST_F(DeepgramVoices, FallsSilent_IsATimeoutWithinItsBound) {
  sockets.script.silent_after = 4;
  const auto began = world.now();
  const auto heard = say({"This sentence is not going to be finished."});
  ASSERT_TRUE(heard.error);
  EXPECT_EQ(heard.error->error.code(), Errc::timeout);
  EXPECT_LT(world.now() - began, DeepgramTts::kStallLimit + 2s);
}

TEST_F(DeepgramVoices, Refused_InDeepgramsWords) {
  sockets.refuse(401, R"({"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."})");
  const auto heard = say({"Hello."});
  ASSERT_TRUE(heard.error);
  EXPECT_FALSE(heard.error->retryable);
  EXPECT_EQ(heard.error->error.message(), "HTTP 401: deepgram: Invalid credentials.");
}

TEST_F(DeepgramVoices, NothingSayable_IsASegmentWithoutSound_InItsPlace) {
  const auto heard = say({" ", "Hello.", "\n", "Bye."});
  EXPECT_EQ(heard.segments, (std::vector<std::string>{" ", "Hello.", "\n", "Bye."}));
  EXPECT_NEAR(to_seconds(heard.audio), 10 / fake.characters_a_second, 0.01);
}

TEST_F(DeepgramVoices, NobodyListens_TheServerIsNotReadAnyFurther) {
  stream = tts->stream(scope);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stream->push_text("This is a sentence that takes about three seconds to say aloud."));
  world.run_for(5s);
  EXPECT_EQ(stream->audio().size(), TtsStream::kMaxChunks);
  EXPECT_LT(stats.tts_audio_s, 12);
}

TEST_F(DeepgramVoices, MoreTextThanTheBound_IsRefused) {
  stream = tts->stream(scope);
  Result<void> last;
  for (int i = 0; i < 100 && last; ++i) last = stream->push_text(std::string(1000, 'a'));
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code(), Errc::overloaded);
}

TEST_F(DeepgramVoices, WarmSocketNearItsHour_IsReplaced) {
  ASSERT_EQ(say({"Hello."}).segments.size(), 1u);
  world.run_for(51min);
  ASSERT_EQ(say({"Hello."}).segments.size(), 1u);
  EXPECT_EQ(sockets.requests.size(), 2u);
  EXPECT_EQ(sockets.open, 1);
}

TEST_F(DeepgramVoices, JobEnds_NoSocketIsLeft) {
  ASSERT_EQ(say({"Hello."}).segments.size(), 1u);
  begin_and_cut(150ms);
  CloseReport report;
  bool done = false;
  Scope outside(loop, "outside");
  ASSERT_TRUE(outside.spawn("close", [](Scope& j, Loop& l, CloseReport& r, bool& d) -> Task<void> {
    r = co_await j.close(l.in(1s));
    d = true;
  }(job, loop, report, done)));
  ASSERT_TRUE(world.run_until([&] { return done; }, 2s)) << world.describe();
  EXPECT_TRUE(report.clean()) << to_string(report);
  tts.reset();
  EXPECT_EQ(sockets.open, 0);
}

TEST_F(DeepgramVoices, KilledAtAnyStep_LeavesNothing) {
  for (std::uint64_t cut = 1; cut < 150; ++cut) {
    sim::World other(cut);
    auto& own = other.add_loop("job");
    {
      Scope jobs(own, "job");
      Scope session(jobs, "session");
      DeepgramTts provider(jobs, sockets, options);
      auto s = provider.stream(session);
      ASSERT_TRUE(s->push_text("Hello there."));
      ASSERT_TRUE(s->push_text("How are you?"));
      s->end_input();
      Heard heard;
      ASSERT_TRUE(session.spawn("listen", listen(*s, heard)));
      other.on_step([&](std::uint64_t step) {
        if (step != cut) return;
        switch (cut % 4) {
          case 0: s->kill(); break;
          case 1: session.kill(); break;
          case 2: s->request_stop({}); break;
          default: jobs.kill(); break;
        }
      });
      other.run_for(10s);
      s.reset();
      EXPECT_LE(sockets.open, 1) << "at most one that is warm";
    }
    EXPECT_EQ(sockets.open, 0) << other.describe();
    EXPECT_EQ(own.counters().tasks, 0) << other.describe();
    EXPECT_TRUE(other.idle()) << other.describe();
  }
}

}  // namespace
}  // namespace parley
