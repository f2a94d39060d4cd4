// Client and server on real sockets, with a model on a real thread, in one process.
#include <cstdlib>
#include <filesystem>
#include <future>
#include <optional>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <gtest/gtest.h>

#include "async/real_loop.hpp"
#include "ipc/inference_client.hpp"
#include "ipc/inference_server.hpp"
#include "ipc/inference_socket.hpp"

namespace parley::ipc {
namespace {

class InferenceSockets : public ::testing::Test {
 public:
  InferenceSockets() {
    char name[] = "/tmp/parley-inference-XXXXXX";
    directory = ::mkdtemp(name);
    // Longer than a socket's name may be.
    directory += "/" + std::string(120, 'd');
    std::filesystem::create_directory(directory);
    path = directory + "/inference.sock";
  }
  ~InferenceSockets() override { std::filesystem::remove_all(std::filesystem::path(directory).parent_path()); }

  struct Server {
    Server(Scope& parent, std::unique_ptr<Acceptor> acceptor, Recognize model, InferenceLimits limits)
        : scope(parent, "process"), server(scope, std::move(acceptor), std::move(model), limits) {
      server.start();
    }
    Scope scope;
    InferenceServer server;
  };
  std::unique_ptr<Server> start_server(Scope& parent, Recognize model, InferenceLimits limits = {}) {
    auto acceptor = InferenceAcceptor::open(loop, path);
    EXPECT_TRUE(acceptor) << acceptor.error().message();
    return std::make_unique<Server>(parent, *std::move(acceptor), std::move(model), limits);
  }

  using Answer = std::optional<Result<std::string>>;

  // Runs the loop until `answers` are there.
  void ask_all(Scope& scope, InferenceClient& client, const std::vector<std::size_t>& lengths, Duration patience,
               std::vector<Answer>& answers) {
    answers.assign(lengths.size(), {});
    std::size_t left = lengths.size();
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      ASSERT_TRUE(scope.spawn(
          "ask",
          [](RealLoop& l, InferenceClient& c, std::size_t n, Duration p, Answer& a, std::size_t& open) -> Task<void> {
            a = co_await c.recognize(std::vector<float>(n, 0.25F), l.in(p));
            if (--open == 0) l.stop();
          }(loop, client, lengths[i], patience, answers[i], left)));
    }
    loop.run();
  }

