// SDP (RFC 8866) as sections and attributes: the strict first look at a description from outside, before anything else
// sees it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>

namespace parley::rtc {

inline constexpr std::size_t kMaxSdpBytes = 64 * KiB;  // a browser's offer with video is 8 KiB
inline constexpr std::size_t kMaxSdpLineBytes = 4 * KiB;
inline constexpr std::size_t kMaxSdpLines = 2'000;
inline constexpr std::size_t kMaxSdpSections = 40;  // an SFU's answer has one for each speaker
inline constexpr std::size_t kMaxSdpFormats = 64;  // of one section

struct SdpAttribute {
  std::string name;
  std::string value;  // empty for a property attribute
};

using SdpAttributes = std::vector<SdpAttribute>;

// The first one of that name; null: none.
const std::string* find_attribute(const SdpAttributes& attributes, std::string_view name) noexcept;

struct SdpSection {
  std::string kind;      // "audio", "video", "application"
  unsigned port = 0;     // 0: rejected, unless bundle-only
  std::string protocol;  // "UDP/TLS/RTP/SAVPF"
  std::vector<std::string> formats;
  SdpAttributes attributes;
};

struct SdpSession {
  SdpAttributes attributes;
  std::vector<SdpSection> sections;
};

// Lines end with LF or CRLF. Refused: control characters, anything beyond the bounds above, lines that are not `x=...`,
// a first line other than v=0, m-lines without port, protocol and format. Line types that are not needed are skipped.
// Names, kinds, protocols and formats are printable ASCII without spaces: they can be written into another description.
Result<SdpSession> parse_sdp(std::string_view text);

// Printable ASCII without spaces, 1 to 256 characters.
bool is_sdp_token(std::string_view text) noexcept;

// Splits at single spaces.
std::vector<std::string_view> split_words(std::string_view text);

}  // namespace parley::rtc
