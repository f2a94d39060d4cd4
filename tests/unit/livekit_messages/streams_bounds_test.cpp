// What peers send that breaks the rules of streams, or is more than anybody needs.
#include "fixture.hpp"

#include <parley/base/random.hpp>

namespace parley::livekit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StreamBounds : public TestRoom {
 protected:
  StreamBounds() : alice(join("alice")), bob(join("bob")), readers(bob.messages->text_streams("t")) {}

  std::shared_ptr<StreamReader> begun(const std::string& id = "S") {
    EXPECT_TRUE(bob.receive(header(alice, id, "t")));
    return next_reader(readers);
  }
  Result<std::string> read(const std::shared_ptr<StreamReader>& reader) { return run(reader->read(in(1s))); }
  std::uint64_t refused() const { return bob.messages->counters().refused; }

  Peer& alice;
  Peer& bob;
  Channel<std::shared_ptr<StreamReader>>& readers;
};

TEST_F(StreamBounds, AMissingChunk_EndsTheStreamAsBroken) {
  const auto reader = begun();
  EXPECT_TRUE(bob.receive(chunk(alice, "S", 0, "first")));
  EXPECT_EQ(bob.receive(chunk(alice, "S", 2, "third")).error().code(), Errc::protocol);
  EXPECT_EQ(*read(reader), "first");
  EXPECT_EQ(read(reader).error().code(), Errc::protocol);
  EXPECT_EQ(refused(), 1u);
}

TEST_F(StreamBounds, AChunkThatComesTwice_EndsTheStreamAsBroken) {
  const auto reader = begun();
  EXPECT_TRUE(bob.receive(chunk(alice, "S", 0, "first")));
  EXPECT_EQ(bob.receive(chunk(alice, "S", 0, "first")).error().code(), Errc::protocol);
  EXPECT_EQ(*read(reader), "first");
  EXPECT_EQ(read(reader).error().code(), Errc::protocol);
}

TEST_F(StreamBounds, MoreBytesThanAnnounced_OrFewer_AreErrors) {
  for (const std::size_t bytes : {4, 6}) {
    auto packet = header(alice, "S", "t");
    packet.mutable_stream_header()->set_total_length(5);
    EXPECT_TRUE(bob.receive(packet));
    const auto reader = next_reader(readers);
    (void)bob.receive(chunk(alice, "S", 0, std::string(bytes, 'x')));
    (void)bob.receive(trailer(alice, "S"));
    const auto whole = run(reader->read_all(in(1s)));
    ASSERT_FALSE(whole) << bytes;
    EXPECT_EQ(whole.error().code(), Errc::protocol);
  }
}

TEST_F(StreamBounds, TextThatIsNoUtf8_IsAnError_BytesMayBeAnything) {
  const auto reader = begun();
  EXPECT_EQ(bob.receive(chunk(alice, "S", 0, "\xC0\xAF")).error().code(), Errc::protocol);
  EXPECT_EQ(read(reader).error().code(), Errc::protocol);
  auto& bytes = bob.messages->byte_streams("b");
  EXPECT_TRUE(bob.receive(byte_header(alice, "B", "b")));
  EXPECT_TRUE(bob.receive(chunk(alice, "B", 0, "\xC0\xAF")));
  EXPECT_TRUE(bob.receive(trailer(alice, "B")));
  EXPECT_EQ(*run(next_reader(bytes)->read_all(in(1s))), "\xC0\xAF");
}

TEST_F(StreamBounds, TextThatEndsWithinACharacter_IsAnError) {
  const auto reader = begun();
  EXPECT_TRUE(bob.receive(chunk(alice, "S", 0, "a\xC3")));
  EXPECT_EQ(bob.receive(trailer(alice, "S")).error().code(), Errc::protocol);
  EXPECT_EQ(*read(reader), "a");
  EXPECT_EQ(read(reader).error().code(), Errc::protocol);
}

