#include <charconv>

#include <fmt/format.h>

#include "rtc/description.hpp"
#include "rtc/read_parts.hpp"

namespace parley::rtc {

namespace {

std::string codec_names(const SdpSection& section) {
  constexpr std::size_t kMost = 8;
  std::string names;
  std::size_t count = 0;
  for (const auto& [name, value] : section.attributes) {
    const auto words = split_words(value);
    if (name != "rtpmap" || words.size() < 2 || !is_sdp_token(words[1])) continue;
    if (++count > kMost) return names + ", ...";
    names += fmt::format("{}{}", names.empty() ? "" : ", ", words[1]);
  }
  return names.empty() ? "none by name" : names;
}

std::uint8_t find_audio_level_id(const SdpSection& section) {
  for (const auto& [name, value] : section.attributes) {
    if (name != "extmap") continue;
    const auto words = split_words(value);
    if (words.size() < 2 || words[1] != kAudioLevelUri) continue;
    const auto id = words[0].substr(0, words[0].find('/'));  // "1/recvonly"
    unsigned number = 0;
    std::from_chars(id.data(), id.data() + id.size(), number);
    if (number >= 1 && number <= 14) return static_cast<std::uint8_t>(number);
  }
  return 0;
}

Result<std::size_t> choose_audio(const SdpSession& session) {
  const SdpSection* without_opus = nullptr;
  for (std::size_t i = 0; i < session.sections.size(); ++i) {
    const auto& section = session.sections[i];
    if (section.kind != "audio" || is_refused(section)) continue;
    if (find_opus(section)) return i;
    without_opus = &section;
  }
  if (without_opus) {
    return unusable(fmt::format("the audio section has no Opus (opus/48000/2), the only codec spoken here; it has: {}",
                                codec_names(*without_opus)));
  }
  return unusable("the description has no audio section: add an audio track or transceiver before making the offer");
}

Result<RemoteDescription> read(std::string_view sdp) {
  auto session = parse_sdp(sdp);
  if (!session) return fail(session.error());
  const auto index = choose_audio(*session);
  if (!index) return fail(index.error());
  const auto& section = session->sections[*index];
  if (section.protocol != "UDP/TLS/RTP/SAVPF" && section.protocol != "UDP/TLS/RTP/SAVP") {
    return unusable(fmt::format("the audio section is {}; only UDP/TLS/RTP/SAVPF is served", section.protocol));
  }
  if (!has(section, "rtcp-mux")) return unusable("the audio section lacks a=rtcp-mux: RTP and RTCP share one port here");
  auto transport = read_transport(*session, *index);
  if (!transport) return fail(transport.error());

  RemoteDescription remote;
  const auto* mid = find_attribute(section.attributes, "mid");
  if (mid && (!is_sdp_token(*mid) || mid->size() > 32)) return unusable("the audio section's a=mid is no short token");
  remote.audio.mid = mid ? *mid : "0";
  remote.audio.direction = find_direction(*session, section);
  remote.audio.opus = *find_opus(section);
  remote.audio.audio_level_id = find_audio_level_id(section);
  remote.audio.reduced_size_rtcp = has(section, "rtcp-rsize");
  remote.bundled = mid && !bundle_of(*session, *mid).empty();
  remote.transport = std::move(*transport);
  remote.audio_index = *index;
  remote.session = std::move(*session);
  return remote;
}

}  // namespace

Result<RemoteDescription> read_offer(std::string_view sdp) {
  auto offer = read(sdp);
  if (!offer) return offer;
  if (offer->audio.direction == Direction::sendonly || offer->audio.direction == Direction::inactive) {
    return unusable("the audio section is sendonly or inactive: the caller could not hear the agent; offer sendrecv");
  }
  return offer;
}

Result<RemoteDescription> read_answer(std::string_view sdp) {
  auto answer = read(sdp);
  if (answer && answer->transport.setup == Setup::actpass) {
    return unusable("the answer must choose a DTLS role (a=setup:active or passive)");
  }
  return answer;
}

Result<TransportParameters> read_native(std::string_view sdp) {
  const auto session = parse_sdp(sdp);
  if (!session) return fail(session.error());
  if (session->sections.empty()) return fail(Errc::internal, "the native description has no section");
  return read_transport(*session, 0);
}

}  // namespace parley::rtc
