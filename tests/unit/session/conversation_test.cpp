// Ordinary conversations: greeting, question and answer, interruption, silence.
#include "call_test.hpp"

#include <gmock/gmock.h>

namespace parley {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Conversation = CallTest;

Agent reception() { return {.name = "reception", .instructions = "You answer the telephone.", .greeting = Greeting{.say = "Good evening. How can I help?"}}; }

TEST_F(Conversation, GreetingIsHeard_AndEntersTheHistoryAsItWas) {
  start(reception());
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_THAT(history(), IsEmpty()) << "it was not heard to its end yet";
  ASSERT_TRUE(wait_for_silence()) << describe();
  EXPECT_THAT(history(), ElementsAre("assistant: Good evening. How can I help?"));
  EXPECT_THAT(caller.heard_texts(), ElementsAre("Good evening.", "How can I help?"));
}

TEST_F(Conversation, CallerAsks_TheAgentAnswers) {
  llm->answer = [](const ChatRequest&) { return sim::LlmAnswer{"We are open until ten. Would you like a table?"}; };
  start(reception());
  wait_for(AgentState::speaking);
  wait_for_silence();
  caller_says("when are you open");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  ASSERT_TRUE(wait_for_silence()) << describe();
  EXPECT_THAT(history(), ElementsAre("assistant: Good evening. How can I help?", "user: when are you open",
                                     "assistant: We are open until ten. Would you like a table?"));
  ASSERT_THAT(llm->requests, SizeIs(1));
  EXPECT_EQ(llm->requests[0].instructions, "You answer the telephone.");
  const auto metrics = events.all(events::kMetricsCollected).back().at("metrics").as_object();
  EXPECT_NEAR(metrics.at("llm_node_ttft").as_double(), 0.2, 0.02);
  EXPECT_NEAR(metrics.at("tts_node_ttfb").as_double(), 0.1, 0.05);
  EXPECT_GT(metrics.at("end_of_turn_delay").as_double(), 0.5);
  EXPECT_LT(metrics.at("e2e_latency").as_double(), 1.3);
  const std::vector<std::string> parts = {"first_token_delay", "first_sentence_delay", "first_audio_delay", "e2e_latency"};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    EXPECT_LE(metrics.at(parts[i - 1]).as_double(), metrics.at(parts[i]).as_double()) << parts[i];
  }
}

TEST_F(Conversation, GreetingAnswersNoTurn_AndHasNoTimesSinceTheCallersLastSound) {
  start(reception());
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  const auto metrics = events.all(events::kMetricsCollected).back().at("metrics").as_object();
  for (const auto* name : {"first_sentence_delay", "first_audio_delay", "e2e_latency"}) EXPECT_FALSE(metrics.contains(name)) << name;
  EXPECT_TRUE(metrics.contains("tts_node_ttfb"));
}

TEST_F(Conversation, CallerInterrupts_SilentAfterHalfASecond_CutByWords_HistoryIsWhatWasHeard) {
  auto agent = reception();
  agent.greeting->say = "Good evening and welcome to our restaurant which has been here for a hundred years.";
  start(agent);
  wait_for(AgentState::speaking);
  run_for(1500ms);
  caller.says("stop please stop", 2s);
  const auto began = world.now();
  ASSERT_TRUE(run_until([&] { return !caller.hears_something(); }, 2s)) << describe();
  EXPECT_LE(world.now() - began, 540ms);
  ASSERT_TRUE(wait_for(AgentState::thinking)) << describe();
  const auto lines = history();
  ASSERT_THAT(lines, SizeIs(2)) << describe();
  // Two seconds of 60 ms a character: the words that were heard to their end, and no more.
  EXPECT_EQ(lines[0], "assistant: Good evening and welcome to ...");
  EXPECT_EQ(lines[1], "user: stop please stop");
}

