#include "rtc/sfu_description.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "rtc/read_parts.hpp"
#include "rtc/sdp_writer.hpp"

namespace parley::rtc {

namespace {

constexpr std::size_t kMaxReceived = SfuConnection::kMaxReceivedBytes;

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::vector<std::string_view> mids(const SfuSections& sections) {
  std::vector<std::string_view> all;
  for (const auto& section : sections) all.push_back(section.mid);
  return all;
}

bool sends(Direction direction) noexcept { return direction == Direction::sendonly || direction == Direction::sendrecv; }
bool receives(Direction direction) noexcept { return direction == Direction::recvonly || direction == Direction::sendrecv; }

void write_audio(SdpWriter& writer, const SfuSection& section) {
  writer.line("m=audio 9 UDP/TLS/RTP/SAVPF {}", kOpusPayloadType);
  writer.line("c=IN IP4 0.0.0.0");
  writer.line("a=mid:{}", section.mid);
  if (section.kind == SfuSection::Kind::sender) writer.line("a=extmap:{} {}", kAudioLevelId, kAudioLevelUri);
  writer.line("a={}", to_string(section.direction()));
  if (section.kind == SfuSection::Kind::sender) {
    const auto& send = section.send;
    writer.line("a=msid:{} {}", send.stream_id, send.track_id);
    writer.line("a=ssrc:{} cname:{}", send.ssrc, send.cname);
    writer.line("a=ssrc:{} msid:{} {}", send.ssrc, send.stream_id, send.track_id);
  }
  writer.line("a=rtcp-mux");
  writer.line("a=rtpmap:{} opus/48000/2", kOpusPayloadType);
  writer.line("a=fmtp:{} minptime=10;useinbandfec=1", kOpusPayloadType);
}

void write_data(SdpWriter& writer, std::string_view mid, std::uint16_t sctp_port, std::optional<std::uint32_t> max_bytes) {
  writer.line("m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
  writer.line("c=IN IP4 0.0.0.0");
  writer.line("a=mid:{}", mid);
  writer.line("a=sctp-port:{}", sctp_port);
  if (max_bytes) writer.line("a=max-message-size:{}", *max_bytes);
}

std::vector<std::uint32_t> read_ssrcs(const SdpSection& section) {
  std::vector<std::uint32_t> found;
  for (const auto& [name, value] : section.attributes) {
    if (name != "ssrc" || found.size() == SfuAnswer::kMaxSsrcs) continue;
    const auto ssrc = number<std::uint32_t>(std::string_view(value).substr(0, value.find(' ')));
    if (ssrc && std::ranges::find(found, *ssrc) == found.end()) found.push_back(*ssrc);
  }
  return found;
}

Result<SfuAnswer::Section> read_audio(const SdpSession& session, const SdpSection& theirs, const SfuSection& ours) {
  const auto direction = find_direction(session, theirs);
  const bool fits = direction == Direction::inactive || (ours.kind == SfuSection::Kind::sender ? receives(direction) : sends(direction));
  if (!fits) {
    return unusable(fmt::format("the answer's section \"{}\" is {}, and was offered as {}", ours.mid, to_string(direction),
                                to_string(ours.direction())));
  }
  if (direction != Direction::inactive && find_opus(theirs) != kOpusPayloadType) {
    return unusable(fmt::format("the answer's section \"{}\" has no Opus (opus/48000/2) as {}, which was offered", ours.mid,
                                kOpusPayloadType));
  }
  SfuAnswer::Section section{.direction = direction};
  if (ours.kind == SfuSection::Kind::receiver && sends(direction)) section.ssrcs = read_ssrcs(theirs);
  return section;
}

Result<SfuAnswer::Section> read_data(const SdpSection& theirs, SfuAnswer& answer) {
  if (is_refused(theirs)) return unusable("the answer refuses the data channels");
  if (const auto* port = find_attribute(theirs.attributes, "sctp-port")) {
    const auto value = number<std::uint16_t>(*port);
    if (!value || *value == 0) return unusable("the answer's a=sctp-port is no port");
    answer.sctp_port = *value;
  }
  if (const auto* most = find_attribute(theirs.attributes, "max-message-size")) answer.max_message_bytes = number<std::uint32_t>(*most);
  return SfuAnswer::Section{.direction = Direction::sendrecv};
}

Result<SfuAnswer::Section> read_section(const SdpSession& session, const SdpSection& theirs, const SfuSection& ours, SfuAnswer& answer) {
  const bool data = ours.kind == SfuSection::Kind::data;
  if (theirs.kind != (data ? "application" : "audio")) {
    return unusable(fmt::format("the answer's section \"{}\" is {}, and was offered as {}", ours.mid, theirs.kind, data ? "application" : "audio"));
  }
  const auto* mid = find_attribute(theirs.attributes, "mid");
  const bool refused = is_refused(theirs);  // such a one may have lost its mid
  if (mid ? *mid != ours.mid : !refused) {
    return unusable(fmt::format("the answer has a section \"{}\" where \"{}\" was offered", mid && is_sdp_token(*mid) ? *mid : "", ours.mid));
  }
  if (data) return read_data(theirs, answer);
  if (refused) return SfuAnswer::Section{.refused = true};
  return read_audio(session, theirs, ours);
}

Result<void> check_bundle(const SdpSession& session, const SfuSections& offered, const SfuAnswer& answer, std::size_t first) {
  const auto group = bundle_of(session, offered[first].mid);
  for (std::size_t i = 0; i < offered.size(); ++i) {
    if (answer.sections[i].refused || std::ranges::find(group, offered[i].mid) != group.end()) continue;
    return unusable(fmt::format("the answer does not bundle section \"{}\": there is one transport for all", offered[i].mid));
  }
  return {};
}

}  // namespace

Direction SfuSection::direction() const noexcept {
  switch (kind) {
    case Kind::sender: return active ? Direction::sendonly : Direction::inactive;
    case Kind::receiver: return Direction::recvonly;
    case Kind::data: return Direction::sendrecv;
  }
  return Direction::inactive;
}

std::string write_sfu_offer(const SfuSections& sections, const TransportParameters& local, std::uint64_t session_id,
                            std::uint64_t version) {
  auto transport = local;
  transport.setup = Setup::actpass;
  SdpWriter writer;
  writer.head(session_id, version);
  writer.line("a=group:BUNDLE {}", fmt::join(mids(sections), " "));
  writer.line("a=msid-semantic:WMS *");
  writer.line("a=ice-options:trickle");
  for (const auto& section : sections) {
    if (section.kind == SfuSection::Kind::data) {
      write_data(writer, section.mid, SfuAnswer::kSctpPort, static_cast<std::uint32_t>(kMaxReceived));
    } else {
      write_audio(writer, section);
    }
    writer.transport(transport);
  }
  return writer.take();
}

Result<SfuAnswer> read_sfu_answer(std::string_view sdp, const SfuSections& offered) {
  const auto session = parse_sdp(sdp);
  if (!session) return fail(session.error());
  if (session->sections.size() != offered.size() || offered.empty()) {
    return unusable(fmt::format("the answer has {} sections, and {} were offered", session->sections.size(), offered.size()));
  }
  SfuAnswer answer;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    auto section = read_section(*session, session->sections[i], offered[i], answer);
    if (!section) return fail(section.error());
    answer.sections.push_back(std::move(*section));
  }
  const auto live = std::ranges::find(answer.sections, false, &SfuAnswer::Section::refused);
  if (live == answer.sections.end()) return unusable("the answer refuses every section");
  const auto first = static_cast<std::size_t>(live - answer.sections.begin());
  if (auto bundled = check_bundle(*session, offered, answer, first); !bundled) return fail(bundled.error());
  auto transport = read_transport(*session, first);
  if (!transport) return fail(transport.error());
  if (transport->setup == Setup::actpass) return unusable("the answer must choose a DTLS role (a=setup:active or passive)");
  answer.transport = std::move(*transport);
  return answer;
}

Result<void> check_same_transport(const TransportParameters& first, const TransportParameters& now) {
  if (first.ufrag != now.ufrag || first.password != now.password) {
    return unusable("the answer has other ICE credentials than the first one: a restart of ICE needs a new connection");
  }
  if (first.fingerprint_algorithm != now.fingerprint_algorithm || first.fingerprint != now.fingerprint) {
    return unusable("the answer has another DTLS fingerprint than the first one");
  }
  if (first.setup != now.setup) return unusable("the answer has another DTLS role (a=setup) than the first one");
  return {};
}

std::string native_sfu_answer(const SfuAnswer& answer, const SfuSections& offered) {
  SdpWriter writer;
  writer.head(2);
  if (answer.transport.ice_lite) writer.line("a=ice-lite");
  std::vector<std::string_view> live;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    if (!answer.sections[i].refused) live.push_back(offered[i].mid);
  }
  writer.line("a=group:BUNDLE {}", fmt::join(live, " "));
  for (std::size_t i = 0; i < offered.size(); ++i) {
    const auto& section = answer.sections[i];
    if (offered[i].kind == SfuSection::Kind::data) {
      write_data(writer, offered[i].mid, answer.sctp_port, answer.max_message_bytes);
    } else {
      writer.line("m=audio {} UDP/TLS/RTP/SAVPF {}", section.refused ? 0 : 9, kOpusPayloadType);
      writer.line("c=IN IP4 0.0.0.0");
      writer.line("a=mid:{}", offered[i].mid);
      writer.line("a={}", to_string(section.refused ? Direction::inactive : section.direction));
      writer.line("a=rtcp-mux");
      writer.line("a=rtpmap:{} opus/48000/2", kOpusPayloadType);
      for (const auto ssrc : section.ssrcs) writer.line("a=ssrc:{} cname:sfu", ssrc);
    }
    writer.transport(answer.transport);
  }
  return writer.take();
}

