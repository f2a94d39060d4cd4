// `init` as process 1 of a PID namespace, as in a container. Skipped where the kernel does not let us make one.
#include <csignal>
#include <cstdlib>
#include <sstream>

#include <fmt/format.h>

#include "worker_under_test.hpp"

namespace parley {
namespace {

class Init : public WorkerTest {
 protected:
  void start_in_namespace(std::vector<std::string> command) {
    for (const auto* word : {"--kill-child", PARLEY_TEST_WORKER, "init", "start", "--state-dir", state_dir_.c_str(), "--fast",
                             "--log-level", "warn"}) {
      command.push_back(word);
    }
    start_command(std::move(command));
  }
  // unshare -> init -> supervisor, as this namespace numbers them.
  int init_pid() { return children_of(supervisor_pid()).at(0); }
  int supervisor_in_namespace() { return children_of(init_pid()).at(0); }
  bool reconnect() {
    return eventually([&] { return connect() && !ask({{"op", "status"}}).contains("error"); });
  }
};

// How this user may make a PID namespace: as root, or in a user namespace. Empty: not at all.
std::vector<std::string> unshare_command() {
  for (const std::string as : {"", " --map-root-user"}) {
    const auto command = "unshare --fork --pid --mount-proc" + as;
    if (std::system((command + " true 2>/dev/null").c_str()) != 0) continue;
    std::vector<std::string> words;
    std::istringstream text(command);
    for (std::string word; text >> word;) words.push_back(word);
    return words;
  }
  return {};
}

TEST_F(Init, SupervisorKilled_IsStartedAgain_AndTakesTheCallOver) {
  const auto unshare = unshare_command();
  if (unshare.empty()) GTEST_SKIP() << "no right to make a PID namespace here";
  start_in_namespace(unshare);
  const auto id = call();
  const int first = supervisor_in_namespace();
  ::kill(first, SIGKILL);
  ASSERT_TRUE(reconnect());
  EXPECT_EQ(ask({{"op", "reoffer"}, {"call", id}, {"sdp", "again"}}).at("sdp"), "answer to again");
  hang_up(id);
  (void)terminal(id);
  EXPECT_EQ(hook_lines(id), (std::vector<std::string>{"first/1 1", "second/1 1"}));
  ::kill(init_pid(), SIGTERM);
  EXPECT_EQ(wait_supervisor().code, 0) << "SIGTERM reaches the supervisor, and its exit code comes out";
}

}  // namespace
}  // namespace parley
