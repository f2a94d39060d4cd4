// What only a telephone can do: passing the caller on, pressing keys.
#include "call_test.hpp"

#include <gmock/gmock.h>

namespace parley {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Telephone : public CallTest {
 protected:
  // Says `before` and calls the tool; about its result it says `then`.
  void llm_calls(FunctionCall call, std::string before, std::string then) {
    llm->answer = [=](const ChatRequest& request) -> sim::LlmAnswer {
      if (std::holds_alternative<FunctionCallOutput>(request.context.items.back())) return {.text = then};
      return {.text = before, .calls = {call}};
    };
  }
  static Agent operator_with(Tool tool) {
    Agent agent{.name = "operator"};
    agent.tools = {std::move(tool)};
    return agent;
  }
};

TEST_F(Telephone, CallerIsPassedOn_OnceTheWordsWereHeard_AndTheCallEnds) {
  close_when_it_ends();
  caller.is_on_a_telephone();
  llm_calls({.id = "c", .name = "transfer", .arguments = "{}"}, "I am putting you through to a colleague.", "never said");
  start(operator_with(transfer({"tel:+15550100"})));
  caller_says("a human please");
  ASSERT_TRUE(run_until([&] { return report.has_value(); })) << describe();
  EXPECT_THAT(caller.passed_on_to, ElementsAre("tel:+15550100"));
  EXPECT_THAT(caller.heard_texts(), ElementsAre("I am putting you through to a colleague."));
  EXPECT_EQ(events.end_reason.cause, StopCause::agent_hung_up);
  EXPECT_EQ(events.end_reason.detail, "the caller was passed on");
  EXPECT_TRUE(report->clean()) << to_string(*report);
}

TEST_F(Telephone, OfSeveralTargets_TheLlmChooses_AndNoOther) {
  caller.is_on_a_telephone();
  llm_calls({.id = "c", .name = "transfer", .arguments = R"({"to": "tel:+999"})"}, "", "That is not possible.");
  start(operator_with(transfer({"tel:+15550100", "sip:desk@example.com"})));
  caller_says("call my friend");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_THAT(caller.passed_on_to, IsEmpty());
  llm_calls({.id = "d", .name = "transfer", .arguments = R"({"to": "sip:desk@example.com"})"}, "", "");
  wait_for_silence();
  caller_says("the desk then");
  ASSERT_TRUE(run_until([&] { return events.ends == 1; })) << describe();
  EXPECT_THAT(caller.passed_on_to, ElementsAre("sip:desk@example.com"));
}

TEST_F(Telephone, BrowserCallCannotBePassedOn_AndTheLlmIsToldWhy) {
  llm_calls({.id = "c", .name = "transfer", .arguments = "{}"}, "", "I cannot do that here.");
  start(operator_with(transfer({"tel:+15550100"})));
  caller_says("a human please");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_THAT(history(), Contains(HasSubstr("transfer -> error: this call cannot be passed on")));
  EXPECT_EQ(events.ends, 0);
}

TEST_F(Telephone, NetworkThatNeverPassesOn_IsGivenUp_AndTheCallGoesOn) {
  caller.is_on_a_telephone(1h);
  llm_calls({.id = "c", .name = "transfer", .arguments = "{}"}, "", "Nobody answers there.");
  start(operator_with(transfer({"tel:+15550100"})));
  caller_says("a human please");
  ASSERT_TRUE(wait_for(AgentState::speaking, PipelineSession::kTransferWithin + 5s)) << describe();
  EXPECT_THAT(caller.passed_on_to, IsEmpty());
  EXPECT_EQ(events.ends, 0);
}

TEST_F(Telephone, CallerWhoSpeaksWhileTheNetworkPassesOn_IsPassedOnAllTheSame) {
  close_when_it_ends();
  caller.is_on_a_telephone(8s);
  llm->answer = [](const ChatRequest& request) -> sim::LlmAnswer {
    if (to_text(request.context.items.back()) != "user: a human please") return {.text = "You are welcome."};
    return {.text = "One moment.", .calls = {{.id = "c", .name = "transfer", .arguments = "{}"}}};
  };
  start(operator_with(transfer({"tel:+15550100"})));
  caller_says("a human please");
  ASSERT_TRUE(run_until([&] { return caller.heard_texts().size() == 1; })) << describe();
  run_for(3s);
  ASSERT_FALSE(caller.hears_something()) << "the words are over, the network is at it";
  caller_says("okay thank you very much");
  ASSERT_TRUE(run_until([&] { return report.has_value(); })) << describe();
  EXPECT_THAT(history(), Contains("user: okay thank you very much"));
  EXPECT_THAT(caller.passed_on_to, ElementsAre("tel:+15550100"));
  EXPECT_EQ(events.end_reason.detail, "the caller was passed on");
}

TEST_F(Telephone, CallerWhoSpeaksBeforeTheNetworkIsAsked_IsNotPassedOn_AndTheLlmKnows) {
  caller.is_on_a_telephone();
  llm->answer = [](const ChatRequest& request) -> sim::LlmAnswer {
    if (to_text(request.context.items.back()) != "user: a human please") return {.text = "As you like."};
    return {.text = "I am putting you through to a colleague, who knows all about it.", .calls = {{.id = "c", .name = "transfer", .arguments = "{}"}}};
  };
  start(operator_with(transfer({"tel:+15550100"})));
  caller_says("a human please");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  run_for(500ms);
  caller_says("no wait please do not");
  ASSERT_TRUE(run_until([&] { return caller.heard_texts().size() == 2; })) << describe();
  ASSERT_TRUE(wait_for_silence());
  EXPECT_THAT(caller.passed_on_to, IsEmpty());
  EXPECT_THAT(history(), Contains(HasSubstr("transfer -> error: not passed on: the caller spoke before")));
  EXPECT_EQ(events.ends, 0);
}

TEST_F(Telephone, KeysArePressed) {
  caller.is_on_a_telephone();
  llm_calls({.id = "c", .name = "send_dtmf", .arguments = R"({"keys": "12w#"})"}, "", "Done.");
  start(operator_with(send_dtmf()));
  caller_says("press one for sales");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_EQ(caller.keys_heard, "12w#");
}

TEST_F(Telephone, WhatIsNoKey_IsNotPressed_AndNamed) {
  caller.is_on_a_telephone();
  llm_calls({.id = "c", .name = "send_dtmf", .arguments = R"({"keys": "1x"})"}, "", "I cannot.");
  start(operator_with(send_dtmf()));
  caller_says("press one");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_THAT(history(), Contains(HasSubstr("\"x\" is no key")));
  EXPECT_EQ(caller.keys_heard, "");
}

TEST_F(Telephone, HandoffByName_GivesTheCallToThatAgent) {
  llm_calls({.id = "c", .name = "handoff", .arguments = "{}"}, "", "");
  start(operator_with(handoff({"billing"}, [](const std::string& name) -> Result<Agent> {
    Agent agent{.name = name};
    agent.greeting = Greeting{.say = "Billing here."};
    return agent;
  })));
  caller_says("my invoice is wrong");
  ASSERT_TRUE(run_until([&] { return session->current_agent().name == "billing"; })) << describe();
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_THAT(caller.heard_texts(), Contains("Billing here."));
}

class FailingCall : public Telephone {
 protected:
  // Every answer fails until the call is given up.
  void fail_for_good(std::string to) {
    close_when_it_ends();
    SessionOptions options;
    options.failure.then_transfer_to = std::move(to);
    llm->always = sim::Fault::refuses;
    start({.name = "broken"}, std::move(options));
    for (int turn = 0; turn < 6 && events.ends == 0; ++turn) {
      caller_says("hello hello");
      run_for(5s);
    }
    ASSERT_TRUE(run_until([&] { return report.has_value(); })) << describe();
    EXPECT_EQ(events.end_reason.cause, StopCause::failure);
  }
};

TEST_F(FailingCall, CallerIsPassedOn_AfterTheFailureWords) {
  caller.is_on_a_telephone();
  fail_for_good("tel:+15550100");
  EXPECT_THAT(caller.passed_on_to, ElementsAre("tel:+15550100"));
  EXPECT_TRUE(caller.hears_something() || !caller.heard().empty());
}

TEST_F(FailingCall, WhereNobodyCanBePassedOn_TheCallEndsAllTheSame) {
  fail_for_good("tel:+15550100");
  EXPECT_THAT(caller.passed_on_to, IsEmpty());
}

TEST_F(FailingCall, NetworkThatHangs_DoesNotHoldUpTheEnd) {
  caller.is_on_a_telephone(1h);
  fail_for_good("tel:+15550100");
  EXPECT_LE(close_ended - close_began, 60s + PipelineSession::kTransferWithin + PipelineSession::kCloseBudget);
}

}  // namespace
}  // namespace parley
