#include "worker_under_test.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "job/journal_record.hpp"

namespace parley {

namespace fs = std::filesystem;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool gone(int pid) {
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid));
  const auto at = stat.rfind(')');
  return at == std::string::npos || stat.compare(at + 2, 1, "Z") == 0;
}

std::size_t open_descriptors(int pid) {
  std::error_code error;
  const fs::directory_iterator folder(fmt::format("/proc/{}/fd", pid), error);
  return error ? 0 : static_cast<std::size_t>(std::distance(begin(folder), end(folder)));
}

std::vector<int> children_of(int pid) {
  std::istringstream text(read_file(fmt::format("/proc/{0}/task/{0}/children", pid)));
  std::vector<int> children;
  for (int child; text >> child;) children.push_back(child);
  return children;
}

void WorkerTest::SetUp() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what a worker leaves behind becomes ours, and is found
  static int number = 0;  // short: a socket's name has room for 100 letters
  state_dir_ = fmt::format("{}/parley-{}-{}", fs::temp_directory_path().string(), ::getpid(), ++number);
  fs::remove_all(state_dir_);
}

void WorkerTest::TearDown() {
  if (supervisor_ > 0) {
    ::kill(supervisor_, SIGTERM);
    ::kill(supervisor_, SIGINT);  // whatever calls are left are closed at once; two SIGTERM would be one
    (void)wait_supervisor();
  }
  EXPECT_TRUE(eventually([&] {
    reap_all();
    return children_of(::getpid()).empty();
  })) << "processes are left: " << fmt::format("{}", children_of(::getpid()).size());
  for (const int child : children_of(::getpid())) ::kill(child, SIGKILL);
  // A supervisor that was cut short leaves work, and says so by what it leaves in the state directory: the next one does it.
  if (!marks().empty() && !HasFailure()) {
    start();
    EXPECT_TRUE(eventually([&] { return marks().empty(); })) << "a job's mark is left: " << marks().front();
    EXPECT_EQ(stop().code, 0);
  }
  if (!HasFailure()) fs::remove_all(state_dir_);
}

std::vector<std::string> WorkerTest::marks() const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& mark : fs::directory_iterator(state_dir_ + "/jobs", error)) names.push_back(mark.path().filename());
  return names;
}

void WorkerTest::reap_all() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

void WorkerTest::start(std::vector<std::string> options) {
  std::vector<std::string> command{PARLEY_TEST_WORKER, "start", "--state-dir", state_dir_, "--log-level", "warn"};
  command.insert(command.end(), options.begin(), options.end());
  start_command(std::move(command));
}

void WorkerTest::start_command(std::vector<std::string> command) {
  std::vector<char*> arguments;
  for (auto& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ASSERT_EQ(::posix_spawnp(&supervisor_, arguments.front(), nullptr, nullptr, arguments.data(), environ), 0);
  ASSERT_TRUE(eventually([&] { return connect() || gone(supervisor_); })) << "the worker does not serve";
}

bool WorkerTest::connect() {
  if (control_ >= 0) ::close(control_);
  control_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "{}/control.sock", state_dir_);
  return ::connect(control_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

json::object WorkerTest::ask(json::object request) {
  const auto text = json::serialize(request);
  if (::send(control_, text.data(), text.size(), MSG_NOSIGNAL) < 0) return {{"error", "no_worker"}};
  pollfd waiting{.fd = control_, .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 90'000) <= 0) return {{"error", "no_reply"}};
  std::string reply(1 << 20, '\0');
  const auto size = ::recv(control_, reply.data(), reply.size(), 0);
  if (size <= 0) return {{"error", "no_worker"}};
  reply.resize(static_cast<std::size_t>(size));
  return json::parse(reply).as_object();
}

std::string WorkerTest::call(json::object metadata) {
  const auto answer = offer(std::move(metadata));
  const auto* id = answer.if_contains("call");
  EXPECT_TRUE(id) << json::serialize(answer);
  return id ? std::string(id->as_string()) : std::string();
}

json::array WorkerTest::events_to_end(const std::string& call) {
  auto reply = ask({{"op", "wait_end"}, {"call", call}});
  EXPECT_EQ(reply["stopped_by"], "closing") << json::serialize(reply);
  return reply["events"].is_array() ? reply["events"].as_array() : json::array();
}

int WorkerTest::pid_of(const std::string& call) {
  const auto status = ask({{"op", "status"}});
  for (const auto& one : status.at("calls").as_array()) {
    if (one.at("call_id").as_string() == call) return static_cast<int>(one.at("pid").as_int64());
  }
  return 0;
}

int WorkerTest::zygote_pid() { return static_cast<int>(ask({{"op", "status"}}).at("zygote").at("pid").as_int64()); }

Ended WorkerTest::wait_supervisor() {
  int status = 0;
  const bool ended = eventually([&] { return ::waitpid(supervisor_, &status, WNOHANG) == supervisor_; });
  EXPECT_TRUE(ended) << "the supervisor does not end";
  if (!ended) {
    ::kill(supervisor_, SIGKILL);
    ::waitpid(supervisor_, &status, 0);
  }
  supervisor_ = 0;
  if (control_ >= 0) ::close(std::exchange(control_, -1));
  if (WIFSIGNALED(status)) return {.code = {}, .signal = WTERMSIG(status)};
  return {.code = WEXITSTATUS(status), .signal = {}};
}

Ended WorkerTest::stop() {
  ::kill(supervisor_, SIGTERM);
  return wait_supervisor();
}

void WorkerTest::kill_supervisor() {
  ::kill(supervisor_, SIGKILL);
  (void)wait_supervisor();
}

bool WorkerTest::eventually(const std::function<bool()>& done, Duration patience) {
  const SystemClock clock;
  const Deadline deadline(clock.now() + patience);
  while (!done()) {
    if (deadline.passed(clock.now())) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

bool WorkerTest::settled(const std::string& call) { return fs::exists(fmt::format("{}/calls/{}.done", state_dir_, call)); }

json::array WorkerTest::records(const std::string& call, std::string_view type) {
  json::array found;
  for (const auto* ending : {"done", "journal"}) {
    const auto path = fmt::format("{}/calls/{}.{}", state_dir_, call, ending);
    if (!fs::exists(path)) continue;
    for (const auto& record : job::parse_journal(read_file(path), call).records) {
      if (type.empty() || record.type == type) found.push_back(json::object{{"type", record.type}, {"data", record.data}});
    }
    break;
  }
  return found;
}

json::object WorkerTest::terminal(const std::string& call) {
  EXPECT_TRUE(eventually([&] { return settled(call); })) << "call " << call << " is not settled";
  const auto all = records(call, job::record_type::kTerminal);
  EXPECT_EQ(all.size(), 1u) << "terminal records of " << call;
  return all.empty() ? json::object() : all.front().at("data").as_object();
}

std::vector<std::string> WorkerTest::hook_lines(const std::string& call) {
  std::istringstream text(read_file(state_dir_ + "/hook.log"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with(call + "/")) lines.push_back(line.substr(call.size() + 1));
  }
  return lines;
}

}  // namespace parley
