// Packets that are whole by themselves, and bytes that are none.
#include "fixture.hpp"

namespace parley::livekit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Packets : public TestRoom {
 protected:
  Packets() : alice(join("alice")), bob(join("bob")) {}
  std::string digits_at_bob() const {
    std::string digits;
    for (const auto& unclaimed : bob.unclaimed) digits += unclaimed.digit;
    return digits;
  }
  Peer& alice;
  Peer& bob;
};

TEST_F(Packets, EveryTelephoneKey_ArrivesWithItsCode) {
  ASSERT_TRUE(run(alice.messages->send_dtmf("0123456789*#ABCDabcd", {"bob"}, in(1s))));
  settle();
  EXPECT_EQ(digits_at_bob(), "0123456789*#ABCDABCD");
  EXPECT_EQ(bob.unclaimed.front().sender, "alice");
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(alice.sent[i].sip_dtmf().code(), i);
  EXPECT_EQ(alice.sent[10].sip_dtmf().digit(), "*");
  EXPECT_THAT(alice.sent[0].destination_identities(), ElementsAre("bob"));
}

TEST_F(Packets, AW_IsHalfASecondOfSilence) {
  const auto before = world.now();
  ASSERT_TRUE(run(alice.messages->send_dtmf("1ww2", {}, in(5s))));
  EXPECT_GE(world.now() - before, 1s);
  EXPECT_LT(world.now() - before, 1s + 10ms);
  settle();
  EXPECT_EQ(digits_at_bob(), "12");
  EXPECT_EQ(run(alice.messages->send_dtmf("3www", {}, in(1s))).error().code(), Errc::timeout);
}

TEST_F(Packets, KeysThatNoTelephoneHas_AreRefusedBeforeAnyIsSent) {
  for (const char* keys : {"", "12E", "1 2", "ä", "\n"}) EXPECT_EQ(run(alice.messages->send_dtmf(keys, {}, in(1s))).error().code(), Errc::invalid_argument);
  EXPECT_EQ(run(alice.messages->send_dtmf(std::string(Messages::kMaxDtmfKeys + 1, '1'), {}, in(1s))).error().code(), Errc::invalid_argument);
  EXPECT_THAT(alice.sent, IsEmpty());
}

TEST_F(Packets, DtmfThatHasOnlyACode_IsRead_AndWhatIsNoKeyIsAnError) {
  const auto dtmf = [&](std::uint32_t code, const std::string& digit) {
    auto packet = from(alice);
    packet.mutable_sip_dtmf()->set_code(code);
    packet.mutable_sip_dtmf()->set_digit(digit);
    return bob.receive(packet);
  };
  EXPECT_EQ(dtmf(11, "")->digit, '#');
  EXPECT_EQ(dtmf(99, "7")->digit, '7') << "the digit counts";
  EXPECT_EQ(dtmf(16, "").error().code(), Errc::protocol);
  EXPECT_EQ(dtmf(1, "12").error().code(), Errc::protocol);
  EXPECT_EQ(dtmf(1, "x").error().code(), Errc::protocol);
  EXPECT_EQ(bob.messages->counters().malformed, 3u);
}

TEST_F(Packets, UserData_ComesWithSenderAndTopic) {
  ASSERT_TRUE(run(alice.messages->send_data(std::string("\0\xFF", 2), "game", true, {}, in(1s))));
  ASSERT_TRUE(run(alice.messages->send_data("no topic", "", false, {"bob"}, in(1s))));
  settle();
  ASSERT_THAT(bob.unclaimed, SizeIs(2));
  EXPECT_EQ(bob.unclaimed[0].user->payload, std::string("\0\xFF", 2));
  EXPECT_EQ(bob.unclaimed[0].user->topic, "game");
  EXPECT_EQ(bob.unclaimed[0].user->sender, "alice");
  EXPECT_EQ(bob.unclaimed[1].user->payload, "no topic");
}

TEST_F(Packets, TheServersOwnData_HasNoSender) {
  proto::DataPacket packet;
  packet.mutable_user()->set_payload("from the server");
  const auto unclaimed = bob.receive(packet);
  ASSERT_TRUE(unclaimed->user);
  EXPECT_EQ(unclaimed->user->sender, "");
}

