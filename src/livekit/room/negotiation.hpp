// When to offer, and whose answer it is: one offer outstanding, numbered, as often as the server needs sections.
//
// We always offer. The server asks by MediaSectionsRequirement, which means "offer again now" also when it asks for none. It
// can ask for ever more (a subscription that came and went within one of its debounce windows leaves a section unmatched), so
// sections are capped and offers spaced; beyond that only a new connection helps.
//
// Thread: none; pure. Bound: kMaxReceivers sections, kBurst offers a kWindow and then one a kSpacing.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include <parley/base/time.hpp>

#include "livekit/room/proto.hpp"

namespace parley::livekit {

class Negotiation {
 public:
  static constexpr unsigned kMaxReceivers = 32;
  static constexpr std::size_t kBurst = 8;
  static constexpr Duration kWindow = 10s;
  static constexpr Duration kSpacing = 1s;
  static constexpr Duration kAnswerWithin = 15s;
  static constexpr int kMaxUnanswered = 2;      // then only a new connection helps
  static constexpr int kMaxBeyondSections = 3;  // requests for more sections than we have

  // Something changed on our side, or a resume went through.
  void want() noexcept { wanted_ = true; }
  // How many receiving sections are to be added before the next offer.
  unsigned required(const proto::MediaSectionsRequirement& requirement, unsigned receivers);

  enum class Act : std::uint8_t {
    wait,    // until look_at()
    offer,   // a new description: then offered()
    repeat,  // the last one again under a new number: its answer is lost, or late. Then offered() too
    give_up,
  };
  Act poll(TimePoint now);
  std::optional<TimePoint> look_at(TimePoint now) const;
  // The number under which it is sent.
  std::uint32_t offered(std::string sdp, TimePoint now);
  const std::string& sdp() const noexcept { return sdp_; }
  std::uint32_t last_id() const noexcept { return last_id_; }

  // True: it is the answer to the outstanding offer; apply it. Stale numbers are left aside. Servers before 1.9.2 and some
  // paths give none (0), which is taken for the outstanding one's.
  bool answered(std::uint32_t id) noexcept;
  // The signal socket is another: what was asked on the old one may be lost.
  void resumed() noexcept;

  bool outstanding() const noexcept { return outstanding_.has_value(); }
  std::uint64_t offers() const noexcept { return offers_; }

 private:
  struct Outstanding {
    std::uint32_t id = 0;
    TimePoint since{};
  };
  std::optional<TimePoint> may_offer_at(TimePoint now) const;

  bool wanted_ = false;
  bool repeat_ = false;
  std::optional<Outstanding> outstanding_;
  std::string sdp_;
  std::deque<TimePoint> recent_;
  std::uint32_t last_id_ = 0;
  int unanswered_ = 0;
  int beyond_sections_ = 0;
  std::uint64_t offers_ = 0;
};

// Which track comes on which section, by an answer: its map, and where that is empty the a=msid lines ("PA_x|TR_y TR_y").
// At most kMaxReceivers entries and only what looks like a track's sid.
std::map<std::string, std::string> tracks_by_mid(const proto::SessionDescription& answer);

}  // namespace parley::livekit
