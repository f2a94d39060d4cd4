// What a bad network does to a connection to an SFU: through the relay of tests/support.
#include "sfu_fixture.hpp"
#include "support/udp_relay.hpp"

namespace parley::rtc {
namespace {

using parley::test::RelayRules;
using parley::test::UdpRelay;

// As join(), with a relay in between.
Task<std::unique_ptr<UdpRelay>> join_through(ToSfu::Link& link, RelayRules rules) {
  EXPECT_TRUE(link.ours.add_sender(ToSfu::microphone()));
  EXPECT_TRUE(link.ours.add_receiver());
  const auto offer = co_await link.ours.offer(link.loop.in(ToSfu::kSoon));
  auto answer = link.sfu.answer(offer.value_or(""));
  const auto port = link.sfu.port();
  auto relay = std::make_unique<UdpRelay>(port, rules);
  const auto from = fmt::format(" {} typ", port), to = fmt::format(" {} typ", relay->port());
  answer.replace(answer.find(from), from.size(), to);
  EXPECT_TRUE(co_await link.ours.accept(answer, link.loop.in(ToSfu::kSoon)));
  // Our own address is not told: the other side shall know the relay alone.
  const auto deadline = link.loop.in(ToSfu::kSoon);
  while (!(link.ours.data_open() && link.sfu.data_open()) && !deadline.passed(link.loop.now())) (void)co_await link.ours.next(link.loop.in(5ms));
  EXPECT_TRUE(link.ours.data_open());
  co_return relay;
}

TEST_F(ToSfu, LossAndJitter_ReliableDataComesWholeAndInOrder) {
  run([](ToSfu& self) -> Task<void> {
    Link link(self, self.sfu_settings());
    const auto relay = co_await join_through(link, {.seed = 5, .loss = 0.05, .delay = 5ms, .jitter = 20ms});
    constexpr std::size_t kMessages = 100;
    for (std::size_t i = 0; i < kMessages; ++i) {
      EXPECT_TRUE(link.ours.send_data(DataKind::reliable, Bytes(2'000, static_cast<std::uint8_t>(i))));
      EXPECT_TRUE(link.sfu.send_data("_reliable", Bytes(2'000, static_cast<std::uint8_t>(i))));
    }
    EXPECT_TRUE(co_await until(link, [&] { return link.data.size() == kMessages && link.sfu.messages("_reliable").size() == kMessages; }, 15s));
    EXPECT_GT(relay->counts().lost, 5u);
    for (std::size_t i = 0; i < link.data.size(); ++i) EXPECT_EQ(link.data[i].bytes.at(0), i);
    co_await talk(link, "0", "1");
  }(*this));
}

TEST_F(ToSfu, NetworkGone_IceFallsSilent_AndTheConnectionGoesOnWhenItComesBack) {
  run([](ToSfu& self) -> Task<void> {
    Link link(self, self.sfu_settings());
    const auto relay = co_await join_through(link, {});
    co_await talk(link, "0", "1");
    relay->set_blackout(true);
    constexpr Duration kLonger = 8s;  // than between two checks of a connection that stands
    EXPECT_TRUE(co_await until(link, [&] { return link.ours.ice_silence().value_or(0s) > kLonger; }, kLonger + 3s));
    EXPECT_FALSE(link.ours.down());
    relay->set_blackout(false);
    co_await talk(link, "0", "1");
    EXPECT_TRUE(co_await until(link, [&] { return link.ours.ice_silence().value_or(1h) < 1s; }, 8s));
    const Bytes message(100);
    EXPECT_TRUE(link.ours.send_data(DataKind::reliable, message));
    EXPECT_TRUE(co_await until(link, [&] { return !link.sfu.messages("_reliable").empty(); }, 8s));
  }(*this));
}

TEST_F(ToSfu, ClosedWhileTheNetworkIsGone_DoesNotWaitForAnAcknowledgement) {
  run([](ToSfu& self) -> Task<void> {
    Link link(self, self.sfu_settings());
    const auto relay = co_await join_through(link, {});
    relay->set_blackout(true);
    const auto began = self.loop.now();
    co_await end(link);
    EXPECT_LT(self.loop.now() - began, 1s);
  }(*this));
}

}  // namespace
}  // namespace parley::rtc
