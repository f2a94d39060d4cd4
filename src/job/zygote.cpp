#include "job/zygote.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ipc/finish_process.hpp"
#include "ipc/socket_link.hpp"
#include "ipc/threads.hpp"
#include "job/stack_dump.hpp"

namespace parley::job {

namespace {

class Zygote {
 public:
  explicit Zygote(ZygoteConfig config)
      : config_(std::move(config)), supervisor_(config_.supervisor.get()), logger_(Logger(config_.job.log, config_.job.log_level).with(log_field::kComponent, "zygote")) {}

  void warm_up() {
    warm_stack_dump();
    if (config_.prewarm) {
      if (auto warmed = config_.prewarm(); !warmed) logger_.error("prewarm failed: {}", warmed.error().message());
    }
    ::malloc_trim(0);  // what loading took and gave back would be copied by every job that allocates there
    const auto threads = check_threads();
    say(ipc::Ready{static_cast<std::uint32_t>(threads.size() + 1), fmt::format("{}", fmt::join(threads, ", ")), forks_});
  }

  void serve() {
    for (;;) {
      pollfd waiting{.fd = supervisor_, .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, -1) < 0) continue;
      auto packet = ipc::receive_packet(supervisor_);
      if (!packet && packet.error().code() == Errc::timeout) continue;
      if (!packet) return;
      auto message = ipc::parse_to_zygote(packet->bytes);
      if (!message) {
        logger_.error("hung up on the supervisor: {}", message.error().message());
        return;
      }
      spawn(std::get<ipc::Spawn>(*message), packet->handles);
    }
  }

 private:
  std::vector<std::string> check_threads() {
    auto threads = ipc::other_threads();
    if (!threads.empty() && std::exchange(forks_, false)) {
      logger_.warn("jobs are started by exec, which is slower: the zygote has a thread it should not have ({})", fmt::join(threads, ", "));
    }
    return threads;
  }

  void spawn(const ipc::Spawn& spawn, ipc::Handles& handles) {
    auto* handle = handles.size() == 1 ? dynamic_cast<ipc::FdHandle*>(handles.front().get()) : nullptr;
    if (!handle) return say(ipc::Spawned{spawn.request, 0, "no socket came with the request"});
    ipc::Fd link = handle->take();
    check_threads();
    const pid_t between = ::fork();
    if (between < 0) return say(ipc::Spawned{spawn.request, 0, errno_error("fork", errno).message()});
    if (between == 0) become_parent(spawn, std::move(link));
    int status = 0;
    while (::waitpid(between, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      say(ipc::Spawned{spawn.request, 0, fmt::format("the process between zygote and job ended with status {}", status)});
    }
  }

  // The process in between: makes the job, says which it is, and ends, so that the job is nobody's child but the
  // supervisor's.
  [[noreturn]] void become_parent(const ipc::Spawn& spawn, ipc::Fd link) {
    const pid_t job = ::fork();
    if (job == 0) become_job(spawn, std::move(link));
    if (job < 0) {
      say(ipc::Spawned{spawn.request, 0, errno_error("fork", errno).message()});
      ::_exit(0);
    }
    // It cannot have been reaped yet: this process is its parent.
    const ipc::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, job, 0)));
    const auto bytes = ipc::serialize(ipc::FromZygote(ipc::Spawned{spawn.request, job, {}}));
    const int descriptors[] = {pidfd.get()};
    const bool told = bytes && pidfd && ipc::send_packet(supervisor_, *bytes, descriptors);
    if (!told) ::kill(job, SIGKILL);  // a job that nobody knows of
    ::_exit(told ? 0 : 1);
  }

  [[noreturn]] void become_job(const ipc::Spawn& spawn, ipc::Fd link) {
    if (forks_) run_job(spawn, std::move(link), config_.job);
    const auto command = config_.job_command(spawn, link.get());
    std::vector<char*> arguments;
    for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::fcntl(link.get(), F_SETFD, 0);
    ::execv("/proc/self/exe", arguments.data());
    ::_exit(static_cast<int>(ipc::ExitCode::start_failed));
  }

  void say(const ipc::FromZygote& message) {
    const auto bytes = ipc::serialize(message);
    if (bytes) (void)ipc::send_packet(supervisor_, *bytes);
  }

  ZygoteConfig config_;
  int supervisor_;
  Logger logger_;
  bool forks_ = true;
};

}  // namespace

void run_zygote(ZygoteConfig config) {
  keep_heap_small();
  ::setsid();
  ::prctl(PR_SET_NAME, "parley-zygote");
  ::signal(SIGPIPE, SIG_IGN);
  Zygote zygote(std::move(config));
  zygote.warm_up();
  zygote.serve();
  ipc::finish_process(ipc::ExitCode::no_supervisor);
}

}  // namespace parley::job