Result<TransportParameters> read_native_offer(std::string_view sdp, const SfuSections& sections) {
  const auto session = parse_sdp(sdp);
  if (!session) return fail(session.error());
  const auto mid_of = [](const SdpSection& section) -> std::string_view {
    const auto* mid = find_attribute(section.attributes, "mid");
    return mid ? std::string_view(*mid) : std::string_view{};
  };
  if (!std::ranges::equal(session->sections, sections, {}, mid_of, &SfuSection::mid)) {
    return fail(Errc::internal, "the native library's sections are not the ones that were made");
  }
  return read_transport(*session, 0);
}

std::optional<IceServerAddress> parse_ice_server(std::string_view url) {
  constexpr std::uint16_t kDefaultPort = 3478;
  constexpr std::size_t kMaxHost = 253;
  IceServerAddress server{.port = kDefaultPort};
  if (url.starts_with("turn:")) {
    server.turn = true;
  } else if (!url.starts_with("stun:")) {
    return std::nullopt;
  }
  url.remove_prefix(5);
  if (const auto query = url.find('?'); query != std::string_view::npos) {
    if (url.substr(query) != "?transport=udp") return std::nullopt;
    url = url.substr(0, query);
  }
  auto host = url;
  std::string_view port;
  if (url.starts_with('[')) {  // an IPv6 address
    const auto end = url.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = url.substr(1, end - 1);
    port = url.substr(end + 1);
    if (!is_ip_address(host)) return std::nullopt;
  } else {
    host = url.substr(0, url.find(':'));
    port = url.substr(host.size());
    const auto fits = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-'; };
    if (host.empty() || host.size() > kMaxHost || !std::ranges::all_of(host, fits)) return std::nullopt;
  }
  if (!port.empty()) {
    const auto value = port.front() == ':' ? number<std::uint16_t>(port.substr(1)) : std::nullopt;
    if (!value || *value == 0) return std::nullopt;
    server.port = *value;
  }
  server.host = host;
  return server;
}

}  // namespace parley::rtc
