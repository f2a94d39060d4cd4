// Our providers against the fakes' program, over real sockets.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "net/net_http_client.hpp"
#include "net/net_websocket.hpp"
#include "net_test/fixture.hpp"
#include "providers/deepgram/deepgram_stt.hpp"
#include "providers/deepgram/deepgram_tts.hpp"
#include "providers/openai/openai_llm.hpp"

namespace parley {
namespace {

namespace json = boost::json;

// The program, from its line of JSON to its end by a closed standard input.
class Fakes {
 public:
  explicit Fakes(std::vector<std::string> arguments = {}) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
    arguments.insert(arguments.begin(), PARLEY_FAKES);
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    std::string line;
    for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';) line += c;
    ::close(out[0]);
    boost::system::error_code failed;
    times = json::parse(line, failed);
    EXPECT_FALSE(failed) << line;
    if (!failed) port = times.at("port").to_number<std::uint16_t>();
  }
  ~Fakes() {
    if (pid_ <= 0) return;
    if (by_signal) {
      ::kill(pid_, SIGTERM);
    } else {
      ::close(std::exchange(in_, -1));
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);  // bounded by the test's own limit
    if (in_ >= 0) ::close(in_);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  Fakes(const Fakes&) = delete;
  Fakes& operator=(const Fakes&) = delete;

  std::string http(std::string_view path) const { return fmt::format("http://127.0.0.1:{}{}", port, path); }

  std::uint16_t port = 0;
  json::value times;
  bool by_signal = false;  // ended by SIGTERM

 private:
  pid_t pid_ = -1;
  int in_ = -1;
};

class Pair : public net::OnRealLoop {
 public:
  void SetUp() override {
    fakes.emplace(std::vector<std::string>{"--first-token-ms", "20", "--token-ms", "2", "--tts-first-ms", "20", "--tts-speed", "100", "--api-key", "key"});
    net::OnRealLoop::SetUp();
    job.emplace(scope(), "job");
    http = net::make_http_client(loop(), *job);
    sockets = net::make_websocket_client(loop(), *job);
  }
  void TearDown() override {
    sockets.reset();
    http.reset();
    job.reset();
    net::OnRealLoop::TearDown();
    fakes.reset();
  }

  Task<json::value> stats() {
    const auto answer = co_await http->send({.method = "GET", .url = fakes->http("/stats"), .fields = {}, .body = {}}, in(5s));
    co_return answer ? json::parse(answer->body) : json::value();
  }
  // The last socket's end is seen a moment after it was closed.
  Task<void> expect_no_socket_left() {
    for (int tries = 0; tries < 200; ++tries) {
      const auto seen = co_await stats();
      if (seen.at("sockets_open").to_number<int>() == 0) co_return;
      co_await sleep_for(10ms);
    }
    ADD_FAILURE() << "a provider's socket is left";
  }

  DeepgramSttOptions ear(std::string_view base = "/v1") { return {.base_url = fakes->http(base), .api_key = "key", .listen = {}}; }
  DeepgramTtsOptions voice(std::string_view base = "/v1") { return {.base_url = fakes->http(base), .api_key = "key", .speak = {}}; }

