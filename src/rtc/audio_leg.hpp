// One connection and the audio on it: packets to frames and back, reports, who was heard when.
//
// Thread: the loop's only. Bound: what PeerConnection, AudioReceiver and AudioSender bound.
#pragma once

#include <optional>

#include "audio/receiver.hpp"
#include "audio/rtcp_session.hpp"
#include "audio/sender.hpp"
#include "rtc/peer_connection.hpp"

namespace parley::rtc {

struct LegStats {
  ReceiverStats received;
  SenderStats sent;
  std::optional<double> remote_loss;   // of our packets, as the other side reports it
  std::optional<Duration> round_trip;
  std::uint64_t send_failures = 0;
};

class AudioLeg {
 public:
  // Sounds nothing for so long: the other side sends no audio (any more). DTX sends at least every 400 ms.
  static constexpr Duration kAudioGone = 1s;
  static constexpr Duration kStall = 100ms;  // without a frame to send: the stream's clock goes on

  AudioLeg(Loop& loop, Engine& engine, const ConnectionSettings& settings);

  // What was agreed; before any audio flows. `stream` is what we announced.
  Result<void> agree(const AudioParameters& audio, const LocalStream& stream, const OpusSettings& opus);

  PeerConnection& connection() noexcept { return connection_; }

  // A packet from the network: RTP or RTCP.
  void packet(const NativeEvent& event);
  // Sends a report if one is due.
  void report(TimePoint now);
  TimePoint report_due() const noexcept { return rtcp_->due(); }

  std::optional<AudioFrame> receive(TimePoint now);
  void send(const AudioFrame& frame, TimePoint now);

  // When anything was heard from the other side: RTP, RTCP, ICE as of the last hear_ice(); its description counts.
  TimePoint last_heard() const noexcept { return last_heard_; }
  void hear_ice(TimePoint now) noexcept;
  bool heard_audio() const noexcept { return receiver_->last_received().has_value(); }
  // The payload type of packets that are not what was agreed, when nothing else comes.
  bool foreign_only() const noexcept;
  LegStats stats() const;

 private:
  Loop& loop_;
  PeerConnection connection_;
  std::optional<AudioReceiver> receiver_;
  std::optional<AudioSender> sender_;
  std::optional<RtcpSession> rtcp_;
  TimePoint last_heard_;
  std::optional<TimePoint> last_sent_;
  std::uint64_t send_failures_ = 0;
};

}  // namespace parley::rtc
