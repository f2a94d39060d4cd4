// Where a socket is: a numeric address and a port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>

namespace parley::net {

struct Endpoint {
  std::string address;  // "127.0.0.1", "::1"
  std::uint16_t port = 0;

  bool operator==(const Endpoint&) const = default;
};

// "127.0.0.1:8080", "[::1]:8080".
std::string to_string(const Endpoint& endpoint);

// A numeric address, of either family.
bool is_address(std::string_view text) noexcept;
// 127.0.0.0/8, ::1, and the former as an IPv6 address.
bool is_loopback(std::string_view address) noexcept;
// "0.0.0.0", "::": every address of the machine.
bool is_wildcard(std::string_view address) noexcept;

// As the kernel wants it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  static std::optional<SocketAddress> from(const Endpoint& endpoint) noexcept;
  static SocketAddress peer_of(int fd) noexcept;
  static SocketAddress local_of(int fd) noexcept;
  Endpoint endpoint() const;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

}  // namespace parley::net
