// The outgoing half of a call's audio: frames in, RTP out, nothing in silence.
#pragma once

#include <cstdint>
#include <optional>
#include <parley/audio/frame.hpp>
#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

#include "audio/opus.hpp"
#include "audio/rtcp_session.hpp"
#include "audio/rtp.hpp"

namespace parley {

struct SenderSettings {
  RtpStreamSettings rtp;
  OpusSettings opus;
};

struct SenderStats {
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;         // of payload
  std::uint64_t silent_frames = 0;  // not sent
};

// Frames quieter than kSilenceLevel are sent for kHangover more, then nothing is until one is louder; the timestamp
// goes on all the while. ICE consent and RTCP keep the path open meanwhile.
//
// Thread: the owner's only. Bound: one packet.
class AudioSender {
 public:
  static constexpr float kSilenceLevel = -70.0F;  // dBov
  static constexpr Duration kHangover = 200ms;
  static constexpr int kMaxLossPercent = 40;    // beyond it redundancy only costs quality
  static constexpr float kVoiceLevel = -50.0F;  // dBov, from which a packet is marked as voice

  static Result<AudioSender> create(const SenderSettings& settings);

  // The next 20 ms at 48 kHz, as an RTP packet; none while silence lasts.
  Result<std::optional<Bytes>> send(const AudioFrame& frame, TimePoint now);

  // The same of 20 ms that were encoded before, silent or not; `level` is -dBov.
  Result<Bytes> send_encoded(ByteView opus, std::uint8_t level, TimePoint now);

  // Nothing was to be sent for the `samples` at 48 kHz before `now`: a stall, a mute.
  void skip(std::uint32_t samples, TimePoint now) noexcept;

  // What the receiver reports it loses, 0 to 1: more loss, more redundancy, up to kMaxLossPercent.
  void set_loss(double loss);

  // For sender reports: where the stream is at `now`.
  SenderStatus status(TimePoint now) const noexcept;
  const SenderStats& stats() const noexcept { return stats_; }
  std::uint32_t ssrc() const noexcept { return packetizer_.ssrc(); }

 private:
  AudioSender(const SenderSettings& settings, OpusEncoder encoder);
  Result<Bytes> packet(ByteView opus, AudioLevel level);

  OpusEncoder encoder_;
  RtpPacketizer packetizer_;
  int least_loss_percent_;
  Duration quiet_ = kHangover;  // how long it has been; a call begins silent
  std::optional<TimePoint> last_frame_;
  SenderStats stats_;
};

}  // namespace parley
