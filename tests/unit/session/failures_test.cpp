// Providers that refuse, time out, stall midway, answer garbage, close; chains of them; and what the caller hears at last.
#include "call_test.hpp"

#include <gmock/gmock.h>

namespace parley {
namespace {

using sim::Fault;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Failures = CallTest;

TEST_F(Failures, LlmThatIsUnavailableTwice_IsTriedAgain_TheCallerOnlyWaits) {
  llm->faults = {Fault::unavailable, Fault::closes};
  start({.name = "a"});
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::speaking, 8s)) << describe();
  EXPECT_THAT(llm->requests, SizeIs(3));
  EXPECT_EQ(events.count(events::kError), 0u);
}

TEST_F(Failures, LlmThatHangs_TimesOut_AndIsTriedAgain) {
  llm->faults = {Fault::hangs};
  start({.name = "a"});
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::speaking, 15s)) << describe();
  EXPECT_THAT(llm->requests, SizeIs(2));
}

TEST_F(Failures, LlmThatRefuses_IsNotAskedAgain_AndTheErrorIsTold) {
  llm->always = Fault::refuses;
  start({.name = "a"});
  caller_says("hello there");
  ASSERT_TRUE(run_until([&] { return events.count(events::kError) == 1; })) << describe();
  const auto error = events.all(events::kError)[0];
  EXPECT_EQ(error.at("source").at("type"), "llm_error");
  EXPECT_EQ(error.at("source").at("label"), "scripted-llm");
  EXPECT_TRUE(error.at("recoverable").as_bool()) << "the call bears three of these";
}

TEST_F(Failures, LlmThatBreaksOffInTheMiddle_IsNotAskedAgain_WhatItSaidIsHeard) {
  llm->faults = {Fault::breaks_off};
  llm->answer = [](const ChatRequest&) { return sim::LlmAnswer{"The first sentence is here. The second sentence never comes to its end."}; };
  start({.name = "a"});
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::speaking, 8s)) << describe();
  ASSERT_TRUE(wait_for_silence());
  EXPECT_THAT(llm->requests, SizeIs(1));
  EXPECT_EQ(events.count(events::kError), 1u);
  EXPECT_THAT(history().back(), HasSubstr("The first sentence is here."));
}

TEST_F(Failures, HookThatThrowsWhatIsNoException_IsLogged_AndTheCallGoesOn) {
  Agent agent{.name = "a"};
  agent.on_user_turn_completed = [](Session&, UserTurn&) -> Task<AfterTurn> {
    throw 42;
    co_return AfterTurn::reply;
  };
  start(agent);
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::speaking, 8s)) << describe();
}

TEST_F(Failures, ProviderThatThrows_EndsTheCall_NobodyIsLeftInSilence) {
  stt->always = Fault::throws;
  start({.name = "a"});
  caller_says("hello there");
  ASSERT_TRUE(run_until([&] { return events.ends == 1; })) << describe();
  EXPECT_EQ(events.end_reason.cause, StopCause::failure);
}

TEST_F(Failures, LlmThatThrows_TheTurnComesToAnEnd) {
  llm->always = Fault::throws;
  start({.name = "a"});
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::thinking, 8s)) << describe();
  ASSERT_TRUE(run_until([&] { return events.ends == 1 || session->agent_state() == AgentState::listening; })) << describe();
}

TEST_F(Failures, LlmThatStallsInTheMiddle_EndsTheReplyAfterItsTimeout) {
  llm->faults = {Fault::stalls};
  llm->answer = [](const ChatRequest&) { return sim::LlmAnswer{"The first sentence is here. The second sentence never comes to its end."}; };
  start({.name = "a"});
  caller_says("hello there");
  ASSERT_TRUE(run_until([&] { return events.count(events::kError) == 1; }, 20s)) << describe();
  ASSERT_TRUE(wait_for_silence());
}

TEST_F(Failures, LlmThatAnswersGarbage_IsToldWhatIsWrong_AndMayCorrectItself) {
  llm->faults = {Fault::garbage};
  start({.name = "a"});
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::speaking, 8s)) << describe();
  EXPECT_THAT(llm->requests, SizeIs(2));
}

