// A server that goes away: for good, for a moment, or only as a process that does not answer. Its tests end and start the server
// they were given, one after the other, so they have one of their own.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include "net/tcp.hpp"
#include "room_fixture.hpp"

namespace parley::livekit {
namespace {

// The server's process; the first is the harness's, later ones are ours.
class Server {
 public:
  static Server& instance() {
    static Server server;
    return server;
  }
  ~Server() {
    if (ours_) kill();
  }
  void signal(int number) const { ::kill(pid_, number); }
  void kill() {
    signal(SIGKILL);
    if (ours_) ::waitpid(pid_, nullptr, 0);
    ours_ = false;
    alive_ = false;
  }
  void start() {
    if (alive_) return;
    const auto program = from_environment("PARLEY_LIVEKIT_SERVER"), config = from_environment("PARLEY_LIVEKIT_CONFIG");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (!std::freopen("/dev/null", "w", stdout) || !std::freopen("/dev/null", "w", stderr)) ::_exit(126);
      ::execl(program.c_str(), program.c_str(), "--config", config.c_str(), nullptr);
      ::_exit(127);
    }
    ours_ = alive_ = true;
  }

 private:
  Server() : pid_(std::stoi(from_environment("PARLEY_LIVEKIT_PID"))) {}
  pid_t pid_;
  bool ours_ = false;
  bool alive_ = true;
};

class ServerRooms : public InRooms {
 public:
  // Until it answers.
  static Task<void> await_server(ServerRooms& self) {
    for (const auto end = self.loop.in(20s); !end.passed(self.loop.now());) {
      if ((co_await self.api->list_rooms(self.loop.in(1s))).has_value()) co_return;
      co_await sleep_for(50ms);
    }
    ADD_FAILURE() << "the server did not start";
  }
};

TEST_F(ServerRooms, ServerDies_IsGivenUpAfterItsTries) {
  run([](ServerRooms& self) -> Task<void> {
    Server::instance().start();
    co_await await_server(self);
    auto s = self.settings("agent");
    s.reconnects = 3;
    const auto agent = co_await join(self, s);
    CO_ASSERT(agent);
    Server::instance().kill();
    const auto ended = co_await wait_for(self, *agent, Type::disconnected, "", 30s);
    CO_ASSERT(ended);
    EXPECT_TRUE(ended->reason == DisconnectReason::signal_close || ended->reason == DisconnectReason::media_failure)
        << to_string(ended->reason);
    EXPECT_NE(ended->detail.find("3 attempts"), std::string::npos) << ended->detail;
    EXPECT_TRUE((co_await agent->close(self.loop.in(3s))).clean());
    EXPECT_TRUE(co_await until(self, 5s, [&] { return self.engine->counts().connections == 0; }));
  }(*this));
}

TEST_F(ServerRooms, ServerRestarts_ItsRoomIsAnotherAndIsLeft) {
  run([](ServerRooms& self) -> Task<void> {
    Server::instance().start();
    co_await await_server(self);
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(agent);
    Server::instance().kill();
    CO_ASSERT(co_await wait_for(self, *agent, Type::reconnecting));
    Server::instance().start();
    const auto ended = co_await wait_for(self, *agent, Type::disconnected, "", 40s);
    CO_ASSERT(ended);
    EXPECT_EQ(ended->reason, DisconnectReason::room_deleted) << ended->detail;
    EXPECT_TRUE((co_await agent->close(self.loop.in(3s))).clean());
    EXPECT_TRUE(co_await empties(self));
  }(*this));
}

TEST_F(ServerRooms, ServerFallsSilentOnBothPaths_IsNoticedAndTheRoomComesBackWithIt) {
  run([](ServerRooms& self) -> Task<void> {
    Server::instance().start();
    co_await await_server(self);
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(agent);
    const auto began = self.loop.now();
    Server::instance().signal(SIGSTOP);
    const auto lost = co_await wait_for(self, *agent, Type::reconnecting, "", 20s);
    Server::instance().signal(SIGCONT);
    CO_ASSERT(lost);
    fmt::print("noticed after {:.1f} s: {}\n", to_seconds(self.loop.now() - began), lost->detail);
    EXPECT_LT(self.loop.now() - began, 16s);
    CO_ASSERT(co_await until(self, 20s, [&] { return agent->state() == RoomState::connected; }));
  }(*this));
}

}  // namespace
}  // namespace parley::livekit
