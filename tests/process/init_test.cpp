// `init` as process 1 of a PID namespace, as in a container. Skipped where the kernel does not let us make one.
#include <csignal>
#include <cstdlib>

#include <fmt/format.h>

#include "worker_under_test.hpp"

namespace parley {
namespace {

class Init : public WorkerTest {
 protected:
  void start_in_namespace() {
    start_command({"unshare", "--fork", "--pid", "--mount-proc", "--kill-child", PARLEY_TEST_WORKER, "init", "start", "--state-dir",
                   state_dir_, "--fast", "--log-level", "warn"});
  }
  // unshare -> init -> supervisor, as this namespace numbers them.
  int init_pid() { return children_of(supervisor_pid()).at(0); }
  int supervisor_in_namespace() { return children_of(init_pid()).at(0); }
  bool reconnect() {
    return eventually([&] { return connect() && !ask({{"op", "status"}}).contains("error"); });
  }
};

bool can_unshare() { return std::system("unshare --fork --pid --mount-proc true 2>/dev/null") == 0; }

TEST_F(Init, SupervisorKilled_IsStartedAgain_AndTakesTheCallOver) {
  if (!can_unshare()) GTEST_SKIP() << "no right to make a PID namespace here";
  start_in_namespace();
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
