#include "audio/reception.hpp"

#include <algorithm>
#include <cmath>

namespace parley {
namespace {

constexpr std::uint16_t kMaxDropout = 3000;  // appendix A.1
constexpr std::uint16_t kMaxMisorder = 100;

std::uint32_t in_units(TimePoint now, int rate) noexcept {
  const auto ns = static_cast<std::uint64_t>(now.time_since_epoch().count());
  const auto unsigned_rate = static_cast<std::uint64_t>(rate);
  return static_cast<std::uint32_t>(ns / 1'000'000'000 * unsigned_rate +
                                    ns % 1'000'000'000 * unsigned_rate / 1'000'000'000);
}

}  // namespace

void Reception::restart(std::uint16_t sequence) noexcept {
  started_ = true;
  // One cycle up, so that what came before the first packet has a place too.
  first_ = highest_ = 0x10000U + sequence;
  suspect_ = -1;
  received_ = 0;
  expected_before_ = received_before_ = 0;
  has_transit_ = false;
}

void Reception::packet(std::uint16_t sequence, std::uint32_t timestamp, TimePoint now) noexcept {
  if (!started_) restart(sequence);
  const auto ahead = static_cast<std::uint16_t>(sequence - static_cast<std::uint16_t>(highest_));
  if (ahead < kMaxDropout) {
    highest_ += ahead;
    suspect_ = -1;
  } else if (ahead <= 0x10000 - kMaxMisorder) {
    // A large jump counts once the next packet confirms it: the sender has begun anew.
    if (suspect_ != sequence) {
      suspect_ = static_cast<std::uint16_t>(sequence + 1);
      return;
    }
    restart(sequence);
  }
  ++received_;
  measure_jitter(timestamp, now);
}

void Reception::measure_jitter(std::uint32_t timestamp, TimePoint now) noexcept {
  const auto transit = in_units(now, clock_rate_) - timestamp;
  if (has_transit_) {
    const auto difference = static_cast<std::int32_t>(transit - last_transit_);
    jitter_ += (std::abs(static_cast<double>(difference)) - jitter_) / 16.0;  // appendix A.8
  }
  has_transit_ = true;
  last_transit_ = transit;
}

void Reception::sender_report(const SenderReport& report, TimePoint now) noexcept {
  last_sr_ = ntp_middle(report.ntp);
  last_sr_at_ = now;
}

ReportBlock Reception::report(TimePoint now) noexcept {
  ReportBlock block;
  block.ssrc = ssrc_;
  if (!started_) return block;
  const auto lost = static_cast<std::int64_t>(expected()) - static_cast<std::int64_t>(received_);
  block.cumulative_lost = static_cast<std::int32_t>(std::clamp<std::int64_t>(lost, -0x800000, 0x7FFFFF));
  block.highest_sequence = static_cast<std::uint32_t>(highest_ - 0x10000);
  block.jitter = static_cast<std::uint32_t>(std::min(jitter_, 4294967295.0));

  const auto expected_now = static_cast<std::int64_t>(expected() - expected_before_);
  const auto lost_now = expected_now - static_cast<std::int64_t>(received_ - received_before_);
  if (expected_now > 0 && lost_now > 0) {
    block.fraction_lost = static_cast<std::uint8_t>(std::min<std::int64_t>(lost_now * 256 / expected_now, 255));
  }
  expected_before_ = expected();
  received_before_ = received_;

  if (last_sr_ != 0) {
    block.last_sr = last_sr_;
    block.delay_since_sr = static_cast<std::uint32_t>(to_seconds(now - last_sr_at_) * 65536.0);
  }
  return block;
}

Duration Reception::jitter() const noexcept { return Duration(static_cast<std::int64_t>(jitter_ * 1e9 / clock_rate_)); }

}  // namespace parley
