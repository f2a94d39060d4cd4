// A room on virtual time: peers with their Messages, and a server between them that does what LiveKit's does with packets. It
// writes the sender's identity and sid (an agent's text header on another's behalf keeps that one's), and sends to the
// destinations or to everybody else. Each channel of each peer has its own delay; the lossy one may lose.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "livekit/room/messages.hpp"
#include "livekit/room/messages_packet.hpp"
#include "sim/world.hpp"

namespace parley::livekit {

class TestRoom;

class Peer final : public DataPort {
 public:
  Peer(TestRoom& room, std::string identity, std::string sid);

  Task<Result<void>> publish(rtc::DataKind kind, std::string packet, Deadline deadline) override;
  bool has_participant(std::string_view identity) const noexcept override;
  const std::string& own_identity() const noexcept override { return identity; }
  const std::string& own_sid() const noexcept override { return sid; }
  bool server_has_rpc() const noexcept override { return server_knows_rpc; }

  // As if it came from the network.
  Result<Messages::Unclaimed> receive(const proto::DataPacket& packet) { return receive(packet.SerializeAsString()); }
  Result<Messages::Unclaimed> receive(const std::string& bytes);

  TestRoom& room;
  std::string identity;
  std::string sid;
  Event open;  // reset: nothing can be sent, and who tries waits
  Duration reliable_delay = 5ms;
  Duration lossy_delay = 5ms;
  double loss = 0;
  bool server_knows_rpc = true;
  std::vector<proto::DataPacket> sent;  // what it published, as it did
  std::size_t keep_sent = 4096;
  std::vector<Messages::Unclaimed> unclaimed;
  std::vector<std::string> errors;  // of what it received
  Channel<std::pair<TimePoint, std::string>> arriving_reliable{100'000};
  Channel<std::pair<TimePoint, std::string>> arriving_lossy{100'000};
  std::optional<Messages> messages;
};

class CountingSink final : public LogSink {
 public:
  void write(const LogLine& line) noexcept override { lines.emplace_back(line.message); }
  std::vector<std::string> lines;
};

class TestRoom : public ::testing::Test {
 protected:
  TestRoom();
  void TearDown() override;

 public:
  Peer& join(std::string identity);
  // The others are told, as by the server.
  void leave(Peer& peer);

  // The others have not been told of it yet.
  void hide(const Peer& peer) { hidden = peer.identity; }

  // Runs `task` to its end.
  template <class T>
  T run(Task<T> task, Duration limit = 5min) {
    std::optional<T> result;
    EXPECT_TRUE(scope->spawn("test", keep(std::move(task), result)));
    EXPECT_TRUE(world.run_until([&] { return result.has_value(); }, limit)) << world.describe();
    if (!result) throw std::runtime_error("the task did not end");
    return std::move(*result);
  }
  // Lets it run beside the test.
  void start(Task<void> task) { ASSERT_TRUE(scope->spawn("beside", std::move(task))); }
  void settle(Duration time = 100ms) { world.run_for(time); }
  bool until(const std::function<bool()>& done, Duration limit = 1min) { return world.run_until(done, limit); }
  Deadline in(Duration time) const { return loop.in(time); }

  sim::World world{31};
  std::shared_ptr<CountingSink> log = std::make_shared<CountingSink>();
  sim::SimLoop& loop;
  std::optional<Scope> scope;
  std::vector<std::unique_ptr<Peer>> peers;
  std::string hidden;  // an identity

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  static Task<void> deliver(Peer& peer, Channel<std::pair<TimePoint, std::string>>& arriving);
};

// Bytes that the program has allocated at this moment.
std::size_t allocated_bytes();

// Packets as a peer's SDK, or something worse, makes them.
proto::DataPacket from(const Peer& sender);
proto::DataPacket header(const Peer& sender, const std::string& id, const std::string& topic);
proto::DataPacket byte_header(const Peer& sender, const std::string& id, const std::string& topic);
proto::DataPacket chunk(const Peer& sender, const std::string& id, std::uint64_t index, std::string content);
proto::DataPacket trailer(const Peer& sender, const std::string& id, const std::string& reason = {});
proto::DataPacket rpc_request(const Peer& sender, const std::string& id, const std::string& method, std::string payload = {});

std::shared_ptr<StreamReader> next_reader(Channel<std::shared_ptr<StreamReader>>& readers);

}  // namespace parley::livekit
