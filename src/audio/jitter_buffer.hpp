// Puts the packets of one incoming stream back into their order and pace.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <parley/audio/frame.hpp>
#include <parley/base/bytes.hpp>
#include <parley/base/time.hpp>

#include "audio/delay_estimator.hpp"

namespace parley {

struct JitterPacket {
  std::uint32_t ssrc = 0;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;  // at 48 kHz
  std::uint32_t samples = 960;  // how long it sounds, at 48 kHz
  bool has_fec = false;         // it carries a copy of the packet before it
  Bytes payload{};
};

// What is to be heard next.
struct PlayoutStep {
  enum class Kind {
    nothing,  // no stream yet
    silence,  // `samples` of it: the sender pauses, or concealment has gone on for long enough
    conceal,  // `samples` are missing: let the sound before them fade
    fec,      // `samples` were lost, `payload` is the packet after them, which carries a copy
    packet,   // decode `payload`
  };
  // Playout runs ahead of or behind its target; a packet may be played a little longer or shorter to get there.
  enum class Pace { keep, lengthen, shorten };

  Kind kind = Kind::nothing;
  std::uint32_t samples = 0;
  Bytes payload{};
  Pace pace = Pace::keep;
  bool new_stream = false;  // the first packet of another SSRC or after a restart: reset the decoder
};

struct JitterStats {
  std::uint64_t received = 0;  // packets pushed, all of them
  std::uint64_t late = 0;      // came after their turn
  std::uint64_t duplicate = 0;
  std::uint64_t discarded = 0;  // in time, yet thrown away: buffer full, backlog after a stall, stray SSRC, wild jump
  std::uint64_t lost = 0;       // not there at their turn (late ones are among them)
  std::uint64_t fec = 0;        // of the lost: played from the copy in the next packet
  std::uint64_t concealed = 0;  // concealments, for lost packets and for gaps whose packets came in the end
  std::uint64_t restarts = 0;   // new SSRC, jump of sequence or clock
  Duration target{};            // delay that playout aims at
  Duration delay{};             // of the last packet: from its arrival, had it been among the fastest, to being heard
};

// The delay adapts between kMinPlayoutDelay and kMaxPlayoutDelay to how late packets come (DelayEstimator). Sequence
// and timestamp are unwrapped; a timestamp that jumps while the sequence does not is a silence of the sender (DTX),
// and after each silence playout starts anew at the target. Within speech the delay is moved by asking the owner to
// stretch packets. A missing packet is waited for while its turn has not come; then it is lost.
//
// Thread: the owner's only.
// Bound:  kMaxPackets; when full the oldest goes. Concealment lasts at most kMaxConceal in a row, then silence.
class JitterBuffer {
 public:
  static constexpr std::size_t kMaxPackets = 64;  // 1.3 s of 20 ms
  static constexpr Duration kMaxBacklog = 300ms;  // of sound waiting; what is beyond is skipped
  static constexpr Duration kMaxConceal = 100ms;
  static constexpr Duration kClockJump = 1s;             // a packet earlier than that has another clock
  static constexpr std::int64_t kMaxSequenceJump = 500;  // 10 s
  static constexpr Duration kOldStreamEcho = 1s;         // stragglers of the SSRC before are told apart so long

  enum class Push { accepted, late, duplicate, discarded };
  Push push(JitterPacket packet, TimePoint now);

  // What is to be heard next. To be asked every 20 ms, and again with the same `now` while what came is not enough; of
  // silence the owner takes what it needs. `ready`: decoded samples that the owner still holds from before.
  PlayoutStep pull(TimePoint now, std::uint32_t ready = 0);

  // Back to no stream at all; counts are kept.
  void reset();

  const JitterStats& stats() const noexcept { return stats_; }
  std::size_t size() const noexcept { return packets_.size(); }

 private:
  struct Stored {
    std::int64_t timestamp;  // unwrapped
    std::uint32_t samples;
    bool has_fec;
    Bytes payload;
  };
  struct Place {
    std::int64_t sequence;
    std::int64_t timestamp;
  };
  using Packets = std::map<std::int64_t, Stored>;  // by unwrapped sequence

  void start_stream(const JitterPacket& packet);
  std::optional<Place> place(const JitterPacket& packet, TimePoint now);
  bool seen(std::int64_t sequence) noexcept;
  void store(const Place& place, JitterPacket packet);

  void skip_backlog();
  std::optional<PlayoutStep> settle_gap(TimePoint now);
  PlayoutStep play(TimePoint now, std::uint32_t ready);
  PlayoutStep lose_one(bool copy_is_next);
  PlayoutStep starve();
  PlayoutStep conceal(std::uint32_t samples);
  PlayoutStep silence(std::uint32_t samples);
  PlayoutStep::Pace pace(Duration beyond, std::uint32_t ready);

  TimePoint due(std::int64_t timestamp) const noexcept;

  Packets packets_;
  DelayEstimator delay_;
  JitterStats stats_;

  // The stream as it arrives.
  bool has_stream_ = false;
  std::uint32_t ssrc_ = 0;
  std::optional<std::uint32_t> old_ssrc_;
  TimePoint switched_at_{};
  std::int64_t highest_sequence_ = 0;
  std::int64_t highest_timestamp_ = 0;
  std::uint64_t seen_ = 0;  // bit n: highest_sequence_ - n has arrived
  std::optional<std::uint16_t> suspect_;

  // The stream as it is played.
  bool playing_ = false;  // a first packet has been played
  bool talking_ = false;  // the next packet follows the last without a pause
  bool new_stream_ = false;
  std::int64_t next_sequence_ = 0;
  std::int64_t next_timestamp_ = 0;
  std::uint32_t last_samples_ = kTransportFrameSamples;
  Duration conceal_run_{};
  int packets_at_pace_ = 0;  // since the last one that was stretched
};

}  // namespace parley
