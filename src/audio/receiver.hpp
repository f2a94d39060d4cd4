// The incoming half of a call's audio: RTP in, an even stream of frames out.
#pragma once

#include <cstdint>
#include <optional>
#include <parley/audio/frame.hpp>
#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>
#include <vector>

#include "audio/jitter_buffer.hpp"
#include "audio/opus.hpp"
#include "audio/reception.hpp"
#include "audio/rtp.hpp"
#include "audio/sample_fifo.hpp"

namespace parley {

struct ReceiverSettings {
  std::uint8_t payload_type = 111;    // of Opus; packets of other types are counted and left
  std::optional<std::uint32_t> ssrc;  // from the offer; without it a new SSRC is a new stream
};

struct ReceiverStats {
  JitterStats jitter;
  std::uint64_t malformed = 0;  // no RTP, or no Opus within
  std::uint64_t foreign = 0;    // of another payload type or SSRC
  std::uint64_t undecodable = 0;
  std::uint64_t shortened = 0;  // frames that were stretched to move the delay
  std::uint64_t lengthened = 0;
};

// push() takes each packet as it comes; pull() gives 20 ms of 48 kHz every 20 ms, whatever came: decoded, restored from
// the next packet's copy, concealed or silent.
//
// Thread: the owner's only.
// Bound:  the jitter buffer's packets, and 120 ms of decoded sound.
class AudioReceiver {
 public:
  static Result<AudioReceiver> create(const ReceiverSettings& settings = {});

  // RTP as it came off the wire. An error says why the packet was dropped; the stream goes on.
  Result<void> push(ByteView packet, TimePoint now);

  // The next 20 ms; none before the first packet. `now` is when they are to be heard: it grows by 20 ms each time, so
  // an owner that is woken late passes the time at which it should have been.
  std::optional<AudioFrame> pull(TimePoint now);

  // The track carries another stream now (a reused section, a mute with a new sender).
  void reset();

  // For reports; null before the first packet.
  Reception* reception() noexcept { return reception_ ? &*reception_ : nullptr; }
  std::optional<TimePoint> last_received() const noexcept { return last_received_; }
  ReceiverStats stats() const;

 private:
  AudioReceiver(const ReceiverSettings& settings, OpusDecoder decoder);
  void count(const RtpPacket& rtp, JitterBuffer::Push outcome, TimePoint now);
  bool fetch(TimePoint now);
  void stretch(PlayoutStep::Pace pace);

  ReceiverSettings settings_;
  OpusDecoder decoder_;
  JitterBuffer jitter_;
  std::optional<Reception> reception_;
  std::optional<TimePoint> last_received_;
  SampleFifo ready_;
  std::vector<std::int16_t> decoded_;  // reused
  ReceiverStats stats_;
};

}  // namespace parley
