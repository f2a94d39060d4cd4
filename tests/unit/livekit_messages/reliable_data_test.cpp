#include "livekit/room/reliable_data.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "livekit_models.pb.h"

namespace parley::livekit {
namespace {

using ::testing::ElementsAre;

constexpr TimePoint kStart{std::chrono::hours(1)};

std::string packet(const std::string& payload, std::uint32_t sequence = 0, const std::string& sid = {}) {
  ::livekit::DataPacket packet;
  packet.mutable_user()->set_payload(payload);
  packet.set_sequence(sequence);
  packet.set_participant_sid(sid);
  return packet.SerializeAsString();
}

::livekit::DataPacket parsed(std::string_view bytes) {
  ::livekit::DataPacket packet;
  EXPECT_TRUE(packet.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return packet;
}

std::vector<std::uint32_t> numbers(const ReliableOutbox& outbox) {
  std::vector<std::uint32_t> out;
  for (const auto& bytes : outbox.replay()) out.push_back(parsed(bytes).sequence());
  return out;
}

TEST(ReliableOutbox, PacketsAreNumberedFromOneOn_AndKeepTheirContent) {
  ReliableOutbox outbox;
  const auto first = parsed(outbox.add(packet("a"), kStart));
  EXPECT_EQ(first.sequence(), 1u);
  EXPECT_EQ(first.user().payload(), "a");
  EXPECT_EQ(parsed(outbox.add(packet("b"), kStart)).sequence(), 2u);
  EXPECT_EQ(outbox.last_sequence(), 2u);
}

TEST(ReliableOutbox, ANumberThatIsThereAlready_IsReplaced) {
  ReliableOutbox outbox;
  EXPECT_EQ(parsed(outbox.add(packet("a", 99), kStart)).sequence(), 1u);
}

TEST(ReliableOutbox, NumbersOfEveryLength_AreReadBack) {
  ReliableOutbox outbox;
  for (std::uint32_t i = 1; i <= 20'000; ++i) ASSERT_EQ(parsed(outbox.add(packet("x"), kStart)).sequence(), i);
}

TEST(ReliableOutbox, AfterAResume_WhatTheServerHasNotIsReplayedInOrderWithItsNumbers) {
  ReliableOutbox outbox;
  for (const char* payload : {"a", "b", "c", "d"}) (void)outbox.add(packet(payload), kStart);
  outbox.acknowledged(2);
  EXPECT_THAT(numbers(outbox), ElementsAre(3, 4));
  EXPECT_EQ(parsed(outbox.replay()[0]).user().payload(), "c");
  EXPECT_EQ(outbox.lost(), 0u);
  outbox.acknowledged(4);
  EXPECT_TRUE(outbox.replay().empty());
  EXPECT_EQ(outbox.bytes(), 0u);
}

TEST(ReliableOutbox, ANumberThatWasNeverGivenOut_DropsNothing) {
  ReliableOutbox outbox;
  (void)outbox.add(packet("a"), kStart);
  outbox.acknowledged(7);
  EXPECT_THAT(numbers(outbox), ElementsAre(1));
}

TEST(ReliableOutbox, TooManyPackets_TheOldestGoAndAreCounted) {
  ReliableOutbox outbox;
  for (std::size_t i = 0; i < ReliableOutbox::kMaxPackets + 10; ++i) (void)outbox.add(packet("a"), kStart);
  EXPECT_EQ(outbox.packets(), ReliableOutbox::kMaxPackets);
  EXPECT_EQ(outbox.evicted(), 10u);
  EXPECT_EQ(numbers(outbox).front(), 11u);
}

TEST(ReliableOutbox, TooManyBytes_TheOldestGo) {
  ReliableOutbox outbox;
  const std::string big(60'000, 'x');
  for (int i = 0; i < 100; ++i) (void)outbox.add(packet(big), kStart);
  EXPECT_LE(outbox.bytes(), ReliableOutbox::kMaxBytes);
  EXPECT_GT(outbox.bytes(), ReliableOutbox::kMaxBytes - 2 * 60'000);
  EXPECT_GT(outbox.evicted(), 0u);
}

TEST(ReliableOutbox, OldPackets_GoWithTheNextOne) {
  ReliableOutbox outbox;
  (void)outbox.add(packet("a"), kStart);
  (void)outbox.add(packet("b"), kStart + ReliableOutbox::kKeptFor + 1s);
  EXPECT_THAT(numbers(outbox), ElementsAre(2));
}

TEST(ReliableOutbox, EvictedPacketsThatTheServerHas_AreNotLost_OthersAreCounted) {
  ReliableOutbox outbox;
  for (std::size_t i = 0; i < ReliableOutbox::kMaxPackets + 10; ++i) (void)outbox.add(packet("a"), kStart);
  outbox.acknowledged(10);
  EXPECT_EQ(outbox.lost(), 0u);
  outbox.reset();
  for (std::size_t i = 0; i < ReliableOutbox::kMaxPackets + 10; ++i) (void)outbox.add(packet("a"), kStart);
  outbox.acknowledged(4);
  EXPECT_EQ(outbox.lost(), 6u);
  outbox.acknowledged(4);
  EXPECT_EQ(outbox.lost(), 6u);
}

TEST(ReliableOutbox, AfterAReset_NumbersBeginAtOneAgain) {
  ReliableOutbox outbox;
  (void)outbox.add(packet("a"), kStart);
  outbox.reset();
  EXPECT_TRUE(outbox.replay().empty());
  EXPECT_EQ(parsed(outbox.add(packet("b"), kStart)).sequence(), 1u);
}

TEST(ReliableInbox, WhatComesTwice_IsNewOnce) {
  ReliableInbox inbox;
  EXPECT_TRUE(*inbox.accept(packet("a", 1, "PA_a"), kStart));
  EXPECT_TRUE(*inbox.accept(packet("b", 2, "PA_a"), kStart));
  EXPECT_FALSE(*inbox.accept(packet("a", 1, "PA_a"), kStart));
  EXPECT_FALSE(*inbox.accept(packet("b", 2, "PA_a"), kStart));
  EXPECT_TRUE(*inbox.accept(packet("c", 9, "PA_a"), kStart));  // gaps are not ours to judge
  EXPECT_EQ(inbox.duplicates(), 2u);
}

TEST(ReliableInbox, EachSenderHasItsOwnNumbers) {
  ReliableInbox inbox;
  EXPECT_TRUE(*inbox.accept(packet("a", 5, "PA_a"), kStart));
  EXPECT_TRUE(*inbox.accept(packet("a", 1, "PA_b"), kStart));
  auto states = inbox.states(kStart);
  std::ranges::sort(states, {}, &ReliableInbox::State::participant_sid);
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].participant_sid, "PA_a");
  EXPECT_EQ(states[0].last_sequence, 5u);
  EXPECT_EQ(states[1].last_sequence, 1u);
}

TEST(ReliableInbox, WithoutNumberOrSid_EverythingIsNew) {
  ReliableInbox inbox;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(*inbox.accept(packet("server's own"), kStart));
    EXPECT_TRUE(*inbox.accept(packet("no number", 0, "PA_a"), kStart));
    EXPECT_TRUE(*inbox.accept(packet("no sid", 7), kStart));
  }
  EXPECT_EQ(inbox.senders(), 0u);
}

TEST(ReliableInbox, HalfAMinuteLater_ASenderIsForgotten) {
  ReliableInbox inbox;
  (void)inbox.accept(packet("a", 5, "PA_a"), kStart);
  EXPECT_FALSE(*inbox.accept(packet("a", 5, "PA_a"), kStart + 30s));
  EXPECT_TRUE(*inbox.accept(packet("a", 5, "PA_a"), kStart + 30s + 1ms));
  EXPECT_EQ(inbox.states(kStart + 30s).size(), 1u);
  EXPECT_TRUE(inbox.states(kStart + 2min).empty());
}

TEST(ReliableInbox, MoreSendersThanItRemembers_TheOneHeardLongestAgoIsForgotten) {
  ReliableInbox inbox;
  for (std::size_t i = 0; i <= ReliableInbox::kMaxSenders; ++i) {
    ASSERT_TRUE(*inbox.accept(packet("a", 1, "PA_" + std::to_string(i)), kStart + std::chrono::milliseconds(i)));
  }
  EXPECT_EQ(inbox.senders(), ReliableInbox::kMaxSenders);
  EXPECT_FALSE(*inbox.accept(packet("a", 1, "PA_1"), kStart + 2s));
  EXPECT_TRUE(*inbox.accept(packet("a", 1, "PA_0"), kStart + 2s));
}

TEST(ReliableInbox, WhatIsNoPacket_IsAnErrorAndNotDelivered) {
  ReliableInbox inbox;
  const std::string bytes[] = {"\xff\xff\xff", std::string("\x8a\x01\x7f", 3), packet("a", 1, std::string(65, 'x')), std::string("\x80\x01", 2),
                               std::string(2 * MiB, '\0')};
  for (const auto& broken : bytes) {
    const auto accepted = inbox.accept(broken, kStart);
    ASSERT_FALSE(accepted);
    EXPECT_EQ(accepted.error().code(), Errc::protocol);
  }
  EXPECT_EQ(inbox.senders(), 0u);
}

TEST(ReliableInbox, AfterAReset_OldNumbersAreNew) {
  ReliableInbox inbox;
  (void)inbox.accept(packet("a", 5, "PA_a"), kStart);
  inbox.reset();
  EXPECT_TRUE(*inbox.accept(packet("a", 1, "PA_a"), kStart));
}

}  // namespace
}  // namespace parley::livekit
