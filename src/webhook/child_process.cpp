#include "webhook/child_process.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <parley/base/utf8.hpp>

#include "async/real_loop.hpp"

namespace parley::webhook {

namespace {

constexpr int kCannotRun = 127;
constexpr int kMaxLastReads = 64;  // of what is left in the pipe at the end

// A descriptor of the child's, closed with its owner. Above the standard ones, so that none is another's target.
class ChildFd {
 public:
  ChildFd() = default;
  explicit ChildFd(int fd) noexcept : fd_(fd) {
    if (fd_ < 0 || fd_ > STDERR_FILENO) return;
    const int raised = ::fcntl(fd_, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    ::close(std::exchange(fd_, raised));
  }
  ChildFd(ChildFd&& other) noexcept : fd_(other.release()) {}
  ChildFd& operator=(ChildFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~ChildFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

Result<ChildFd> memory_file(std::string_view text) {
  ChildFd file(::memfd_create("parley-input", MFD_CLOEXEC));
  if (file.get() < 0) return fail(errno_error("memfd_create", errno));
  while (!text.empty()) {
    const auto wrote = ::write(file.get(), text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return fail(errno_error("write to memory", errno));
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// Read here without waiting, written by the child.
struct ChildPipe {
  ChildFd ours;
  ChildFd theirs;
};
Result<ChildPipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(errno_error("pipe", errno));
  ChildPipe pipe{ChildFd(ends[0]), ChildFd(ends[1])};
  if (pipe.ours.get() < 0 || pipe.theirs.get() < 0) return fail(errno_error("pipe", errno));
  ::fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> all;
  for (const auto& [name, value] : added) all.push_back(name + "=" + value);
  for (char** line = environ; *line; ++line) {
    const std::string_view own(*line);
    const auto name = own.substr(0, own.find('='));
    if (std::ranges::none_of(added, [&](const auto& pair) { return pair.first == name; })) all.emplace_back(own);
  }
  return all;
}

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const auto& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Everything that the child needs, made before the fork: after it there is nothing but system calls, for another thread may
// have held any lock.
struct Prepared {
  char* const* words;
  char* const* environment;
  int input, output, trouble;
  pid_t parent;
};

// Every signal, those too that the C library keeps for itself and refuses to reset: whoever started us may have had them
// ignored, and the program would inherit that.
void default_signals() noexcept {
  struct {
    void* handler;
    unsigned long flags;
    void* restorer;
    std::uint64_t mask;
  } kernels_own{};
  static_assert(SIG_DFL == nullptr);
  for (int number = 1; number < NSIG; ++number) ::syscall(SYS_rt_sigaction, number, &kernels_own, nullptr, sizeof kernels_own.mask);
}

[[noreturn]] void become(const Prepared& p) noexcept {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != p.parent) ::_exit(kCannotRun);
  default_signals();
  ::dup2(p.input, STDIN_FILENO);
  ::dup2(p.output, STDOUT_FILENO);
  ::dup2(p.output, STDERR_FILENO);
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvpe(p.words[0], p.words, p.environment);
  const int error = errno;
  (void)!::write(p.trouble, &error, sizeof error);
  ::_exit(kCannotRun);
}

// No handler of ours runs in the child: until its signals are its own it gets none.
pid_t fork_into(const Prepared& prepared) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) become(prepared);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(RealLoop& loop, Scope& parent, const ChildCommand& command) {
  if (command.words.empty()) return fail(Errc::invalid_argument, "no program is named");
  auto input = memory_file(command.input);
  if (!input) return fail(input.error());
  auto output = make_pipe();
  if (!output) return fail(output.error());
  auto trouble = make_pipe();
  if (!trouble) return fail(trouble.error());
  const auto environment = environment_with(command.environment);
  const auto words = pointers_to(command.words);
  const auto lines = pointers_to(environment);
  const pid_t pid = fork_into({.words = words.data(),
                               .environment = lines.data(),
                               .input = input->get(),
                               .output = output->theirs.get(),
                               .trouble = trouble->theirs.get(),
                               .parent = ::getpid()});
  if (pid < 0) return fail(errno_error("fork", errno));
  ::setpgid(pid, pid);  // whoever comes first
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    const auto error = errno_error("pidfd_open", errno);
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail(error);
  }
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(loop, parent, command.words[0], pid, pidfd, output->ours.release(), trouble->ours.release()));
}

ChildProcess::ChildProcess(RealLoop& loop, Scope& parent, std::string program, int pid, int pidfd, int output, int trouble)
    : loop_(loop),
      program_(std::move(program)),
      pid_(pid),
      pidfd_(loop, pidfd),
      output_(loop, output),
      trouble_(loop, trouble),
      scope_(parent, "program", 1) {
  (void)scope_.spawn("output", collect(*this));
}

ChildProcess::~ChildProcess() {
  if (reaped_) return;
  signal(SIGKILL);
  const auto until = loop_.in(kReapWithin);
  while (!ended() && !until.passed(loop_.now())) {
    pollfd one{.fd = pidfd_.fd(), .events = POLLIN, .revents = 0};
    ::poll(&one, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(until.left(loop_.now())).count()));
  }
  if (ended()) {
    (void)reap();
  } else {
    loop_.logger().warn("{} (process {}) was killed and does not end", program_, pid_);
  }
}

void ChildProcess::signal(int number) const noexcept {
  if (!reaped_) ::kill(-pid_, number);  // the number is its own as long as it is not reaped
}

bool ChildProcess::ended() const noexcept {
  siginfo_t info{};
  const int looked = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.fd()), &info, WEXITED | WNOHANG | WNOWAIT);
  return looked != 0 || info.si_pid != 0;
}

Task<Result<ChildExit>> ChildProcess::wait(Deadline deadline) {
  while (!ended()) {
    if (auto ready = co_await pidfd_.ready(net::Want::read, deadline); !ready) co_return fail(ready.error());
  }
  co_return reap();
}

// It has ended: its group goes with it, while its number still is the group's.
Result<ChildExit> ChildProcess::reap() {
  siginfo_t info{};
  const bool ours = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.fd()), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  if (ours) signal(SIGKILL);
  const int reaped = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.fd()), &info, WEXITED | WNOHANG);
  reaped_ = true;
  for (int i = 0; i < kMaxLastReads && read_some(); ++i) {
  }
  int error = 0;
  if (::read(trouble_.fd(), &error, sizeof error) == sizeof error) return fail(Errc::not_found, errno_error(fmt::format("\"{}\" cannot be run", program_), error).message());
  if (reaped != 0) return fail(errno_error("waitid", errno));
  if (info.si_code == CLD_EXITED) return ChildExit{.code = info.si_status};
  return ChildExit{.signal = info.si_status};
}

Task<void> ChildProcess::collect(ChildProcess& self) {
  for (;;) {
    const auto ready = co_await self.output_.ready(net::Want::read, Deadline::bounded_by_scope());
    if (!ready) co_return;
    errno = 0;
    if (!self.read_some() && errno != EAGAIN) co_return;
  }
}

// False: nothing came, errno says whether more may.
bool ChildProcess::read_some() {
  char buffer[4096];
  const auto got = ::read(output_.fd(), buffer, sizeof buffer);
  if (got <= 0) return false;
  said_.append(buffer, static_cast<std::size_t>(got));
  if (said_.size() > 2 * kMaxTail) said_.erase(0, said_.size() - kMaxTail);
  return true;
}

std::string ChildProcess::tail() const {
  return valid_utf8(said_.size() > kMaxTail ? said_.substr(said_.size() - kMaxTail) : said_);
}

}  // namespace parley::webhook
