#include "worker/system_real.hpp"

#include <csignal>
#include <fstream>

#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fmt/format.h>

#include <parley/async/event.hpp>

#include "ipc/job_mark.hpp"

namespace parley::worker {

namespace {

ipc::Fd open_pidfd(int pid) { return ipc::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

// Linux 6.15 and newer tell how a process ended even to those who are not its parents: a job that outlived its supervisor.
// linux/pidfd.h of this age is not in Debian 12.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_code;
};
constexpr std::uint64_t kPidfdInfoExit = 1 << 3;
static_assert(sizeof(PidfdInfo) == 64);

ExitStatus from_wait_status(int status) {
  if (WIFSIGNALED(status)) return {.code = {}, .signal = WTERMSIG(status)};
  return {.code = WEXITSTATUS(status), .signal = {}};
}

// nullopt: it has not ended.
std::optional<ExitStatus> collect(int pidfd) {
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) == 0) {
    if (info.si_pid == 0) return std::nullopt;
    if (info.si_code == CLD_EXITED) return ExitStatus{.code = info.si_status, .signal = {}};
    return ExitStatus{.code = {}, .signal = info.si_status};
  }
  PidfdInfo about{};
  about.mask = kPidfdInfoExit;
  if (::ioctl(pidfd, _IOWR(0xFF, 11, PidfdInfo), &about) == 0 && (about.mask & kPidfdInfoExit)) return from_wait_status(about.exit_code);
  return ExitStatus{};
}

// A small file of /proc, whole; empty: it is not there.
std::string read_proc(const std::string& path) {
  std::ifstream file(path);
  std::string text(4096, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace

class RealSystem::RealProcess final : public Process {
 public:
  RealProcess(RealSystem& system, int pid, ipc::Fd pidfd) : system_(system), pid_(pid), shared_(std::make_shared<Shared>(system.loop_, std::move(pidfd))) {
    system_.held_.insert(pid_);
  }
  ~RealProcess() override {
    system_.held_.erase(system_.held_.find(pid_));
    boost::system::error_code ignored;
    shared_->descriptor.close(ignored);
  }

  int pid() const noexcept override { return pid_; }
  void signal(int number) noexcept override { ::syscall(SYS_pidfd_send_signal, shared_->descriptor.native_handle(), number, nullptr, 0); }

  Task<Result<ExitStatus>> wait(Deadline deadline) override {
    const auto shared = shared_;
    for (;;) {
      if (shared->ended) co_return *shared->ended;
      shared->wait_readable();
      if (auto waited = co_await shared->readable.wait(deadline); !waited) co_return fail(waited.error());
      shared->ended = collect(shared->descriptor.native_handle());
    }
  }

  std::optional<Effort> effort() const noexcept override {
    // The main thread's, which is the loop's.
    const auto text = read_proc(fmt::format("/proc/{0}/task/{0}/schedstat", pid_));
    long long ran = 0, waited = 0;
    if (std::sscanf(text.c_str(), "%lld %lld", &ran, &waited) != 2) return std::nullopt;
    return Effort{Duration(ran), Duration(waited)};
  }

  std::optional<std::size_t> private_bytes() const noexcept override {
    const auto text = read_proc(fmt::format("/proc/{}/smaps_rollup", pid_));
    const auto at = text.find("Private_Dirty:");
    unsigned long long kib = 0;
    if (at == std::string::npos || std::sscanf(text.c_str() + at, "Private_Dirty: %llu", &kib) != 1) return std::nullopt;
    return kib * KiB;
  }

 private:
  struct Shared : std::enable_shared_from_this<Shared> {
    Shared(RealLoop& loop, ipc::Fd pidfd) : descriptor(loop.io(), pidfd.release()) {}
    void wait_readable() {
      readable.reset();
      if (std::exchange(waiting, true)) return;
      descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [self = shared_from_this()](const boost::system::error_code&) {
                              self->waiting = false;
                              self->readable.set();
                            });
    }
    boost::asio::posix::stream_descriptor descriptor;
    bool waiting = false;
    Event readable;
    std::optional<ExitStatus> ended;
  };

  RealSystem& system_;
  int pid_;
  std::shared_ptr<Shared> shared_;
};

Result<std::unique_ptr<RealSystem>> RealSystem::open(RealLoop& loop, const ipc::StateDir& dir, Commands commands) {
  // Jobs are orphans at birth, and become ours.
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return fail(errno_error("PR_SET_CHILD_SUBREAPER", errno));
  auto acceptor = ipc::SocketAcceptor::open(loop, dir);
  if (!acceptor) return fail(acceptor.error());
  return std::unique_ptr<RealSystem>(new RealSystem(loop, dir, std::move(commands), std::move(*acceptor)));
}

RealSystem::RealSystem(RealLoop& loop, const ipc::StateDir& dir, Commands commands, std::unique_ptr<ipc::SocketAcceptor> acceptor)
    : loop_(loop), dir_(dir), commands_(std::move(commands)), acceptor_(std::move(acceptor)) {}

std::unique_ptr<Process> RealSystem::hold(int pid, ipc::Fd pidfd) { return std::make_unique<RealProcess>(*this, pid, std::move(pidfd)); }

// Fork and exec, so that nothing of ours but one socket is there: a copy of our descriptors would keep jobs from ever
// seeing our end.
Result<std::pair<std::unique_ptr<Process>, ipc::Fd>> RealSystem::start(const std::vector<std::string>& command) {
  auto ends = ipc::make_socket_pair();
  if (!ends) return fail(ends.error());
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, ends->second.get(), kInheritedFd);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail(errno_error("start a process of this worker", error));
  auto pidfd = open_pidfd(pid);
  if (!pidfd) return fail(errno_error("pidfd_open", errno));
  return std::pair(hold(pid, std::move(pidfd)), std::move(ends->first));
}

