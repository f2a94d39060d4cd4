// Reliable data across a resume: what was sent is kept until the server has it, what comes twice is delivered once.
//
//   connection.send_data(DataKind::reliable, as_bytes(outbox.add(packet, now)));
//   ... resumed: outbox.acknowledged(reconnect.last_message_seq());
//                for (const auto& packet : outbox.replay()) send again, in this order, before anything new
//   ... received: if (!inbox.accept(packet, now)) continue;  // seen before
//
// A packet is a serialized livekit.DataPacket. The server drops a number that is not above the last one, so order on the wire
// is the order of the numbers. After a full reconnect everything starts over on both sides: reset().
//
// Thread: none of its own; one caller at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>
#include <parley/base/bytes.hpp>

namespace parley::livekit {

// What went out, numbered from 1 on.
//
// Bound: kMaxPackets, kMaxBytes, kKeptFor; beyond them the oldest goes and is counted. kMaxBytes is more than the transport
//        itself may hold back, and SCTP loses nothing as long as its connection lives: what is evicted has long been delivered.
class ReliableOutbox {
 public:
  static constexpr std::size_t kMaxPackets = 4096;
  static constexpr std::size_t kMaxBytes = 2 * MiB + 64 * KiB;
  static constexpr Duration kKeptFor = 120s;  // longer than any gap that ends in a resume

  // The packet with its number, to be sent now; valid until the next call. One that could not be sent stays for the replay.
  const std::string& add(std::string packet, TimePoint now);

  // The server has everything up to `last_message_seq` (ReconnectResponse). A number that was never given out is ignored.
  void acknowledged(std::uint32_t last_message_seq);

  // What it has not, with the original numbers, in order; valid until the next call of anything else here.
  std::vector<std::string_view> replay() const;

  void reset();

  std::size_t packets() const noexcept { return kept_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }
  std::uint32_t last_sequence() const noexcept { return next_ - 1; }
  std::uint64_t evicted() const noexcept { return evicted_; }
  // Of those, how many the server turned out not to have: lost.
  std::uint64_t lost() const noexcept { return lost_; }

 private:
  struct Kept {
    std::uint32_t sequence;
    TimePoint sent_at;
    std::string packet;
  };
  void drop_front();

  std::deque<Kept> kept_;
  std::size_t bytes_ = 0;
  std::uint32_t next_ = 1;
  std::uint32_t acknowledged_ = 0;  // or given up
  std::uint64_t evicted_ = 0;
  std::uint64_t lost_ = 0;
};

// What came in: the last number of each sender, by its sid.
//
// Bound: kMaxSenders, kMaxSidBytes; the one heard of longest ago is forgotten. An entry expires after kRememberedFor.
class ReliableInbox {
 public:
  static constexpr std::size_t kMaxSenders = 1024;
  static constexpr std::size_t kMaxSidBytes = 64;
  static constexpr std::size_t kMaxPacketBytes = 1 * MiB;
  static constexpr Duration kRememberedFor = 30s;

  // False: its number was there before (counted in duplicates()). Packets without number or sid are always new: the server's
  // own. Errc::protocol: no DataPacket at all.
  Result<bool> accept(std::string_view packet, TimePoint now);

  // For SyncState.datachannel_receive_states.
  struct State {
    std::string participant_sid;
    std::uint32_t last_sequence = 0;
  };
  std::vector<State> states(TimePoint now);

  void reset();
  std::size_t senders() const noexcept { return last_.size(); }
  std::uint64_t duplicates() const noexcept { return duplicates_; }

 private:
  struct Last {
    std::uint32_t sequence;
    TimePoint heard_at;
  };
  bool accept(const std::string& sid, std::uint32_t sequence, TimePoint now);
  void expire(TimePoint now);

  std::unordered_map<std::string, Last> last_;
  TimePoint next_expiry_{};
  std::uint64_t duplicates_ = 0;
};

}  // namespace parley::livekit