  std::optional<Fakes> fakes;
  std::optional<Scope> job;
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<net::WebSocketClient> sockets;
};

TEST_F(Pair, Chat_AnswersInWords_WithItsUsage) {
  run([](Pair& t) -> Task<void> {
    OpenAiLlm llm(*t.http, {.base_url = t.fakes->http("/v1"), .api_key = "key", .chat = {}});
    ChatRequest request;
    request.context.add(ChatRole::user, "Hello?");
    auto stream = llm.chat(*t.job, request);
    std::size_t words = 0;
    std::optional<LlmUsage> usage;
    for (;;) {
      auto chunk = co_await stream->chunks().pop(t.in(5s));
      if (!chunk) break;
      CO_ASSERT(*chunk);
      if (std::holds_alternative<std::string>(**chunk)) ++words;
      if (const auto* told = std::get_if<LlmUsage>(&**chunk)) usage = *told;
    }
    EXPECT_GT(words, 2u);
    CO_ASSERT(usage);
    EXPECT_EQ(usage->completion_tokens, static_cast<std::int64_t>(words));
  }(*this));
}

TEST_F(Pair, Ear_HearsSoundAsWords_AndLeavesNoSocket) {
  run([](Pair& t) -> Task<void> {
    DeepgramStt stt(*t.sockets, t.ear());
    auto stream = stt.stream(*t.job, {});
    for (int i = 0; i < 60; ++i) stream->push({std::vector<std::int16_t>(kSpeechFrameSamples, i < 40 ? 8000 : 0), kSpeechRate});
    stream->flush();
    std::string text;
    int interims = 0;
    while (text.empty()) {
      auto event = co_await stream->events().pop(t.in(5s));
      CO_ASSERT_OK(event);
      CO_ASSERT(*event);
      if ((*event)->type == SttEvent::Type::interim_transcript) ++interims;
      if ((*event)->type == SttEvent::Type::final_transcript) text = (*event)->text;
    }
    EXPECT_GT(interims, 0);
    stream->end_input();
    while (co_await stream->events().pop(t.in(5s))) {
    }
    EXPECT_TRUE((co_await stream->close(t.in(5s))).clean());
    stream.reset();
    co_await t.expect_no_socket_left();
    const auto seen = co_await t.stats();
    EXPECT_EQ(seen.at("errors").to_number<int>(), 0) << json::serialize(seen);
  }(*this));
}

Task<Duration> speak(Pair& t, TtsStream& stream) {
  EXPECT_TRUE(stream.push_text("Good evening, this is the reception."));
  stream.end_input();
  Duration audio{};
  bool ended = false;
  while (auto chunk = co_await stream.audio().pop(t.in(5s))) {
    if (!*chunk) {
      ADD_FAILURE() << (*chunk).error().error.message();
      break;
    }
    audio += (*chunk)->audio.duration();
    ended = ended || (*chunk)->end_of_segment;
  }
  EXPECT_TRUE(ended);
  co_return audio;
}

TEST_F(Pair, Voice_SpeaksTwice_OnOneSocket_AndIsInterruptedInBetween) {
  run([](Pair& t) -> Task<void> {
    std::optional<Scope> call(std::in_place, *t.job, "call");
    auto tts = std::make_optional<DeepgramTts>(*call, *t.sockets, t.voice());
    auto first = tts->stream(*call);
    EXPECT_NEAR(to_seconds(co_await speak(t, *first)), 36.0 / 14, 0.01);
    first.reset();
    auto cut = tts->stream(*call);
    CO_ASSERT_OK(cut->push_text(std::string(2000, 'x')));
    CO_ASSERT_OK(co_await cut->audio().pop(t.in(5s)));
    EXPECT_TRUE((co_await cut->close(t.in(5s))).clean());
    cut.reset();
    const auto cleared = t.in(10s);
    while ((co_await t.stats()).at_pointer("/tts/clears").to_number<int>() == 0 && !cleared.passed(t.loop().now())) co_await sleep_for(10ms);
    co_await sleep_for(100ms);  // real time, for its word to come back
    auto last = tts->stream(*call);
    EXPECT_NEAR(to_seconds(co_await speak(t, *last)), 36.0 / 14, 0.01);
    last.reset();
    const auto seen = co_await t.stats();
    EXPECT_EQ(seen.at_pointer("/tts/total").to_number<int>(), 1) << json::serialize(seen);
    EXPECT_EQ(seen.at_pointer("/tts/clears").to_number<int>(), 1);
    tts.reset();
    call.reset();
    co_await t.expect_no_socket_left();
  }(*this));
}

TEST_F(Pair, WrongKey_IsFinal_AndAskedForStatusesAreMapped) {
  run([](Pair& t) -> Task<void> {
    struct Case {
      std::string base, key;
      bool retryable;
      std::string message;
    };
    for (const auto& [base, key, retryable, message] : {Case{"/v1", "wrong", false, "HTTP 401: deepgram: Invalid credentials."},
                                                        {"/fault/status:429/v1", "key", true, "HTTP 429: deepgram: as you wish"},
                                                        {"/fault/status:503/v1", "key", true, "HTTP 503: deepgram: as you wish"}}) {
      auto options = t.ear(base);
      options.api_key = key;
      DeepgramStt stt(*t.sockets, options);
      auto stream = stt.stream(*t.job, {});
      auto event = co_await stream->events().pop(t.in(5s));
      CO_ASSERT_OK(event);
      CO_ASSERT(!*event);
      EXPECT_EQ((*event).error().retryable, retryable);
      EXPECT_EQ((*event).error().error.message(), message);
    }
  }(*this));
}

TEST_F(Pair, ConnectionCutInMidSpeech_IsAnError) {
  run([](Pair& t) -> Task<void> {
    std::optional<Scope> call(std::in_place, *t.job, "call");
    auto tts = std::make_optional<DeepgramTts>(*call, *t.sockets, t.voice("/fault/cut:4/v1"));
    auto stream = tts->stream(*call);
    CO_ASSERT_OK(stream->push_text(std::string(500, 'x')));
    std::optional<ProviderError> error;
    while (auto chunk = co_await stream->audio().pop(t.in(5s))) {
      if (!*chunk) error = std::move((*chunk).error());
    }
    CO_ASSERT(error);
    EXPECT_TRUE(error->retryable);
    stream.reset();
    tts.reset();
    call.reset();
    co_await t.expect_no_socket_left();
  }(*this));
}

TEST(FakesProgram, SaysItsTimes_AndEndsBySignalOrClosedInput) {
  for (const bool by_signal : {true, false}) {
    Fakes fakes({"--stt-final-ms", "70", "--seed", "9"});
    fakes.by_signal = by_signal;
    EXPECT_GT(fakes.port, 0);
    EXPECT_EQ(fakes.times.at("stt_final_ms").to_number<int>(), 70);
    EXPECT_EQ(fakes.times.at("first_token_ms").to_number<int>(), 200);
    EXPECT_EQ(fakes.times.at("seed").to_number<int>(), 9);
  }
}

}  // namespace
}  // namespace parley
