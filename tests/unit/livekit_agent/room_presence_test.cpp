// What front ends see: the agent's state, and what both sides say.
#include "livekit/agent/room_presence.hpp"

#include <gmock/gmock.h>

#include "fake_room.hpp"
#include "livekit/agent/chat_input.hpp"

namespace parley::livekit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Presence : public ::testing::Test {
 protected:
  void TearDown() override {
    presence.reset();
    scope.reset();
  }
  sim::World world{5};
  sim::SimLoop& loop = world.add_loop("job");
  std::unique_ptr<Scope> scope = std::make_unique<Scope>(loop, "job");
  FakeRoom room{loop};
  std::unique_ptr<RoomPresence> presence = std::make_unique<RoomPresence>(*scope, room, Logger());
};

TEST_F(Presence, NothingIsSentBeforeWeAreInTheRoom_AndThenTheNewest) {
  presence->agent_state("initializing");
  presence->agent_state("listening");
  world.run_for(1s);
  EXPECT_THAT(room.states, IsEmpty());
  presence->joined();
  world.run_for(1s);
  EXPECT_THAT(room.states, ElementsAre("listening"));
}

TEST_F(Presence, EachState_IsAnAttribute) {
  presence->joined();
  for (const auto* state : {"listening", "thinking", "speaking", "listening"}) {
    presence->agent_state(state);
    world.run_for(100ms);
  }
  EXPECT_THAT(room.states, ElementsAre("listening", "thinking", "speaking", "listening"));
}

TEST_F(Presence, OverASlowWay_StatesBetweenAreLeftOut_TheLastIsNot) {
  room.slow = 400ms;
  presence->joined();
  for (int i = 0; i < 50; ++i) {
    presence->agent_state(i % 2 == 0 ? "thinking" : "speaking");
    world.run_for(10ms);
  }
  presence->agent_state("listening");
  world.run_for(3s);
  EXPECT_LE(room.states.size(), 4u);
  EXPECT_EQ(room.states.back(), "listening");
}

TEST_F(Presence, StateThatCouldNotBeSent_IsTriedAgain_NotForEver) {
  room.attributes_result = fail(Errc::timeout, "no answer");
  presence->joined();
  presence->agent_state("thinking");
  world.run_for(RoomPresence::kTryAgainAfter / 2);
  room.attributes_result = {};
  world.run_for(2s);
  EXPECT_THAT(room.states, ElementsAre("thinking"));
}

TEST_F(Presence, RoomJoinedAnew_IsToldTheState) {
  presence->joined();
  presence->agent_state("listening");
  world.run_for(100ms);
  presence->joined();
  world.run_for(100ms);
  EXPECT_THAT(room.states, ElementsAre("listening", "listening"));
}

TEST_F(Presence, AgentsWords_AreOneStreamASegment_InPiecesAsTheyAreHeard) {
  presence->joined();
  presence->agent_words("speech_1/0", "We are", false);
  world.run_for(100ms);
  ASSERT_THAT(room.streams, SizeIs(1));
  EXPECT_EQ(room.streams.front().text, "We are");
  EXPECT_FALSE(room.streams.front().finished);
  presence->agent_words("speech_1/0", "We are open", false);
  world.run_for(100ms);
  presence->agent_words("speech_1/0", "We are open from six.", true);
  world.run_for(100ms);
  ASSERT_THAT(room.streams, SizeIs(1));
  const auto& stream = room.streams.front();
  EXPECT_EQ(stream.text, "We are open from six.");
  EXPECT_EQ(stream.writes, 3);
  EXPECT_TRUE(stream.finished);
  EXPECT_EQ(stream.options.topic, "lk.transcription");
  EXPECT_EQ(stream.options.sender, "");
  EXPECT_EQ(stream.options.attributes.at("lk.transcribed_track_id"), "TR_agent");
  EXPECT_EQ(stream.options.attributes.at("lk.transcription_final"), "false");
  EXPECT_EQ(stream.closing.at("lk.transcription_final"), "true");
  ASSERT_THAT(room.legacy, SizeIs(3));
  EXPECT_EQ(room.legacy.back().text, "We are open from six.");
  EXPECT_EQ(room.legacy.back().identity, "agent");
  EXPECT_EQ(room.legacy.back().track_sid, "TR_agent");
  EXPECT_EQ(room.legacy.back().id, stream.options.attributes.at("lk.segment_id"));
  EXPECT_TRUE(room.legacy.back().final);
  EXPECT_FALSE(room.legacy.front().final);
}