  std::string directory;
  std::string path;
  RealLoop loop{"test"};
};

Result<std::string> count(std::span<const float> samples) {
  double sum = 0;
  for (const auto s : samples) sum += s;
  return std::to_string(samples.size()) + ":" +
         std::to_string(static_cast<int>(sum * 4 / static_cast<double>(samples.size()) + 0.5));
}

TEST_F(InferenceSockets, AMinuteOfAudio_AndAShortOne) {
  Scope scope(loop, "root");
  const auto server = start_server(scope, count);
  InferenceClient client(scope, std::make_unique<InferenceDialer>(loop, path));
  std::vector<Answer> answers;
  ask_all(scope, client, {kMaxInferenceSamples, 1}, 30s, answers);
  EXPECT_EQ(**answers[0], "960000:1");
  EXPECT_EQ(**answers[1], "1:1");
}

TEST_F(InferenceSockets, SocketIsTheOwnersOnly) {
  Scope scope(loop, "root");
  const auto server = start_server(scope, count);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(InferenceSockets, DirectoryThatIsNotThere_IsSaidSo) {
  const auto acceptor = InferenceAcceptor::open(loop, "/proc/none/inference.sock");
  ASSERT_FALSE(acceptor);
  EXPECT_NE(acceptor.error().message().find("/proc/none"), std::string::npos);
  EXPECT_EQ(InferenceDialer(loop, path).dial().error().code(), Errc::unavailable);
}

TEST_F(InferenceSockets, SlowModel_TheCallerHasItsDeadline) {
  Scope scope(loop, "root");
  std::promise<void> go;
  const auto gate = go.get_future().share();
  const auto server = start_server(scope, [gate](std::span<const float>) -> Result<std::string> {
    gate.wait();
    return "late";
  });
  InferenceClient client(scope, std::make_unique<InferenceDialer>(loop, path));
  std::vector<Answer> answers;
  ask_all(scope, client, {100}, 50ms, answers);
  ASSERT_FALSE(*answers[0]);
  EXPECT_EQ(answers[0]->error().code(), Errc::timeout);
  go.set_value();
  ask_all(scope, client, {100}, 10s, answers);
  EXPECT_EQ(**answers[0], "late");
}

TEST_F(InferenceSockets, ServerDiesInMidRequest_ItsSuccessorAnswers) {
  Scope scope(loop, "root");
  std::promise<void> started, go;
  const auto gate = go.get_future().share();
  auto first = start_server(scope, [&started, gate](std::span<const float>) -> Result<std::string> {
    started.set_value();
    gate.wait();
    return "from the dead";
  });
  InferenceClient client(scope, std::make_unique<InferenceDialer>(loop, path));
  std::unique_ptr<Server> second;
  ASSERT_TRUE(scope.spawn("killer",
                          [](InferenceSockets& test, Scope& s, std::promise<void>& began,
                             std::unique_ptr<Server>& dying, std::unique_ptr<Server>& next) -> Task<void> {
                            auto& own = co_await this_loop();
                            (void)co_await run_blocking<bool>(own.in(10s), [&began]() -> Result<bool> {
                              began.get_future().wait();
                              return true;
                            });
                            dying.reset();
                            next = test.start_server(s, count);
                          }(*this, scope, started, first, second)));
  std::vector<Answer> answers;
  ask_all(scope, client, {100}, 10s, answers);
  ASSERT_TRUE(*answers[0]) << answers[0]->error().message();
  EXPECT_EQ(**answers[0], "100:1");
  EXPECT_EQ(client.counters().lost, 1u);
  go.set_value();
}

TEST_F(InferenceSockets, GarbageOnTheSocket_CostsThatClientOnly) {
  Scope scope(loop, "root");
  const auto server = start_server(scope, count);
  std::vector<std::unique_ptr<Link>> bad;
  for (const std::string_view bytes : {"x", "\x0a\x04\x08\x01\x10\x05", "\x0a\xff\xff\xff\xff\x0f"}) {
    bad.push_back(*InferenceDialer(loop, path).dial());
    ASSERT_TRUE(bad.back()->send(std::string(bytes)));
  }
  bad.push_back(*InferenceDialer(loop, path).dial());
  ASSERT_TRUE(bad.back()->send(std::string(kMaxMessageBytes, 'x')));
  // A request whose file holds less than it says is answered; it is the client's own affair.
  bad.push_back(*InferenceDialer(loop, path).dial());
  Handles handles;
  handles.push_back(std::make_unique<FdHandle>(*make_inference_audio(std::vector<float>(10))));
  ASSERT_TRUE(bad.back()->send(serialize(ToInference(RecognizeRequest{.id = 1, .samples = 1000, .patience = 1s})),
                               std::move(handles)));

  InferenceClient client(scope, std::make_unique<InferenceDialer>(loop, path));
  std::vector<Answer> answers;
  ask_all(scope, client, {100}, 10s, answers);
  EXPECT_EQ(**answers[0], "100:1");
  EXPECT_EQ(server->server.counters().dropped, 4u);
  EXPECT_EQ(server->server.counters().failed, 1u);
}

TEST_F(InferenceSockets, DescriptorsOfRequests_AreAllClosed) {
  const auto open_descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  Scope scope(loop, "root");
  const auto server = start_server(scope, count);
  InferenceClient client(scope, std::make_unique<InferenceDialer>(loop, path));
  std::vector<Answer> answers;
  ask_all(scope, client, {100}, 10s, answers);
  const auto before = open_descriptors();
  for (int i = 0; i < 20; ++i) ask_all(scope, client, {100, 200, 300}, 10s, answers);
  EXPECT_LE(open_descriptors(), before);
}

}  // namespace
}  // namespace parley::ipc
