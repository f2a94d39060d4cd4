// What two sides agree on for one audio section: read from a browser's SDP, written into ours.
//
// The native library sees neither: it gets a minimal description that is made here from checked values, and what it
// gives back is read like anything else. So sections that we do not serve, addresses that would need a name look-up and
// codecs that we do not speak never reach it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <parley/base/result.hpp>

#include "rtc/sdp.hpp"

namespace parley::rtc {

inline constexpr std::size_t kMaxCandidates = 16;     // per side; the native library holds 20
inline constexpr std::uint8_t kOpusPayloadType = 111;  // in our own offers
inline constexpr std::uint8_t kAudioLevelId = 1;       // likewise
inline constexpr std::string_view kAudioLevelUri = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

// A UDP candidate of component 1 with a literal address (RFC 8839 section 5.1).
struct Candidate {
  std::string foundation;
  std::uint32_t priority = 0;
  std::string address;
  std::uint16_t port = 0;
  std::string type;  // host, srflx, prflx, relay

  bool operator==(const Candidate&) const = default;
};

// The value of a candidate attribute; nullopt for malformed ones and for those that we do not use: TCP, RTCP's own
// component, names instead of addresses (mDNS).
std::optional<Candidate> parse_candidate(std::string_view value);
std::string to_string(const Candidate& candidate);  // "candidate:1 1 udp ..."

enum class Setup { actpass, active, passive };  // RFC 5763

struct TransportParameters {
  std::string ufrag;
  std::string password;
  std::string fingerprint_algorithm;  // sha-256, sha-384, sha-512
  std::string fingerprint;            // upper-case hexadecimal with colons
  Setup setup = Setup::actpass;
  bool ice_lite = false;
  std::vector<Candidate> candidates;
};

enum class Direction { sendrecv, sendonly, recvonly, inactive };

struct AudioParameters {
  std::string mid;
  Direction direction = Direction::sendrecv;  // as its writer sees it
  std::uint8_t opus = kOpusPayloadType;
  std::uint8_t audio_level_id = 0;  // 0: not agreed
  bool reduced_size_rtcp = false;
};

// A description of the other side: its one audio section that we serve, and enough of the others to refuse them.
struct RemoteDescription {
  SdpSession session;
  std::size_t audio_index = 0;
  bool bundled = false;
  AudioParameters audio;
  TransportParameters transport;
};

// Errc::invalid_argument, with a sentence for the one who made the offer: no audio section, no Opus in it, audio that the
// caller could not hear, no rtcp-mux, no ICE credentials, no DTLS fingerprint, or a description that cannot be read.
Result<RemoteDescription> read_offer(std::string_view sdp);
// Likewise for the answer to an offer of write_offer().
Result<RemoteDescription> read_answer(std::string_view sdp);

// Our side of one connection, for the other side's eyes.
struct LocalStream {
  std::uint32_t ssrc = 0;
  std::string cname;
};

// The answer: our audio section in the place of theirs, every other section refused (port 0).
std::string write_answer(const RemoteDescription& offer, const TransportParameters& local, const LocalStream& stream,
                         std::uint64_t session_id);
// An offer of one audio section, without candidates: see PeerConnection::offer().
std::string write_offer(const TransportParameters& local, const LocalStream& stream, std::uint64_t session_id);

// For the native library: the one section, without candidates.
std::string native_description(const RemoteDescription& remote);
// From the native library: its local description.
Result<TransportParameters> read_native(std::string_view sdp);

// Host candidates as the other side is to see them: one for each of `addresses` at the port of the first host candidate.
// Without addresses, unchanged.
std::vector<Candidate> advertise(std::vector<Candidate> candidates, const std::vector<std::string>& addresses);

bool is_ip_address(std::string_view text) noexcept;

}  // namespace parley::rtc
