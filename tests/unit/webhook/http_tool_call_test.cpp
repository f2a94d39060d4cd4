// A tool on a server, in a call: what the server asks to be done, is done, and what it cannot mean is told to the LLM.
#include "webhook/http_tool.hpp"

#include <gmock/gmock.h>

#include "scripted_http.hpp"
#include "session_test/call_test.hpp"
#include "webhook/signature.hpp"

namespace parley::webhook {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class HttpToolInCall : public CallTest {
 protected:
  // The LLM calls the tool when the caller says "book it", says `then` about its result, and "All right." to all else.
  void begin(std::string then = "Is that all?") {
    llm->answer = [then](const ChatRequest& request) -> sim::LlmAnswer {
      if (std::holds_alternative<FunctionCallOutput>(request.context.items.back())) return {.text = then};
      if (to_text(request.context.items.back()) != "user: book it") return {.text = "All right."};
      return {.calls = {{.id = "c", .name = "book_table", .arguments = R"({"people": 4})"}}};
    };
    Agent agent{.name = "booking"};
    agent.tools = {http_tool(settings, call, shared_http, agents)};
    start(std::move(agent));
  }
  void server_says(std::string body, Duration after = 100ms) { http.always({.body = std::move(body), .after = after}); }
  // The whole of a call in which the server answers this.
  void book(std::string body) {
    server_says(std::move(body));
    begin();
    caller_says("book it");
    ASSERT_TRUE(wait_for(AgentState::speaking) && wait_for_silence()) << describe();
  }

