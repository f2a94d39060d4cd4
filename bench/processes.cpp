#include "bench/processes.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace parley::bench {

namespace {

constexpr double kKbPerMb = 1024;
constexpr double kThreadStackKb = 16;  // x86-64 and arm64: four pages

// The number behind `name` in a file of "Name:   123 kB" lines.
double number_in(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  std::string word;
  double value = 0;
  while (file >> word) {
    if (word == name) {
      file >> value;
      break;
    }
  }
  return value;
}

// The fields of /proc/PID/stat behind the name, which may hold anything: the first is the state.
std::vector<std::string> stat_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto end = text.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream rest(text.substr(end + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

// Tells a process from a later one with its number.
std::string started_at(int pid) {
  const auto fields = stat_of(pid);
  return fields.size() > 19 ? fields[19] : "";
}

[[noreturn]] void become(const Child::Command& command, std::vector<char*>& words, std::vector<char*>& environment,
                         int in, int out, int parent) {
  ::setpgid(0, 0);  // Ctrl-C is for us: we end them in order
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);
  const int log = ::open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(command.pipes ? in : nothing, 0);
  ::dup2(command.pipes ? out : log, 1);
  ::dup2(log, 2);
  ::execve(words[0], words.data(), environment.data());
  ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

Result<Child> Child::start(const Command& command) {
  if (::access(command.words.at(0).c_str(), X_OK) != 0) {
    return fail(Errc::not_found, fmt::format("{} is not there: \"make bench\" builds it", command.words[0]));
  }
  int in[2] = {-1, -1}, out[2] = {-1, -1};
  if (command.pipes && (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0))
    return fail(errno_error("pipe", errno));
  auto texts = command.words;
  auto environment = command.environment;
  for (char** entry = environ; *entry; ++entry) environment.emplace_back(*entry);
  auto words = pointers(texts);
  auto entries = pointers(environment);
  const int parent = ::getpid();
  Child child;
  child.pid_ = ::fork();
  if (child.pid_ == 0) become(command, words, entries, in[0], out[1], parent);
  const int error = errno;
  for (const int fd : {in[0], out[1]}) {
    if (fd >= 0) ::close(fd);
  }
  child.in_ = in[1];
  child.out_ = out[0];
  if (child.pid_ < 0) return fail(errno_error("fork", error));
  return child;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      code_(other.code_),
      in_(std::exchange(other.in_, -1)),
      out_(std::exchange(other.out_, -1)) {}

Child::~Child() {
  end();
  for (const int fd : {in_, out_}) {
    if (fd >= 0) ::close(fd);
  }
}

bool Child::running() noexcept { return pid_ > 0 && !wait(Duration::zero()); }

bool Child::wait(Duration within) noexcept {
  const auto until = std::chrono::steady_clock::now() + within;
  for (;;) {
    int status = 0;
    const auto got = ::waitpid(pid_, &status, WNOHANG);
    if (got == pid_ || (got < 0 && errno == ECHILD)) {
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      pid_ = -1;
      return true;
    }
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(10ms);
  }
}

Result<std::string> Child::line(Duration within) {
  std::string text;
  const auto until = std::chrono::steady_clock::now() + within;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd readable{out_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) <= 0)
      return fail(Errc::timeout, "it said nothing");
    char c = 0;
    if (::read(out_, &c, 1) != 1) return fail(Errc::unavailable, "it ended without a word");
    if (c == '\n') return text;
    text += c;
  }
}

int Child::end() noexcept {
  if (pid_ <= 0) return code_;
  if (in_ >= 0) ::close(std::exchange(in_, -1));  // some end by that
  std::vector<std::pair<int, std::string>> below;
  for (const int each : family(pid_)) below.emplace_back(each, started_at(each));
  for (const int signal : {SIGTERM, SIGTERM, SIGKILL}) {
    ::kill(pid_, signal);
    if (wait(kEndWithin / 2)) break;
  }
  for (const auto& [each, started] : below) {
    if (!started.empty() && started_at(each) == started) ::kill(each, SIGKILL);
  }
  return code_;
}

std::vector<int> family(int root) {
  std::multimap<int, int> children;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    const auto fields = stat_of(pid);
    if (fields.size() > 1) children.emplace(std::atoi(fields[1].c_str()), pid);
  }
  std::vector<int> all{root};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto [begin, end] = children.equal_range(all[i]);
    for (auto it = begin; it != end; ++it) all.push_back(it->second);
  }
  return all;
}

Usage usage_of(const std::vector<int>& pids) {
  Usage usage{.processes = pids.size()};
  for (const int pid : pids) {
    usage.pss_mb += number_in(fmt::format("/proc/{}/smaps_rollup", pid), "Pss:") / kKbPerMb;
    const auto status = fmt::format("/proc/{}/status", pid);
    usage.page_tables_mb += number_in(status, "VmPTE:") / kKbPerMb;
    usage.stacks_mb += number_in(status, "Threads:") * kThreadStackKb / kKbPerMb;
  }
  return usage;
}

double processor_seconds(const std::vector<int>& pids) {
  double ticks = 0;
  for (const int pid : pids) {
    const auto fields = stat_of(pid);
    // utime, stime, cutime, cstime: 14 to 17 of proc(5), of which the first is not here, nor the second.
    for (std::size_t i = 11; i < 15 && i < fields.size(); ++i) ticks += std::atof(fields[i].c_str());
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::optional<TimePoint> began_at(int pid) {
  const auto ticks = started_at(pid);
  if (ticks.empty()) return std::nullopt;
  timespec since_boot{};  // what the kernel counts by; it goes on while a machine sleeps, ours does not
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const auto age = static_cast<double>(since_boot.tv_sec) + static_cast<double>(since_boot.tv_nsec) / 1e9 -
                   std::atof(ticks.c_str()) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return SystemClock().now() - std::chrono::duration_cast<Duration>(std::chrono::duration<double>(age));
}

double kernel_slab_mb() { return number_in("/proc/meminfo", "SUnreclaim:") / kKbPerMb; }

double load_average() {
  std::ifstream file("/proc/loadavg");
  double load = 0;
  file >> load;
  return load;
}

Result<int> free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool got = fd >= 0 && ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!got) return fail(errno_error("a free port", error));
  return ntohs(address.sin_port);
}

Result<Folder> Folder::make() {
  std::error_code error;
  auto pattern = (std::filesystem::temp_directory_path(error) / "parley-bench-XXXXXX").string();
  if (error || !::mkdtemp(pattern.data())) return fail(Errc::io, fmt::format("no folder could be made as {}", pattern));
  return Folder(std::move(pattern));
}

Folder::~Folder() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

}  // namespace parley::bench
