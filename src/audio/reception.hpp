// What a receiver counts about one incoming stream, for its reports (RFC 3550 section 6.4 and appendix A).
#pragma once

#include <cstdint>
#include <parley/base/time.hpp>

#include "audio/rtcp.hpp"

namespace parley {

// Counts every packet of one SSRC as it comes from the network, whatever becomes of it later.
//
// Thread: the owner's only. Bound: a fixed few words.
class Reception {
 public:
  Reception(std::uint32_t ssrc, int clock_rate) noexcept : ssrc_(ssrc), clock_rate_(clock_rate) {}

  void packet(std::uint16_t sequence, std::uint32_t timestamp, TimePoint now) noexcept;
  void sender_report(const SenderReport& report, TimePoint now) noexcept;

  // The block of the next report. The fraction lost counts from the block before, so ask once per report.
  ReportBlock report(TimePoint now) noexcept;

  std::uint32_t ssrc() const noexcept { return ssrc_; }
  std::uint64_t received() const noexcept { return received_; }
  Duration jitter() const noexcept;

 private:
  std::uint64_t expected() const noexcept { return highest_ - first_ + 1; }
  void restart(std::uint16_t sequence) noexcept;
  void measure_jitter(std::uint32_t timestamp, TimePoint now) noexcept;

  std::uint32_t ssrc_;
  int clock_rate_;
  bool started_ = false;
  std::uint64_t first_ = 0;  // extended sequence numbers
  std::uint64_t highest_ = 0;
  std::int32_t suspect_ = -1;  // the sequence that would confirm a jump; -1: none
  std::uint64_t received_ = 0;
  std::uint64_t expected_before_ = 0;  // at the last report
  std::uint64_t received_before_ = 0;
  std::uint32_t last_transit_ = 0;  // timestamp units
  double jitter_ = 0;               // timestamp units
  bool has_transit_ = false;
  std::uint32_t last_sr_ = 0;
  TimePoint last_sr_at_{};
};

}  // namespace parley
