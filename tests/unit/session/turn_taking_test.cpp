#include "session/turn_taking.hpp"

#include <gtest/gtest.h>

#include "turn_log.hpp"

namespace parley {
namespace {

using Turns = TurnTest;

TEST_F(Turns, SpeechShorterThanHalfASecond_DoesNotStopTheAgent) {
  agent_speaks();
  user_starts();
  after(400ms);
  user_ends();
  after(5s);
  EXPECT_EQ(count<turn::Pause>(), 0);
  EXPECT_EQ(count<turn::Cut>(), 0);
}

TEST_F(Turns, HalfASecondOfSpeech_PausesTheAgentAtOnce_WordsCutIt) {
  agent_speaks();
  user_starts(50ms);
  after(449ms);
  EXPECT_EQ(count<turn::Pause>(), 0);
  after(1ms);
  EXPECT_EQ(count<turn::Pause>(), 1);
  EXPECT_EQ(turns->agent_state(), AgentState::listening);
  says("wait a moment");
  ASSERT_EQ(count<turn::Cut>(), 1);
  EXPECT_EQ(count<turn::Resume>(), 0);
  user_ends(550ms);
  after(1ms);
  ASSERT_EQ(count<turn::UserTurnCompleted>(), 1);
  EXPECT_EQ(last<turn::UserTurnCompleted>().transcript, "wait a moment");
}

TEST_F(Turns, NoWordsInTwoSecondsAfterTheNoise_ResumesTheAgent) {
  agent_speaks();
  user_starts(50ms);
  after(1s);
  ASSERT_EQ(count<turn::Pause>(), 1);
  user_ends(550ms);
  after(1999ms);
  EXPECT_EQ(count<turn::Resume>(), 0);
  after(1ms);
  EXPECT_EQ(count<turn::Resume>(), 1);
  EXPECT_EQ(turns->agent_state(), AgentState::speaking);
}

TEST_F(Turns, CallerBeginsAgainWhileTheAgentIsPaused_ThePauseGoesOn) {
  agent_speaks();
  user_starts(50ms);
  after(1s);
  user_ends();
  after(1500ms);
  user_starts(50ms);
  after(1500ms);
  EXPECT_EQ(count<turn::Resume>(), 0);
  user_ends();
  after(2s);
  EXPECT_EQ(count<turn::Resume>(), 1);
}

TEST_F(Turns, NoiseThatNeverEnds_DoesNotPauseForEver_AWordlessOneResumes) {
  agent_speaks();
  user_starts(50ms);
  after(TurnTaking::kMaxPause + 1s);
  EXPECT_EQ(count<turn::Resume>(), 1);
  after(1min);
  EXPECT_EQ(count<turn::Pause>(), 1) << "the same noise does not pause it again";
}

TEST_F(Turns, CallerTalksForHalfAMinute_AndTheRecogniserOnlyTellsAtTheEnd_TheAgentGivesWay) {
  make(TurnOptions{}, false);
  agent_speaks();
  user_starts(50ms);
  after(TurnTaking::kMaxPause + 1s);
  EXPECT_EQ(count<turn::Cut>(), 1);
  EXPECT_EQ(count<turn::Resume>(), 0);
}

TEST_F(Turns, MinWords_FewerDoNotInterrupt_AndAreKeptForTheNextTurn) {
  TurnOptions options;
  options.interruption.min_words = 2;
  make(options);
  agent_speaks();
  user_starts();
  after(1s);
  EXPECT_EQ(count<turn::Pause>(), 0) << "only words interrupt";
  says("okay");
  user_ends();
  after(5s);
  EXPECT_EQ(count<turn::Cut>(), 0);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 0);
  agent_done();
  after(5s);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 0) << "a nod is no turn";
  user_starts();
  after(1s);
  says("what time is it");
  user_ends(550ms);
  after(1ms);
  ASSERT_EQ(count<turn::UserTurnCompleted>(), 1);
  EXPECT_EQ(last<turn::UserTurnCompleted>().transcript, "okay what time is it");
}

