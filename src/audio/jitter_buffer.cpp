#include "audio/jitter_buffer.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace parley {
namespace {

constexpr Duration kShortfall = 1ms;  // below the target that is left alone
constexpr Duration kSlack = 22ms;     // and beyond it: a whole frame, so that hurrying never empties the buffer
constexpr Duration kFarOff = 60ms;    // beyond the target: hurry
constexpr Duration kEarly = 10ms;     // a gap whose turn is that far off may still be filled
constexpr std::uint32_t kWorthTrimming = 480;  // samples the owner holds ready beyond need (10 ms)
constexpr int kPacketsBetweenStretches = 2;
constexpr std::int64_t kSameMoment = 120;  // timestamps this near count as contiguous (2.5 ms)

std::uint32_t ticks(Duration d) noexcept { return static_cast<std::uint32_t>(samples_in(d, kTransportRate)); }

Duration media_time(std::int64_t timestamp) noexcept {
  // In two steps, for a day of samples times a billion does not fit.
  return std::chrono::seconds(timestamp / kTransportRate) +
         Duration(timestamp % kTransportRate * 1'000'000'000 / kTransportRate);
}

}  // namespace

TimePoint JitterBuffer::due(std::int64_t timestamp) const noexcept { return delay_.due(media_time(timestamp)); }

void JitterBuffer::reset() {
  packets_.clear();
  delay_ = {};
  has_stream_ = playing_ = talking_ = false;
  old_ssrc_.reset();
  suspect_.reset();
}

// ---- arrival

void JitterBuffer::start_stream(const JitterPacket& packet) {
  packets_.clear();
  delay_.forget_base();
  has_stream_ = new_stream_ = true;
  playing_ = talking_ = false;
  ssrc_ = packet.ssrc;
  suspect_.reset();
  highest_sequence_ = packet.sequence;
  highest_timestamp_ = packet.timestamp;
  seen_ = 0;
  conceal_run_ = {};
}

JitterBuffer::Push JitterBuffer::push(JitterPacket packet, TimePoint now) {
  ++stats_.received;
  const auto where = place(packet, now);
  if (!where) {
    ++stats_.discarded;
    return Push::discarded;
  }
  if (seen(where->sequence)) {
    ++stats_.duplicate;
    return Push::duplicate;
  }
  delay_.arrived(media_time(where->timestamp), now);
  stats_.target = delay_.target();
  if (playing_ && where->sequence < next_sequence_) {
    ++stats_.late;
    return Push::late;
  }
  store(*where, std::move(packet));
  return Push::accepted;
}

// Unwraps sequence and timestamp; none for a packet that belongs nowhere.
std::optional<JitterBuffer::Place> JitterBuffer::place(const JitterPacket& packet, TimePoint now) {
  if (has_stream_ && packet.ssrc != ssrc_) {
    if (old_ssrc_ == packet.ssrc && now - switched_at_ < kOldStreamEcho) return std::nullopt;
    old_ssrc_ = ssrc_;
    switched_at_ = now;
    has_stream_ = false;
    ++stats_.restarts;
  }
  if (!has_stream_) start_stream(packet);

  const auto step = static_cast<std::int16_t>(packet.sequence - static_cast<std::uint16_t>(highest_sequence_));
  if (step > kMaxSequenceJump || step < -kMaxSequenceJump) {
    // The sender has begun anew if the next packet follows this one; otherwise this one was stray.
    if (suspect_ != packet.sequence) {
      suspect_ = static_cast<std::uint16_t>(packet.sequence + 1);
      return std::nullopt;
    }
    start_stream(packet);
    ++stats_.restarts;
    return Place{highest_sequence_, highest_timestamp_};
  }
  const auto jump = static_cast<std::int32_t>(packet.timestamp - static_cast<std::uint32_t>(highest_timestamp_));
  const Place where{highest_sequence_ + step, highest_timestamp_ + jump};
  const auto late = delay_.lateness(media_time(where.timestamp), now);
  if (late && *late < -kClockJump) {
    start_stream(packet);
    ++stats_.restarts;
    return Place{highest_sequence_, highest_timestamp_};
  }
  return where;
}

// Marks the sequence as arrived; true if it already was. Older than the window counts as not seen: it is late anyway.
bool JitterBuffer::seen(std::int64_t sequence) noexcept {
  if (sequence > highest_sequence_) {
    const auto up = sequence - highest_sequence_;
    seen_ = up < 64 ? seen_ << up : 0;
    highest_sequence_ = sequence;
  }
  const auto back = highest_sequence_ - sequence;
  if (back >= 64) return false;
  const auto bit = std::uint64_t{1} << back;
  const bool before = (seen_ & bit) != 0;
  seen_ |= bit;
  return before;
}

void JitterBuffer::store(const Place& where, JitterPacket packet) {
  highest_timestamp_ = std::max(highest_timestamp_, where.timestamp);
  if (packets_.size() >= kMaxPackets) {
    packets_.erase(packets_.begin());
    ++stats_.discarded;
  }
  packets_.emplace(where.sequence, Stored{where.timestamp, packet.samples, packet.has_fec, std::move(packet.payload)});
}

// ---- playout

PlayoutStep JitterBuffer::pull(TimePoint now, std::uint32_t ready) {
  if (!has_stream_) return {};
  skip_backlog();
  if (packets_.empty()) return starve();
  if (!playing_) {
    // Until its turn the first packet may still be overtaken by an earlier one.
    next_sequence_ = packets_.begin()->first;
    next_timestamp_ = packets_.begin()->second.timestamp;
  }
  if (auto gap = settle_gap(now)) return std::move(*gap);

  const auto& [sequence, first] = *packets_.begin();
  const auto pause = first.timestamp - next_timestamp_;
  next_timestamp_ = first.timestamp;
  if (pause > kSameMoment) talking_ = false;
  if (!talking_ && now < due(next_timestamp_)) return silence(kTransportFrameSamples);
  return play(now, ready);
}

// After a stall a burst brings everything that was held up. More than playout may lag behind is not worth hearing.
void JitterBuffer::skip_backlog() {
  while (packets_.size() > 1) {
    const auto& newest = packets_.rbegin()->second;
    const auto span = newest.timestamp + newest.samples - packets_.begin()->second.timestamp;
    if (span <= static_cast<std::int64_t>(ticks(kMaxBacklog))) return;
    // A pause of the sender may lie between: then the newest has its own time, and nothing is held up.
    const auto& second = std::next(packets_.begin())->second;
    const auto& first = packets_.begin()->second;
    if (second.timestamp - first.timestamp > static_cast<std::int64_t>(ticks(kMaxPlayoutDelay))) return;
    packets_.erase(packets_.begin());
    ++stats_.discarded;
    next_sequence_ = packets_.begin()->first;
    next_timestamp_ = packets_.begin()->second.timestamp;
  }
}

// Packets are missing before the first one here. Either their turn has not come, or they are lost; those whose whole
// time went by in concealment are passed over.
std::optional<PlayoutStep> JitterBuffer::settle_gap(TimePoint now) {
  const auto& [sequence, first] = *packets_.begin();
  if (sequence <= next_sequence_) return std::nullopt;
  const auto length = static_cast<std::int64_t>(last_samples_);
  const auto begins = first.timestamp - (sequence - next_sequence_) * length;
  if (begins > next_timestamp_ + kSameMoment) {
    // More time than the missing ones can fill: the sender paused as well, and they are put after the pause.
    next_timestamp_ = begins;
    talking_ = false;
  }
  const auto turn = due(next_timestamp_);
  if (!talking_ && now < turn) return silence(kTransportFrameSamples);
  if (talking_ && now + kEarly < turn) return conceal(kTransportFrameSamples);

  while (sequence - next_sequence_ > 1 && now >= due(next_timestamp_ + length) + kSlack) {
    ++next_sequence_;
    next_timestamp_ += length;
    ++stats_.lost;
  }
  talking_ = true;
  return lose_one(sequence - next_sequence_ == 1 && first.has_fec);
}

PlayoutStep JitterBuffer::lose_one(bool copy_is_next) {
  ++stats_.lost;
  ++next_sequence_;
  next_timestamp_ += last_samples_;
  if (!copy_is_next) return conceal(last_samples_);
  ++stats_.fec;
  conceal_run_ = {};
  return {PlayoutStep::Kind::fec, last_samples_, packets_.begin()->second.payload};
}

PlayoutStep JitterBuffer::play(TimePoint now, std::uint32_t ready) {
  const auto turn = due(next_timestamp_);
  PlayoutStep out{PlayoutStep::Kind::packet};
  out.pace = talking_ ? pace(now - turn, ready) : PlayoutStep::Pace::keep;
  out.new_stream = std::exchange(new_stream_, false);
  stats_.delay = now - turn + delay_.target() + duration_of(ready, kTransportRate);

  auto node = packets_.extract(packets_.begin());
  out.samples = last_samples_ = node.mapped().samples;
  out.payload = std::move(node.mapped().payload);
  next_sequence_ = node.key() + 1;
  next_timestamp_ += out.samples;
  playing_ = talking_ = true;
  conceal_run_ = {};
  return out;
}

// `beyond` is how much later than its turn a packet is fetched. Only that gives packets time to come; what the owner
// holds ready is delay without use, so it is trimmed when it is worth it.
PlayoutStep::Pace JitterBuffer::pace(Duration beyond, std::uint32_t ready) {
  ++packets_at_pace_;
  if (packets_at_pace_ <= kPacketsBetweenStretches && beyond < kFarOff) return PlayoutStep::Pace::keep;
  auto pace = PlayoutStep::Pace::keep;
  if (beyond < -kShortfall) {
    pace = PlayoutStep::Pace::lengthen;
  } else if (ready >= kWorthTrimming || (beyond > kSlack && packets_.size() > 1)) {
    pace = PlayoutStep::Pace::shorten;
  }
  if (pace != PlayoutStep::Pace::keep) packets_at_pace_ = 0;
  return pace;
}

// Nothing is here. Playout stays at its place, so that a packet which only comes late is still heard whole.
PlayoutStep JitterBuffer::starve() {
  if (!talking_) return silence(kTransportFrameSamples);
  if (conceal_run_ >= kMaxConceal) talking_ = false;
  return conceal(kTransportFrameSamples);
}

PlayoutStep JitterBuffer::conceal(std::uint32_t samples) {
  if (conceal_run_ >= kMaxConceal) return silence(samples);
  conceal_run_ += duration_of(samples, kTransportRate);
  ++stats_.concealed;
  return {PlayoutStep::Kind::conceal, samples};
}

PlayoutStep JitterBuffer::silence(std::uint32_t samples) { return {PlayoutStep::Kind::silence, samples}; }

}  // namespace parley
