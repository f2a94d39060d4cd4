#include "ipc/finish_process.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/kernel_timer.hpp"

#ifdef PARLEY_HAS_LSAN
#include <sanitizer/lsan_interface.h>
#endif

namespace parley::ipc {

namespace {

// Connected sockets of the kinds that lose data by a reset.
std::vector<pollfd> connected_sockets() {
  std::vector<pollfd> sockets;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    int type = 0;
    socklen_t size = sizeof type;
    if (fd <= 2 || ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) continue;
    if (type != SOCK_STREAM && type != SOCK_SEQPACKET) continue;
    if (::shutdown(fd, SHUT_WR) != 0) continue;  // not connected, or gone already
    sockets.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    if (sockets.size() >= kMaxGoodbyeSockets) break;
  }
  return sockets;
}

bool read_to_end(int fd) {
  std::array<char, 4096> sink;
  for (;;) {
    const auto got = ::recv(fd, sink.data(), sink.size(), MSG_DONTWAIT);
    if (got == 0) return true;
    if (got < 0) return errno != EAGAIN && errno != EINTR;
  }
}

void say_goodbye() {
  auto sockets = connected_sockets();
  const SystemClock clock;
  const Deadline deadline(clock.now() + kMaxSocketGoodbye);
  while (!sockets.empty()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.left(clock.now())).count();
    if (left <= 0 || ::poll(sockets.data(), sockets.size(), static_cast<int>(left)) <= 0) return;
    std::erase_if(sockets, [](const pollfd& socket) { return socket.revents != 0 && read_to_end(socket.fd); });
  }
}

}  // namespace

const char* to_string(ExitCode code) noexcept {
  switch (code) {
    case ExitCode::ok: return "ok";
    case ExitCode::usage: return "usage";
    case ExitCode::cannot_start: return "cannot_start";
    case ExitCode::calls_cut: return "calls_cut";
    case ExitCode::unclean: return "unclean";
    case ExitCode::start_failed: return "start_failed";
    case ExitCode::terminated: return "terminated";
    case ExitCode::after_call_due: return "after_call_due";
    case ExitCode::no_supervisor: return "no_supervisor";
    case ExitCode::internal_error: return "internal_error";
    case ExitCode::gave_up: return "gave_up";
    case ExitCode::stuck: return "stuck";
  }
  return "unknown";
}

void finish_process(ExitCode code, std::span<const std::function<void()>> flush) {
  auto last = KernelTimer::create();
  if (last) last->arm(SystemClock().now() + kMaxFinish);
  for (const auto& one : flush) one();
  say_goodbye();
#ifdef PARLEY_HAS_LSAN
  __lsan_do_leak_check();
#endif
  ::_exit(static_cast<int>(code));
}

}  // namespace parley::ipc