TEST_F(StreamBounds, AStreamThatNobodyReads_IsDroppedAtItsBound_AndItsMemoryIsFree) {
  const auto reader = begun();
  const auto before = allocated_bytes();
  Result<Messages::Unclaimed> last;
  std::uint64_t index = 0;
  for (; index < 1000 && last; ++index) last = bob.receive(chunk(alice, "S", index, std::string(15'000, 'x')));
  EXPECT_EQ(last.error().code(), Errc::overloaded);
  EXPECT_EQ(index, Messages::kMaxUnread / 15'000 + 1);
  EXPECT_LT(allocated_bytes(), before + 64 * KiB);
  EXPECT_EQ(read(reader).error().code(), Errc::overloaded);
}

TEST_F(StreamBounds, AnEndlessStreamThatIsRead_GoesOn) {
  const auto reader = begun();
  std::size_t bytes = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    ASSERT_TRUE(bob.receive(chunk(alice, "S", i, std::string(15'000, 'x'))));
    bytes += read(reader)->size();
  }
  EXPECT_EQ(bytes, 30'000'000u);
}

TEST_F(StreamBounds, ReadAll_OfMoreThanItMayTake_SaysSo) {
  const auto reader = begun();
  (void)bob.receive(chunk(alice, "S", 0, std::string(2000, 'x')));
  EXPECT_EQ(run(reader->read_all(in(1s), 1999)).error().code(), Errc::overloaded);
}

TEST_F(StreamBounds, ManyUnreadStreamsTogether_HaveABoundToo) {
  auto& carol = join("carol");
  std::vector<std::shared_ptr<StreamReader>> held;
  const auto before = allocated_bytes();
  std::size_t overloaded = 0;
  for (int i = 0; i < 40; ++i) {
    auto& sender = i % 2 == 0 ? alice : carol;
    const auto id = "S" + std::to_string(i);
    ASSERT_TRUE(bob.receive(header(sender, id, "t")));
    held.push_back(next_reader(readers));
    for (std::uint64_t n = 0; n < 60; ++n) {
      const auto taken = bob.receive(chunk(sender, id, n, std::string(15'000, 'x')));
      if (!taken && taken.error().code() == Errc::overloaded) ++overloaded;
    }
  }
  EXPECT_LT(allocated_bytes(), before + 2 * Messages::kMaxUnreadInAll + 2 * MiB);
  EXPECT_GT(overloaded, 25u);
  held.clear();
  EXPECT_LT(allocated_bytes(), before + 256 * KiB);
  const auto reader = begun("after");
  EXPECT_TRUE(bob.receive(chunk(alice, "after", 0, "there is room again")));
  EXPECT_EQ(*read(reader), "there is room again");
}

TEST_F(StreamBounds, OneSender_MayOpenSoMany_AnotherIsNotShutOut) {
  auto& carol = join("carol");
  std::vector<std::shared_ptr<StreamReader>> held;
  for (std::size_t i = 0; i < Messages::kMaxStreamsPerSender; ++i) held.push_back(begun("S" + std::to_string(i)));
  const auto one_more = bob.receive(header(alice, "more", "t"));
  EXPECT_EQ(one_more.error().code(), Errc::overloaded);
  EXPECT_THAT(one_more.error().message(), HasSubstr("alice"));
  EXPECT_TRUE(bob.receive(header(carol, "S", "t")));
  held.pop_back();
  EXPECT_TRUE(bob.receive(header(alice, "more", "t"))) << "a reader that is gone makes room";
}

TEST_F(StreamBounds, AllSendersTogether_MayOpenSoMany) {
  std::vector<std::shared_ptr<StreamReader>> held;
  std::size_t opened = 0;
  for (int sender = 0; sender < 8; ++sender) {
    auto packet = header(alice, "", "t");
    packet.set_participant_sid("PA_" + std::to_string(sender));
    for (std::size_t i = 0; i < Messages::kMaxStreamsPerSender; ++i) {
      packet.mutable_stream_header()->set_stream_id(std::to_string(i));
      if (!bob.receive(packet)) continue;
      held.push_back(next_reader(readers));
      ++opened;
    }
  }
  EXPECT_EQ(opened, Messages::kMaxStreams);
}

TEST_F(StreamBounds, ReadersThatNobodyTakes_TheOldestWait_NewOnesAreRefused) {
  for (std::size_t i = 0; i < Messages::kMaxWaitingReaders; ++i) ASSERT_TRUE(bob.receive(header(alice, "S" + std::to_string(i), "t")));
  EXPECT_EQ(bob.receive(header(alice, "late", "t")).error().code(), Errc::overloaded);
  EXPECT_EQ(next_reader(readers)->info().id, "S0");
  EXPECT_TRUE(bob.receive(header(alice, "in time", "t")));
}

TEST_F(StreamBounds, TenThousandTinyStreams_CostNothingThatStays) {
  const auto before = allocated_bytes();
  std::size_t refused_now = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto id = "S" + std::to_string(i);
    if (!bob.receive(header(alice, id, "t"))) ++refused_now;
    (void)bob.receive(chunk(alice, id, 0, "tiny"));
    (void)bob.receive(trailer(alice, id));
  }
  EXPECT_EQ(refused_now, 10'000 - Messages::kMaxWaitingReaders);
  EXPECT_EQ(refused(), refused_now);
  EXPECT_LT(allocated_bytes(), before + 512 * KiB);
  EXPECT_THAT(log->lines, SizeIs(1)) << "one line, not ten thousand";
  settle(Messages::kLogEvery);
  (void)bob.receive(header(alice, "again", "t"));
  ASSERT_THAT(log->lines, SizeIs(2));
  EXPECT_THAT(log->lines[1], HasSubstr(std::to_string(refused_now - 1) + " others"));
  for (std::size_t i = 0; i < Messages::kMaxWaitingReaders; ++i) EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), "tiny");
}

TEST_F(StreamBounds, TenThousandStreamsThatAreRead_AllArrive) {
  for (int i = 0; i < 10'000; ++i) {
    const auto id = "S" + std::to_string(i);
    ASSERT_TRUE(bob.receive(header(alice, id, "t")));
    ASSERT_TRUE(bob.receive(chunk(alice, id, 0, id)));
    ASSERT_TRUE(bob.receive(trailer(alice, id)));
    ASSERT_EQ(*run(next_reader(readers)->read_all(in(1s))), id);
  }
  EXPECT_EQ(bob.messages->counters().streams, 10'000u);
}

TEST_F(StreamBounds, ChunksOfStreamsThatNobodyKnows_AreIgnoredAndCounted) {
  const auto before = allocated_bytes();
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(bob.receive(chunk(alice, "unknown" + std::to_string(i), 0, std::string(1000, 'x'))));
  EXPECT_EQ(bob.messages->counters().ignored, 10'000u);
  EXPECT_LT(allocated_bytes(), before + 64 * KiB);
  EXPECT_THAT(log->lines, IsEmpty());
}

TEST_F(StreamBounds, ATopicThatNobodyListensTo_IsIgnored) {
  EXPECT_TRUE(bob.receive(header(alice, "S", "another topic")));
  EXPECT_TRUE(bob.receive(byte_header(alice, "S", "t"))) << "nor do readers of texts take bytes";
  EXPECT_EQ(bob.messages->counters().ignored, 2u);
  EXPECT_EQ(bob.messages->counters().streams, 0u);
}

TEST_F(StreamBounds, AttributesOfManyKilobytes_AreRefused) {
  auto one = header(alice, "S", "t");
  (*one.mutable_stream_header()->mutable_attributes())["a"] = std::string(Messages::kMaxAttributesBytes, 'x');
  EXPECT_EQ(bob.receive(one).error().code(), Errc::overloaded);
  auto many = header(alice, "S", "t");
  for (int i = 0; i < 5'000; ++i) (*many.mutable_stream_header()->mutable_attributes())[std::to_string(i)];
  EXPECT_EQ(bob.receive(many).error().code(), Errc::overloaded);
  auto name = byte_header(alice, "S", "b");
  (void)bob.messages->byte_streams("b");
  name.mutable_stream_header()->mutable_byte_header()->set_name(std::string(Messages::kMaxAttributesBytes + 1, 'x'));
  EXPECT_EQ(bob.receive(name).error().code(), Errc::overloaded);
  EXPECT_TRUE(readers.empty());
}

TEST_F(StreamBounds, AttributesThatGrowInTheTrailer_HaveTheSameBound) {
  const auto reader = begun();
  auto packet = trailer(alice, "S");
  (*packet.mutable_stream_trailer()->mutable_attributes())["a"] = std::string(Messages::kMaxAttributesBytes, 'x');
  EXPECT_EQ(bob.receive(packet).error().code(), Errc::overloaded);
  EXPECT_EQ(read(reader).error().code(), Errc::overloaded);
  EXPECT_THAT(reader->info().attributes, IsEmpty());
}

TEST_F(StreamBounds, AnAttributeOfMegabytes_IsNoPacketForUs) {
  auto packet = header(alice, "S", "t");
  (*packet.mutable_stream_header()->mutable_attributes())["a"] = std::string(4 * MiB, 'x');
  const auto before = allocated_bytes();
  EXPECT_EQ(bob.receive(packet).error().code(), Errc::protocol);
  EXPECT_LT(allocated_bytes(), before + 64 * KiB);
  EXPECT_EQ(bob.messages->counters().malformed, 1u);
}

TEST_F(StreamBounds, HeadersThatMeanNothing_AreRefusedByName) {
  EXPECT_EQ(bob.receive(header(alice, "", "t")).error().code(), Errc::protocol);
  EXPECT_EQ(bob.receive(header(alice, std::string(Messages::kMaxIdBytes + 1, 'x'), "t")).error().code(), Errc::protocol);
  auto neither = header(alice, "S", "t");
  neither.mutable_stream_header()->clear_text_header();
  EXPECT_EQ(bob.receive(neither).error().code(), Errc::protocol);
  auto compressed = header(alice, "S", "t");
  compressed.mutable_stream_header()->set_compression(proto::DataStream_CompressionType_DEFLATE_RAW);
  EXPECT_EQ(bob.receive(compressed).error().code(), Errc::protocol);
  const auto reader = begun("twice");
  EXPECT_EQ(bob.receive(header(alice, "twice", "t")).error().code(), Errc::protocol);
  EXPECT_EQ(bob.messages->counters().refused + bob.messages->counters().malformed, 5u);
}

TEST_F(StreamBounds, AnotherMayNotWriteIntoAStream_NorEndIt) {
  auto& carol = join("carol");
  const auto reader = begun();
  EXPECT_TRUE(bob.receive(chunk(carol, "S", 0, "carol's")));
  EXPECT_TRUE(bob.receive(trailer(carol, "S", "error")));
  EXPECT_TRUE(bob.receive(chunk(alice, "S", 0, "alice's")));
  EXPECT_TRUE(bob.receive(trailer(alice, "S")));
  EXPECT_EQ(*run(reader->read_all(in(1s))), "alice's");
}

TEST_F(StreamBounds, ATimeThatNoClockShows_IsCutToOneThatDoes) {
  for (const auto timestamp : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    auto packet = header(alice, std::to_string(timestamp), "t");
    packet.mutable_stream_header()->set_timestamp(timestamp);
    ASSERT_TRUE(bob.receive(packet));
    const auto time = to_iso8601(next_reader(readers)->info().sent_at);
    EXPECT_THAT(time, testing::AnyOf(HasSubstr("1970"), HasSubstr("9999")));
  }
}

TEST_F(StreamBounds, AStormOfEverything_LeavesTheCallUsable) {
  const auto before = allocated_bytes();
  Random random(7);
  const auto id = [&] { return "S" + std::to_string(random.below(50)); };
  for (int i = 0; i < 50'000; ++i) {
    switch (random.below(4)) {
      case 0: (void)bob.receive(header(alice, id(), random.chance(0.5) ? "t" : "u")); break;
      case 1: (void)bob.receive(chunk(alice, id(), random.below(3), std::string(random.below(2000), 'x'))); break;
      case 2: (void)bob.receive(trailer(alice, id(), random.chance(0.5) ? "" : "x")); break;
      default: (void)bob.receive(std::string(random.below(100), static_cast<char>(random.below(256)))); break;
    }
    if (random.chance(0.01)) (void)readers.try_pop();
  }
  EXPECT_LT(allocated_bytes(), before + 4 * MiB);
  while (readers.try_pop()) {
  }
  ASSERT_TRUE(run(alice.messages->send_text("still here", {.topic = "t", .id = "fresh"}, in(1s))));
  settle();
  EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), "still here");
  EXPECT_LE(log->lines.size(), 10u);
}

}  // namespace
}  // namespace parley::livekit
