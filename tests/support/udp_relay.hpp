// A bad network in user space: a UDP relay that loses, delays, reorders, doubles or holds back datagrams.
//
//   UdpRelay relay(server_port, {.seed = 7, .loss = 0.05, .jitter = 60ms});
//   ... the client sends to 127.0.0.1:relay.port(), the server answers to where it heard from ...
//
// Everything from any client address goes on to the server from one socket, and what the server sends there goes back to
// the client that was heard last. Each direction draws from its own sequence, so one seed is one pattern of losses.
//
// Thread: one of its own; the methods from any.
// Bound:  kMaxWaiting datagrams under way; more are lost, and counted as such. Loopback only.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>

#include <parley/base/time.hpp>

namespace parley::test {

struct RelayRules {
  std::uint64_t seed = 1;
  double loss = 0;         // 0 to 1, of each direction
  Duration delay{};        // of every datagram
  Duration jitter{};       // on top, drawn evenly from [0, jitter): datagrams overtake each other
  double duplication = 0;  // 0 to 1
};

class UdpRelay {
 public:
  static constexpr std::size_t kMaxWaiting = 10'000;

  // Throws std::system_error when there is no socket to be had.
  UdpRelay(std::uint16_t server_port, const RelayRules& rules);
  ~UdpRelay();
  UdpRelay(const UdpRelay&) = delete;
  UdpRelay& operator=(const UdpRelay&) = delete;

  std::uint16_t port() const noexcept { return port_; }

  void set_rules(const RelayRules& rules);
  // Nothing passes while it lasts.
  void set_blackout(bool on) noexcept { blackout_ = on; }

  struct Counts {
    std::uint64_t forwarded = 0;
    std::uint64_t lost = 0;
    std::uint64_t doubled = 0;
    std::uint64_t overtaken = 0;  // delivered after one that came later
  };
  Counts counts() const noexcept { return {forwarded_, lost_, doubled_, overtaken_}; }

 private:
  class Worker;
  RelayRules rules() const;

  std::uint16_t port_ = 0;
  int client_fd_ = -1;
  int server_fd_ = -1;
  int wake_fd_ = -1;
  mutable std::mutex mutex_;
  RelayRules rules_;
  std::atomic<bool> blackout_ = false;
  std::atomic<std::uint64_t> forwarded_ = 0, lost_ = 0, doubled_ = 0, overtaken_ = 0;
  std::jthread thread_;
};

}  // namespace parley::test
