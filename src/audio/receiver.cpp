#include "audio/receiver.hpp"

#include <fmt/format.h>

#include <utility>

#include "audio/time_stretch.hpp"

namespace parley {

Result<AudioReceiver> AudioReceiver::create(const ReceiverSettings& settings) {
  auto decoder = OpusDecoder::create();
  if (!decoder) return fail(decoder.error());
  return AudioReceiver(settings, std::move(*decoder));
}

AudioReceiver::AudioReceiver(const ReceiverSettings& settings, OpusDecoder decoder)
    : settings_(settings), decoder_(std::move(decoder)) {}

Result<void> AudioReceiver::push(ByteView packet, TimePoint now) {
  const auto rtp = packet.size() > kMaxRtpBytes ? fail(Errc::protocol, "an RTP packet is larger than a datagram")
                                                : parse_rtp(packet);
  if (!rtp) {
    ++stats_.malformed;
    return fail(rtp.error());
  }
  if (rtp->payload_type != settings_.payload_type || (settings_.ssrc && rtp->ssrc != *settings_.ssrc)) {
    ++stats_.foreign;
    return fail(Errc::refused,
                fmt::format("an RTP packet has payload type {} and SSRC {:08x}, which is not the audio of "
                            "this track",
                            rtp->payload_type, rtp->ssrc));
  }
  last_received_ = now;
  const auto samples = opus_duration(rtp->payload);
  auto outcome = JitterBuffer::Push::discarded;
  if (samples) {
    outcome = jitter_.push({rtp->ssrc, rtp->sequence, rtp->timestamp, static_cast<std::uint32_t>(*samples),
                            opus_has_fec(rtp->payload), Bytes(rtp->payload.begin(), rtp->payload.end())},
                           now);
  }
  count(*rtp, outcome, now);
  if (samples) return {};
  ++stats_.malformed;
  return fail(samples.error());
}

// A packet of another SSRC begins a new count only when the jitter buffer has taken it for a new stream.
void AudioReceiver::count(const RtpPacket& rtp, JitterBuffer::Push outcome, TimePoint now) {
  const bool same = reception_ && reception_->ssrc() == rtp.ssrc;
  if (!same && outcome == JitterBuffer::Push::discarded) return;
  if (!same) reception_.emplace(rtp.ssrc, kTransportRate);
  reception_->packet(rtp.sequence, rtp.timestamp, now);
}

std::optional<AudioFrame> AudioReceiver::pull(TimePoint now) {
  while (ready_.size() < kTransportFrameSamples) {
    if (!fetch(now)) return std::nullopt;
  }
  AudioFrame frame{std::vector<std::int16_t>(kTransportFrameSamples), kTransportRate};
  ready_.pop(frame.samples);
  return frame;
}

// Makes the next stretch of sound ready, one sample at least; false: there is no stream.
bool AudioReceiver::fetch(TimePoint now) {
  auto next = jitter_.pull(now, static_cast<std::uint32_t>(ready_.size()));
  if (next.new_stream) decoder_.reset();
  switch (next.kind) {
    case PlayoutStep::Kind::nothing:
      ready_.clear();
      return false;
    case PlayoutStep::Kind::silence:
      ready_.push_silence(kTransportFrameSamples - ready_.size());
      return true;
    case PlayoutStep::Kind::conceal:
      decoder_.conceal(next.samples, decoded_);
      break;
    case PlayoutStep::Kind::fec:
      if (!decoder_.decode_lost(next.payload, next.samples, decoded_)) decoder_.conceal(next.samples, decoded_);
      break;
    case PlayoutStep::Kind::packet:
      if (!decoder_.decode(next.payload, decoded_)) {
        ++stats_.undecodable;
        decoder_.conceal(next.samples, decoded_);
      }
      stretch(next.pace);
      break;
  }
  ready_.push(decoded_);
  return true;
}

void AudioReceiver::stretch(PlayoutStep::Pace pace) {
  constexpr Duration kFarOff = 60ms;  // better an audible join than a call that stays slow
  const auto& jitter = jitter_.stats();
  if (pace == PlayoutStep::Pace::shorten && shorten(decoded_, jitter.delay - jitter.target > kFarOff) > 0) {
    ++stats_.shortened;
  }
  if (pace == PlayoutStep::Pace::lengthen && lengthen(decoded_) > 0) ++stats_.lengthened;
}

void AudioReceiver::reset() {
  jitter_.reset();
  decoder_.reset();
  ready_.clear();
  reception_.reset();
}

ReceiverStats AudioReceiver::stats() const {
  auto stats = stats_;
  stats.jitter = jitter_.stats();
  return stats;
}

}  // namespace parley
