// RTCP compounds from outside: what reads must write and read back the same, and a session must take anything.
#include <cstdlib>

#include "audio/rtcp_session.hpp"

using namespace parley;

namespace {

void check_round_trip(const RtcpCompound& compound) {
  for (const auto& report : compound.sender_reports) {
    const auto again = parse_rtcp(build_sender_report(report, "name"));
    if (!again || again->sender_reports.size() != 1 || again->sender_reports[0] != report) std::abort();
  }
  for (const auto& report : compound.receiver_reports) {
    const auto again = parse_rtcp(build_receiver_report(report, "name"));
    if (!again || again->receiver_reports.size() != 1 || again->receiver_reports[0] != report) std::abort();
  }
  for (const auto& description : compound.descriptions) {
    const auto again = parse_rtcp(build_receiver_report({description.ssrc, {}}, description.cname));
    if (!again || again->descriptions.size() != 1 || again->descriptions[0] != description) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  if (const auto compound = parse_rtcp(bytes)) check_round_trip(*compound);
  Random random(1);
  RtcpSession session(1, "us", random);
  Reception reception(2, 48000);
  reception.packet(1, 960, TimePoint(1s));
  (void)session.received(bytes, TimePoint(2s), WallTime(1'800'000'000'000ms), &reception);
  if (session.remote_loss() && (*session.remote_loss() < 0 || *session.remote_loss() > 1)) std::abort();
  if (session.round_trip() && *session.round_trip() < Duration::zero()) std::abort();
  (void)reception.report(TimePoint(3s));
  return 0;
}
