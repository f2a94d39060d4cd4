// RTCP (RFC 3550 section 6): reading compounds from outside, writing reports.
#pragma once

#include <cstdint>
#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

inline constexpr std::size_t kMaxRtcpBytes = 4 * KiB;  // more than a datagram of any network we meet
inline constexpr std::size_t kMaxReportBlocks = 31;    // the count field has 5 bits
inline constexpr std::size_t kMaxCnameBytes = 255;     // its length field has 8

// What a receiver says about one stream it hears (section 6.4.1).
struct ReportBlock {
  std::uint32_t ssrc = 0;              // the stream that is reported on
  std::uint8_t fraction_lost = 0;      // of 256, since the last report
  std::int32_t cumulative_lost = 0;    // 24 bits, negative when there were duplicates
  std::uint32_t highest_sequence = 0;  // with its cycles in the upper half
  std::uint32_t jitter = 0;            // in timestamp units
  std::uint32_t last_sr = 0;           // middle half of the NTP time of the last sender report; 0: none yet
  std::uint32_t delay_since_sr = 0;    // since it came, in 1/65536 s
  bool operator==(const ReportBlock&) const = default;
};

struct SenderReport {
  std::uint32_t ssrc = 0;
  std::uint64_t ntp = 0;
  std::uint32_t rtp_timestamp = 0;  // of the same moment
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;  // of payload
  std::vector<ReportBlock> blocks;
  bool operator==(const SenderReport&) const = default;
};

struct ReceiverReport {
  std::uint32_t ssrc = 0;
  std::vector<ReportBlock> blocks;
  bool operator==(const ReceiverReport&) const = default;
};

struct SourceDescription {
  std::uint32_t ssrc = 0;
  std::string cname;  // empty: the chunk had none
  bool operator==(const SourceDescription&) const = default;
};

struct Goodbye {
  std::vector<std::uint32_t> ssrcs;
  std::string reason;
  bool operator==(const Goodbye&) const = default;
};

struct RtcpCompound {
  std::vector<SenderReport> sender_reports;
  std::vector<ReceiverReport> receiver_reports;
  std::vector<SourceDescription> descriptions;
  std::vector<Goodbye> goodbyes;
  std::size_t skipped = 0;  // packets of other types: feedback, APP, XR
};

// Reads a whole compound, or a single packet as RFC 5506 allows. Every length is checked; one wrong packet makes an
// error of the whole, for what follows it cannot be found. Packets of types unknown here are skipped and counted.
Result<RtcpCompound> parse_rtcp(ByteView compound);

// SR or RR, followed by SDES with the CNAME, as every compound must have them (section 6.1). At most kMaxReportBlocks
// blocks and kMaxCnameBytes of name are written; what is beyond is left out.
Bytes build_sender_report(const SenderReport& report, std::string_view cname);
Bytes build_receiver_report(const ReceiverReport& report, std::string_view cname);

// 32.32 bits of seconds since 1900 (section 4), and the middle 32 bits of it that reports carry.
std::uint64_t to_ntp(WallTime time) noexcept;
constexpr std::uint32_t ntp_middle(std::uint64_t ntp) noexcept { return static_cast<std::uint32_t>(ntp >> 16); }

}  // namespace parley
