#include "audio/rtcp_session.hpp"

#include <algorithm>
#include <utility>

namespace parley {

RtcpSession::RtcpSession(std::uint32_t our_ssrc, std::string cname, Random& random)
    : ssrc_(our_ssrc), cname_(std::move(cname)), random_(random) {}

std::optional<Bytes> RtcpSession::poll(TimePoint now, WallTime wall, const SenderStatus& sender, Reception* reception) {
  if (due_ == TimePoint::min()) due_ = now + kFirstReport;
  if (now < due_) return std::nullopt;
  const auto half = kReportInterval / 2;
  due_ = now + half + Duration(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(2 * half.count()))));

  std::vector<ReportBlock> blocks;
  if (reception != nullptr && reception->received() > 0) blocks.push_back(reception->report(now));
  if (sender.packets == packets_reported_) return build_receiver_report({ssrc_, std::move(blocks)}, cname_);
  packets_reported_ = sender.packets;
  return build_sender_report(
      {ssrc_, to_ntp(wall), sender.rtp_timestamp, sender.packets, sender.octets, std::move(blocks)}, cname_);
}

Result<void> RtcpSession::received(ByteView bytes, TimePoint now, WallTime wall, Reception* reception) {
  const auto compound = parse_rtcp(bytes);
  if (!compound) return fail(compound.error());
  last_received_ = now;
  for (const auto& report : compound->sender_reports) {
    if (reception != nullptr && report.ssrc == reception->ssrc()) reception->sender_report(report, now);
    for (const auto& block : report.blocks) report_about_us(block, wall);
  }
  for (const auto& report : compound->receiver_reports) {
    for (const auto& block : report.blocks) report_about_us(block, wall);
  }
  for (const auto& goodbye : compound->goodbyes) {
    if (reception == nullptr) continue;
    if (std::ranges::find(goodbye.ssrcs, reception->ssrc()) != goodbye.ssrcs.end()) goodbye_ = reception->ssrc();
  }
  return {};
}

void RtcpSession::report_about_us(const ReportBlock& block, WallTime wall) noexcept {
  if (block.ssrc != ssrc_) return;
  remote_loss_ = block.fraction_lost / 256.0;
  if (block.last_sr == 0) return;
  const auto units = ntp_middle(to_ntp(wall)) - block.last_sr - block.delay_since_sr;  // 1/65536 s
  const auto signed_units = std::max(static_cast<std::int32_t>(units), 0);             // clocks step back
  round_trip_ = Duration(static_cast<std::int64_t>(signed_units) * 1'000'000'000 / 65536);
}

}  // namespace parley