TEST_F(Failures, FirstOfAChainIsDown_TheSecondAnswersAtOnce_AndIsRemembered) {
  llm->always = Fault::unavailable;
  SessionOptions options;
  options.providers.llm = {"llm", "llm2"};
  start({.name = "a"}, options);
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::speaking, 3s)) << describe();
  ASSERT_TRUE(wait_for_silence());
  caller_says("and again");
  ASSERT_TRUE(wait_for(AgentState::speaking, 3s)) << describe();
  EXPECT_THAT(llm->requests, SizeIs(1)) << "passed over the second time";
  EXPECT_THAT(llm2->requests, SizeIs(2));
  EXPECT_EQ(events.count(events::kError), 0u);
}

TEST_F(Failures, TtsThatFailsBeforeAnySound_IsTriedAgain) {
  tts->faults = {Fault::none, Fault::unavailable, Fault::closes};  // the first stream makes the words for failures
  start({.name = "a", .greeting = Greeting{.say = "Good evening. How can I help?"}});
  ASSERT_TRUE(wait_for(AgentState::speaking, 8s)) << describe();
  ASSERT_TRUE(wait_for_silence());
  EXPECT_THAT(history(), ElementsAre("assistant: Good evening. How can I help?"));
}

TEST_F(Failures, TtsThatBreaksOffInASentence_IsNotAskedToSayItTwice) {
  SessionOptions options;
  options.providers.tts = {"tts"};
  start({.name = "a"}, options);
  run_for(2s);  // the words for failures are made
  tts->faults = {Fault::breaks_off};
  auto speech = session->say("This sentence is broken off in its middle by the network.");
  ASSERT_TRUE(run_until([&] { return speech.done(); })) << describe();
  EXPECT_TRUE(speech.error());
  ASSERT_THAT(history(), SizeIs(1));
  EXPECT_THAT(history()[0], HasSubstr("..."));
  EXPECT_EQ(std::ranges::count(tts->synthesised, "This sentence is broken off in its middle by the network."), 1);
}

TEST_F(Failures, TtsThatStalls_OrSendsGarbageForEver_IsLeftAfterItsTimeout) {
  start({.name = "a"});
  run_for(2s);
  for (const auto fault : {Fault::stalls, Fault::garbage, Fault::hangs}) {
    tts->faults = {fault};
    auto speech = session->say("This sentence has a difficult voice, and is long enough.");
    ASSERT_TRUE(run_until([&] { return speech.done(); }, 40s)) << to_string(fault) << describe();
  }
}

TEST_F(Failures, TtsChain_SpeaksOnWithTheSecondVoice) {
  tts->always = Fault::refuses;
  SessionOptions options;
  options.providers.tts = {"tts", "tts2"};
  start({.name = "a", .greeting = Greeting{.say = "Good evening. How can I help?"}}, options);
  ASSERT_TRUE(wait_for(AgentState::speaking, 3s)) << describe();
  ASSERT_TRUE(wait_for_silence());
  EXPECT_THAT(tts2->synthesised, Contains("Good evening."));
}

TEST_F(Failures, SttThatIsLost_IsOpenedAgain_AndTheCallGoesOn) {
  stt->faults = {Fault::unavailable, Fault::closes, Fault::garbage};
  start({.name = "a"});
  run_for(8s);
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::speaking, 8s)) << describe();
  EXPECT_EQ(stt->ledger.opened, 4);
}

TEST_F(Failures, SttThatNeverAnswersAFlush_IsReplaced) { hung_stt_is_replaced(); }

TEST_F(Failures, SttWithoutAFinalTranscript_TheTurnEndsOnWhatWasHeard) {
  stt->faults = {Fault::stalls};
  start({.name = "a"});
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::speaking, 6s)) << describe();
  EXPECT_THAT(history(), ElementsAre("user: hello there"));
}

