#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "rtc/description.hpp"

namespace parley::rtc {

namespace {

std::unexpected<Error> unusable(std::string why) { return fail(Errc::invalid_argument, std::move(why)); }

bool has(const SdpSection& section, std::string_view name) { return find_attribute(section.attributes, name) != nullptr; }

// A bundle-only section carries port 0 without being refused (RFC 8843 section 6).
bool is_refused(const SdpSection& section) { return section.port == 0 && !has(section, "bundle-only"); }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::uint8_t> payload_type_of(std::string_view text) {
  unsigned type = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), type);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  const bool looks_like_rtcp = type >= 64 && type <= 95;  // RFC 5761 section 4
  return type > 127 || looks_like_rtcp ? std::nullopt : std::optional(static_cast<std::uint8_t>(type));
}

// "111 opus/48000/2" among the section's formats.
std::optional<std::uint8_t> find_opus(const SdpSection& section) {
  for (const auto& [name, value] : section.attributes) {
    if (name != "rtpmap") continue;
    const auto words = split_words(value);
    if (words.size() != 2 || !equal_ignoring_case(words[1], "opus/48000/2")) continue;
    if (std::ranges::find(section.formats, words[0]) == section.formats.end()) continue;
    if (const auto type = payload_type_of(words[0])) return type;
  }
  return std::nullopt;
}

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

Direction find_direction(const SdpSession& session, const SdpSection& section) {
  for (const auto* attributes : {&section.attributes, &session.attributes}) {
    if (find_attribute(*attributes, "sendrecv")) return Direction::sendrecv;
    if (find_attribute(*attributes, "sendonly")) return Direction::sendonly;
    if (find_attribute(*attributes, "recvonly")) return Direction::recvonly;
    if (find_attribute(*attributes, "inactive")) return Direction::inactive;
  }
  return Direction::sendrecv;
}

// The mids of the BUNDLE group in which `mid` is.
std::vector<std::string_view> bundle_of(const SdpSession& session, std::string_view mid) {
  for (const auto& [name, value] : session.attributes) {
    if (name != "group") continue;
    auto words = split_words(value);
    if (words.empty() || words.front() != "BUNDLE") continue;
    words.erase(words.begin());
    if (std::ranges::find(words, mid) != words.end()) return words;
  }
  return {};
}

// Transport attributes stand in the section itself, in the session part, or, for a bundled section, in the one whose
// transport it shares.
class TransportReader {
 public:
  TransportReader(const SdpSession& session, std::size_t index) {
    places_.push_back(&session.sections[index].attributes);
    places_.push_back(&session.attributes);
    const auto* mid = find_attribute(session.sections[index].attributes, "mid");
    if (!mid) return;
    for (const auto member : bundle_of(session, *mid)) {
      for (const auto& section : session.sections) {
        const auto* other = find_attribute(section.attributes, "mid");
        if (other && *other == member && &section != &session.sections[index]) places_.push_back(&section.attributes);
      }
    }
  }

  const std::string* find(std::string_view name) const {
    for (const auto* place : places_) {
      if (const auto* value = find_attribute(*place, name)) return value;
    }
    return nullptr;
  }

  std::vector<Candidate> candidates() const {
    std::vector<Candidate> found;
    for (const auto* place : places_) {
      for (const auto& [name, value] : *place) {
        if (name != "candidate" || found.size() == kMaxCandidates) continue;
        auto candidate = parse_candidate(value);
        if (candidate && std::ranges::find(found, *candidate) == found.end()) found.push_back(std::move(*candidate));
      }
    }
    return found;
  }

 private:
  std::vector<const SdpAttributes*> places_;
};

// Letters, digits, + and / (RFC 8839 section 5.4).
bool is_ice_string(std::string_view text, std::size_t least) {
  return text.size() >= least && text.size() <= 256 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' ||
                  c == '-' || c == '_' || c == '=';  // beyond the RFC, but in use
         });
}

// "AB:CD:..." with as many bytes as the hash has.
std::optional<std::string> hexadecimal(std::string_view text, std::size_t bytes) {
  if (text.size() != bytes * 3 - 1) return std::nullopt;
  std::string upper;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'a' && text[i] <= 'f' ? static_cast<char>(text[i] - 'a' + 'A') : text[i];
    const bool fits = i % 3 == 2 ? c == ':' : (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
    if (!fits) return std::nullopt;
    upper += c;
  }
  return upper;
}

bool read_fingerprint(std::string_view value, TransportParameters& out) {
  struct Hash {
    std::string_view name;
    std::size_t bytes;
  };
  const auto words = split_words(value);
  if (words.size() != 2) return false;
  for (const auto hash : {Hash{"sha-256", 32}, Hash{"sha-384", 48}, Hash{"sha-512", 64}}) {
    if (!equal_ignoring_case(words[0], hash.name)) continue;
    auto text = hexadecimal(words[1], hash.bytes);
    if (!text) return false;
    out.fingerprint_algorithm = hash.name;
    out.fingerprint = std::move(*text);
    return true;
  }
  return false;
}

Result<TransportParameters> read_transport(const SdpSession& session, std::size_t index) {
  const TransportReader reader(session, index);
  TransportParameters transport;
  const auto* ufrag = reader.find("ice-ufrag");
  const auto* password = reader.find("ice-pwd");
  if (!ufrag || !password || !is_ice_string(*ufrag, 4) || !is_ice_string(*password, 22)) {
    return unusable("the description has no usable ICE credentials (a=ice-ufrag, a=ice-pwd) for its audio section");
  }
  transport.ufrag = *ufrag;
  transport.password = *password;
  const auto* fingerprint = reader.find("fingerprint");
  if (!fingerprint || !read_fingerprint(*fingerprint, transport)) {
    return unusable("the description has no usable DTLS fingerprint (a=fingerprint with sha-256, sha-384 or sha-512)");
  }
  const auto* setup = reader.find("setup");
  if (!setup || *setup == "actpass") {
    transport.setup = Setup::actpass;
  } else if (*setup == "active" || *setup == "passive") {
    transport.setup = *setup == "active" ? Setup::active : Setup::passive;
  } else {
    return unusable("the description's DTLS role (a=setup) is none of actpass, active and passive");
  }
  transport.ice_lite = find_attribute(session.attributes, "ice-lite") != nullptr;
  transport.candidates = reader.candidates();
  return transport;
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
