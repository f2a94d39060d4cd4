// When a call is recorded, and that it goes on whatever becomes of its recording.
#include "voice/recording_transport.hpp"

#include <parley/async/scope.hpp>

#include "async/real_loop.hpp"
#include "decoded.hpp"

namespace parley::voice {
namespace {

// A line with a caller who hums all the time.
struct Line final : Transport {
  Channel<TransportEvent>& events() override { return events_; }
  std::optional<AudioFrame> receive(TimePoint) override {
    RecordedPair pair;
    tone(pair.caller, 440, received++);
    return AudioFrame{.samples = {pair.caller.begin(), pair.caller.end()}};
  }
  bool can_deliver() const noexcept override { return true; }
  void send(const AudioFrame&, TimePoint) override { ++sent; }
  TimePoint last_heard() const noexcept override { return {}; }
  void request_stop(StopReason) noexcept override {}
  Task<CloseReport> close(Deadline) override { co_return CloseReport{}; }
  void kill() noexcept override {}

  Channel<TransportEvent> events_{1};
  std::int64_t received = 0;
  int sent = 0;
};

struct Lines final : LogSink {
  void write(const LogLine& line) noexcept override { text.emplace_back(line.message); }
  std::vector<std::string> text;
};

class Recorded : public ::testing::Test {
 protected:
  void start(RecordingOptions options, std::optional<Greeting> greeting = Greeting{.say = "Hello. This call is recorded."}) {
    options.path = path;
    recording.emplace(loop, line, options, greeting,
                      [this](std::string_view type, boost::json::object data) {
                        told.push_back(std::string(type) + (data.contains("reason") ? ": " + std::string(data.at("reason").as_string()) : ""));
                      },
                      Logger(log));
    recording->said("speech_created", {{"speech_id", "speech_1"}, {"source", "say"}, {"user_initiated", true}});
  }
  // So long the call goes on; the agent speaks all the time.
  void talk(Duration length) {
    for (const auto end = now + length; now < end; now += kFrameDuration) {
      (void)recording->receive(now);
      RecordedPair pair;
      tone(pair.agent, 1000, line.sent);
      recording->send({.samples = {pair.agent.begin(), pair.agent.end()}}, now);
    }
  }
  void heard(const char* role, std::string_view text, bool interrupted = false, const char* speech = "speech_1") {
    boost::json::object item{{"type", "message"}, {"role", role}, {"text", text}};
    if (interrupted) item["interrupted"] = true;
    recording->said("conversation_item_added", {{"item", std::move(item)}, {"speech_id", speech}});
  }
  CloseReport close() {
    CloseReport report;
    Scope scope(loop, "test");
    EXPECT_TRUE(scope.spawn("close", [](RealLoop& l, RecordingTransport& r, CloseReport& out) -> Task<void> {
      out = co_await r.close_recording(l.in(5s));
      l.stop();
    }(loop, *recording, report)));
    loop.run();
    return report;
  }

  Folder folder;
  const std::string path = folder.file("call.ogg");
  std::shared_ptr<Lines> log = std::make_shared<Lines>();
  RealLoop loop{"test", Logger()};
  TimePoint now = loop.now();
  Line line;
  std::vector<std::string> told;
  std::optional<RecordingTransport> recording;
};

using Told = std::vector<std::string>;

TEST_F(Recorded, WithoutConsent_FromTheFirstMoment_BothVoices) {
  start({.consent = RecordingConsent::none});
  talk(1s);
  const auto report = close();
  EXPECT_TRUE(report.clean());
  const auto sound = decode(path, 2);
  EXPECT_NEAR(sound.seconds(), 1.0, 0.1);
  EXPECT_GT(sound.level(0, 0.1, 0.9), -20);
  EXPECT_GT(sound.level(1, 0.1, 0.9), -20);
  EXPECT_EQ(told, (Told{"recording_started", "recording_stopped: the call ended"}));
  EXPECT_EQ(line.sent, 50) << "and the call got every frame";
}

TEST_F(Recorded, GreetingHeardToItsEnd_BeginsTheRecording_AndNothingBeforeItIsThere) {
  start({});
  talk(1s);
  EXPECT_FALSE(std::filesystem::exists(path));
  heard("assistant", "Hello! This call is recorded.");
  talk(500ms);
  (void)close();
  EXPECT_NEAR(decode(path, 2).seconds(), 0.5, 0.1);
}

TEST_F(Recorded, GreetingCutOff_HasAskedNobody) {
  start({});
  heard("user", "Wait!");
  EXPECT_TRUE(told.empty()) << "the caller's words are no greeting";
  heard("assistant", "Hello. This", true);
  heard("assistant", "What can I do for you?");
  talk(200ms);
  EXPECT_TRUE(close().clean());
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(told, (Told{"recording_stopped: the caller has not heard the greeting to its end"}));
  EXPECT_EQ(log->text.size(), 1u);
}

TEST_F(Recorded, OtherWordsInTheGreetingsPlace_AreNoConsent) {
  start({});
  heard("assistant", "I am sorry, something is wrong on our side.");
  EXPECT_EQ(told.size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Recorded, GreetingInTheLlmsWords_BeginsTheRecording) {
  start({}, Greeting{.instructions = "Greet the caller, and say that the call is recorded."});
  heard("assistant", "Good evening! We record this.");
  EXPECT_EQ(told, (Told{"recording_started"}));
}

TEST_F(Recorded, AnswerOrFailureWords_WhereTheLlmsGreetingWasNotHeard_AreNoConsent) {
  for (const char* speech : {"speech_2", ""}) {
    told.clear();
    start({}, Greeting{.instructions = "Greet the caller, and say that the call is recorded."});
    recording->said("speech_created", {{"speech_id", "speech_2"}, {"source", "generate_reply"}, {"user_initiated", false}});
    heard("assistant", "I am sorry, something is wrong on our side.", false, speech);
    EXPECT_EQ(told, (Told{"recording_stopped: the caller has not heard the greeting to its end"}));
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST_F(Recorded, AgentWithoutAGreeting_IsNotRecorded_WhereTheGreetingAsks) {
  start({}, std::nullopt);
  heard("assistant", "Hello.");
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(told, (Told{"recording_stopped: its agent has no greeting, which would have to say so"}));
}

TEST_F(Recorded, FileThatExists_IsKept_AndTheCallGoesOn) {
  ASSERT_NE(::fclose(::fopen(path.c_str(), "w")), EOF);
  start({.consent = RecordingConsent::none});
  talk(200ms);
  EXPECT_EQ(line.sent, 10);
  EXPECT_TRUE(close().clean());
  EXPECT_EQ(std::filesystem::file_size(path), 0u);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("File exists"), std::string::npos);
}

TEST_F(Recorded, CallThatIsCutOff_HasAFileThatEndsWell) {
  start({.consent = RecordingConsent::none});
  talk(1s);
  recording->finish();  // all that a forced end does
  recording->kill();
  recording.reset();
  const auto end = SystemClock().now() + 10s;
  while (decode(path, 2).seconds() < 0.9 && SystemClock().now() < end) {
  }
  EXPECT_NEAR(decode(path, 2).seconds(), 1.0, 0.1);
}

}  // namespace
}  // namespace parley::voice
