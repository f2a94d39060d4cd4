#include "net/endpoint.hpp"

#include <arpa/inet.h>

#include <cstring>

#include <fmt/format.h>

namespace parley::net {

namespace {

template <class Raw>
bool parse(int family, std::string_view text, Raw& raw) noexcept {
  char zero_terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof zero_terminated || text.find('\0') != text.npos) return false;
  std::memcpy(zero_terminated, text.data(), text.size());
  zero_terminated[text.size()] = 0;
  return inet_pton(family, zero_terminated, &raw) == 1;
}

}  // namespace

std::string to_string(const Endpoint& endpoint) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", endpoint.address, endpoint.port) : fmt::format("{}:{}", endpoint.address, endpoint.port);
}

bool is_address(std::string_view text) noexcept {
  in_addr v4{};
  in6_addr v6{};
  return parse(AF_INET, text, v4) || parse(AF_INET6, text, v6);
}

bool is_loopback(std::string_view address) noexcept {
  if (in_addr v4{}; parse(AF_INET, address, v4)) return ntohl(v4.s_addr) >> 24 == 127;
  if (in6_addr v6{}; parse(AF_INET6, address, v6)) {
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
  }
  return false;
}

bool is_wildcard(std::string_view address) noexcept {
  if (in_addr v4{}; parse(AF_INET, address, v4)) return v4.s_addr == INADDR_ANY;
  if (in6_addr v6{}; parse(AF_INET6, address, v6)) return IN6_IS_ADDR_UNSPECIFIED(&v6);
  return false;
}

std::optional<SocketAddress> SocketAddress::from(const Endpoint& endpoint) noexcept {
  SocketAddress made;
  if (sockaddr_in v4{}; parse(AF_INET, endpoint.address, v4.sin_addr)) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&made.storage, &v4, sizeof v4);
    made.length = sizeof v4;
    return made;
  }
  if (sockaddr_in6 v6{}; parse(AF_INET6, endpoint.address, v6.sin6_addr)) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&made.storage, &v6, sizeof v6);
    made.length = sizeof v6;
    return made;
  }
  return std::nullopt;
}

SocketAddress SocketAddress::peer_of(int fd) noexcept {
  SocketAddress made;
  made.length = sizeof made.storage;
  if (getpeername(fd, made.get(), &made.length) != 0) made.length = 0;
  return made;
}

SocketAddress SocketAddress::local_of(int fd) noexcept {
  SocketAddress made;
  made.length = sizeof made.storage;
  if (getsockname(fd, made.get(), &made.length) != 0) made.length = 0;
  return made;
}

Endpoint SocketAddress::endpoint() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (length > 0 && storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return {text, ntohs(v4.sin_port)};
  }
  if (length > 0 && storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return {text, ntohs(v6.sin6_port)};
  }
  return {};
}

}  // namespace parley::net
