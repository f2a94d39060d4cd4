// A connection to an SFU on loopback, with the scripted answerer as the SFU.
#pragma once

#include "fixture.hpp"
#include "rtc/sfu_connection.hpp"
#include "sfu_answerer.hpp"

namespace parley::rtc {

class ToSfu : public OnLoopback {
 public:
  static constexpr Duration kSoon = 5s;

  // Our end and what came to it, and the SFU's.
  struct Link {
    Link(OnLoopback& self, SfuSettings settings) : loop(self.loop), ours(self.loop, *self.engine, std::move(settings)) {}

    Loop& loop;
    SfuConnection ours;
    test::SfuAnswerer sfu;
    std::vector<SfuEvent> packets, data;
    std::vector<std::string> candidates;
  };

  SfuSettings sfu_settings() const {
    SfuSettings s;
    s.connection.bind_address = "127.0.0.1";
    return s;
  }

  static SendSection microphone(std::uint32_t ssrc = 77) { return {"stream", "cid", ssrc, "cname"}; }

  // One packet of RTP with `payload` bytes.
  static Bytes rtp(std::uint32_t ssrc, std::uint16_t sequence, std::size_t payload = 40) {
    Bytes packet{0x80, 111, static_cast<std::uint8_t>(sequence >> 8), static_cast<std::uint8_t>(sequence), 0, 0, 0, 0};
    for (int shift = 24; shift >= 0; shift -= 8) packet.push_back(static_cast<std::uint8_t>(ssrc >> shift));
    packet.resize(packet.size() + payload, 0x55);
    return packet;
  }

  // Takes what comes until `done`, or until it has been too long.
  template <class Done>
  static Task<bool> until(Link& link, Done done, Duration within = kSoon) {
    const auto deadline = link.loop.in(within);
    while (!done()) {
      if (deadline.passed(link.loop.now())) co_return false;
      auto event = co_await link.ours.next(link.loop.in(5ms));
      if (!event) continue;
      switch (event->type) {
        case SfuEvent::Type::state: break;
        case SfuEvent::Type::packet: link.packets.push_back(std::move(*event)); break;
        case SfuEvent::Type::data: link.data.push_back(std::move(*event)); break;
        case SfuEvent::Type::candidate:
          link.candidates.push_back(event->candidate);
          if (!event->candidate.empty()) link.sfu.add_candidate(event->candidate);
          break;
      }
    }
    co_return true;
  }

  // Without taking anything.
  template <class Done>
  static Task<bool> aside(Loop& loop, Done done, Duration within = kSoon) {
    const auto deadline = loop.in(within);
    while (!done()) {
      if (deadline.passed(loop.now())) co_return false;
      co_await sleep_for(1ms);
    }
    co_return true;
  }

  static Task<void> negotiate(Link& link) {
    auto offer = co_await link.ours.offer(link.loop.in(kSoon));
    EXPECT_TRUE(offer) << (offer ? "" : offer.error().message());
    if (!offer) co_return;
    auto accepted = co_await link.ours.accept(link.sfu.answer(*offer), link.loop.in(kSoon));
    EXPECT_TRUE(accepted) << (accepted ? "" : accepted.error().message());
  }

  static Task<bool> up(Link& link) {
    co_return co_await until(link, [&] { return link.ours.connected() && link.ours.data_open() && link.sfu.data_open(); });
  }

  // One section to send on ("0"), two to receive on ("1", "2"), data ("3").
  static Task<std::unique_ptr<Link>> join(ToSfu& self, SfuSettings settings) {
    auto link = std::make_unique<Link>(self, std::move(settings));
    EXPECT_EQ(link->ours.add_sender(microphone()), "0");
    EXPECT_EQ(link->ours.add_receiver(), "1");
    EXPECT_EQ(link->ours.add_receiver(), "2");
    co_await negotiate(*link);
    const bool joined = co_await up(*link);
    EXPECT_TRUE(joined) << "not connected";
    co_return link;
  }

  // Both ways over a sending and a receiving section.
  static Task<void> talk(Link& link, const std::string& sends_on, const std::string& receives_on, std::uint32_t ssrc = 77) {
    const auto before = link.sfu.packets(sends_on).size();
    const auto heard = [&] {
      return std::ranges::any_of(link.packets, [&](const SfuEvent& e) { return e.mid == receives_on; });
    };
    link.packets.clear();
    std::uint16_t sequence = 0;
    const bool both = co_await until(link, [&] {
      link.ours.send(sends_on, rtp(ssrc, ++sequence));
      link.sfu.send_packet(receives_on, rtp(test::SfuAnswerer::ssrc_of(receives_on), sequence));
      return heard() && link.sfu.packets(sends_on).size() > before;
    });
    EXPECT_TRUE(both) << "there: " << link.sfu.packets(sends_on).size() - before << ", here: " << link.packets.size();
  }

  static Task<void> end(Link& link) {
    const auto report = co_await link.ours.close(link.loop.in(kSoon));
    EXPECT_TRUE(report.clean()) << to_string(report);
  }
};

}  // namespace parley::rtc