TEST_F(Conversation, NoiseWithoutWords_PausesTheAgent_WhichGoesOnAtTheSample) {
  start(reception());
  wait_for(AgentState::speaking);
  run_for(200ms);
  caller.says("", 1s);
  ASSERT_TRUE(wait_for(AgentState::listening)) << describe();
  const auto paused = world.now();
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_GT(world.now() - paused, 2s);
  ASSERT_TRUE(wait_for_silence());
  EXPECT_THAT(history(), ElementsAre("assistant: Good evening. How can I help?"));
  EXPECT_EQ(events.count(events::kAgentFalseInterruption), 1u);
  // Nothing was lost: both sentences were heard for as long as they last.
  Duration heard{};
  for (const auto& stretch : caller.heard()) heard += stretch.length;
  EXPECT_NEAR(to_seconds(heard), 0.06 * (13 + 15), 0.1);
}

TEST_F(Conversation, ProtectedGreeting_IsHeardToItsEnd_WhateverTheCallerSays) {
  auto agent = reception();
  agent.greeting->interruptible = false;
  start(agent);
  wait_for(AgentState::speaking);
  caller.says("hello hello hello", 1500ms);
  ASSERT_TRUE(wait_for_silence()) << describe();
  EXPECT_THAT(history(), ElementsAre("assistant: Good evening. How can I help?"));
  run_for(3s);
  EXPECT_THAT(llm->requests, IsEmpty()) << "what was said meanwhile is not answered";
}

TEST_F(Conversation, CallerGoesOnWhileTheAgentThinks_BothTurnsAreAnsweredTogether) {
  llm->first_token = 2s;
  start({.name = "slow"});
  caller_says("I want a table");
  ASSERT_TRUE(wait_for(AgentState::thinking));
  run_for(300ms);
  caller_says("for tomorrow evening");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_THAT(llm->requests, SizeIs(2));
  const auto& asked = llm->requests.back().context.items;
  ASSERT_THAT(asked, SizeIs(2));
  EXPECT_EQ(to_text(asked[0]), "user: I want a table");
  EXPECT_EQ(to_text(asked[1]), "user: for tomorrow evening");
}

TEST_F(Conversation, ReplyIsPreparedBeforeTheTurnIsOver_AndUsedWhenNothingHasChanged) {
  SessionOptions options;
  options.turns.endpointing.min = 1500ms;
  start({.name = "quick"}, options);
  caller_says("what is your name");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_THAT(llm->requests, SizeIs(1));
  const auto metrics = events.all(events::kMetricsCollected).back().at("metrics").as_object();
  EXPECT_LT(metrics.at("e2e_latency").as_double(), 1.7) << "the answer was ready when the turn was over";
}

TEST_F(Conversation, PreparedReply_IsThrownAwayWhenTheCallerGoesOn) {
  SessionOptions options;
  options.turns.endpointing.min = 1500ms;
  start({.name = "quick"}, options);
  caller_says("what is your name");
  ASSERT_TRUE(run_until([&] { return llm->requests.size() == 1; }));
  run_for(100ms);
  caller_says("and your number");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_THAT(history(), ElementsAre("user: what is your name and your number"));
  EXPECT_EQ(to_text(llm->requests.back().context.items.back()), "user: what is your name and your number");
}

TEST_F(Conversation, HookChangesWhatTheCallerSaid_AndMaySilenceTheReply) {
  Agent agent{.name = "editor"};
  agent.on_user_turn_completed = [](Session&, UserTurn& turn) -> Task<AfterTurn> {
    if (turn.message.text == "say nothing") co_return AfterTurn::stay_silent;
    turn.message.text = "[" + turn.message.text + "]";
    co_return AfterTurn::reply;
  };
  start(agent);
  caller_says("say nothing");
  run_for(3s);
  EXPECT_EQ(events.count(events::kSpeechCreated), 0u);
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_THAT(history(), ElementsAre("user: say nothing", "user: [hello there]"));
}

TEST_F(Conversation, HookRewritesTheContext_TheReplyIsMadeFromThat_AndTheHistoryStaysAsItWas) {
  Agent agent{.name = "editor"};
  agent.on_user_turn_completed = [](Session&, UserTurn& turn) -> Task<AfterTurn> {
    for (auto& item : turn.context.items) {
      if (auto* message = std::get_if<ChatMessage>(&item)) message->text = "(withheld)";  // as many items as before
    }
    co_return AfterTurn::reply;
  };
  start(agent);
  caller_says("my card number is four");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  ASSERT_TRUE(wait_for_silence());
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  EXPECT_EQ(to_text(llm->requests.back().context.items.front()), "user: (withheld)");
  EXPECT_EQ(to_text(llm->requests.back().context.items.back()), "user: hello there");
  EXPECT_EQ(history().front(), "user: my card number is four");
}