TEST_F(Turns, MinWordsReached_CutsWithoutAPause) {
  TurnOptions options;
  options.interruption.min_words = 2;
  make(options);
  agent_speaks();
  user_starts();
  says("hold", false);
  EXPECT_EQ(count<turn::Cut>(), 0);
  says("hold on", false);
  EXPECT_EQ(count<turn::Cut>(), 1);
}

TEST_F(Turns, ProtectedSpeech_GoesOn_AndNothingIsListenedTo) {
  agent_speaks(false);
  EXPECT_TRUE(turns->discarding());
  user_starts();
  after(3s);
  says("hello hello");
  after(3s);
  EXPECT_EQ(count<turn::Pause>() + count<turn::Cut>(), 0);
  EXPECT_EQ(turns->user_state(), UserState::listening);
  agent_done();
  EXPECT_FALSE(turns->discarding());
  after(5s);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 0);
}

TEST_F(Turns, ProtectedSpeechWithKeptInput_TheTurnWaitsForItsEnd) {
  TurnOptions options;
  options.interruption.discard_uninterruptible_input = false;
  make(options);
  agent_speaks(false);
  user_starts();
  says("I need a table");
  user_ends();
  after(5s);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 0);
  EXPECT_EQ(count<turn::Cut>(), 0);
  agent_done();
  after(0ms);
  ASSERT_EQ(count<turn::UserTurnCompleted>(), 1);
  EXPECT_EQ(last<turn::UserTurnCompleted>().transcript, "I need a table");
}

TEST_F(Turns, TurnEndsAfterTheMinimumDelay_CountedFromTheLastSound) {
  TurnOptions options;
  options.endpointing.min = 800ms;
  make(options);
  user_starts();
  after(1s);
  user_ends(550ms);
  says("a table for two");
  after(249ms);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 0);
  after(1ms);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 1);
}

TEST_F(Turns, FinalTranscriptThatNeverComes_TheTurnEndsOnTheInterimOneAfterTheMaximumDelay) {
  user_starts();
  after(1s);
  says("a table for", false);
  user_ends(550ms);
  after(2999ms);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 0);
  after(1ms);
  ASSERT_EQ(count<turn::UserTurnCompleted>(), 1);
  EXPECT_EQ(last<turn::UserTurnCompleted>().transcript, "a table for");
  says("a table for two");
  after(5s);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 1) << "the late final one is the same turn, not another";
}

TEST_F(Turns, CallerGoesOnSpeakingBeforeTheDelayIsOver_ItIsOneTurn) {
  TurnOptions options;
  options.endpointing.min = 800ms;
  make(options);
  user_starts();
  after(1s);
  user_ends(550ms);
  says("a table");
  after(200ms);
  user_starts();
  after(1s);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 0);
  user_ends(550ms);
  says("for two");
  after(250ms);
  ASSERT_EQ(count<turn::UserTurnCompleted>(), 1);
  EXPECT_EQ(last<turn::UserTurnCompleted>().transcript, "a table for two");
}

TEST_F(Turns, TranscriptWithoutAnySpeechHeardByTheVad_StillEndsATurn) {
  says("quiet words");
  after(500ms);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 1);
}

TEST_F(Turns, NoiseThatKeepsTheVadUp_DoesNotKeepTheTurnOpenForEver) {
  user_starts();
  says("book a table");
  after(4s);
  ASSERT_EQ(count<turn::UserTurnCompleted>(), 1);
  EXPECT_EQ(last<turn::UserTurnCompleted>().transcript, "book a table");
}

TEST_F(Turns, FinalTranscript_LetsAReplyBePrepared) {
  TurnOptions options;
  options.endpointing.min = 800ms;
  make(options);
  user_starts();
  after(1s);
  user_ends(550ms);
  says("what are your hours");
  ASSERT_EQ(count<turn::PrepareReply>(), 1);
  EXPECT_EQ(last<turn::PrepareReply>().transcript, "what are your hours");
}

TEST_F(Turns, LongTurn_IsNotGuessedAt) {
  TurnOptions options;
  options.endpointing.min = 800ms;
  make(options);
  user_starts();
  after(11s);
  user_ends(550ms);
  says("and so on and so forth");
  EXPECT_EQ(count<turn::PrepareReply>(), 0);
}

