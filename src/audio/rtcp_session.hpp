// The RTCP side of one audio section: when to report, what the other side reports about us.
#pragma once

#include <cstdint>
#include <optional>
#include <parley/base/bytes.hpp>
#include <parley/base/random.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>
#include <string>

#include "audio/reception.hpp"
#include "audio/rtcp.hpp"

namespace parley {

// What the outgoing stream is at, for its sender report.
struct SenderStatus {
  std::uint32_t rtp_timestamp = 0;  // of this moment
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;
};

// Sends a report about every kReportInterval (varied by half, so that calls do not report in step): SR when we sent
// since the report before, else RR. Reads the compounds of the other side and keeps what concerns our two streams.
//
// Thread: the owner's only. Bound: a fixed few words.
class RtcpSession {
 public:
  static constexpr Duration kReportInterval = 2s;  // livekit-server wants one every 1 to 5 s
  static constexpr Duration kFirstReport = 500ms;

  RtcpSession(std::uint32_t our_ssrc, std::string cname, Random& random);

  // When poll() has a report next; the first is due kFirstReport after the first poll.
  TimePoint due() const noexcept { return due_; }

  // The report if it is due. `reception`: what came in, if anything did; its fraction lost starts anew.
  std::optional<Bytes> poll(TimePoint now, WallTime wall, const SenderStatus& sender, Reception* reception);

  // A compound from the network. Blocks about other streams are left aside.
  Result<void> received(ByteView compound, TimePoint now, WallTime wall, Reception* reception);

  // From the last block about our stream.
  std::optional<double> remote_loss() const noexcept { return remote_loss_; }         // 0 to 1
  std::optional<Duration> round_trip() const noexcept { return round_trip_; }         // to 1 ms
  std::optional<TimePoint> last_received() const noexcept { return last_received_; }  // any valid compound
  bool said_goodbye(std::uint32_t ssrc) const noexcept { return goodbye_ == ssrc; }   // the last BYE was for it

 private:
  void report_about_us(const ReportBlock& block, WallTime wall) noexcept;

  std::uint32_t ssrc_;
  std::string cname_;
  Random& random_;
  TimePoint due_ = TimePoint::min();
  std::uint32_t packets_reported_ = 0;
  std::optional<double> remote_loss_;
  std::optional<Duration> round_trip_;
  std::optional<TimePoint> last_received_;
  std::optional<std::uint32_t> goodbye_;
};

}  // namespace parley
