// What an SFU and we agree on for many sections: our offer, the server's answer, and what of it the native library sees.
//
// The answer is taken from a stranger: it is read with bounds, compared with the offer that it answers, and written anew for
// the native library from what was checked. So lines that we do not know, candidates and names never reach it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtc/description.hpp"
#include "rtc/sfu_connection.hpp"

namespace parley::rtc {

// One of our sections, in the order in which they came to be.
struct SfuSection {
  enum class Kind : std::uint8_t { sender, receiver, data };
  Kind kind = Kind::receiver;
  std::string mid;
  bool active = true;  // of a sender
  SendSection send;    // likewise

  Direction direction() const noexcept;  // as our offer says it
};

using SfuSections = std::vector<SfuSection>;

struct SfuAnswer {
  static constexpr std::size_t kMaxSsrcs = 4;  // of one section
  static constexpr std::uint16_t kSctpPort = 5000;

  struct Section {
    bool refused = false;
    Direction direction = Direction::inactive;  // as the server sees it
    std::vector<std::uint32_t> ssrcs;           // on which it sends
  };
  TransportParameters transport;
  std::vector<Section> sections;  // one for each of the offer's
  std::uint16_t sctp_port = kSctpPort;
  std::optional<std::uint32_t> max_message_bytes;
};

std::string write_sfu_offer(const SfuSections& sections, const TransportParameters& local, std::uint64_t session_id,
                            std::uint64_t version);

// Errc::invalid_argument with a sentence: other sections, another order or other mids than were offered, a direction that
// fits none of ours, no Opus, data channels refused, no usable transport, a description that cannot be read.
Result<SfuAnswer> read_sfu_answer(std::string_view sdp, const SfuSections& offered);
// A later answer on the same connection. Errc::invalid_argument: other ICE credentials (libjuice cannot restart), another
// fingerprint or DTLS role.
Result<void> check_same_transport(const TransportParameters& first, const TransportParameters& now);

std::string native_sfu_answer(const SfuAnswer& answer, const SfuSections& offered);
// From the native library. Errc::internal: its sections are not ours.
Result<TransportParameters> read_native_offer(std::string_view sdp, const SfuSections& sections);

// "turn:host:port?transport=udp", "stun:[::1]:3478"; nullopt for malformed ones and for those that need TCP or TLS.
struct IceServerAddress {
  bool turn = false;
  std::string host;
  std::uint16_t port = 0;
};
std::optional<IceServerAddress> parse_ice_server(std::string_view url);

}  // namespace parley::rtc
