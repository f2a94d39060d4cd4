#include "rtc/read_parts.hpp"

#include <algorithm>
#include <charconv>

namespace parley::rtc {

namespace {

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

}  // namespace

std::unexpected<Error> unusable(std::string why) { return fail(Errc::invalid_argument, std::move(why)); }

bool is_refused(const SdpSection& section) { return section.port == 0 && !has(section, "bundle-only"); }

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

Direction find_direction(const SdpSession& session, const SdpSection& section) {
  for (const auto* attributes : {&section.attributes, &session.attributes}) {
    if (find_attribute(*attributes, "sendrecv")) return Direction::sendrecv;
    if (find_attribute(*attributes, "sendonly")) return Direction::sendonly;
    if (find_attribute(*attributes, "recvonly")) return Direction::recvonly;
    if (find_attribute(*attributes, "inactive")) return Direction::inactive;
  }
  return Direction::sendrecv;
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

}  // namespace parley::rtc