  const std::shared_ptr<ScriptedHttp> shared_http = std::make_shared<ScriptedHttp>();
  ScriptedHttp& http = *shared_http;
  Call call{.id = "CA_1", .attempt_id = "AJ_1", .metadata = {}};
  agent_file::HttpToolSettings settings{
      .definition = {.name = "book_table", .description = "Books.", .parameters = {{"type", "object"}, {"properties", {{"people", {{"type", "integer"}}}}}}},
      .http = {.url = "https://tools.example/hidden", .timeout = 10s, .headers = {{"Authorization", "Bearer t0ken"}, {"Content-Type", "text/plain"}}, .signing_secret = "s3cret"}};
  AgentsByName agents = [](const std::string& name) -> Result<Agent> {
    if (name != "sales") return fail(Errc::not_found, "there is sales");
    return Agent{.name = "sales", .greeting = Greeting{.say = "Sales, hello."}};
  };
};

TEST_F(HttpToolInCall, Server_IsToldAll_AndItsResultAnsweredByTheLlm) {
  book(R"({"result": {"table": 7}})");
  EXPECT_THAT(history(), ElementsAre("user: book it", R"(book_table({"people": 4}))", R"(book_table -> {"table":7})", "assistant: Is that all?"));
  ASSERT_EQ(http.requests.size(), 1u);
  const auto& request = http.requests[0];
  const auto body = boost::json::parse(request.body);
  EXPECT_EQ(body.at("call").at("id"), "CA_1");
  EXPECT_EQ(body.at("call").at("job_id"), "AJ_1");
  EXPECT_EQ(body.at("tool"), "book_table");
  EXPECT_EQ(body.at("arguments"), boost::json::parse(R"({"people": 4})"));
  EXPECT_EQ(body.at("tool_call_id"), "c");
  EXPECT_EQ(request.url, "https://tools.example/hidden");
  EXPECT_EQ(request.fields.get("Idempotency-Key"), "CA_1/c");
  EXPECT_EQ(request.fields.get("Authorization"), "Bearer t0ken");
  EXPECT_EQ(request.fields.get("Content-Type"), "application/json");
  EXPECT_EQ(request.fields.count("Content-Type"), 1u);
  const auto now = std::chrono::floor<std::chrono::seconds>(loop.clock().wall());
  EXPECT_TRUE(verify({.secret = "s3cret"}, request.fields.get("Parley-Signature"), request.body, now));
}

TEST_F(HttpToolInCall, WordsOfTheServer_AreSaidInTheLlmsPlace) {
  book(R"({"result": "ok", "actions": [{"say": "It is booked."}, {"say": "Table seven."}]})");
  EXPECT_THAT(caller.heard_texts(), ElementsAre("It is booked.", "Table seven."));
  EXPECT_THAT(history(), Contains("book_table -> ok"));
  EXPECT_EQ(llm->requests.size(), 1u) << "nobody asks it what to say to that";
}

TEST_F(HttpToolInCall, WordsAndTheEnd_AreDoneInTheirOrder) {
  close_when_it_ends();
  server_says(R"({"result": "ok", "actions": [{"say": "Thank you for calling."}, {"end_call": {}}]})");
  begin();
  caller_says("book it");
  ASSERT_TRUE(run_until([&] { return report.has_value(); })) << describe();
  EXPECT_THAT(caller.heard_texts(), ElementsAre("Thank you for calling."));
  EXPECT_EQ(events.end_reason.cause, StopCause::agent_hung_up);
}

TEST_F(HttpToolInCall, CallerIsPassedOn_OnceTheServersWordsWereHeard) {
  close_when_it_ends();
  caller.is_on_a_telephone();
  server_says(R"({"result": "ok", "actions": [{"say": "I put you through."}, {"transfer": {"to": "tel:+15550100"}}]})");
  begin();
  caller_says("book it");
  ASSERT_TRUE(run_until([&] { return report.has_value(); })) << describe();
  EXPECT_THAT(caller.passed_on_to, ElementsAre("tel:+15550100"));
  ASSERT_THAT(caller.heard_texts(), ElementsAre("I put you through."));
  EXPECT_GE(caller.heard()[0].length, sim::ScriptedTts::kPerCharacter * 15) << "to its end";
}

TEST_F(HttpToolInCall, CallerWhoCannotBePassedOn_TheLlmIsTold_AndTheResultWithIt) {
  book(R"({"result": {"ticket": 12}, "actions": [{"transfer": {"to": "tel:+15550100"}}]})");
  EXPECT_THAT(history(), Contains(AllOf(HasSubstr("book_table -> error: the tool worked"), HasSubstr("not on a telephone"), HasSubstr(R"({"ticket":12})"))));
  EXPECT_THAT(caller.heard_texts(), ElementsAre("Is that all?"));
}

TEST_F(HttpToolInCall, Colleague_TakesOver_BehindTheServersWords) {
  server_says(R"({"result": "ok", "actions": [{"say": "Sales will help you."}, {"handoff": {"agent": "sales"}}]})");
  begin();
  caller_says("book it");
  ASSERT_TRUE(run_until([&] { return caller.heard_texts().size() == 2; })) << describe();
  EXPECT_THAT(caller.heard_texts(), ElementsAre("Sales will help you.", "Sales, hello."));
  EXPECT_EQ(session->current_agent().name, "sales");
}

TEST_F(HttpToolInCall, OneWrongAction_AndNoneIsDone) {
  book(R"({"result": "ok", "actions": [{"say": "Sales will help you."}, {"handoff": {"agent": "boss"}}]})");
  EXPECT_THAT(history(), Contains(AllOf(HasSubstr("error:"), HasSubstr("handoff to \"boss\""), HasSubstr("there is sales"))));
  EXPECT_THAT(caller.heard_texts(), ElementsAre("Is that all?"));
}

TEST_F(HttpToolInCall, AnswerThatIsNone_IsAnErrorForTheLlm_WithoutAddressOrSecret) {
  const auto told = [this](ScriptedHttp::Answer answer) {
    http.always(std::move(answer));
    caller_says("book it");
    EXPECT_TRUE(wait_for(AgentState::speaking) && wait_for_silence()) << describe();
    std::string last;
    for (const auto& line : history()) {
      if (line.starts_with("book_table -> ")) last = line;
    }
    EXPECT_THAT(last, AllOf(Not(HasSubstr("hidden")), Not(HasSubstr("t0ken")), Not(HasSubstr("s3cret"))));
    return last;
  };
  begin();
  EXPECT_THAT(told({.status = 500}), HasSubstr("error: the server answered 500 Internal Server Error"));
  EXPECT_THAT(told({.status = 201, .body = R"({"result": 1})"}), HasSubstr("error: the server answered 201"));
  EXPECT_THAT(told({.status = 409, .body = R"({"error": "that table is taken"})"}), HasSubstr("409 Conflict: that table is taken"));
  EXPECT_THAT(told({.body = "<html>"}), HasSubstr("cannot be used: it is not valid JSON"));
  EXPECT_THAT(told({.body = R"({"result": 1, "actions": [{"dance": {}}]})"}), HasSubstr("\"dance\": unknown action"));
  EXPECT_THAT(told({.after = 60s}), HasSubstr("did not answer within 10 s"));
  for (const auto code : {Errc::unavailable, Errc::io, Errc::refused}) {
    EXPECT_EQ(told({.error = Error(code, "cannot reach https://tools.example/hidden through the proxy http://inside.example: refused")}),
              "book_table -> error: the tool's server cannot be reached");
  }
  EXPECT_EQ(told({.error = Error(Errc::protocol, "https://tools.example/hidden: the answer is longer than 4 bytes")}),
            "book_table -> error: the tool's server gave no answer that can be read");
}

TEST_F(HttpToolInCall, WordsThatCannotBeSaid_TheLlmIsTold_AndTheResultWithIt) {
  server_says(R"({"result": {"ticket": 12}, "actions": [{"say": "It is booked now."}]})", 8s);
  settings.say_while_waiting = "One moment, I am looking that up for you.";
  settings.survives_interruption = true;
  begin();
  caller_says("book it");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  session->interrupt(true);
  const auto queue_is_full = [this] { return session->say("La la la, and so on for a long while.").error().has_value(); };
  ASSERT_TRUE(run_until([&] { return queue_is_full() && http.waiting == 0; })) << describe();
  run_for(100ms);
  EXPECT_THAT(history(), Contains(AllOf(HasSubstr("book_table -> error: the tool worked"), HasSubstr("could not be said"), HasSubstr(R"({"ticket":12})"))));
}

TEST_F(HttpToolInCall, InterruptedOne_IsDropped_WithItsConnection) {
  server_says(R"({"result": "ok"})", 8s);
  settings.say_while_waiting = "One moment, I am looking that up for you.";
  begin();
  caller_says("book it");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_EQ(http.waiting, 1);
  run_for(500ms);
  caller_says("wait a moment please");
  run_for(1s);
  EXPECT_EQ(http.waiting, 0);
  EXPECT_THAT(history(), Contains("book_table -> error: interrupted before it was done"));
}

TEST_F(HttpToolInCall, OneThatSurvives_IsWaitedFor_AndItsActionsAreDone) {
  server_says(R"({"result": "ok", "actions": [{"say": "It is booked now."}]})", 8s);
  settings.say_while_waiting = "One moment, I am looking that up for you.";
  settings.survives_interruption = true;
  begin();
  caller_says("book it");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  run_for(500ms);
  caller_says("wait a moment please");
  ASSERT_TRUE(run_until([&] { return caller.heard_texts().back() == "It is booked now."; })) << describe();
  EXPECT_THAT(history(), Contains("book_table -> ok"));
}

TEST_F(HttpToolInCall, EndOfTheCall_DropsWhatItWaitsFor) {
  server_says(R"({"result": "ok"})", 8s);
  settings.survives_interruption = true;
  begin();
  caller_says("book it");
  ASSERT_TRUE(run_until([&] { return http.waiting == 1; })) << describe();
  close();
  EXPECT_EQ(http.waiting, 0);
}

}  // namespace
}  // namespace parley::webhook
