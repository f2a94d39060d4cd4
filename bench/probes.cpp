#include "bench/probes.hpp"

#include <cerrno>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <parley/audio/frame.hpp>

#include "bench/hearing.hpp"

namespace parley::bench {

Control::Control()
    : thread_([this] {
        const SystemClock clock;
        for (auto before = clock.now(); !stop_;) {
          std::this_thread::sleep_for(kFrameDuration);
          const auto now = clock.now();
          if (now - before > kLate) ++late_;
          ++frames_;
          before = now;
        }
      }) {}

Control::~Control() {
  stop_ = true;
  thread_.join();
}

struct ExitWatch::Watched {
  int fd;
  std::shared_ptr<Exit> exit;
};

ExitWatch::ExitWatch() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, stop_, &event);
  thread_ = std::thread([this] { run(); });
}

ExitWatch::~ExitWatch() {
  ::eventfd_write(stop_, 1);
  thread_.join();
  ::close(stop_);
  ::close(epoll_);
}

void ExitWatch::run() {
  const SystemClock clock;
  for (;;) {
    epoll_event event{};
    const int count = ::epoll_wait(epoll_, &event, 1, -1);
    const auto now = clock.now();
    if (count < 0 && errno != EINTR) return;
    if (count < 1) continue;
    if (!event.data.ptr) return;  // those that still live are left to the process's end
    const std::unique_ptr<Watched> gone(static_cast<Watched*>(event.data.ptr));
    gone->exit->at = now.time_since_epoch().count();
    ::close(gone->fd);
  }
}

Result<std::shared_ptr<const Exit>> ExitWatch::watch(int pid) {
  if (++watched_ > kMaxWatched) return fail(Errc::overloaded, "too many processes to watch");
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return fail(errno_error(fmt::format("the call's process {}", pid), errno));
  auto exit = std::make_shared<Exit>();
  auto watched = std::make_unique<Watched>(fd, exit);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = watched.get()}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    const int error = errno;
    ::close(fd);
    return fail(errno_error("epoll", error));
  }
  (void)watched.release();  // the thread's
  return exit;
}

}  // namespace parley::bench
