#include "providers/openai/openai_llm.hpp"

#include <deque>

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "sim/world.hpp"

namespace parley {
namespace {

// One answer of a server: what comes when, and how it ends.
struct Script {
  Result<int> head = 200;
  net::HttpFields fields;
  std::vector<std::string> pieces;
  Duration between = 10ms;
  enum class End { normal, cut, hang } end = End::normal;
};

class ScriptedBody final : public net::ResponseStream {
 public:
  ScriptedBody(Script script, int& open) : script_(std::move(script)), open_(open) {
    ++open_;
    head_.status = *script_.head;
    head_.fields = script_.fields;
  }
  ~ScriptedBody() override { --open_; }
  const net::ResponseHead& head() const noexcept override { return head_; }

  Task<Result<std::string>> read(Deadline deadline) override {
    if (next_ < script_.pieces.size()) {
      co_await sleep_for(script_.between);
      co_return script_.pieces[next_++];
    }
    if (script_.end == Script::End::normal) co_return std::string();
    if (script_.end == Script::End::cut) co_return fail(Errc::unavailable, "the connection was cut");
    co_await sleep_until(deadline.at());
    co_return fail(Errc::timeout, "nothing came");
  }

 private:
  Script script_;
  int& open_;
  std::size_t next_ = 0;
  net::ResponseHead head_;
};

class ScriptedServer final : public net::HttpClient {
 public:
  Task<Result<std::unique_ptr<net::ResponseStream>>> open(net::ClientRequest request, Deadline) override {
    requests.push_back(request);
    co_await sleep_for(5ms);
    if (!script.head) co_return fail(script.head.error());
    co_return std::unique_ptr<net::ResponseStream>(std::make_unique<ScriptedBody>(script, open_bodies));
  }
  Script script;
  std::vector<net::ClientRequest> requests;
  int open_bodies = 0;
};

class OpenAiStreams : public ::testing::Test {
 protected:
  OpenAiStreams() : loop(world.add_loop("job")), scope(loop, "session") {
    options.base_url = "http://127.0.0.1:11434/v1";
    options.chat.model = "llama3";
  }

  static Task<void> collect(LlmStream& stream, OpenAiStreams& self) {
    for (;;) {
      auto chunk = co_await stream.chunks().pop(Deadline::bounded_by_scope());
      if (!chunk) break;
      if (!*chunk) {
        self.error = (*chunk).error();
      } else if (const auto* text = std::get_if<std::string>(&**chunk)) {
        self.text += *text;
      } else if (const auto* call = std::get_if<FunctionCall>(&**chunk)) {
        self.calls.push_back(call->name);
      }
    }
    self.closed = true;
  }

  void ask() {
    OpenAiLlm llm(server, options);
    ChatRequest request;
    request.context.add(ChatRole::user, "Hello?");
    auto stream = llm.chat(scope, request);
    ASSERT_TRUE(scope.spawn("collect", collect(*stream, *this)));
    ASSERT_TRUE(world.run_until([&] { return closed; }, 1min)) << world.describe();
    stream.reset();
    EXPECT_EQ(server.open_bodies, 0);
  }

  static std::string says(std::string_view text) {
    return R"(data: {"choices":[{"delta":{"content":")" + std::string(text) + "\"}}]}\n\n";
  }

  sim::World world{1};
  ScriptedServer server;
  OpenAiOptions options;
  sim::SimLoop& loop;
  Scope scope;
  std::string text;
  std::vector<std::string> calls;
  std::optional<ProviderError> error;
  bool closed = false;
};

TEST_F(OpenAiStreams, Answer_ComesWordByWord) {
  options.api_key = "key";
  server.script.pieces = {says("Good "), says("evening."), "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DO", "NE]\n\n"};
  ask();
  EXPECT_EQ(text, "Good evening.");
  EXPECT_FALSE(error);
  ASSERT_EQ(server.requests.size(), 1u);
  EXPECT_EQ(server.requests[0].url, "http://127.0.0.1:11434/v1/chat/completions");
  EXPECT_EQ(server.requests[0].fields.get("Authorization"), "Bearer key");
}

TEST_F(OpenAiStreams, LocalServerWithoutAKey_GetsNoAuthorization) {
  server.script.pieces = {"data: [DONE]\n\n"};
  ask();
  EXPECT_FALSE(server.requests.at(0).fields.has("Authorization"));
}

TEST_F(OpenAiStreams, Refused_TheServersWordsAndWhetherToTryAgain) {
  server.script.head = 401;
  server.script.pieces = {R"({"error":{"message":"Incorrect API key"}})"};
  ask();
  ASSERT_TRUE(error);
  EXPECT_FALSE(error->retryable);
  EXPECT_EQ(error->error.message(), "HTTP 401: openai: Incorrect API key");
}

TEST_F(OpenAiStreams, TooManyRequests_MayBeTriedAgainWhenTheServerSaysSo) {
  server.script.head = 429;
  server.script.fields = {{"Retry-After", "7"}};
  server.script.pieces = {"slow down"};
  ask();
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->retryable);
  EXPECT_EQ(error->retry_after, 7s);
}

TEST_F(OpenAiStreams, NobodyThere_MayBeTriedAgain) {
  server.script.head = fail(Errc::unavailable, "cannot reach http://127.0.0.1:11434: connection refused");
  ask();
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->retryable);
}

TEST_F(OpenAiStreams, WrongCertificate_IsFinal) {
  server.script.head = fail(Errc::refused, "TLS: certificate has expired");
  ask();
  ASSERT_TRUE(error);
  EXPECT_FALSE(error->retryable);
}

TEST_F(OpenAiStreams, StallsMidway_IsATimeout_WithinItsBound) {
  server.script.pieces = {says("Good ")};
  server.script.end = Script::End::hang;
  const auto began = world.now();
  ask();
  EXPECT_EQ(text, "Good ");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error.code(), Errc::timeout);
  EXPECT_LT(world.now() - began, options.stall_timeout + 100ms);
}

TEST_F(OpenAiStreams, CutMidway_OrEndedWithoutAnEnd_IsAnError) {
  for (const auto end : {Script::End::cut, Script::End::normal}) {
    server.script.pieces = {says("Good ")};
    server.script.end = end;
    closed = false;
    error.reset();
    ask();
    ASSERT_TRUE(error);
    EXPECT_TRUE(error->retryable);
  }
}

TEST_F(OpenAiStreams, Garbage_IsAProtocolError) {
  server.script.pieces = {"data: <html>\n\n"};
  ask();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error.code(), Errc::protocol);
}

TEST_F(OpenAiStreams, KilledAtAnyStep_LeavesNoConnection) {
  server.script.pieces = {says("Good "), says("evening.")};
  server.script.end = Script::End::hang;
  for (std::uint64_t cut = 1; cut < 25; ++cut) {
    sim::World other(cut);
    auto& own = other.add_loop("job");
    Scope session(own, "session");
    OpenAiLlm llm(server, options);
    auto stream = llm.chat(session, {});
    other.on_step([&](std::uint64_t step) {
      if (step == cut) stream->kill();
    });
    other.run_for(1min);
    stream.reset();
    EXPECT_EQ(own.counters().tasks, 0) << other.describe();
    EXPECT_EQ(server.open_bodies, 0) << other.describe();
  }
}

}  // namespace
}  // namespace parley
