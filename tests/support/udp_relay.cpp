#include "support/udp_relay.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <queue>
#include <system_error>
#include <vector>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <parley/base/bytes.hpp>
#include <parley/base/random.hpp>

namespace parley::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

[[noreturn]] void fail_with_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

int bound_socket() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail_with_errno("socket");
  const auto any_port = loopback(0);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&any_port), sizeof any_port) != 0) fail_with_errno("bind");
  return fd;
}

}  // namespace

class UdpRelay::Worker {
 public:
  Worker(UdpRelay& relay, std::uint16_t server_port) : relay_(relay), server_(loopback(server_port)) {}

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::array<pollfd, 3> fds{{{relay_.client_fd_, POLLIN, 0}, {relay_.server_fd_, POLLIN, 0}, {relay_.wake_fd_, POLLIN, 0}}};
      ::poll(fds.data(), fds.size(), milliseconds_to_next());
      if (fds[0].revents != 0) take(to_server_);
      if (fds[1].revents != 0) take(to_client_);
      deliver();
    }
  }

 private:
  struct Direction {
    bool to_server;
    Random random;
    std::uint64_t taken = 0;
    std::uint64_t last_delivered = 0;
  };
  struct Datagram {
    TimePoint at;
    std::uint64_t number;
    Direction* direction;
    Bytes bytes;
    bool operator>(const Datagram& other) const { return at > other.at; }
  };

  int milliseconds_to_next() const {
    constexpr int kIdle = 1000;
    if (waiting_.empty()) return kIdle;
    const auto left = waiting_.top().at - clock_.now();
    return static_cast<int>(std::clamp<std::int64_t>((left.count() + 999'999) / 1'000'000, 0, kIdle));
  }

  void take(Direction& direction) {
    const auto rules = relay_.rules();
    std::array<std::uint8_t, 2048> buffer{};
    for (;;) {
      sockaddr_in from{};
      socklen_t length = sizeof from;
      const auto got = ::recvfrom(direction.to_server ? relay_.client_fd_ : relay_.server_fd_, buffer.data(), buffer.size(), 0,
                                  reinterpret_cast<sockaddr*>(&from), &length);
      if (got < 0) return;
      if (direction.to_server) client_ = from;
      ++direction.taken;
      const bool lost = direction.random.chance(rules.loss);
      const bool doubled = direction.random.chance(rules.duplication);
      if (lost || relay_.blackout_ || waiting_.size() >= kMaxWaiting) {
        ++relay_.lost_;
        continue;
      }
      const Bytes bytes(buffer.begin(), buffer.begin() + got);
      hold(direction, rules, bytes);
      if (!doubled) continue;
      ++relay_.doubled_;
      hold(direction, rules, bytes);
    }
  }

  void hold(Direction& direction, const RelayRules& rules, Bytes bytes) {
    const auto extra = Duration(static_cast<std::int64_t>(direction.random.unit() * static_cast<double>(rules.jitter.count())));
    waiting_.push({clock_.now() + rules.delay + extra, direction.taken, &direction, std::move(bytes)});
  }

  void deliver() {
    const auto now = clock_.now();
    while (!waiting_.empty() && waiting_.top().at <= now) {
      const auto& datagram = waiting_.top();
      auto& direction = *datagram.direction;
      if (!relay_.blackout_) send(direction, datagram.bytes);
      if (datagram.number < direction.last_delivered) ++relay_.overtaken_;
      direction.last_delivered = std::max(direction.last_delivered, datagram.number);
      waiting_.pop();
    }
  }

  void send(const Direction& direction, const Bytes& bytes) {
    const auto& to = direction.to_server ? server_ : client_;
    if (to.sin_port == 0) return;  // nobody was heard yet
    ::sendto(direction.to_server ? relay_.server_fd_ : relay_.client_fd_, bytes.data(), bytes.size(), 0,
             reinterpret_cast<const sockaddr*>(&to), sizeof to);
    ++relay_.forwarded_;
  }

  UdpRelay& relay_;
  const SystemClock clock_;
  const sockaddr_in server_;
  sockaddr_in client_{};
  Direction to_server_{true, Random(relay_.rules().seed)};
  Direction to_client_{false, Random(relay_.rules().seed + 1)};
  std::priority_queue<Datagram, std::vector<Datagram>, std::greater<>> waiting_;
};

UdpRelay::UdpRelay(std::uint16_t server_port, const RelayRules& rules)
    : client_fd_(bound_socket()), server_fd_(bound_socket()), wake_fd_(::eventfd(0, EFD_CLOEXEC)), rules_(rules) {
  sockaddr_in own{};
  socklen_t length = sizeof own;
  ::getsockname(client_fd_, reinterpret_cast<sockaddr*>(&own), &length);
  port_ = ntohs(own.sin_port);
  thread_ = std::jthread([this, server_port](const std::stop_token& stop) { Worker(*this, server_port).run(stop); });
}

UdpRelay::~UdpRelay() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
  thread_.join();
  for (const int fd : {client_fd_, server_fd_, wake_fd_}) ::close(fd);
}

RelayRules UdpRelay::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

void UdpRelay::set_rules(const RelayRules& rules) {
  const std::lock_guard lock(mutex_);
  rules_ = rules;
}

}  // namespace parley::test
