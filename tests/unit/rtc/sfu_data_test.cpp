// What comes in and goes out of a connection to an SFU in number: data, floods, packets that lie.
#include <numeric>

#include "sfu_fixture.hpp"

namespace parley::rtc {
namespace {

Bytes numbered(std::size_t number, std::size_t size) {
  Bytes message(size);
  std::iota(message.begin(), message.end(), static_cast<std::uint8_t>(number));
  message[0] = static_cast<std::uint8_t>(number >> 8);
  message[1] = static_cast<std::uint8_t>(number);
  return message;
}

std::size_t number_of(ByteView message) { return static_cast<std::size_t>(message[0]) << 8 | message[1]; }

TEST_F(ToSfu, LongestMessages_GoBothWaysOnBothChannels) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    const auto message = numbered(7, SfuConnection::kMaxDataBytes);
    for (const auto kind : {DataKind::reliable, DataKind::lossy}) {
      const std::string label = kind == DataKind::lossy ? "_lossy" : "_reliable";
      link->data.clear();
      EXPECT_TRUE(link->ours.send_data(kind, message));
      EXPECT_EQ(link->ours.send_data(kind, Bytes(SfuConnection::kMaxDataBytes + 1)).error().code(), Errc::invalid_argument);
      EXPECT_TRUE(link->sfu.send_data(label, message));
      EXPECT_TRUE(co_await until(*link, [&] { return !link->data.empty() && !link->sfu.messages(label).empty(); })) << label;
      EXPECT_EQ(link->data.at(0).kind, kind);
      EXPECT_EQ(link->data.at(0).bytes, message);
      EXPECT_EQ(link->sfu.messages(label).at(0), message);
    }
    EXPECT_EQ(link->ours.buffered(DataKind::reliable), 0u);
  }(*this));
}

TEST_F(ToSfu, ReliableFloodWhileNobodyTakes_WaitsAtTheSender_AndComesWholeAndInOrder) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    constexpr std::size_t kMessages = 3'000;
    for (std::size_t i = 0; i < kMessages; ++i) EXPECT_TRUE(link->sfu.send_data("_reliable", numbered(i, 4'000)));
    co_await sleep_for(500ms);
    EXPECT_FALSE(link->ours.down());
    EXPECT_TRUE(co_await until(*link, [&] {
      if (link->data.size() > 100 && link->data.back().place) {
        for (auto& event : link->data) event.place.reset();  // as one who takes them does
      }
      return link->data.size() == kMessages;
    }, 15s)) << link->data.size();
    for (std::size_t i = 0; i < link->data.size(); ++i) EXPECT_EQ(number_of(link->data[i].bytes), i);
    EXPECT_EQ(self.engine->counts().dropped_events, 0u);
    co_await talk(*link, "0", "1");
  }(*this));
}

TEST_F(ToSfu, ReliableDataThatNobodyTakesForLong_EndsTheConnection) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    for (std::size_t i = 0; i < 2 * SfuConnection::kMaxQueuedMessages; ++i) EXPECT_TRUE(link->sfu.send_data("_reliable", numbered(i, 100)));
    const auto began = self.loop.now();
    EXPECT_TRUE(co_await aside(self.loop, [&] { return link->ours.down(); }, SfuConnection::kStalledAfter + 5s));
    EXPECT_GE(self.loop.now() - began, SfuConnection::kStalledAfter - 100ms);
    EXPECT_FALSE(link->ours.ice_lost());
    co_await end(*link);
  }(*this));
}

TEST_F(ToSfu, ConnectionClosedWhileDataWaitsForAPlace_EndsAtOnce) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    for (std::size_t i = 0; i < 2 * SfuConnection::kMaxQueuedMessages; ++i) EXPECT_TRUE(link->sfu.send_data("_reliable", numbered(i, 100)));
    co_await sleep_for(200ms);
    const auto began = self.loop.now();
    co_await end(*link);
    EXPECT_LT(self.loop.now() - began, 1s);
  }(*this));
}

TEST_F(ToSfu, LossyAndAudioFloodWhileNobodyTakes_IsDroppedAndCounted_AndTheConnectionStands) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    constexpr std::size_t kPackets = SfuConnection::kMaxQueued + 200;
    for (std::size_t i = 0; i < kPackets; ++i) {
      EXPECT_TRUE(link->sfu.send_packet("1", rtp(test::SfuAnswerer::ssrc_of("1"), static_cast<std::uint16_t>(i))));
      if (i % 50 == 0) co_await sleep_for(1ms);  // the kernel's queue is not the subject
    }
    for (std::size_t i = 0; i < SfuConnection::kMaxQueuedMessages + 100; ++i) EXPECT_TRUE(link->sfu.send_data("_lossy", numbered(i, 100)));
    EXPECT_TRUE(co_await aside(self.loop, [&] { return self.engine->counts().dropped_events >= 150; })) << self.engine->counts().dropped_events;
    EXPECT_FALSE(link->ours.down());
    EXPECT_TRUE(co_await until(*link, [&] { return link->packets.size() >= SfuConnection::kMaxQueued; })) << link->packets.size();
    EXPECT_LE(link->packets.size(), SfuConnection::kMaxQueued);
    EXPECT_LE(link->data.size(), SfuConnection::kMaxQueuedMessages);
    link->data.clear();
    link->packets.clear();
    co_await talk(*link, "0", "1");
  }(*this));
}

