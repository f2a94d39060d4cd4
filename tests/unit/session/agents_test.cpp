// What agents do: tools, handoffs, hooks, the end of a call by its agent.
#include "call_test.hpp"

#include <gmock/gmock.h>

namespace parley {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Agents = CallTest;

// Calls `call` when the caller speaks, and says `then` about what it brought.
std::function<sim::LlmAnswer(const ChatRequest&)> calls_tool(std::string before, FunctionCall call, std::string then) {
  return [=](const ChatRequest& request) -> sim::LlmAnswer {
    const bool answered = std::holds_alternative<FunctionCallOutput>(request.context.items.back());
    if (answered || !request.tools_allowed) return {.text = then};
    return {.text = before, .calls = {call}};
  };
}

TEST_F(Agents, ToolIsCalled_AndItsResultAnswered) {
  std::string booked;
  Agent agent{.name = "booking"};
  agent.tools = {tool("book_table", "Books a table.",
                      [&booked](std::string day, int people) {
                        booked = day + " " + std::to_string(people);
                        return boost::json::object{{"table", 7}};
                      },
                      arg("day"), arg("people"))};
  llm->answer = calls_tool("One moment, please.", {.id = "c1", .name = "book_table", .arguments = R"({"day":"Friday","people":4})"},
                           "You have table seven.");
  start(agent);
  caller_says("a table for four on Friday");
  ASSERT_TRUE(run_until([&] { return history().size() == 5; })) << describe();
  EXPECT_EQ(booked, "Friday 4");
  EXPECT_THAT(history(), ElementsAre("user: a table for four on Friday", "assistant: One moment, please.",
                                     R"(book_table({"day":"Friday","people":4}))", R"(book_table -> {"table":7})",
                                     "assistant: You have table seven."));
  EXPECT_EQ(events.count(events::kFunctionToolsExecuted), 1u);
  // The next step was asked for while the words before it still played.
  ASSERT_THAT(llm->requests, SizeIs(2));
  EXPECT_EQ(to_text(llm->requests[1].context.items[1]), "assistant: One moment, please.");
}

TEST_F(Agents, WrongArguments_AreToldToTheLlm_WhichMayTryAgain) {
  int calls = 0;
  Agent agent{.name = "booking"};
  agent.tools = {tool("book_table", "Books a table.", [&calls](int people) { return ++calls, people; }, arg("people").minimum(1))};
  llm->answer = [](const ChatRequest& request) -> sim::LlmAnswer {
    const auto* output = std::get_if<FunctionCallOutput>(&request.context.items.back());
    if (!output) return {.calls = {{.id = "c1", .name = "book_table", .arguments = R"({"people": "four"})"}}};
    if (output->is_error) return {.calls = {{.id = "c2", .name = "book_table", .arguments = R"({"people": 4})"}}};
    return {.text = "Done."};
  };
  start(agent);
  caller_says("a table for four");
  ASSERT_TRUE(run_until([&] { return calls == 1 && session->agent_state() == AgentState::speaking; })) << describe();
  const auto& output = std::get<FunctionCallOutput>(llm->requests[1].context.items.back());
  EXPECT_TRUE(output.is_error);
  EXPECT_THAT(output.output, HasSubstr("people"));
}

TEST_F(Agents, UnknownTool_IsAnErrorForTheLlm_ThatNamesTheKnownOnes) {
  Agent agent{.name = "booking"};
  agent.tools = {end_call()};
  llm->answer = calls_tool("", {.id = "c", .name = "launch", .arguments = "{}"}, "I cannot do that.");
  start(agent);
  caller_says("launch the rocket");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_THAT(history(), Contains(R"(launch -> error: there is no tool "launch"; there is: end_call)"));
}

TEST_F(Agents, ToolsThatCallForToolsForEver_EndAfterThreeSteps_WithWords) {
  int calls = 0;
  Agent agent{.name = "looping"};
  agent.tools = {tool("again", "", [&calls] { ++calls; })};
  llm->answer = [](const ChatRequest& request) -> sim::LlmAnswer {
    if (!request.tools_allowed) return {.text = "That is all I know."};
    return {.calls = {{.id = {}, .name = "again", .arguments = "{}"}}};
  };
  start(agent);
  caller_says("go on");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_EQ(calls, 3);
  EXPECT_THAT(llm->requests, SizeIs(4));
}

TEST_F(Agents, ToolThatHangs_IsLeftBehindAfterItsTimeout_AndTheLlmIsTold) {
  Agent agent{.name = "slow"};
  agent.tools = {tool("look", "", []() -> Task<void> {
    for (;;) {
      try {
        co_await sleep_for(1h);
      } catch (...) {
      }
    }
  }).timeout(5s)};
  llm->answer = calls_tool("", {.id = "c", .name = "look", .arguments = "{}"}, "It takes too long.");
  start(agent);
  caller_says("look it up");
  ASSERT_TRUE(wait_for(AgentState::speaking, 10s)) << describe();
  EXPECT_THAT(history(), Contains("look -> error: the tool did not answer within 5 s"));
}

TEST_F(Agents, ToolThatThrows_IsAnErrorForTheLlm_AndNothingElse) {
  Agent agent{.name = "broken"};
  agent.tools = {tool("break", "", []() -> int { throw std::runtime_error("the oven is on fire"); }),
                 tool("shatter", "", []() -> int { throw 7; })};
  llm->answer = [](const ChatRequest& request) -> sim::LlmAnswer {
    if (std::holds_alternative<FunctionCallOutput>(request.context.items.back())) return {.text = "Something broke."};
    return {.calls = {{.id = "1", .name = "break", .arguments = "{}"}, {.id = "2", .name = "shatter", .arguments = "{}"}}};
  };
  start(agent);
  caller_says("break it");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_THAT(history(), Contains("break -> error: the oven is on fire"));
  EXPECT_THAT(history(), Contains("shatter -> error: the tool failed in an unknown way"));
}

TEST_F(Agents, SilentTool_SaysItsOwnWordsWhileItRuns) {
  Agent agent{.name = "patient"};
  agent.tools = {tool("look", "", []() -> Task<void> { co_await sleep_for(3s); }).say_while_waiting("One moment, please.")};
  llm->answer = calls_tool("", {.id = "c", .name = "look", .arguments = "{}"}, "Found it.");
  start(agent);
  caller_says("look it up");
  ASSERT_TRUE(run_until([&] { return caller.heard_texts().size() == 1; }, 3s)) << describe();
  EXPECT_THAT(caller.heard_texts(), ElementsAre("One moment, please."));
  ASSERT_TRUE(run_until([&] { return caller.heard_texts().size() == 2; })) << describe();
  std::vector<std::string> states;
  for (const auto& change : events.all(events::kAgentStateChanged)) states.emplace_back(change.at("new_state").as_string());
  EXPECT_THAT(states, ElementsAre("listening", "thinking", "speaking", "thinking", "speaking"));
}

class InterruptedTools : public Agents {
 protected:
  // A tool of four seconds behind a long sentence, and a caller who talks over it.
  void interrupt_a_tool(bool survives) {
    Agent agent{.name = "booking"};
    auto book = tool("book", "", [this]() -> Task<std::string> {
      co_await sleep_for(4s);
      finished = true;
      co_return "booked";
    });
    agent.tools = {survives ? std::move(book).survives_interruption() : std::move(book)};
    llm->answer = [](const ChatRequest& request) -> sim::LlmAnswer {
      if (to_text(request.context.items.back()) != "user: book it") return {.text = "All right."};
      return {.text = "I will book this for you and it takes a while.", .calls = {{.id = "c", .name = "book", .arguments = "{}"}}};
    };
    start(agent);
    caller_says("book it");
    ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
    run_for(1s);
    caller_says("are you still there");
    run_for(8s);
  }
  bool finished = false;
};

TEST_F(InterruptedTools, OrdinaryOne_IsStopped_AndTheHistorySaysSo) {
  interrupt_a_tool(false);
  EXPECT_FALSE(finished);
  EXPECT_THAT(history(), Contains("book -> error: interrupted before it was done"));
}

TEST_F(InterruptedTools, OneThatSurvives_RunsToItsEnd_AndItsResultEntersTheHistory) {
  interrupt_a_tool(true);
  EXPECT_TRUE(finished);
  const auto lines = history();
  ASSERT_GE(lines.size(), 5u) << describe();
  EXPECT_EQ(lines[0], "user: book it");
  EXPECT_THAT(lines[1], HasSubstr("..."));
  EXPECT_EQ(lines[2], "user: are you still there");
  EXPECT_THAT(lines, Contains("book({})"));
  EXPECT_THAT(lines, Contains("book -> booked"));
}

TEST_F(Agents, EndCall_IsObeyedOnceTheGoodbyeWasHeard) {
  close_when_it_ends();
  Agent agent{.name = "polite"};
  agent.tools = {end_call()};
  llm->answer = calls_tool("Goodbye, and thank you for calling.", {.id = "c", .name = "end_call", .arguments = "{}"}, "never said");
  start(agent);
  caller_says("that is all bye");
  ASSERT_TRUE(run_until([&] { return report.has_value(); })) << describe();
  EXPECT_EQ(events.end_reason.cause, StopCause::agent_hung_up);
  EXPECT_THAT(caller.heard_texts(), ElementsAre("Goodbye, and thank you for calling."));
  EXPECT_THAT(history(), Contains("assistant: Goodbye, and thank you for calling."));
  EXPECT_TRUE(report->clean()) << to_string(*report);
}

Agent billing();

Agent front_desk() {
  return {.name = "front desk",
          .instructions = "You transfer callers.",
          .tools = {tool("to_billing", "Hands over to billing.", [] { return hand_off_to(billing()); })},
          .on_exit = [](Session& session) -> Task<void> {
            session.remember("left", "front desk");
            co_return;
          }};
}

Agent billing() {
  return {.name = "billing",
          .instructions = "You know all bills.",
          .tools = {tool("back", "Hands back.", [] { return hand_off_to(front_desk()); })},
          .greeting = Greeting{.say = "This is billing."},
          .providers = {.llm = {"llm2"}, .tts = {"tts2"}}};
}

TEST_F(Agents, Handoff_AndBack_EachWithItsOwnVoiceAndMind) {
  llm->answer = [](const ChatRequest& request) -> sim::LlmAnswer {
    if (to_text(request.context.items.back()) == "user: my bill please") return {.text = "I connect you.", .calls = {{.id = "1", .name = "to_billing", .arguments = "{}"}}};
    return {.text = "Here is the front desk again."};
  };
  llm2->answer = [](const ChatRequest&) -> sim::LlmAnswer { return {.calls = {{.id = "2", .name = "back", .arguments = "{}"}}}; };
  start(front_desk());
  caller_says("my bill please");
  ASSERT_TRUE(run_until([&] { return caller.heard_texts().size() == 2; })) << describe();
  EXPECT_EQ(session->current_agent().name, "billing");
  ASSERT_TRUE(wait_for_silence());
  caller_says("back to the front desk");
  ASSERT_TRUE(run_until([&] { return caller.heard_texts().size() == 3; })) << describe();
  ASSERT_TRUE(wait_for_silence());
  EXPECT_EQ(session->current_agent().name, "front desk");
  EXPECT_THAT(history(), ElementsAre("user: my bill please", "assistant: I connect you.", "to_billing({})", "to_billing -> handed over",
                                     "front desk => billing", "assistant: This is billing.", "user: back to the front desk",
                                     "back({})", "back -> handed over", "billing => front desk",
                                     "assistant: Here is the front desk again."));
  EXPECT_THAT(tts2->synthesised, ElementsAre("This is billing."));
  EXPECT_EQ(llm2->requests.at(0).instructions, "You know all bills.");
  EXPECT_EQ(events.remembered.at("left"), "front desk");
}

TEST_F(Agents, HandoffToAnAgentWhoseProviderDoesNotExist_IsRefused_TheCallGoesOn) {
  start({.name = "first"});
  const auto handed = session->update_agent({.name = "second", .providers = {.tts = {"nobody"}}});
  ASSERT_FALSE(handed);
  EXPECT_THAT(handed.error().message(), HasSubstr("nobody"));
  EXPECT_EQ(session->current_agent().name, "first");
}

TEST_F(Agents, ExitHookThatHangs_DelaysTheHandoffNoLongerThanItsDeadline) {
  Agent first{.name = "first"};
  first.on_exit = [](Session&) -> Task<void> {
    for (;;) {
      try {
        co_await sleep_for(1h);
      } catch (...) {
      }
    }
  };
  start(first);
  ASSERT_TRUE(session->update_agent({.name = "second", .greeting = Greeting{.say = "Second here."}}));
  ASSERT_TRUE(run_until([&] { return caller.heard_texts().size() == 1; }, Agent::kExitDeadline + 2s)) << describe();
}

TEST_F(Agents, EnterHook_MaySpeak_AndWaitForIt) {
  bool heard = false;
  Agent agent{.name = "eager"};
  agent.on_enter = [&heard](Session& session) -> Task<void> {
    auto speech = session.say("Hello from the hook.");
    (void)co_await speech.wait(Deadline::bounded_by_scope());
    heard = !speech.interrupted();
  };
  start(agent);
  ASSERT_TRUE(run_until([&] { return heard; })) << describe();
  EXPECT_THAT(history(), ElementsAre("assistant: Hello from the hook."));
}

// Law 3: whatever is called from inside is a request; the caller is stopped, the rest is done by others.
TEST_F(Agents, ToolClosesItsOwnSession_AndEverythingEnds) {
  close_when_it_ends();
  Agent agent{.name = "suicidal"};
  bool went_on = false;
  agent.tools = {tool("leave", "", [this, &went_on]() -> Task<void> {
    session->end();
    (void)co_await session->close(loop.in(5s), loop.in(8s));
    went_on = true;
  })};
  llm->answer = calls_tool("Bye now.", {.id = "c", .name = "leave", .arguments = "{}"}, "never said");
  start(agent);
  caller_says("please leave");
  ASSERT_TRUE(run_until([&] { return report.has_value(); }, 20s)) << describe();
  EXPECT_FALSE(went_on);
  EXPECT_THAT(caller.heard_texts(), Contains("Bye now."));
}

TEST_F(Agents, ExitHookClosesTheSession_WhichIsClosingAlready) {
  Agent agent{.name = "thorough"};
  agent.on_exit = [this](Session&) -> Task<void> { (void)co_await session->close(loop.in(5s), loop.in(8s)); };
  start(agent);
  run_for(1s);
  close();
  ASSERT_TRUE(report);
  EXPECT_LT(close_ended - close_began, 3s);
}

TEST_F(Agents, ToolKillsTheSession_FromInside) {
  Agent agent{.name = "violent"};
  agent.tools = {tool("kill", "", [this]() -> Task<void> {
    session->kill();
    for (;;) {
      try {
        co_await sleep_for(1h);
      } catch (...) {
      }
    }
  })};
  llm->answer = calls_tool("", {.id = "c", .name = "kill", .arguments = "{}"}, "never said");
  start(agent);
  caller_says("kill it");
  ASSERT_TRUE(run_until([&] { return session->state() == PipelineSession::State::closed && scope->tasks() == 0 && scope->task_names().empty(); }, 5s))
      << describe();
}

}  // namespace
}  // namespace parley
