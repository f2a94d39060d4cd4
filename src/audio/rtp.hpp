// RTP packets (RFC 3550 section 5.1) with header extensions (RFC 8285): reading and writing.
#pragma once

#include <cstdint>
#include <optional>
#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>

namespace parley {

inline constexpr std::size_t kMaxRtpBytes = 1500;  // what one datagram of the network can hold

// Loudness of a packet's sound, sent beside it (RFC 6464).
struct AudioLevel {
  std::uint8_t level = 127;  // -dBov: 0 loudest, 127 silence
  bool voice = false;        // the sender's opinion
  bool operator==(const AudioLevel&) const = default;
};

// A packet as it lies in the bytes that were parsed: payload and extension point into them.
struct RtpPacket {
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  std::uint16_t extension_profile = 0;  // 0: none
  ByteView extension;
  ByteView payload;

  // The element with that id from the offer's extmap, whether written with one-byte or two-byte headers.
  std::optional<ByteView> extension_element(std::uint8_t id) const noexcept;
  std::optional<AudioLevel> audio_level(std::uint8_t id) const noexcept;
};

// True if a packet of a shared port is RTCP, by its packet type (RFC 5761 section 4).
bool is_rtcp(ByteView packet) noexcept;

Result<RtpPacket> parse_rtp(ByteView packet);

struct RtpStreamSettings {
  std::uint32_t ssrc = 0;
  std::uint8_t payload_type = 111;
  std::uint8_t audio_level_id = 0;   // of urn:ietf:params:rtp-hdrext:ssrc-audio-level, 1 to 14; 0: not negotiated
  std::uint16_t first_sequence = 0;  // both random (RFC 3550 section 5.1)
  std::uint32_t first_timestamp = 0;
};

// Makes the packets of one outgoing stream. Its timestamp runs at 48 kHz and also through silence; the first packet
// after a silence carries the marker (RFC 3551 section 4.1), and so does the first of all.
//
// Thread: the owner's only.
class RtpPacketizer {
 public:
  explicit RtpPacketizer(const RtpStreamSettings& settings);

  // The next packet: `samples` long, which are behind it then. Refuses a payload that makes it exceed kMaxRtpBytes.
  Result<Bytes> packet(ByteView payload, std::uint32_t samples, AudioLevel level);

  // Nothing is sent for `samples`.
  void silence(std::uint32_t samples) noexcept;

  // The timestamp that the next packet would carry.
  std::uint32_t timestamp() const noexcept { return timestamp_; }
  std::uint32_t ssrc() const noexcept { return settings_.ssrc; }

 private:
  RtpStreamSettings settings_;
  std::uint16_t sequence_;
  std::uint32_t timestamp_;
  bool talkspurt_begins_ = true;
};

}  // namespace parley
