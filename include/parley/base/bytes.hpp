// Sizes, and reading bytes that came from outside without ever reading past them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

inline constexpr std::size_t KiB = 1024;
inline constexpr std::size_t MiB = 1024 * KiB;

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// CRC-32C (Castagnoli), as used by the journal.
std::uint32_t crc32c(ByteView bytes) noexcept;

// Reads a message front to back. Every read says by nullopt that the bytes ran out; nothing is consumed then.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) noexcept : rest_(bytes) {}

  std::optional<std::uint8_t> u8() noexcept;
  std::optional<std::uint16_t> u16_be() noexcept;
  std::optional<std::uint32_t> u32_be() noexcept;
  std::optional<std::uint16_t> u16_le() noexcept;
  std::optional<std::uint32_t> u32_le() noexcept;
  std::optional<ByteView> take(std::size_t count) noexcept;

  std::size_t left() const noexcept { return rest_.size(); }
  ByteView rest() const noexcept { return rest_; }

 private:
  ByteView rest_;
};

// Appends to a buffer that it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) noexcept : out_(out) {}

  void u8(std::uint8_t v) { out_.push_back(v); }
  void u16_be(std::uint16_t v);
  void u32_be(std::uint32_t v);
  void u16_le(std::uint16_t v);
  void u32_le(std::uint32_t v);
  void bytes(ByteView v) { out_.insert(out_.end(), v.begin(), v.end()); }

 private:
  Bytes& out_;
};

}  // namespace parley
