#include "audio/rtp.hpp"

#include <fmt/format.h>

namespace parley {
namespace {

constexpr std::size_t kFixedHeaderBytes = 12;
constexpr std::uint16_t kOneByteProfile = 0xBEDE;  // RFC 8285 section 4.2
constexpr std::uint16_t kTwoByteProfile = 0x1000;  // section 4.3; the low 4 bits are free
constexpr std::uint8_t kOneByteStop = 15;          // the id that ends a list of one-byte headers

struct Element {
  std::uint8_t id = 0;
  ByteView data;
};

// The next element, past padding; none when the list ends or breaks off.
std::optional<Element> next_element(ByteReader& in, bool one_byte) noexcept {
  while (in.left() > 0) {
    const auto head = in.u8().value();
    if (head == 0) continue;
    Element element;
    std::size_t length = 0;
    if (one_byte) {
      element.id = head >> 4;
      length = (head & 0x0FU) + 1U;
      if (element.id == kOneByteStop) return std::nullopt;
    } else {
      element.id = head;
      const auto size = in.u8();
      if (!size) return std::nullopt;
      length = *size;
    }
    const auto data = in.take(length);
    if (!data) return std::nullopt;
    element.data = *data;
    return element;
  }
  return std::nullopt;
}

std::unexpected<Error> malformed(std::string_view what, ByteView packet) {
  return fail(Errc::protocol, fmt::format("an RTP packet of {} bytes {}", packet.size(), what));
}

}  // namespace

bool is_rtcp(ByteView packet) noexcept { return packet.size() >= 2 && packet[1] >= 192 && packet[1] <= 223; }

std::optional<ByteView> RtpPacket::extension_element(std::uint8_t id) const noexcept {
  const bool one_byte = extension_profile == kOneByteProfile;
  if (id == 0 || (!one_byte && (extension_profile & 0xFFF0) != kTwoByteProfile)) return std::nullopt;
  ByteReader in(extension);
  while (const auto element = next_element(in, one_byte)) {
    if (element->id == id) return element->data;
  }
  return std::nullopt;
}

std::optional<AudioLevel> RtpPacket::audio_level(std::uint8_t id) const noexcept {
  const auto data = extension_element(id);
  if (!data || data->empty()) return std::nullopt;
  return AudioLevel{static_cast<std::uint8_t>(data->front() & 0x7F), (data->front() & 0x80) != 0};
}

Result<RtpPacket> parse_rtp(ByteView packet) {
  if (packet.size() < kFixedHeaderBytes) return malformed("is shorter than its header", packet);
  ByteReader in(packet);
  const auto first = in.u8().value();
  const auto second = in.u8().value();
  if (first >> 6 != 2) return malformed("is not of version 2", packet);
  RtpPacket rtp;
  rtp.marker = (second & 0x80) != 0;
  rtp.payload_type = second & 0x7F;
  rtp.sequence = in.u16_be().value();
  rtp.timestamp = in.u32_be().value();
  rtp.ssrc = in.u32_be().value();

  const std::size_t sources = first & 0x0FU;
  if (!in.take(sources * 4)) return malformed("ends within its contributing sources", packet);
  if ((first & 0x10) != 0) {
    const auto profile = in.u16_be();
    const auto words = in.u16_be();
    const auto body = words ? in.take(std::size_t{*words} * 4) : std::nullopt;
    if (!body) return malformed("ends within its header extension", packet);
    rtp.extension_profile = *profile;
    rtp.extension = *body;
  }
  rtp.payload = in.rest();
  if ((first & 0x20) != 0) {
    const std::size_t padding = rtp.payload.empty() ? 0 : rtp.payload.back();
    if (padding == 0 || padding > rtp.payload.size()) return malformed("has wrong padding", packet);
    rtp.payload = rtp.payload.first(rtp.payload.size() - padding);
  }
  return rtp;
}

RtpPacketizer::RtpPacketizer(const RtpStreamSettings& settings)
    : settings_(settings), sequence_(settings.first_sequence), timestamp_(settings.first_timestamp) {}

Result<Bytes> RtpPacketizer::packet(ByteView payload, std::uint32_t samples, AudioLevel level) {
  const bool extended = settings_.audio_level_id >= 1 && settings_.audio_level_id <= 14;
  const std::size_t size = kFixedHeaderBytes + (extended ? 8 : 0) + payload.size();
  if (size > kMaxRtpBytes) {
    return fail(Errc::invalid_argument,
                fmt::format("a payload of {} bytes does not fit into one RTP packet", payload.size()));
  }
  Bytes bytes;
  bytes.reserve(size);
  ByteWriter out(bytes);
  out.u8(extended ? 0x90 : 0x80);
  out.u8(static_cast<std::uint8_t>((talkspurt_begins_ ? 0x80 : 0) | (settings_.payload_type & 0x7F)));
  out.u16_be(sequence_++);
  out.u32_be(timestamp_);
  out.u32_be(settings_.ssrc);
  if (extended) {
    out.u16_be(kOneByteProfile);
    out.u16_be(1);  // one word: one element of one byte, two of padding
    out.u8(static_cast<std::uint8_t>(settings_.audio_level_id << 4));
    out.u8(static_cast<std::uint8_t>((level.voice ? 0x80 : 0) | (level.level & 0x7F)));
    out.u16_be(0);
  }
  out.bytes(payload);
  timestamp_ += samples;
  talkspurt_begins_ = false;
  return bytes;
}

void RtpPacketizer::silence(std::uint32_t samples) noexcept {
  timestamp_ += samples;
  talkspurt_begins_ = true;
}

}  // namespace parley