TEST_F(Failures, SilentCallerOfAnHour_DoesNotUseUpTheBudgetOfTheStt) {
  // The server ends idle sessions every half an hour: a healthy stream, whatever the caller says or not.
  SessionOptions options;
  options.limits.silence.reset();
  options.limits.max_duration.reset();
  start({.name = "a"}, options);
  for (int i = 0; i < 8; ++i) {
    run_for(40s);
    stt->faults = {Fault::closes};  // of the next
    run_for(1s);
  }
  EXPECT_EQ(events.count(events::kError), 0u);
}

TEST_F(Failures, FourthFailureInARow_TheCallerHearsTheFailureWords_AndTheCallEnds) {
  close_when_it_ends();
  SessionOptions options;
  options.failure.say = "I am sorry, something is wrong on our side.";
  start({.name = "a"}, options);
  run_for(5s);
  tts->always = Fault::refuses;  // the words need no provider any more
  llm->always = Fault::refuses;
  for (int i = 0; i < 4; ++i) {
    ASSERT_FALSE(report) << i;
    caller_says("hello there");
    ASSERT_TRUE(run_until([&] { return events.count(events::kError) == static_cast<std::size_t>(i) + 1; }, 10s)) << describe();
  }
  ASSERT_TRUE(run_until([&] { return report.has_value(); }, 20s)) << describe();
  EXPECT_EQ(events.end_reason.cause, StopCause::failure);
  EXPECT_THAT(caller.heard_texts(), ElementsAre("I am sorry, something is wrong on our side."));
  EXPECT_EQ(history().back(), "assistant: I am sorry, something is wrong on our side.");
  EXPECT_FALSE(events.all(events::kError).back().at("recoverable").as_bool());
  EXPECT_EQ(events.all(events::kClose)[0].at("reason"), "error");
}

TEST_F(Failures, EverythingFailsInTheFirstMoment_TheCallerHearsTheFailureWordsAsSoonAsTheyAreMade) {
  close_when_it_ends();
  SessionOptions options;
  options.failure.say = "I am sorry, something is wrong on our side.";
  llm->always = Fault::refuses;
  tts->first_audio = 1500ms;
  start({.name = "a"}, options);
  for (int i = 0; i < 4; ++i) (void)session->generate_reply();
  ASSERT_TRUE(run_until([&] { return events.ends == 1; }, tts->first_audio)) << "before there are words: " << describe();
  ASSERT_TRUE(run_until([&] { return report.has_value(); }, 20s)) << describe();
  EXPECT_THAT(caller.heard_texts(), ElementsAre("I am sorry, something is wrong on our side."));
  EXPECT_EQ(history().back(), "assistant: I am sorry, something is wrong on our side.");
}

TEST_F(Failures, NoVoiceFromTheBeginning_TheCallerHearsTheTonesOfATelephoneNetwork) {
  close_when_it_ends();
  tts->always = Fault::refuses;
  start({.name = "a"});
  for (int i = 0; i < 4; ++i) {
    auto speech = session->say("Nobody will hear this.");
    ASSERT_TRUE(run_until([&] { return speech.done(); }, 10s)) << describe();
  }
  ASSERT_TRUE(run_until([&] { return report.has_value(); }, 20s)) << describe();
  EXPECT_GT(caller.frames_sent(), 0u);
  EXPECT_FALSE(caller.heard().empty()) << "tones" << describe();
}

TEST_F(Failures, OneFailureNowAndThen_IsForgottenWhenItWorksAgain) {
  start({.name = "a"});
  for (int i = 0; i < 6; ++i) {
    llm->faults = {Fault::refuses};
    caller_says("hello there");
    ASSERT_TRUE(run_until([&] { return events.count(events::kError) == static_cast<std::size_t>(i) + 1; }, 10s)) << describe();
    run_for(1s);
    caller_says("hello again");
    ASSERT_TRUE(wait_for(AgentState::speaking, 10s)) << i << describe();
    ASSERT_TRUE(wait_for_silence());
  }
  EXPECT_EQ(events.ends, 0);
}

TEST_F(Failures, ProviderThatDoesNotExist_IsSaidAtTheStart) {
  SessionOptions options;
  options.providers.llm = {"nobody"};
  const auto started = begin({.name = "a"}, options);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message(), R"(there is no llm provider "nobody"; there is: llm, llm2)");
  session.reset();
}

}  // namespace
}  // namespace parley
