#include "audio/rtcp.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace parley {
namespace {

constexpr std::uint8_t kSenderReport = 200;
constexpr std::uint8_t kReceiverReport = 201;
constexpr std::uint8_t kSourceDescription = 202;
constexpr std::uint8_t kGoodbye = 203;
constexpr std::uint8_t kCnameItem = 1;
constexpr std::size_t kReportBlockBytes = 24;

std::unexpected<Error> malformed(std::string_view what) {
  return fail(Errc::protocol, fmt::format("an RTCP packet {}", what));
}

// A packet of the compound: its body without header and padding.
struct Part {
  std::uint8_t count = 0;  // of blocks, chunks or sources
  std::uint8_t type = 0;
  ByteView body;
};

Result<Part> next_part(ByteReader& in) {
  const auto first = in.u8();
  const auto type = in.u8();
  const auto words = in.u16_be();
  if (!words) return malformed("is shorter than its header");
  if (*first >> 6 != 2) return malformed("is not of version 2");
  const auto body = in.take(std::size_t{*words} * 4);
  if (!body) return malformed("is longer than what came");
  Part part{static_cast<std::uint8_t>(*first & 0x1F), *type, *body};
  if ((*first & 0x20) != 0) {
    const std::size_t padding = body->empty() ? 0 : body->back();
    if (padding == 0 || padding > body->size()) return malformed("has wrong padding");
    part.body = body->first(body->size() - padding);
  }
  return part;
}

std::int32_t sign_extend_24(std::uint32_t value) noexcept { return static_cast<std::int32_t>(value << 8) >> 8; }

// The caller has counted the bytes of the block.
ReportBlock read_block(ByteReader& in) {
  ReportBlock block;
  block.ssrc = in.u32_be().value();
  const auto loss = in.u32_be().value();
  block.fraction_lost = static_cast<std::uint8_t>(loss >> 24);
  block.cumulative_lost = sign_extend_24(loss & 0xFFFFFF);
  block.highest_sequence = in.u32_be().value();
  block.jitter = in.u32_be().value();
  block.last_sr = in.u32_be().value();
  block.delay_since_sr = in.u32_be().value();
  return block;
}

Result<std::vector<ReportBlock>> read_blocks(ByteReader& in, std::size_t count) {
  if (in.left() < count * kReportBlockBytes) return malformed("announces more report blocks than it holds");
  std::vector<ReportBlock> blocks;
  blocks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) blocks.push_back(read_block(in));
  return blocks;
}

Result<SenderReport> read_sender_report(const Part& part) {
  if (part.body.size() < 24) return malformed("is a sender report without sender information");
  ByteReader in(part.body);
  SenderReport report;
  report.ssrc = in.u32_be().value();
  report.ntp = std::uint64_t{in.u32_be().value()} << 32;
  report.ntp |= in.u32_be().value();
  report.rtp_timestamp = in.u32_be().value();
  report.packets = in.u32_be().value();
  report.octets = in.u32_be().value();
  auto blocks = read_blocks(in, part.count);
  if (!blocks) return fail(blocks.error());
  report.blocks = std::move(*blocks);
  return report;
}

Result<ReceiverReport> read_receiver_report(const Part& part) {
  ByteReader in(part.body);
  const auto ssrc = in.u32_be();
  if (!ssrc) return malformed("is a receiver report without its sender");
  auto blocks = read_blocks(in, part.count);
  if (!blocks) return fail(blocks.error());
  return ReceiverReport{*ssrc, std::move(*blocks)};
}

// One chunk: SSRC, items, a null item, padding to a whole word (section 6.5).
Result<SourceDescription> read_chunk(ByteReader& in) {
  const auto at_start = in.left();
  const auto ssrc = in.u32_be();
  if (!ssrc) return malformed("announces more source descriptions than it holds");
  SourceDescription description{*ssrc, {}};
  for (;;) {
    const auto item = in.u8();
    if (!item) return malformed("holds a source description without an end");
    if (*item == 0) break;
    const auto length = in.u8();
    const auto text = length ? in.take(*length) : std::nullopt;
    if (!text) return malformed("holds a source description item that is longer than the packet");
    if (*item == kCnameItem) description.cname = as_text(*text);
  }
  const auto used = at_start - in.left();
  if (used % 4 != 0 && !in.take(4 - used % 4)) return malformed("holds a source description that is not padded");
  return description;
}

Result<Goodbye> read_goodbye(const Part& part) {
  ByteReader in(part.body);
  Goodbye goodbye;
  for (int i = 0; i < part.count; ++i) {
    const auto ssrc = in.u32_be();
    if (!ssrc) return malformed("says goodbye for more sources than it holds");
    goodbye.ssrcs.push_back(*ssrc);
  }
  if (const auto length = in.u8()) {
    const auto reason = in.take(*length);
    if (!reason) return malformed("gives a reason for its goodbye that is longer than the packet");
    goodbye.reason = as_text(*reason);
  }
  return goodbye;
}

