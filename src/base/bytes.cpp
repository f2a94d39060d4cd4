#include <parley/base/bytes.hpp>

#include <boost/crc.hpp>

namespace parley {

std::uint32_t crc32c(ByteView bytes) noexcept {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::optional<ByteView> ByteReader::take(std::size_t count) noexcept {
  if (count > rest_.size()) return std::nullopt;
  const auto taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}

std::optional<std::uint8_t> ByteReader::u8() noexcept {
  const auto b = take(1);
  if (!b) return std::nullopt;
  return (*b)[0];
}

std::optional<std::uint16_t> ByteReader::u16_be() noexcept {
  const auto b = take(2);
  if (!b) return std::nullopt;
  return static_cast<std::uint16_t>((*b)[0] << 8 | (*b)[1]);
}

std::optional<std::uint32_t> ByteReader::u32_be() noexcept {
  const auto b = take(4);
  if (!b) return std::nullopt;
  return std::uint32_t{(*b)[0]} << 24 | std::uint32_t{(*b)[1]} << 16 | std::uint32_t{(*b)[2]} << 8 | (*b)[3];
}

std::optional<std::uint16_t> ByteReader::u16_le() noexcept {
  const auto b = take(2);
  if (!b) return std::nullopt;
  return static_cast<std::uint16_t>((*b)[1] << 8 | (*b)[0]);
}

std::optional<std::uint32_t> ByteReader::u32_le() noexcept {
  const auto b = take(4);
  if (!b) return std::nullopt;
  return std::uint32_t{(*b)[3]} << 24 | std::uint32_t{(*b)[2]} << 16 | std::uint32_t{(*b)[1]} << 8 | (*b)[0];
}

void ByteWriter::u16_be(std::uint16_t v) {
  u8(static_cast<std::uint8_t>(v >> 8));
  u8(static_cast<std::uint8_t>(v));
}

void ByteWriter::u32_be(std::uint32_t v) {
  u16_be(static_cast<std::uint16_t>(v >> 16));
  u16_be(static_cast<std::uint16_t>(v));
}

void ByteWriter::u16_le(std::uint16_t v) {
  u8(static_cast<std::uint8_t>(v));
  u8(static_cast<std::uint8_t>(v >> 8));
}

void ByteWriter::u32_le(std::uint32_t v) {
  u16_le(static_cast<std::uint16_t>(v));
  u16_le(static_cast<std::uint16_t>(v >> 16));
}

}  // namespace parley
