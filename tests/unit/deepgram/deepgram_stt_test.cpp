#include "providers/deepgram/deepgram_stt.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "fakes/deepgram_ear.hpp"
#include "sim/world.hpp"
#include "sim_socket.hpp"

namespace parley {
namespace {

constexpr std::int16_t kLoud = 8000;

class DeepgramEars : public ::testing::Test {
 protected:
  DeepgramEars() : loop(world.add_loop("job")), scope(loop, "session") {
    options.base_url = "http://127.0.0.1:9/v1/";
    options.api_key = "key";
  }
  ~DeepgramEars() override {
    stream.reset();
    EXPECT_EQ(sockets.open, 0) << "a paid socket is left";
  }

  std::unique_ptr<fakes::Conversation> ear(TimePoint now) {
    const fakes::DeepgramEar::Format format{.interim_results = true, .vad_events = true};
    return std::make_unique<fakes::DeepgramEar>(fake, stats, format, stats.stt + 1, now);
  }

  void open() {
    stt.emplace(sockets, options);
    stream = stt->stream(scope, {.language = "en"});
    ASSERT_TRUE(scope.spawn("collect", collect(*stream, *this)));
  }
  static Task<void> collect(SttStream& s, DeepgramEars& self) {
    for (;;) {
      auto event = co_await s.events().pop(Deadline::bounded_by_scope());
      if (!event) break;
      if (!*event) {
        self.error = std::move((*event).error());
        continue;
      }
      switch ((*event)->type) {
        case SttEvent::Type::final_transcript:
          self.finals.push_back((*event)->text);
          self.billed += (*event)->audio;
          break;
        case SttEvent::Type::interim_transcript: self.interims.push_back((*event)->text); break;
        case SttEvent::Type::start_of_speech: ++self.starts; break;
        case SttEvent::Type::end_of_speech: ++self.ends; break;
      }
    }
    self.closed = true;
  }
  void hear(Duration duration, std::int16_t level = kLoud) {
    for (Duration t{}; t < duration; t += 20ms) {
      stream->push({std::vector<std::int16_t>(kSpeechFrameSamples, level), kSpeechRate});
      world.run_for(20ms);
    }
  }
  void silence(Duration duration) { hear(duration, 0); }
  std::ptrdiff_t told(std::string_view what) const { return std::ranges::count(sockets.told, what); }

