// Tools that say something themselves, and what becomes of a tool's decisions when its reply is over before it is.
#include "call_test.hpp"

#include <gmock/gmock.h>

namespace parley {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ToolWords : public CallTest {
 protected:
  // The LLM says `before` and calls the tool; whatever else it is asked it says `then`.
  void llm_calls(std::string before, std::string then = "All right.") {
    llm->answer = [=](const ChatRequest& request) -> sim::LlmAnswer {
      if (to_text(request.context.items.back()) != "user: book it") return {.text = then};
      return {.text = before, .calls = {{.id = "c", .name = "book", .arguments = "{}"}}};
    };
  }
  // A tool that takes `time`, says `words` if there are any, waits until they were heard, and returns `result`.
  Tool booking(Duration time, std::string words, ToolResult result) {
    return tool("book", "", [=, this](RunContext& context) { return book(*this, context, time, words, result); });
  }
  static Task<Result<ToolResult>> book(ToolWords& test, RunContext& context, Duration time, std::string words, ToolResult result) {
    co_await sleep_for(time);
    if (!words.empty()) {
      if (auto said = context.say(std::move(words)); !said) co_return fail(said.error());
    }
    co_await context.wait_for_playout();
    test.heard_by_then = test.caller.heard_texts();
    co_return result;
  }
  void begin_with(Tool tool) {
    Agent agent{.name = "booking"};
    agent.tools = {std::move(tool)};
    start(agent);
  }
  // Talks over a tool of four seconds, which survives it.
  void talk_over(Tool tool) {
    llm_calls("I will book this for you and it takes a while.");
    begin_with(std::move(tool).survives_interruption());
    caller_says("book it");
    ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
    run_for(1s);
    caller_says("are you still there");
  }
  std::vector<std::string> heard_by_then;
};

TEST_F(ToolWords, AreSpokenBehindTheReplysOwn_AndStandThereInTheHistory) {
  llm_calls("I am looking.");
  begin_with(booking(50ms, "It is booked.", {.value = "table 7", .reply = false}));
  caller_says("book it");
  ASSERT_TRUE(wait_for(AgentState::speaking) && wait_for_silence()) << describe();
  EXPECT_THAT(caller.heard_texts(), ElementsAre("I am looking.", "It is booked."));
  EXPECT_EQ(heard_by_then, caller.heard_texts());
  EXPECT_THAT(history(), ElementsAre("user: book it", "assistant: I am looking.", "book({})", "book -> table 7", "assistant: It is booked."));
  EXPECT_EQ(events.count(events::kSpeechCreated), 1u) << describe();
}

TEST_F(ToolWords, SpokenBeforeTheReply_AreHeardFirst) {
  llm_calls("", "You have table seven.");
  begin_with(booking(50ms, "Just a second.", {.value = "table 7"}));
  caller_says("book it");
  ASSERT_TRUE(run_until([&] { return caller.heard_texts().size() == 2; })) << describe();
  EXPECT_THAT(caller.heard_texts(), ElementsAre("Just a second.", "You have table seven."));
}

TEST_F(ToolWords, CallerWhoTalksOverThem_CutsThem_LikeTheReplyTheyBelongTo) {
  llm_calls("");
  begin_with(booking(50ms, "It is booked for tonight and everything else that you wanted to know is this.", {.reply = false}));
  caller_says("book it");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  run_for(1s);
  caller_says("wait a moment");
  run_for(3s);
  EXPECT_THAT(heard_by_then, IsEmpty()) << "the tool does not survive, and was stopped while it waited";
  EXPECT_THAT(history(), Contains("book -> error: interrupted before it was done"));
  EXPECT_THAT(history(), Contains(HasSubstr("It is booked")).Times(1));
}

TEST_F(ToolWords, OfOneThatSurvives_AreASpeechOfTheirOwn_BehindWhatIsSaidThen) {
  talk_over(booking(4s, "It is booked now.", {.value = "table 7"}));
  ASSERT_TRUE(run_until([&] { return !heard_by_then.empty(); })) << describe();
  EXPECT_EQ(heard_by_then.back(), "It is booked now.") << "it waits for its own words";
  run_for(3s);
  EXPECT_EQ(caller.heard_texts().back(), "It is booked now.") << "its result is not answered by itself: " << describe();
  EXPECT_THAT(history(), Contains("book -> table 7"));
}

TEST_F(ToolWords, OfOneThatSurvives_AreRefused_WhenTheCallEnds) {
  talk_over(booking(4s, "It is booked now.", {.value = "table 7"}));
  session->end({StopCause::agent_hung_up, {}}, Ending::graceful);
  run_for(6s);
  EXPECT_THAT(history(), Contains(HasSubstr("book -> error: the call ends")));
  EXPECT_THAT(caller.heard_texts(), Not(Contains("It is booked now.")));
}

TEST_F(ToolWords, EndOfTheCall_DecidedByOneThatSurvives_IsObeyedBehindWhatIsSaid) {
  close_when_it_ends();
  talk_over(booking(4s, "Goodbye then.", {.value = "done", .end_call = true}));
  ASSERT_TRUE(run_until([&] { return report.has_value(); })) << describe();
  EXPECT_EQ(events.end_reason.cause, StopCause::agent_hung_up);
  EXPECT_EQ(caller.heard_texts().back(), "Goodbye then.");
  EXPECT_THAT(history(), Contains("book -> done"));
}

TEST_F(ToolWords, Handoff_DecidedByOneThatSurvives_IsDone) {
  auto result = hand_off_to({.name = "sales", .greeting = Greeting{.say = "Sales, hello."}});
  talk_over(booking(4s, "", std::move(result)));
  ASSERT_TRUE(run_until([&] { return session->current_agent().name == "sales"; })) << describe();
  ASSERT_TRUE(run_until([&] { return caller.heard_texts().back() == "Sales, hello."; })) << describe();
}

TEST_F(ToolWords, LlmThatSaysTheSameIdTwice_GetsAnotherForTheSecondCall) {
  std::vector<std::string> ids;
  llm_calls("");
  begin_with(tool("book", "", [&ids](RunContext& context) {
    ids.push_back(context.tool_call_id());
    return "booked";
  }));
  for (int i = 0; i < 2; ++i) {
    caller_says("book it");
    ASSERT_TRUE(wait_for(AgentState::speaking) && wait_for_silence()) << describe();
  }
  ASSERT_EQ(ids.size(), 2u) << describe();
  EXPECT_EQ(ids[0], "c");
  EXPECT_NE(ids[1], "c");
}

}  // namespace
}  // namespace parley