TEST_F(Packets, DataThatDoesNotFit_IsRefused) {
  EXPECT_EQ(run(alice.messages->send_data(std::string(64'000, 'x'), "", true, {}, in(1s))).error().code(), Errc::invalid_argument);
  EXPECT_TRUE(run(alice.messages->send_data(std::string(63'900, 'x'), "", true, {}, in(1s))));
}

TEST_F(Packets, LossyData_IsLostOnABadLine_ReliableDataIsNot_AndEachChannelHasItsOrder) {
  alice.loss = 0.5;
  alice.lossy_delay = 50ms;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(run(alice.messages->send_data(std::to_string(i), "lossy", false, {}, in(1s))));
    ASSERT_TRUE(run(alice.messages->send_data(std::to_string(i), "reliable", true, {}, in(1s))));
  }
  settle(1s);
  std::map<std::string, std::vector<int>> got;
  for (const auto& unclaimed : bob.unclaimed) got[unclaimed.user->topic].push_back(std::stoi(unclaimed.user->payload));
  EXPECT_EQ(got["reliable"].size(), 200u);
  EXPECT_GT(got["lossy"].size(), 60u);
  EXPECT_LT(got["lossy"].size(), 140u);
  EXPECT_TRUE(std::ranges::is_sorted(got["reliable"]));
  EXPECT_TRUE(std::ranges::is_sorted(got["lossy"]));
  EXPECT_EQ(bob.unclaimed.front().user->topic, "reliable") << "one channel does not wait for the other";
}

TEST_F(Packets, DataInTheMiddleOfAStream_OvertakesItOnTheOtherChannel) {
  auto& readers = bob.messages->text_streams("t");
  alice.reliable_delay = 200ms;
  alice.lossy_delay = 1ms;
  auto writer = run(alice.messages->open_text({.topic = "t"}, in(1s)));
  ASSERT_TRUE(run((*writer)->write("slow", in(1s))));
  ASSERT_TRUE(run(alice.messages->send_data("fast", "", false, {}, in(1s))));
  ASSERT_TRUE(run((*writer)->finish({}, in(1s))));
  settle(50ms);
  EXPECT_THAT(bob.unclaimed, SizeIs(1));
  EXPECT_TRUE(readers.empty());
  settle(1s);
  EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), "slow");
}

TEST_F(Packets, TheLegacyTranscription_HasItsSegments) {
  ASSERT_TRUE(run(alice.messages->send_transcription("caller", "TR_1", {{"SG_1", "Hello", false}, {"SG_1", "Hello there.", true, "en"}}, in(1s))));
  const auto& transcription = alice.sent.back().transcription();
  EXPECT_EQ(transcription.transcribed_participant_identity(), "caller");
  EXPECT_EQ(transcription.track_id(), "TR_1");
  ASSERT_EQ(transcription.segments_size(), 2);
  EXPECT_FALSE(transcription.segments(0).final());
  EXPECT_EQ(transcription.segments(1).text(), "Hello there.");
  EXPECT_EQ(transcription.segments(1).language(), "en");
  settle();
  EXPECT_EQ(bob.messages->counters().ignored, 1u);
}

TEST_F(Packets, WordsThatAreNoUtf8_AreMadeSo_NotDropped) {
  ASSERT_TRUE(run(alice.messages->send_transcription("caller", "TR_1", {{"SG_1", "a\xFFz", true}}, in(1s))));
  EXPECT_EQ(alice.sent.back().transcription().segments(0).text(), "a\xEF\xBF\xBDz");
}

TEST_F(Packets, BytesThatAreNoPacket_AreCountedAndNamedOnceInAWhile) {
  testing::internal::CaptureStderr();
  auto broken_name = from(alice).SerializeAsString();
  broken_name += std::string("\x22\x02\xFF\xFF", 4);  // an identity that is no UTF-8
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(bob.receive("\xFF\xFF\xFF").error().code(), Errc::protocol);
    EXPECT_EQ(bob.receive(broken_name).error().code(), Errc::protocol);
  }
  EXPECT_EQ(bob.messages->counters().malformed, 2000u);
  EXPECT_THAT(log->lines, SizeIs(1));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty()) << "protobuf's own lines, one a packet";
}

TEST_F(Packets, KindsThatWeDoNotKnow_AreIgnored_EncryptedOnesAreNamed) {
  EXPECT_TRUE(bob.receive(std::string())) << "an empty message is a packet of nothing";
  EXPECT_TRUE(bob.receive(std::string("\xFA\x01\x03\x08\x01\x10", 6))) << "a field of the future";
  auto chat = from(alice);
  chat.mutable_chat_message()->set_message("legacy");
  EXPECT_TRUE(bob.receive(chat));
  auto metrics = from(alice);
  metrics.mutable_metrics();
  EXPECT_TRUE(bob.receive(metrics));
  EXPECT_EQ(bob.messages->counters().ignored, 4u);
  auto encrypted = from(alice);
  encrypted.mutable_encrypted_packet()->set_encrypted_value("x");
  EXPECT_EQ(bob.receive(encrypted).error().code(), Errc::refused);
  EXPECT_THAT(log->lines.back(), HasSubstr("encrypt"));
}

TEST_F(Packets, AStrangersName_IsShortInTheLog) {
  auto encrypted = from(alice);
  encrypted.set_participant_identity(std::string(10'000, 'x') + "\n");
  encrypted.mutable_encrypted_packet();
  (void)bob.receive(encrypted);
  EXPECT_LT(log->lines.back().size(), 300u);
}

TEST_F(Packets, AfterClose_NothingIsSentOrTaken) {
  alice.messages->close();
  alice.messages->close();
  EXPECT_EQ(run(alice.messages->send_data("x", "", true, {}, in(1s))).error().code(), Errc::closing);
  EXPECT_EQ(run(alice.messages->send_dtmf("1", {}, in(1s))).error().code(), Errc::closing);
  EXPECT_EQ(run(alice.messages->send_transcription("a", "b", {}, in(1s))).error().code(), Errc::closing);
  EXPECT_EQ(alice.receive(from(bob)).error().code(), Errc::closing);
}

}  // namespace
}  // namespace parley::livekit