  sim::World world{1};
  fakes::Options fake;
  fakes::Stats stats;
  SimSockets sockets{[this](TimePoint now) { return ear(now); }};
  DeepgramSttOptions options;
  sim::SimLoop& loop;
  Scope scope;
  std::optional<DeepgramStt> stt;
  std::unique_ptr<SttStream> stream;
  std::vector<std::string> finals, interims;
  int starts = 0, ends = 0;
  Duration billed{};
  std::optional<ProviderError> error;
  bool closed = false;
};

TEST_F(DeepgramEars, Speech_BecomesInterimsThatGrow_ThenAFinalTranscript) {
  open();
  hear(1500ms);
  silence(500ms);
  ASSERT_EQ(finals.size(), 1u);
  EXPECT_FALSE(finals[0].empty());
  ASSERT_GE(interims.size(), 3u);
  EXPECT_LE(interims[0].size(), interims.back().size());
  EXPECT_TRUE(finals[0].starts_with(interims[0]));
  EXPECT_EQ(starts, 1);
  EXPECT_EQ(ends, 1);
  EXPECT_FALSE(error);
  ASSERT_EQ(sockets.requests.size(), 1u);
  EXPECT_TRUE(sockets.requests[0].url.starts_with("ws://127.0.0.1:9/v1/listen?")) << sockets.requests[0].url;
  EXPECT_EQ(sockets.requests[0].fields.get("Authorization"), "Token key");
  EXPECT_EQ(sockets.told.at(0), deepgram::kKeepAlive);
}

TEST_F(DeepgramEars, AudioBeforeTheConnectionIsThere_IsNotLost) {
  open();
  for (int i = 0; i < 50; ++i) stream->push({std::vector<std::int16_t>(kSpeechFrameSamples, kLoud), kSpeechRate});
  world.run_for(1s);
  EXPECT_NEAR(stats.stt_audio_s, 1.0, 0.001);
  EXPECT_EQ(finals.size(), 1u);
}

TEST_F(DeepgramEars, Flush_IsAnsweredOnceWithTheRest) {
  fake.stt_final = 300ms;
  open();
  hear(1s);
  stream->flush();
  world.run_for(1s);
  ASSERT_EQ(finals.size(), 1u);
  EXPECT_FALSE(finals[0].empty());
  world.run_for(5s);
  EXPECT_EQ(finals.size(), 1u);
}

TEST_F(DeepgramEars, FlushAfterEverythingWasFinished_IsAnsweredEmpty) {
  open();
  hear(1s);
  silence(600ms);
  ASSERT_EQ(finals.size(), 1u);
  stream->flush();
  world.run_for(100ms);
  ASSERT_EQ(finals.size(), 2u);
  EXPECT_EQ(finals[1], "");
}

TEST_F(DeepgramEars, FinalizeNeverAnswered_TheFlushIsAllTheSame) {
  sockets.script.ignores = [](std::string_view message) { return message == deepgram::kFinalize; };
  open();
  silence(200ms);
  stream->flush();
  stream->flush();
  world.run_for(DeepgramStt::kFlushLimit + 100ms);
  EXPECT_EQ(finals, (std::vector<std::string>{"", ""}));
  EXPECT_FALSE(error);
}

TEST_F(DeepgramEars, CallerMuted_KeepAliveHoldsTheSocket) {
  open();
  silence(200ms);
  world.run_for(5min);
  EXPECT_FALSE(error);
  EXPECT_GT(told(deepgram::kKeepAlive), 50);
  hear(1s);
  silence(500ms);
  EXPECT_EQ(finals.size(), 1u);
}

TEST_F(DeepgramEars, AudioFlows_NoKeepAliveIsNeeded) {
  open();
  hear(20s);
  EXPECT_EQ(told(deepgram::kKeepAlive), 1) << "the one at the beginning";
}

TEST_F(DeepgramEars, EndOfInput_FinishesWhatIsSaid_BillsTheLifeOfTheSocket_ThenCloses) {
  open();
  hear(1s);
  stream->end_input();
  stream->end_input();
  hear(100ms);
  world.run_for(1s);
  ASSERT_GE(finals.size(), 1u);
  EXPECT_FALSE(finals[0].empty());
  EXPECT_TRUE(closed);
  EXPECT_FALSE(error);
  EXPECT_EQ(told(deepgram::kCloseStream), 1);
  EXPECT_GE(billed, 1s);
  EXPECT_LE(billed, 1200ms);
  EXPECT_EQ(sockets.requests.size(), 1u);
}

TEST_F(DeepgramEars, CloseStreamNeverAnswered_TheStreamEndsInItsBound_AndAnswersWhatItOwes) {
  sockets.script.ignores = [](std::string_view message) { return message != deepgram::kKeepAlive; };
  open();
  silence(200ms);
  stream->flush();
  stream->end_input();
  world.run_for(DeepgramStt::kFarewellLimit + 1s);
  EXPECT_TRUE(closed);
  EXPECT_FALSE(error);
  EXPECT_GE(finals.size(), 1u);
}

TEST_F(DeepgramEars, Refusals_AreFinalOrNot_ByTheirStatus) {
  struct Case {
    int status;
    bool retryable;
  };
  for (const auto& [status, retryable] : {Case{400, false}, {401, false}, {402, false}, {403, false}, {408, true}, {429, true}, {500, true}, {503, true}}) {
    sockets.refuse(status, R"({"err_code":"X","err_msg":"Invalid credentials.","request_id":"1"})", {{"Retry-After", "7"}});
    closed = false;
    error.reset();
    open();
    world.run_for(1s);
    ASSERT_TRUE(error) << status;
    EXPECT_EQ(error->retryable, retryable) << status;
    EXPECT_EQ(error->error.message(), fmt::format("HTTP {}: deepgram: Invalid credentials.", status));
    EXPECT_EQ(error->retry_after, 7s);
    EXPECT_TRUE(closed);
    stream.reset();
  }
}

TEST_F(DeepgramEars, ConnectHangs_TheErrorComesInTime_AndTheAudioIsBounded) {
  sockets.script.connect_hangs = true;
  open();
  hear(15s);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error.code(), Errc::timeout);
  EXPECT_TRUE(error->retryable);
}

TEST_F(DeepgramEars, WrongCertificate_IsFinal) {
  sockets.script.failure = net::WebSocketFailure{{Errc::refused, "TLS: the certificate of x is not trusted"}, {}};
  open();
  world.run_for(1s);
  ASSERT_TRUE(error);
  EXPECT_FALSE(error->retryable);
}

TEST_F(DeepgramEars, ConnectionCut_MayBeTriedAgain) {
  sockets.script.cut_after = 2;
  open();
  hear(3s);
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->retryable);
  EXPECT_TRUE(closed);
}