TEST_F(ToSfu, MoreDataThanTheServerTakes_IsRefusedWhenItsBoundIsReached) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    const Bytes message(SfuConnection::kMaxDataBytes);
    Result<void> sent;
    std::size_t messages = 0;
    while (sent && messages < 1'000) {
      sent = link->ours.send_data(DataKind::reliable, message);
      if (sent) ++messages;
    }
    EXPECT_EQ(sent.error().code(), Errc::overloaded);
    EXPECT_LT(link->ours.buffered(DataKind::reliable), SfuConnection::kMaxBufferedBytes + message.size());
    EXPECT_TRUE(co_await until(*link, [&] { return link->sfu.messages("_reliable").size() == messages; }, 15s));
    EXPECT_TRUE(link->ours.send_data(DataKind::reliable, message));
  }(*this));
}

TEST_F(ToSfu, MessageLongerThanOneMayBe_IsDroppedAndCounted) {
  run([](ToSfu& self) -> Task<void> {
    Link link(self, self.sfu_settings());
    EXPECT_TRUE(link.ours.add_receiver());
    auto offer = (co_await link.ours.offer(self.loop.in(kSoon))).value_or("");
    const auto most = fmt::format("max-message-size:{}", SfuConnection::kMaxReceivedBytes);
    offer.replace(offer.find(most), most.size(), "max-message-size:300000");
    EXPECT_TRUE(co_await link.ours.accept(link.sfu.answer(offer), self.loop.in(kSoon)));
    EXPECT_TRUE(co_await up(link));
    EXPECT_TRUE(link.sfu.send_data("_reliable", numbered(1, 200'000)));
    EXPECT_TRUE(link.sfu.send_data("_reliable", numbered(2, SfuConnection::kMaxReceivedBytes)));
    EXPECT_TRUE(co_await until(link, [&] { return !link.data.empty(); }));
    EXPECT_EQ(number_of(link.data.at(0).bytes), 2u);
    EXPECT_EQ(self.engine->counts().dropped_events, 1u);
  }(*this));
}

TEST_F(ToSfu, ChannelsThatTheServerOpens_AreClosed) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    link->sfu.open_channel("_data_track");
    EXPECT_TRUE(co_await until(*link, [&] { return link->sfu.channel_closed("_data_track"); }));
    EXPECT_TRUE(link->ours.data_open());
    co_await talk(*link, "0", "1");
  }(*this));
}

TEST_F(ToSfu, RtcpForManySections_ComesOnceAndUnderNoMid) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    // Receiver reports of 1001 and 1002 about ours in one compound.
    const Bytes compound{0x81, 201, 0, 7, 0, 0, 3, 233, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                         0x81, 201, 0, 7, 0, 0, 3, 234, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    EXPECT_TRUE(link->sfu.send_packet("1", compound));
    EXPECT_TRUE(co_await until(*link, [&] { return !link->packets.empty(); }));
    EXPECT_EQ(link->packets.at(0).bytes, compound);
    EXPECT_EQ(link->packets.at(0).mid, "");
    co_await talk(*link, "0", "1");
    EXPECT_EQ(std::ranges::count(link->packets, "", &SfuEvent::mid), 0) << "and once";
  }(*this));
}

TEST_F(ToSfu, RtcpThatLiesAboutItsLength_IsHandedOnUnread) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    // 31 reports announced and none there; a feedback without its second SSRC; a source description that never ends.
    const std::vector<Bytes> lies{{0x9f, 200, 0, 1, 0, 0, 3, 233}, {0x9f, 201, 0, 1, 0, 0, 3, 233}, {0x8f, 205, 0, 1, 0, 0, 3, 233},
                                  {0x9f, 202, 0, 1, 1, 255, 3, 233}, {0x81, 201, 255, 255, 0, 0, 3, 233}};
    for (const auto& lie : lies) EXPECT_TRUE(link->sfu.send_packet("1", lie));
    EXPECT_TRUE(co_await until(*link, [&] { return link->packets.size() == lies.size(); })) << link->packets.size();
    for (std::size_t i = 0; i < link->packets.size(); ++i) EXPECT_EQ(link->packets[i].bytes, lies[i]);
    co_await talk(*link, "0", "1");
  }(*this));
}

}  // namespace
}  // namespace parley::rtc