TEST_F(Presence, CallersWords_AreANewStreamEachTime_OfTheSameSegment_InTheCallersName) {
  presence->joined();
  presence->caller_words("ann", "TR_ann", "what are", false, "en");
  world.run_for(100ms);
  presence->caller_words("ann", "TR_ann", "what are your opening hours", true, "en");
  world.run_for(100ms);
  presence->caller_words("ann", "TR_ann", "and", false, "en");
  world.run_for(100ms);
  ASSERT_THAT(room.streams, SizeIs(3));
  const auto& first = room.streams.front().options;
  const auto& second = std::next(room.streams.begin())->options;
  const auto& third = room.streams.back().options;
  EXPECT_EQ(first.sender, "ann");
  EXPECT_EQ(first.attributes.at("lk.transcribed_track_id"), "TR_ann");
  EXPECT_EQ(first.attributes.at("lk.transcription_final"), "false");
  EXPECT_EQ(second.attributes.at("lk.transcription_final"), "true");
  EXPECT_EQ(first.attributes.at("lk.segment_id"), second.attributes.at("lk.segment_id"));
  EXPECT_NE(third.attributes.at("lk.segment_id"), second.attributes.at("lk.segment_id"));
  EXPECT_EQ(std::next(room.streams.begin())->text, "what are your opening hours");
  EXPECT_EQ(room.legacy.at(1).identity, "ann");
}

TEST_F(Presence, SlowWay_HoldsUpNobody_AndGetsTheNewestWords) {
  presence->joined();
  room.slow = 300ms;
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += text.empty() ? "word" : " word";
    const auto steps = world.steps();
    presence->agent_words("speech_1/0", text, i == 99);
    EXPECT_EQ(world.steps(), steps) << "telling takes no turn of the loop";
    world.run_for(20ms);
  }
  world.run_for(5s);
  ASSERT_THAT(room.streams, SizeIs(1));
  EXPECT_EQ(room.streams.front().text, text);
  EXPECT_LE(room.streams.front().writes, 8);
  EXPECT_TRUE(room.streams.front().finished);
}

TEST_F(Presence, WayThatIsStuck_KeepsTheNewestSegments) {
  presence->joined();
  room.slow = 1h;
  for (int i = 0; i < 20; ++i) {
    presence->agent_words("speech_" + std::to_string(i) + "/0", "words " + std::to_string(i), true);
    world.run_for(10ms);
  }
  EXPECT_GE(presence->dropped(), 11u);
  room.slow = {};
  world.run_for(10s);
  ASSERT_FALSE(room.streams.empty());
  EXPECT_EQ(room.streams.back().text, "words 19");
  EXPECT_LE(room.streams.size(), RoomPresence::kMaxSegments);
}

TEST_F(Presence, StreamThatBroke_IsFollowedByAnotherWithEverything) {
  presence->joined();
  presence->agent_words("speech_1/0", "We are", false);
  world.run_for(100ms);
  room.slow = 1h;
  presence->agent_words("speech_1/0", "We are open", false);
  world.run_for(3s);
  room.slow = {};
  presence->agent_words("speech_1/0", "We are open from six.", true);
  world.run_for(1s);
  ASSERT_THAT(room.streams, SizeIs(2));
  EXPECT_EQ(room.streams.back().text, "We are open from six.");
  EXPECT_EQ(room.streams.back().options.attributes.at("lk.segment_id"), room.streams.front().options.attributes.at("lk.segment_id"));
}

class Chat : public Presence {
 protected:
  std::vector<std::string> said;
  ChatInput chat{*scope, room, [](std::string_view identity) { return identity == "ann"; }, [this](std::string text) { said.push_back(std::move(text)); }, Logger()};
};

TEST_F(Chat, TextsOfTheCaller_AreRead_ThoseOfOthersAreNot) {
  room.sends("lk.chat", "bob", "ignore all");
  room.sends("lk.chat", "ann", "When do you open?");
  room.sends("lk.chat", "ann", "");
  world.run_for(100ms);
  EXPECT_THAT(said, ElementsAre("When do you open?"));
}

TEST_F(Chat, TextThatDoesNotEnd_OrIsTooLong_IsLeft_AndTheNextIsRead) {
  room.sends("lk.chat", "ann", "late")->delay = 1h;
  room.sends("lk.chat", "ann", std::string(ChatInput::kMaxText + 1, 'x'));
  room.sends("lk.chat", "ann", "hello");
  world.run_for(ChatInput::kReadWithin + 1s);
  EXPECT_THAT(said, ElementsAre("hello"));
}

}  // namespace
}  // namespace parley::livekit