template <class T>
Result<void> append(std::vector<T>& list, Result<T> item) {
  if (!item) return fail(item.error());
  list.push_back(std::move(*item));
  return {};
}

Result<void> read_part(const Part& part, RtcpCompound& compound) {
  switch (part.type) {
    case kSenderReport:
      return append(compound.sender_reports, read_sender_report(part));
    case kReceiverReport:
      return append(compound.receiver_reports, read_receiver_report(part));
    case kGoodbye:
      return append(compound.goodbyes, read_goodbye(part));
    case kSourceDescription: {
      ByteReader in(part.body);
      for (int i = 0; i < part.count; ++i) {
        if (auto ok = append(compound.descriptions, read_chunk(in)); !ok) return ok;
      }
      return {};
    }
    default:
      ++compound.skipped;
      return {};
  }
}

// Header with the length still zero; finish() sets it.
std::size_t begin(ByteWriter& out, const Bytes& bytes, std::size_t count, std::uint8_t type) {
  const auto at = bytes.size();
  out.u8(static_cast<std::uint8_t>(0x80 | count));
  out.u8(type);
  out.u16_be(0);
  return at;
}

void finish(Bytes& bytes, std::size_t at) {
  const auto words = (bytes.size() - at) / 4 - 1;
  bytes[at + 2] = static_cast<std::uint8_t>(words >> 8);
  bytes[at + 3] = static_cast<std::uint8_t>(words);
}

void write_blocks(ByteWriter& out, std::span<const ReportBlock> blocks) {
  for (const auto& block : blocks) {
    out.u32_be(block.ssrc);
    const auto lost = std::clamp(block.cumulative_lost, -0x800000, 0x7FFFFF);
    out.u32_be(std::uint32_t{block.fraction_lost} << 24 | (static_cast<std::uint32_t>(lost) & 0xFFFFFF));
    out.u32_be(block.highest_sequence);
    out.u32_be(block.jitter);
    out.u32_be(block.last_sr);
    out.u32_be(block.delay_since_sr);
  }
}

void write_description(Bytes& bytes, std::uint32_t ssrc, std::string_view cname) {
  ByteWriter out(bytes);
  cname = cname.substr(0, kMaxCnameBytes);
  const auto at = begin(out, bytes, 1, kSourceDescription);
  out.u32_be(ssrc);
  out.u8(kCnameItem);
  out.u8(static_cast<std::uint8_t>(cname.size()));
  out.bytes(as_bytes(cname));
  do out.u8(0);
  while (bytes.size() % 4 != 0);
  finish(bytes, at);
}

std::span<const ReportBlock> bounded(const std::vector<ReportBlock>& blocks) {
  return std::span(blocks).first(std::min(blocks.size(), kMaxReportBlocks));
}

}  // namespace

Result<RtcpCompound> parse_rtcp(ByteView bytes) {
  if (bytes.empty()) return malformed("is empty");
  if (bytes.size() > kMaxRtcpBytes) {
    return malformed(fmt::format("of {} bytes is larger than the {} that are taken", bytes.size(), kMaxRtcpBytes));
  }
  RtcpCompound compound;
  ByteReader in(bytes);
  while (in.left() > 0) {
    const auto part = next_part(in);
    if (!part) return fail(part.error());
    if (auto ok = read_part(*part, compound); !ok) return fail(ok.error());
  }
  return compound;
}

Bytes build_sender_report(const SenderReport& report, std::string_view cname) {
  Bytes bytes;
  ByteWriter out(bytes);
  const auto blocks = bounded(report.blocks);
  const auto at = begin(out, bytes, blocks.size(), kSenderReport);
  out.u32_be(report.ssrc);
  out.u32_be(static_cast<std::uint32_t>(report.ntp >> 32));
  out.u32_be(static_cast<std::uint32_t>(report.ntp));
  out.u32_be(report.rtp_timestamp);
  out.u32_be(report.packets);
  out.u32_be(report.octets);
  write_blocks(out, blocks);
  finish(bytes, at);
  write_description(bytes, report.ssrc, cname);
  return bytes;
}

Bytes build_receiver_report(const ReceiverReport& report, std::string_view cname) {
  Bytes bytes;
  ByteWriter out(bytes);
  const auto blocks = bounded(report.blocks);
  const auto at = begin(out, bytes, blocks.size(), kReceiverReport);
  out.u32_be(report.ssrc);
  write_blocks(out, blocks);
  finish(bytes, at);
  write_description(bytes, report.ssrc, cname);
  return bytes;
}

std::uint64_t to_ntp(WallTime time) noexcept {
  constexpr std::uint64_t kSecondsFrom1900To1970 = 2'208'988'800;
  const auto ms = static_cast<std::uint64_t>(time.time_since_epoch().count());
  return ((ms / 1000 + kSecondsFrom1900To1970) << 32) | (((ms % 1000) << 32) / 1000);
}

}  // namespace parley
