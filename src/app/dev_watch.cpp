#include "app/dev_watch.hpp"

#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <tuple>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <parley/base/result.hpp>

namespace parley::app {

namespace {

constexpr int kPassedOn[] = {SIGTERM, SIGINT, SIGHUP};
constexpr int kCannotStart = 3;  // docs/processes.md
constexpr int kSignalled = 128;

// Which file it is and what is in it, as far as a change shows.
using Stamp = std::tuple<ino_t, off_t, std::int64_t, std::int64_t>;
using Stamps = std::map<std::string, std::optional<Stamp>>;

std::optional<Stamp> stamp_of(const std::string& path) {
  struct stat is{};
  if (::stat(path.c_str(), &is) != 0) return std::nullopt;
  return Stamp{is.st_ino, is.st_size, is.st_mtim.tv_sec, is.st_mtim.tv_nsec};
}

Stamps stamps_of(const std::vector<std::string>& files) {
  Stamps stamps;
  for (const auto& file : files) stamps[file] = stamp_of(file);
  return stamps;
}

class Watcher {
 public:
  explicit Watcher(const DevWatch& watch) : watch_(watch) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::sigemptyset(&waited_);
    ::sigaddset(&waited_, SIGCHLD);
    for (const int signal : kPassedOn) ::sigaddset(&waited_, signal);
    ::sigprocmask(SIG_BLOCK, &waited_, nullptr);
    signals_ = ::signalfd(-1, &waited_, SFD_CLOEXEC | SFD_NONBLOCK);
    changes_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  }
  ~Watcher() {
    for (const int fd : {signals_, changes_}) {
      if (fd >= 0) ::close(fd);
    }
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  int run() {
    look_at_files();
    if (!start()) return kCannotStart;
    for (;;) {
      wait_for_something();
      if (exit_code_) return end(*exit_code_);
      if (changed_at_ && due() && !stopping_) {
        changed_at_.reset();
        if (!take_change()) return end(exit_code_.value_or(kCannotStart));
      }
    }
  }

 private:
  // ---- the files

  void look_at_files() {
    const auto files = watch_.files();
    for (const auto& file : files) {
      auto folder = std::filesystem::path(file).parent_path();
      if (folder.empty()) folder = ".";
      constexpr auto kChanges = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_ATTRIB;
      if (changes_ >= 0 && ::inotify_add_watch(changes_, folder.c_str(), kChanges) >= 0) continue;
      watch_.logger.warn("changes of {} are not noticed: {}", file, errno_error("inotify", errno).message());
    }
    stamps_ = stamps_of(files);  // afterwards: no change falls between the two
  }

  void read_changes() {
    alignas(inotify_event) char buffer[4096];
    bool any = false;
    while (::read(changes_, buffer, sizeof(buffer)) > 0) any = true;
    if (!any) return;
    changed_at_ = clock_.now();
    if (!burst_began_) burst_began_ = changed_at_;
  }

  TimePoint settled_at() const { return std::min(*changed_at_ + DevWatch::kQuiet, *burst_began_ + DevWatch::kLongestBurst); }
  bool due() const { return clock_.now() >= settled_at(); }

  // False: there is no worker any more.
  bool take_change() {
    burst_began_.reset();
    std::vector<std::string> names;
    for (const auto& [name, stamp] : stamps_) names.push_back(name);
    auto now = stamps_of(names);
    if (now == stamps_) return true;  // another file of the folder
    stamps_ = std::move(now);
    if (!watch_.check()) {
      watch_.logger.warn("the agent goes on as it was before this change");
      return true;
    }
    watch_.logger.info("the file has changed: the agent starts anew");
    stop_worker();
    if (stopping_) return false;
    exit_code_.reset();
    look_at_files();
    return start();
  }

  // ---- the worker

  bool start() {
    std::vector<char*> words;
    for (const auto& word : watch_.command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const pid_t parent = ::getpid();
    worker_ = ::fork();
    if (worker_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (::getppid() != parent) ::_exit(kCannotStart);
      ::setpgid(0, 0);  // the terminal's Ctrl-C comes to us, and is passed on once
      ::sigprocmask(SIG_UNBLOCK, &waited_, nullptr);
      ::execv("/proc/self/exe", words.data());
      ::_exit(kCannotStart);
    }
    if (worker_ > 0) return true;
    watch_.logger.error("the agent could not be started: {}", errno_error("fork", errno).message());
    return false;
  }

  // Until it is gone: told, told again when the grace is over, killed at last.
  void stop_worker() {
    signal_worker(SIGTERM);
    wait_worker(watch_.grace);
    signal_worker(SIGTERM);
    wait_worker(DevWatch::kLastPatience);
    signal_worker(SIGKILL);
    wait_worker(DevWatch::kLastPatience);
  }

  void wait_worker(Duration limit) {
    for (const auto until = clock_.now() + limit; worker_ > 0 && clock_.now() < until;) poll_until(until);
  }

  void signal_worker(int signal) const {
    if (worker_ > 0) ::kill(worker_, signal);
  }

  void reap() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid != worker_) continue;
      worker_ = 0;
      exit_code_ = WIFSIGNALED(status) ? kSignalled + WTERMSIG(status) : WEXITSTATUS(status);
    }
    no_children_ = pid < 0 && errno == ECHILD;
  }

  // What workers left behind, if anything: jobs that a killed supervisor did not end.
  int end(int code) {
    for (const int signal : {SIGTERM, SIGKILL}) {
      for (const auto until = clock_.now() + DevWatch::kLeftovers; clock_.now() < until;) {
        reap();
        if (no_children_) return code;
        for (const pid_t pid : children()) ::kill(pid, signal);
        poll_until(std::min(until, clock_.now() + 100ms));
      }
    }
    return code;
  }

  static std::vector<pid_t> children() {
    std::vector<pid_t> found;
    const std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    if (auto* file = ::fopen(path.c_str(), "re")) {
      for (int pid = 0; ::fscanf(file, "%d", &pid) == 1;) found.push_back(pid);
      ::fclose(file);
    }
    return found;
  }

  // ---- waiting

  void wait_for_something() { poll_until(changed_at_ && !stopping_ ? std::optional(settled_at()) : std::nullopt); }

  void poll_until(std::optional<TimePoint> until) {
    pollfd asked[] = {{.fd = signals_, .events = POLLIN, .revents = 0}, {.fd = changes_, .events = POLLIN, .revents = 0}};
    int wait_ms = -1;
    if (until) wait_ms = static_cast<int>(std::max<std::int64_t>(0, (*until - clock_.now()) / 1ms + 1));
    (void)::poll(asked, 2, wait_ms);
    signalfd_siginfo told{};
    while (::read(signals_, &told, sizeof(told)) == static_cast<ssize_t>(sizeof(told))) {
      const auto signal = static_cast<int>(told.ssi_signo);
      if (signal == SIGCHLD) continue;
      stopping_ = true;
      signal_worker(signal);
    }
    reap();
    read_changes();
  }

  const DevWatch& watch_;
  SystemClock clock_;
  sigset_t waited_{};
  int signals_ = -1;
  int changes_ = -1;
  Stamps stamps_;
  std::optional<TimePoint> changed_at_;
  std::optional<TimePoint> burst_began_;
  pid_t worker_ = 0;
  bool no_children_ = false;
  bool stopping_ = false;
  std::optional<int> exit_code_;  // of the worker, when it has ended
};

}  // namespace

int run_dev_watch(const DevWatch& watch) { return Watcher(watch).run(); }

}  // namespace parley::app
