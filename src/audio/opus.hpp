// Opus (RFC 6716) for speech: 48 kHz mono, one packet for 20 ms.
#pragma once

#include <cstdint>
#include <memory>
#include <parley/audio/frame.hpp>
#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <vector>

#include "audio/samples.hpp"

namespace parley {

inline constexpr std::size_t kMaxOpusPacketBytes = 1275;    // of one frame (RFC 6716 section 3.2.1)
inline constexpr std::size_t kMaxOpusPayloadBytes = 1500;   // taken from outside: no more fits into a datagram
inline constexpr std::size_t kMaxOpusPacketSamples = 5760;  // 120 ms at 48 kHz, the longest packet there is

struct OpusSettings {
  int bitrate = 32'000;   // bits per second, 6,000 to 128,000
  int complexity = 5;     // 0 to 10; 5 costs 0.7 % of a core, 9 twice that, 0 a third
  int loss_percent = 10;  // expected loss: above 0 each packet also carries the last one, coarser (in-band FEC)
};

// Thread: the owner's only. Bound: one packet of at most kMaxOpusPacketBytes, about 50 kB of state.
class OpusEncoder {
 public:
  static Result<OpusEncoder> create(const OpusSettings& settings = {});

  // `frame` has exactly kTransportFrameSamples samples. The packet is valid until the next call.
  Result<ByteView> encode(Samples frame);

  // Tells the encoder what the receiver reports. Out of range is clamped to 0..100.
  void set_loss_percent(int percent);
  int loss_percent() const noexcept { return loss_percent_; }

 private:
  struct Destroy {
    void operator()(void* encoder) const noexcept;
  };
  OpusEncoder(void* encoder, int loss_percent);

  std::unique_ptr<void, Destroy> encoder_;  // libopus's OpusEncoder
  Bytes packet_;
  int loss_percent_;
};

// Samples (at 48 kHz) in a packet, without decoding it: 120 to 5760. An error for bytes that are no Opus packet.
Result<std::size_t> opus_duration(ByteView packet);

// True if the packet carries a copy of the one before it (the LBRR frames of RFC 6716 section 4.2.4).
bool opus_has_fec(ByteView packet) noexcept;

// Decodes what came and conceals what did not: for up to kFullConcealment a lost stretch sounds on, by
// kMaxConcealment it has faded to silence. Stereo packets become mono.
//
// Thread: the owner's only. Bound: at most kMaxOpusPacketSamples a call, about 30 kB of state.
class OpusDecoder {
 public:
  static constexpr Duration kFullConcealment = 60ms;
  static constexpr Duration kMaxConcealment = 100ms;

  static Result<OpusDecoder> create();

  // Replaces `out` by the packet's samples. After an error nothing is changed but the concealment to come.
  Result<void> decode(ByteView packet, std::vector<std::int16_t>& out);

  // Replaces `out` by the `samples` that were lost right before `next`, out of the copy that `next` carries; without a
  // copy they are concealed.
  Result<void> decode_lost(ByteView next, std::size_t samples, std::vector<std::int16_t>& out);

  // Replaces `out` by `samples` of concealment. Samples are a multiple of 120 (2.5 ms).
  void conceal(std::size_t samples, std::vector<std::int16_t>& out);

  // Another stream.
  void reset();

 private:
  struct Destroy {
    void operator()(void* decoder) const noexcept;
  };
  explicit OpusDecoder(void* decoder);

  std::unique_ptr<void, Destroy> decoder_;  // libopus's OpusDecoder
  std::size_t concealed_ = 0;               // samples since the last packet
};

}  // namespace parley
