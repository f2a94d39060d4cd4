#include <algorithm>
#include <array>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "rtc/description.hpp"

namespace parley::rtc {

namespace {

template <class Number>
bool parse_number(std::string_view text, Number& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool is_udp(std::string_view transport) noexcept { return transport == "udp" || transport == "UDP"; }

bool is_known_type(std::string_view type) noexcept {
  return type == "host" || type == "srflx" || type == "prflx" || type == "relay";
}

}  // namespace

bool is_ip_address(std::string_view text) noexcept {
  constexpr std::size_t kLongest = INET6_ADDRSTRLEN;
  if (text.empty() || text.size() >= kLongest) return false;
  std::array<char, kLongest> zero_ended{};
  std::ranges::copy(text, zero_ended.begin());
  in6_addr address{};
  return inet_pton(AF_INET, zero_ended.data(), &address) == 1 || inet_pton(AF_INET6, zero_ended.data(), &address) == 1;
}

std::optional<Candidate> parse_candidate(std::string_view value) {
  const auto words = split_words(value);
  if (words.size() < 8) return std::nullopt;
  Candidate candidate;
  unsigned component = 0;
  if (!is_sdp_token(words[0]) || words[0].size() > 32) return std::nullopt;
  if (!parse_number(words[1], component) || component != 1) return std::nullopt;
  if (!is_udp(words[2]) || !parse_number(words[3], candidate.priority)) return std::nullopt;
  if (!is_ip_address(words[4]) || !parse_number(words[5], candidate.port) || candidate.port == 0) return std::nullopt;
  if (words[6] != "typ" || !is_known_type(words[7])) return std::nullopt;
  candidate.foundation = words[0];
  candidate.address = words[4];
  candidate.type = words[7];
  return candidate;
}

std::string to_string(const Candidate& c) {
  auto line = fmt::format("candidate:{} 1 UDP {} {} {} typ {}", c.foundation, c.priority, c.address, c.port, c.type);
  if (c.type != "host") line += " raddr 0.0.0.0 rport 0";
  return line;
}

std::vector<Candidate> advertise(std::vector<Candidate> candidates, const std::vector<std::string>& addresses) {
  const auto host = std::ranges::find(candidates, "host", &Candidate::type);
  if (addresses.empty() || host == candidates.end()) return candidates;
  std::vector<Candidate> shown;
  for (const auto& address : addresses) {
    Candidate candidate = *host;
    candidate.address = address;
    candidate.foundation = fmt::format("{}", shown.size() + 1);
    candidate.priority -= static_cast<std::uint32_t>(shown.size()) << 8;  // local preference (RFC 8445 section 5.1.2.1)
    shown.push_back(std::move(candidate));
  }
  for (auto& candidate : candidates) {
    if (candidate.type != "host") shown.push_back(std::move(candidate));
  }
  return shown;
}

}  // namespace parley::rtc