TEST_F(Conversation, HookThatHangs_IsLeftBehind_TheReplyComesAllTheSame) {
  Agent agent{.name = "stuck"};
  agent.on_user_turn_completed = [](Session&, UserTurn&) -> Task<AfterTurn> {
    for (;;) {
      try {
        co_await sleep_for(1h);
      } catch (...) {
      }
    }
  };
  start(agent);
  caller_says("hello there");
  ASSERT_TRUE(wait_for(AgentState::speaking, 10s)) << describe();
}

TEST_F(Conversation, SilentCaller_IsAskedOnce_ThenTheCallEnds) {
  close_when_it_ends();
  start(reception());
  ASSERT_TRUE(run_until([&] { return report.has_value(); }, 5min)) << describe();
  EXPECT_EQ(events.end_reason.cause, StopCause::limit);
  EXPECT_THAT(history(), ElementsAre("assistant: Good evening. How can I help?", "assistant: Are you still there?"));
  const auto users = events.all(events::kUserStateChanged);
  ASSERT_THAT(users, SizeIs(1));
  EXPECT_EQ(users[0].at("new_state"), "away");
}

TEST_F(Conversation, LongestDuration_EndsTheCallAfterTheSentence) {
  close_when_it_ends();
  SessionOptions options;
  options.limits.max_duration = 2s;
  auto agent = reception();
  agent.greeting->say = "Good evening and welcome to our restaurant which has been here for a hundred years.";
  start(agent, options);
  ASSERT_TRUE(run_until([&] { return report.has_value(); }, 1min)) << describe();
  EXPECT_EQ(events.end_reason.cause, StopCause::limit);
  EXPECT_THAT(history(), ElementsAre("assistant: " + agent.greeting->say));
}

TEST_F(Conversation, SpeechesAreSpokenByPriority_ThenInOrder) {
  start({.name = "speaker"});
  auto first = session->say("The first one is long enough.");
  auto low = session->say("The low one comes last.", {.priority = SpeechPriority::low});
  auto second = session->say("The second one comes third.");
  auto high = session->say("The high one comes second.", {.priority = SpeechPriority::high});
  ASSERT_TRUE(run_until([&] { return low.done(); })) << describe();
  EXPECT_TRUE(first.done() && second.done() && high.done());
  EXPECT_THAT(caller.heard_texts(), ElementsAre("The first one is long enough.", "The high one comes second.",
                                                "The second one comes third.", "The low one comes last."));
}

TEST_F(Conversation, HandleOfProtectedSpeech_RefusesInterruption_UnlessForced) {
  start({.name = "speaker"});
  auto handle = session->say("This may not be interrupted by anyone.", {.interruptible = false});
  wait_for(AgentState::speaking);
  EXPECT_FALSE(handle.interrupt());
  EXPECT_FALSE(handle.interrupted());
  EXPECT_TRUE(handle.interrupt(true));
  EXPECT_TRUE(handle.done());
  EXPECT_TRUE(handle.interrupted());
}

TEST_F(Conversation, AwaitingAHandle_NeverThrows_WhateverBecomesOfTheSpeech) {
  start({.name = "speaker"});
  int ended = 0;
  const auto waits = [](SpeechHandle handle, int& n) -> Task<void> {
    (void)co_await handle.wait(Deadline::bounded_by_scope());
    ++n;
  };
  auto cut = session->say("This one will be interrupted before its end.");
  auto dropped = session->say("This one never begins.");
  (void)outside->spawn("1", waits(cut, ended));
  (void)outside->spawn("2", waits(dropped, ended));
  wait_for(AgentState::speaking);
  session->interrupt();
  tts->always = sim::Fault::refuses;
  auto failed = session->say("This one has no voice.");
  (void)outside->spawn("3", waits(failed, ended));
  ASSERT_TRUE(run_until([&] { return ended == 3; })) << describe();
  EXPECT_TRUE(cut.interrupted());
  EXPECT_TRUE(dropped.interrupted());
  EXPECT_TRUE(failed.error());
}