// A server that says what it is told.
class Saying final : public fakes::Conversation {
 public:
  Saying(std::vector<std::string> messages, std::optional<End> end) : messages_(std::move(messages)), end_(std::move(end)) {}
  void on_text(std::string_view, TimePoint) override {}
  void on_binary(std::string_view, TimePoint) override {}
  std::optional<fakes::Message> next(TimePoint) override {
    if (said_ == messages_.size()) return std::nullopt;
    return fakes::Message{false, messages_[said_++]};
  }
  std::optional<TimePoint> due() const override { return std::nullopt; }
  const std::optional<End>& end() const override { return end_; }

 private:
  std::vector<std::string> messages_;
  std::size_t said_ = 0;
  std::optional<End> end_;
};

TEST_F(DeepgramEars, CloseCodes_TellWhetherAnotherTryHelps) {
  for (const auto& [code, reason, retryable] : {std::tuple{1011, "NET-0001", true}, {1011, "DATA-0000", false}, {1008, "DATA-0000", false}, {1000, "", true}}) {
    SimSockets closing([&](TimePoint) { return std::make_unique<Saying>(std::vector<std::string>{}, Saying::End{code, reason}); });
    error.reset();
    closed = false;
    stt.emplace(closing, options);
    stream = stt->stream(scope, {});
    ASSERT_TRUE(scope.spawn("collect", collect(*stream, *this)));
    world.run_for(1s);
    ASSERT_TRUE(error) << reason;
    EXPECT_EQ(error->retryable, retryable) << code << reason;
    stream.reset();
    EXPECT_EQ(closing.open, 0);
  }
}

TEST_F(DeepgramEars, NonsenseOrAnErrorMessage_EndsTheStream) {
  for (const auto* said : {"<html>", "[]", R"({"type":"Results","channel":{}})", R"({"type":"Error","description":"overloaded"})"}) {
    SimSockets talking([&](TimePoint) { return std::make_unique<Saying>(std::vector<std::string>{said}, std::nullopt); });
    error.reset();
    stt.emplace(talking, options);
    stream = stt->stream(scope, {});
    ASSERT_TRUE(scope.spawn("collect", collect(*stream, *this)));
    world.run_for(1s);
    EXPECT_TRUE(error) << said;
    stream.reset();
    EXPECT_EQ(talking.open, 0);
  }
}

TEST_F(DeepgramEars, NobodyTakesTheEvents_TheServerIsNotReadAnyFurther) {
  stt.emplace(sockets, options);
  fake.stt_interim = 20ms;
  stream = stt->stream(scope, {});
  hear(20s);
  EXPECT_EQ(stream->events().size(), SttStream::kMaxEvents);
}

TEST_F(DeepgramEars, Closed_EndsTheSocketAtOnceAndCleanly) {
  open();
  hear(500ms);
  CloseReport report;
  bool done = false;
  Scope outside(loop, "outside");
  ASSERT_TRUE(outside.spawn("close", [](SttStream& s, Loop& l, CloseReport& r, bool& d) -> Task<void> {
    r = co_await s.close(l.in(1s));
    d = true;
  }(*stream, loop, report, done)));
  ASSERT_TRUE(world.run_until([&] { return done; }, 50ms)) << world.describe();
  EXPECT_TRUE(report.clean()) << to_string(report);
  EXPECT_TRUE(stream->events().closed());
}

TEST_F(DeepgramEars, KilledAtAnyStep_LeavesNothing) {
  for (std::uint64_t cut = 1; cut < 150; ++cut) {
    sim::World other(cut);
    auto& own = other.add_loop("job");
    {
      Scope session(own, "session");
      DeepgramStt provider(sockets, options);
      auto s = provider.stream(session, {});
      for (int i = 0; i < 30; ++i) s->push({std::vector<std::int16_t>(kSpeechFrameSamples, kLoud), kSpeechRate});
      s->flush();
      s->end_input();
      DeepgramEars& self = *this;
      ASSERT_TRUE(session.spawn("collect", collect(*s, self)));
      other.on_step([&](std::uint64_t step) {
        if (step != cut) return;
        if (cut % 2 == 0) {
          session.kill();
        } else {
          s->kill();
        }
      });
      other.run_for(10s);
      s.reset();
      EXPECT_EQ(sockets.open, 0) << other.describe();
    }
    EXPECT_EQ(own.counters().tasks, 0) << other.describe();
    EXPECT_TRUE(other.idle()) << other.describe();
  }
}

}  // namespace
}  // namespace parley