Result<System::Zygote> RealSystem::start_zygote() {
  auto started = start(commands_.zygote);
  if (!started) return fail(started.error());
  return Zygote{std::move(started->first), std::make_unique<ipc::SocketLink>(loop_, std::move(started->second))};
}

Result<std::unique_ptr<Process>> RealSystem::start_inference() {
  if (commands_.inference.empty()) return fail(Errc::not_found, "this worker has no inference process");
  auto started = start(commands_.inference);
  if (!started) return fail(started.error());
  inference_line_ = std::move(started->second);
  return std::move(started->first);
}

Result<System::JobLink> RealSystem::make_job_link() {
  auto ends = ipc::make_socket_pair();
  if (!ends) return fail(ends.error());
  return JobLink{std::make_unique<ipc::SocketLink>(loop_, std::move(ends->first)),
                 std::make_unique<ipc::FdHandle>(std::move(ends->second))};
}

Result<std::unique_ptr<Process>> RealSystem::job_process(int pid, std::unique_ptr<ipc::Handle> handle) {
  auto* pidfd = dynamic_cast<ipc::FdHandle*>(handle.get());
  if (!pidfd) return fail(Errc::protocol, "the zygote sent no process");
  return hold(pid, pidfd->take());
}

Result<std::unique_ptr<Process>> RealSystem::open_process(int pid) {
  auto pidfd = open_pidfd(pid);
  if (!pidfd) return fail(Errc::not_found, "the process is gone");
  return hold(pid, std::move(pidfd));
}

Result<std::vector<System::FoundJob>> RealSystem::find_jobs() {
  auto marked = ipc::read_job_marks(dir_);
  if (!marked) return fail(marked.error());
  std::vector<FoundJob> jobs;
  for (auto& job : *marked) {
    const int pid = job.job.pid;
    jobs.push_back({std::move(job.job), job.pidfd ? hold(pid, std::move(job.pidfd)) : nullptr});
  }
  return jobs;
}

void RealSystem::remove_mark(const std::string& attempt_id) { ipc::remove_job_mark(dir_, attempt_id); }

double RealSystem::cpu_pressure() const noexcept {
  double percent = 0;
  if (std::sscanf(read_proc("/proc/pressure/cpu").c_str(), "some avg10=%lf", &percent) != 1) return 0;
  return percent / 100;
}

// Ended children that nobody waits for: the processes between a zygote that was killed and its jobs, and jobs that nobody
// could tell us of. One look apart from the last, so that one that is just being told of is left alone.
void RealSystem::reap_strays() noexcept {
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0 || held_.contains(info.si_pid)) {
    stray_ = 0;
    return;
  }
  if (stray_ == info.si_pid) ::waitpid(info.si_pid, nullptr, WNOHANG);
  stray_ = info.si_pid;
}

}  // namespace parley::worker