TEST_F(Conversation, MoreSpeechesThanTheBound_AreRefusedAtOnce) {
  start({.name = "speaker"});
  std::vector<SpeechHandle> handles;
  for (std::size_t i = 0; i < Session::kMaxQueuedSpeeches + 2; ++i) handles.push_back(session->say("Words and more words."));
  EXPECT_TRUE(handles.back().done());
  ASSERT_TRUE(handles.back().error());
  EXPECT_EQ(handles.back().error()->code(), Errc::overloaded);
  EXPECT_FALSE(handles[Session::kMaxQueuedSpeeches].done());
}

TEST_F(Conversation, ConnectionBreaks_SpeechWaits_AndGoesOnWhenItComesBack) {
  start(reception());
  wait_for(AgentState::speaking);
  run_for(300ms);
  caller.breaks();
  run_for(5s);
  EXPECT_EQ(caller.frames_sent() * kFrameDuration < 2s, true);
  caller.comes_back();
  ASSERT_TRUE(wait_for_silence()) << describe();
  EXPECT_THAT(history(), ElementsAre("assistant: Good evening. How can I help?"));
}

TEST_F(Conversation, CallerMutesInTheMiddleOfAWord_TheTurnEndsAllTheSame) {
  start({.name = "listener"});
  caller.says("a table for two", 3s);
  run_for(1s);
  caller.mutes(true);
  ASSERT_TRUE(wait_for(AgentState::speaking, 5s)) << describe();
  EXPECT_THAT(history(), ElementsAre("user: a table for two"));
}

TEST_F(Conversation, AgentsWords_AreToldAsTheyAreHeard) {
  start(reception());
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  ASSERT_TRUE(wait_for_silence()) << describe();
  ASSERT_GE(events.words.size(), 4u);
  const auto& last = events.words.back();
  EXPECT_TRUE(last.final);
  EXPECT_EQ(last.heard, "Good evening. How can I help?");
  for (std::size_t i = 1; i < events.words.size(); ++i) {
    EXPECT_EQ(events.words[i].speech, last.speech);
    EXPECT_TRUE(events.words[i].heard.starts_with(events.words[i - 1].heard)) << events.words[i].heard;
    EXPECT_FALSE(events.words[i - 1].final);
  }
  EXPECT_EQ(events.words.front().heard, "Good");
  EXPECT_GT(last.at - events.words.front().at, 1s) << "in step with the speech";
}

TEST_F(Conversation, WordsThatWereCut_AreToldAsFarAsTheyWereHeard) {
  auto agent = reception();
  agent.greeting->say = "Good evening and welcome to our restaurant which has been here for a hundred years.";
  start(std::move(agent));
  ASSERT_TRUE(wait_for(AgentState::speaking)) << describe();
  run_for(1s);
  session->interrupt(true);
  ASSERT_FALSE(events.words.empty());
  EXPECT_TRUE(events.words.back().final);
  EXPECT_EQ(history().back(), "assistant: " + events.words.back().heard + " ...");
}

TEST_F(Conversation, Keypad_IsTold) {
  start({.name = "listener"});
  caller.presses('5');
  run_for(100ms);
  const auto keys = events.all(events::kSipDtmfReceived);
  ASSERT_THAT(keys, SizeIs(1));
  EXPECT_EQ(keys[0].at("digit"), "5");
}

TEST_F(Conversation, StatesAndTranscripts_AreToldAsTheyHappen) {
  start(reception());
  wait_for(AgentState::speaking);
  wait_for_silence();
  caller_says("when are you open");
  wait_for(AgentState::speaking);
  wait_for_silence();
  std::vector<std::string> states;
  for (const auto& change : events.all(events::kAgentStateChanged)) states.emplace_back(change.at("new_state").as_string());
  EXPECT_THAT(states, ElementsAre("listening", "thinking", "speaking", "listening", "thinking", "speaking", "listening"));
  const auto transcripts = events.all(events::kUserInputTranscribed);
  ASSERT_GE(transcripts.size(), 3u);
  EXPECT_FALSE(transcripts.front().at("is_final").as_bool());
  EXPECT_TRUE(transcripts.back().at("is_final").as_bool());
  EXPECT_EQ(transcripts.back().at("transcript"), "when are you open");
}

}  // namespace
}  // namespace parley
