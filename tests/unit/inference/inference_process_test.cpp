// The role in a process of its own: this very program, started again with other arguments.
#include "ipc/inference.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <parley/async/blocking.hpp>
#include <parley/async/scope.hpp>

#include "async/real_loop.hpp"
#include "ipc/inference_client.hpp"
#include "ipc/inference_socket.hpp"

namespace parley::ipc {
namespace {

// A process that is killed when nobody has seen its end.
class Child {
 public:
  // The process writes a byte to `started_fd` when its model begins to hang.
  Child(std::string path, std::string model, int supervisor_fd = -1, int started_fd = -1) {
    const auto supervisor = std::to_string(supervisor_fd), started = std::to_string(started_fd);
    const char* arguments[] = {"inference",        "serve",         path.c_str(), model.c_str(),
                               supervisor.c_str(), started.c_str(), nullptr};
    if (::posix_spawn(&pid_, "/proc/self/exe", nullptr, nullptr, const_cast<char**>(arguments), environ) != 0)
      pid_ = -1;
  }
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    (void)wait();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number) { ::kill(pid_, number); }
  // Its exit code, or minus the signal that ended it.
  int wait() {
    int status = 0;
    if (::waitpid(std::exchange(pid_, -1), &status, 0) < 0) return -1000;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
};

class InferenceRole : public ::testing::Test {
 protected:
  InferenceRole() {
    char name[] = "/tmp/parley-role-XXXXXX";
    directory = ::mkdtemp(name);
    path = directory + "/inference.sock";
    EXPECT_EQ(::pipe2(supervisor, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(started, O_CLOEXEC), 0);
    ::fcntl(supervisor[0], F_SETFD, 0);  // the child's ends
    ::fcntl(started[1], F_SETFD, 0);
  }
  ~InferenceRole() override {
    let_supervisor_die();
    for (const int fd : {supervisor[0], started[0], started[1]}) ::close(fd);
    std::filesystem::remove_all(directory);
  }
  void let_supervisor_die() {
    if (supervisor[1] >= 0) ::close(std::exchange(supervisor[1], -1));
  }

  using Answer = std::optional<Result<std::string>>;
  void start(Scope& scope, InferenceClient& client, std::size_t samples, Answer& answer, Duration patience = 20s) {
    ASSERT_TRUE(
        scope.spawn("ask", [](RealLoop& l, InferenceClient& c, std::size_t n, Duration p, Answer& a) -> Task<void> {
          a = co_await c.recognize(std::vector<float>(n), l.in(p));
          l.stop();
        }(loop, client, samples, patience, answer)));
  }

  // Until a model hangs.
  static Task<Result<bool>> wait_until_started(int fd, Deadline deadline) {
    return run_blocking<bool>(deadline, [fd]() -> Result<bool> {
      char byte = 0;
      return ::read(fd, &byte, 1) == 1;
    });
  }

  std::string directory, path;
  int supervisor[2] = {-1, -1};
  int started[2] = {-1, -1};
  RealLoop loop{"test"};
};

TEST_F(InferenceRole, Answers_AndEndsInOrderWhenToldTo) {
  Child child(path, "count");
  Scope scope(loop, "root");
  InferenceClient client(scope, std::make_unique<InferenceDialer>(loop, path));
  Answer answer;
  start(scope, client, 1000, answer);
  loop.run();
  ASSERT_TRUE(*answer) << answer->error().message();
  EXPECT_EQ(**answer, "1000 samples");
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(), kInferenceEnded);
}

TEST_F(InferenceRole, KilledInMidRequest_TheNextOneAnswers) {
  Child first(path, "hang", -1, started[1]);
  Scope scope(loop, "root");
  InferenceClient client(scope, std::make_unique<InferenceDialer>(loop, path));
  Answer answer;
  start(scope, client, 1000, answer);
  std::unique_ptr<Child> second;
  ASSERT_TRUE(scope.spawn(
      "killer",
      [](Task<Result<bool>> wait, Child& dying, std::unique_ptr<Child>& next, std::string where) -> Task<void> {
        (void)co_await std::move(wait);
        dying.signal(SIGKILL);
        EXPECT_EQ(dying.wait(), -SIGKILL);
        next = std::make_unique<Child>(where, "count");
      }(wait_until_started(started[0], loop.in(20s)), first, second, path)));
  loop.run();
  ASSERT_TRUE(*answer) << answer->error().message();
  EXPECT_EQ(**answer, "1000 samples");
  EXPECT_EQ(client.counters().lost, 1u);
}

TEST_F(InferenceRole, StuckModel_EndsTheProcess_WithACodeThatSaysSo) {
  Child child(path, "hang", -1, started[1]);
  Scope scope(loop, "root");
  InferenceClient client(scope, std::make_unique<InferenceDialer>(loop, path));
  Answer answer;
  start(scope, client, 1000, answer);
  ASSERT_TRUE(scope.spawn("stopper", [](Task<Result<bool>> wait, InferenceClient& c) -> Task<void> {
    (void)co_await std::move(wait);
    c.request_stop({StopCause::caller_hung_up, {}});
  }(wait_until_started(started[0], loop.in(20s)), client)));
  loop.run();
  EXPECT_EQ(answer->error().code(), Errc::closing);
  EXPECT_EQ(child.wait(), kInferenceStuck);
}

TEST_F(InferenceRole, NoModel_AndNoPlaceForTheSocket_AreTold) {
  EXPECT_EQ(Child(path, "none").wait(), kInferenceCannotStart);
  EXPECT_EQ(Child("/proc/none/inference.sock", "count").wait(), kInferenceCannotStart);
}

TEST_F(InferenceRole, SupervisorGone_CallsGoOn_AndWithTheLastOneTheProcessEnds) {
  Child child(path, "count", supervisor[0]);
  Scope scope(loop, "root");
  {
    InferenceClient client(scope, std::make_unique<InferenceDialer>(loop, path));
    Answer before, after;
    start(scope, client, 1, before);
    loop.run();
    ASSERT_TRUE(*before) << before->error().message();
    let_supervisor_die();
    start(scope, client, 2, after);
    loop.run();
    ASSERT_TRUE(*after) << after->error().message();
    EXPECT_EQ(**after, "2 samples");
  }
  EXPECT_EQ(child.wait(), kInferenceOrphaned);
}

int serve(char** arguments) {
  const std::string_view model = arguments[3];
  const int started = std::atoi(arguments[5]);
  return run_inference({.socket_path = arguments[2],
                        .supervisor_fd = std::atoi(arguments[4]),
                        .limits = {.max_run = 300ms, .orphaned = 100ms}},
                       [model, started]() -> Result<Recognize> {
                         if (model == "none") return fail(Errc::not_found, "no model");
                         return [model, started](std::span<const float> samples) -> Result<std::string> {
                           if (model == "hang") (void)!::write(started, "x", 1);
                           while (model == "hang") ::pause();
                           return std::to_string(samples.size()) + " samples";
                         };
                       });
}

}  // namespace
}  // namespace parley::ipc

int main(int argc, char** argv) {
  if (argc == 6 && std::string_view(argv[1]) == "serve") ::_exit(parley::ipc::serve(argv));
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
