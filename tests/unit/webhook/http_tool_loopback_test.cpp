// A tool over the real client, to a server that says and sees every byte.
#include "webhook/http_tool.hpp"

#include <gmock/gmock.h>

#include "net/net_http_client.hpp"
#include "net_test/client_fixture.hpp"

namespace parley::webhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class LogOfTest final : public LogSink {
 public:
  void write(const LogLine& line) noexcept override { text.append(line.message).append("\n"); }
  std::string text;
};

// A session that can only log.
class SilentSession final : public Session {
 public:
  explicit SilentSession(Logger logger) : logger_(std::move(logger)) {}
  SpeechHandle say(std::string, SayOptions) override { std::abort(); }
  SpeechHandle generate_reply(ReplyOptions) override { std::abort(); }
  void interrupt(bool) override { std::abort(); }
  Result<void> update_agent(Agent) override { std::abort(); }
  const Agent& current_agent() const noexcept override { std::abort(); }
  const ChatContext& history() const noexcept override { std::abort(); }
  UserState user_state() const noexcept override { std::abort(); }
  AgentState agent_state() const noexcept override { std::abort(); }
  void end(StopReason, Ending) override { std::abort(); }
  Task<Result<void>> transfer(std::string) override { std::abort(); }
  Task<Result<void>> send_dtmf(std::string) override { std::abort(); }
  void remember(std::string_view, boost::json::value) override { std::abort(); }
  const Logger& logger() const noexcept override { return logger_; }

 private:
  Logger logger_;
};

class HttpToolLoopback : public net::WithClient, public RunContext {
 public:
  void SetUp() override {
    WithClient::SetUp();
    make_client();
  }
  Session& session() noexcept override { return session_; }
  const std::string& tool_call_id() const noexcept override { return id_; }
  SpeechHandle speech() override { return SpeechHandle(std::make_shared<SpeechState>("s", SpeechPriority::normal, true)); }
  Result<void> say(std::string) override { std::abort(); }
  Task<void> wait_for_playout() override { co_return; }

  Tool tool_at(std::uint16_t port, Duration timeout = 5s) {
    agent_file::HttpToolSettings settings;
    settings.definition.name = "book";
    settings.http = {.url = url(port, "/hidden"), .timeout = timeout, .signing_secret = "s3cret"};
    return http_tool(settings, {.id = "CA_1", .attempt_id = "AJ_1", .metadata = {}}, std::shared_ptr<net::HttpClient>(std::shared_ptr<void>(), client.get()), {});
  }
  // Reads the request, never answers, and tells when the other side is gone.
  Part silent() {
    return [this](net::RawClient connection, int) { return listen_only(*this, std::move(connection)); };
  }
  static Task<void> listen_only(HttpToolLoopback& t, net::RawClient connection) {
    (void)co_await connection.receive_head();
    t.asked.set();
    (void)co_await connection.receive_all();
    t.gone.set();
  }
  static Task<void> use(HttpToolLoopback& t, const Tool& tool, std::optional<Result<ToolResult>>& out) {
    out = co_await tool.run(t, {{"people", 4}});
  }

  Event asked, gone;
  std::shared_ptr<LogOfTest> log = std::make_shared<LogOfTest>();

 private:
  SilentSession session_{Logger(log)};
  std::string id_ = "c";
};

TEST_F(HttpToolLoopback, AnswerOfARealServer_IsTheToolsResult) {
  const auto port = play(answering("HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"result\": \"table 7\"}\n "));
  const auto tool = tool_at(port);
  std::optional<Result<ToolResult>> out;
  run(use(*this, tool, out));
  ASSERT_TRUE(out && *out) << (*out).error().message();
  EXPECT_EQ((*out)->value, "table 7");
  EXPECT_THAT(request, AllOf(HasSubstr("POST /hidden HTTP/1.1"), HasSubstr("Idempotency-Key: CA_1/c"), HasSubstr("Parley-Signature: t=")));
}

TEST_F(HttpToolLoopback, ToolThatIsStopped_ClosesItsConnectionAtOnce) {
  const auto port = play(silent());
  const auto tool = tool_at(port);
  std::optional<Result<ToolResult>> out;
  run([](HttpToolLoopback& t, const Tool& used, std::optional<Result<ToolResult>>& answer) -> Task<void> {
    Scope call(t.loop(), "call");
    CO_ASSERT_OK(call.spawn("tool", use(t, used, answer)));
    CO_ASSERT_OK(co_await t.asked.wait(t.in(5s)));
    call.request_stop({StopCause::caller_hung_up, {}});
    CO_ASSERT_OK(co_await t.gone.wait(t.in(5s)));
  }(*this, tool, out));
  EXPECT_FALSE(out);
}

TEST_F(HttpToolLoopback, ToolThatIsDestroyed_ClosesItsConnectionAtOnce) {
  const auto port = play(silent());
  const auto tool = tool_at(port);
  std::optional<Result<ToolResult>> out;
  run([](HttpToolLoopback& t, const Tool& used, std::optional<Result<ToolResult>>& answer) -> Task<void> {
    {
      Scope call(t.loop(), "call");
      CO_ASSERT_OK(call.spawn("tool", use(t, used, answer)));
      CO_ASSERT_OK(co_await t.asked.wait(t.in(5s)));
    }
    CO_ASSERT_OK(co_await t.gone.wait(t.in(5s)));
  }(*this, tool, out));
  EXPECT_FALSE(out);
}

TEST_F(HttpToolLoopback, ServerThatDoesNotAnswer_IsGivenUpAtTheTimeout_AndNamedInTheLogAlone) {
  const auto port = play(silent());
  const auto tool = tool_at(port, 100ms);
  std::optional<Result<ToolResult>> out;
  run([](HttpToolLoopback& t, const Tool& used, std::optional<Result<ToolResult>>& answer) -> Task<void> {
    co_await use(t, used, answer);
    CO_ASSERT_OK(co_await t.gone.wait(t.in(5s)));
  }(*this, tool, out));
  ASSERT_TRUE(out && !*out);
  EXPECT_EQ(out->error().message(), "the server did not answer within 0.1 s");
  EXPECT_THAT(log->text, AllOf(HasSubstr(fmt::format("127.0.0.1:{}", port)), Not(HasSubstr("hidden")), Not(HasSubstr("s3cret"))));
}

TEST_F(HttpToolLoopback, ServerThatIsNotThere_IsAnError_ThatSaysSo) {
  std::uint16_t port = 0;
  {
    auto listener = net::TcpListener::listen(loop(), {"127.0.0.1", 0});
    port = listener.value().endpoint().port;  // and nobody listens there any more
  }
  const auto tool = tool_at(port);
  std::optional<Result<ToolResult>> out;
  run(use(*this, tool, out));
  ASSERT_TRUE(out && !*out);
  EXPECT_THAT(out->error().message(), AllOf(HasSubstr("the tool's server cannot be reached"), Not(HasSubstr("hidden"))));
}

}  // namespace
}  // namespace parley::webhook