TEST_F(Turns, BothSilentForFifteenSeconds_TheCallerIsAway_UntilHeardAgain) {
  after(14999ms);
  EXPECT_EQ(turns->user_state(), UserState::listening);
  after(1ms);
  EXPECT_EQ(turns->user_state(), UserState::away);
  agent_speaks();
  agent_done();
  EXPECT_EQ(turns->user_state(), UserState::away) << "the agent's voice brings nobody back";
  user_starts();
  EXPECT_EQ(turns->user_state(), UserState::speaking);
}

TEST_F(Turns, AgentStates_GoThroughThinkingAndSpeakingBackToListening) {
  using enum AgentState;
  turns->handle(turn::AgentScheduled{1, true}, now);
  EXPECT_EQ(turns->agent_state(), thinking);
  turns->handle(turn::AgentPlaying{1}, now);
  EXPECT_EQ(turns->agent_state(), speaking);
  turns->handle(turn::AgentQuiet{1}, now);
  EXPECT_EQ(turns->agent_state(), thinking) << "a tool runs";
  turns->handle(turn::AgentDone{1}, now);
  EXPECT_EQ(turns->agent_state(), listening);
  turns->handle(turn::Connected{false}, now);
  EXPECT_EQ(turns->agent_state(), idle);
}

TEST_F(Turns, QueuedSpeech_WaitsForACallerWhoSpeaks_ButNotForEver) {
  EXPECT_TRUE(turns->agent_may_start(now));
  user_starts();
  EXPECT_FALSE(turns->agent_may_start(now));
  after(TurnTaking::kMaxHold);
  EXPECT_TRUE(turns->agent_may_start(now));
}

TEST_F(Turns, QueuedSpeech_WaitsForTheTranscriptOfWhatWasJustSaid) {
  user_starts();
  after(1s);
  user_ends(550ms);
  EXPECT_FALSE(turns->agent_may_start(now));
  after(TurnTaking::kTranscriptLag);
  EXPECT_TRUE(turns->agent_may_start(now)) << "an empty answer of the recogniser never came";
}

TEST_F(Turns, CallEndsWhileTheAgentIsPaused_ItMayFinish) {
  agent_speaks();
  user_starts(50ms);
  after(1s);
  ASSERT_EQ(count<turn::Pause>(), 1);
  feed(turn::InputStopped{});
  EXPECT_EQ(count<turn::Resume>(), 1);
  says("too late");
  after(10s);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 0);
}

TEST_F(Turns, SpeechBecomesProtectedWhilePaused_ItGoesOn) {
  agent_speaks();
  user_starts(50ms);
  after(1s);
  ASSERT_EQ(count<turn::Pause>(), 1);
  feed(turn::AgentProtected{speech});
  EXPECT_EQ(count<turn::Resume>(), 1);
  EXPECT_TRUE(turns->discarding());
}

TEST_F(Turns, AgentBeginsOverATurnThatIsNearlyOver_TheCallersWordsComeFirst) {
  user_starts();
  after(1s);
  user_ends(50ms);
  says("a table for two");
  agent_speaks();
  after(450ms);
  EXPECT_EQ(count<turn::Cut>(), 1);
  EXPECT_EQ(count<turn::UserTurnCompleted>(), 1);
}

TEST_F(Turns, EventsOfASpeechThatIsNoLongerTheCurrentOne_AreIgnored) {
  agent_speaks();
  const auto old = speech;
  agent_speaks();
  feed(turn::AgentDone{old});
  EXPECT_EQ(turns->agent_state(), AgentState::speaking);
}

TEST(Words, AreCountedByBlanks_AndPunctuationAloneIsNone) {
  EXPECT_EQ(count_words(""), 0);
  EXPECT_EQ(count_words(" ... - "), 0);
  EXPECT_EQ(count_words("uh-huh"), 1);
  EXPECT_EQ(count_words(" a table,  for two! "), 4);
  EXPECT_EQ(count_words("\u3053\u3093\u306b\u3061\u306f"), 1);
}

}  // namespace
}  // namespace parley
