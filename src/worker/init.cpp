#include "worker/init.hpp"

#include <csignal>
#include <deque>
#include <optional>

#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/exit_code.hpp"

namespace parley::worker {

namespace {

constexpr int kPassedOn[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

class Init {
 public:
  explicit Init(const InitConfig& config) : config_(config) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // where this is not process 1
    ::sigemptyset(&waited_);
    ::sigaddset(&waited_, SIGCHLD);
    for (const int signal : kPassedOn) ::sigaddset(&waited_, signal);
    ::sigprocmask(SIG_BLOCK, &waited_, nullptr);
  }

  int run() {
    start();
    for (;;) {
      wait_for_signal(next_start_ ? std::optional(*next_start_) : std::nullopt);
      reap();
      if (status_) {
        if (const auto code = supervisor_ended(*std::exchange(status_, std::nullopt))) return last_grace(*code);
      }
      // Told to end while no supervisor was there to hear it: none is started to go on.
      if (next_start_ && stopping_) return last_grace(static_cast<int>(ipc::ExitCode::calls_cut));
      if (next_start_ && clock_.now() >= *next_start_) start();
    }
  }

 private:
  void start() {
    next_start_.reset();
    starts_.push_back(clock_.now());
    std::vector<char*> arguments;
    for (const auto& word : config_.supervisor) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    const int error = ::posix_spawn(&supervisor_, "/proc/self/exe", nullptr, &attributes, arguments.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    if (error == 0) return;
    supervisor_ = 0;
    config_.logger.error("the supervisor could not be started: {}", errno_error("posix_spawn", error).message());
    next_start_ = clock_.now() + pause();
  }

  void wait_for_signal(std::optional<TimePoint> until) {
    siginfo_t info{};
    const auto left = until ? std::max<Duration>(*until - clock_.now(), 0ns) : Duration(1s);
    const timespec timeout{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    const int signal = ::sigtimedwait(&waited_, &info, &timeout);
    if (signal <= 0 || signal == SIGCHLD) return;
    stopping_ = stopping_ || signal == SIGTERM || signal == SIGINT;
    if (supervisor_ > 0) ::kill(supervisor_, signal);
  }

  void reap() {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid != supervisor_) continue;
      supervisor_ = 0;
      status_ = status;
    }
  }

  // The exit code with which all ends; nullopt: the supervisor is started again.
  std::optional<int> supervisor_ended(int status) {
    const bool crashed = WIFSIGNALED(status);
    const int code = crashed ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    const bool on_purpose = !crashed && code != static_cast<int>(ipc::ExitCode::internal_error);
    if (on_purpose) return code;
    if (stopping_) return static_cast<int>(ipc::ExitCode::calls_cut);
    while (!starts_.empty() && clock_.now() - starts_.front() > InitConfig::kWindow) starts_.pop_front();
    if (starts_.size() > InitConfig::kMaxRestarts) {
      config_.logger.error("the supervisor died {} times in a minute: init gives up", starts_.size());
      return static_cast<int>(ipc::ExitCode::gave_up);
    }
    const auto wait = pause();
    config_.logger.error("the supervisor died (status {}); the next one starts in {:.0f} ms, calls go on", code, to_ms(wait));
    next_start_ = clock_.now() + wait;
    return std::nullopt;
  }

  Duration pause() const {
    auto wait = InitConfig::kFirstPause;
    for (std::size_t i = 1; i < starts_.size() && wait < InitConfig::kLongestPause; ++i) wait *= 2;
    return std::min(wait, InitConfig::kLongestPause);
  }

  // Whatever the supervisor left: jobs that were not allowed to end, user code's own children.
  int last_grace(int code) {
    const bool is_process_one = ::getpid() == 1;
    const Deadline deadline(clock_.now() + InitConfig::kLastGrace);
    if (is_process_one) ::kill(-1, SIGTERM);
    while (!deadline.passed(clock_.now())) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid < 0) return code;  // nobody is left
      if (pid == 0) wait_for_signal(clock_.now() + 50ms);
    }
    if (is_process_one) ::kill(-1, SIGKILL);
    return code;
  }

  const InitConfig& config_;
  SystemClock clock_;
  sigset_t waited_{};
  pid_t supervisor_ = 0;
  bool stopping_ = false;
  std::optional<int> status_;
  std::optional<TimePoint> next_start_;
  std::deque<TimePoint> starts_;
};

}  // namespace

int run_init(const InitConfig& config) { return Init(config).run(); }

}  // namespace parley::worker
