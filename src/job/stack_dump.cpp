#include "job/stack_dump.hpp"

#include <array>
#include <cstring>

#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <fmt/format.h>

namespace parley::job {

namespace {

// A signal handler reaches nothing but statics.
std::array<char, 4096> stack_path{};
pid_t loop_thread = 0;
int wake_fd = -1;

void on_terminate(int) {
  const int saved = errno;
  if (::gettid() != loop_thread) {
    ::syscall(SYS_tgkill, ::getpid(), loop_thread, SIGTERM);
  } else {
    const int fd = ::open(stack_path.data(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
      std::array<void*, kMaxFrames> frames{};
      ::backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), kMaxFrames), fd);
      ::close(fd);
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_fd, &one, sizeof one);
  }
  errno = saved;
}

}  // namespace

void warm_stack_dump() noexcept {
  std::array<void*, kMaxFrames> frames{};
  (void)::backtrace(frames.data(), kMaxFrames);
}

Result<ipc::Fd> install_stack_dump(const std::string& path) {
  if (path.size() >= stack_path.size()) return fail(Errc::invalid_argument, "the state directory's path is too long");
  warm_stack_dump();
  ipc::Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail(errno_error("eventfd", errno));
  std::memcpy(stack_path.data(), path.c_str(), path.size() + 1);
  loop_thread = ::gettid();
  wake_fd = event.get();
  struct sigaction action{};
  action.sa_handler = on_terminate;
  action.sa_flags = SA_RESTART;
  if (::sigaction(SIGTERM, &action, nullptr) != 0) return fail(errno_error("sigaction", errno));
  return event;
}

}  // namespace parley::job
