// Rooms of a real LiveKit server, several participants in one process, and the ledger of what must be gone at a test's end.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <parley/async/within.hpp>
#include <parley/base/ids.hpp>

#include "async/real_loop.hpp"
#include "audio/samples.hpp"
#include "livekit/api/access_token.hpp"
#include "livekit/api/server_api.hpp"
#include "livekit/room/room.hpp"
#include "net/net_http_client.hpp"
#include "net/net_websocket.hpp"

namespace parley::livekit {

using Type = RoomEvent::Type;

// In a coroutine, where ASSERT_* cannot return.
#define CO_ASSERT(condition)                \
  if (!(condition)) {                       \
    ADD_FAILURE() << "failed: " #condition; \
    co_return;                              \
  }
#define CO_ASSERT_OK(result)                                                   \
  if (!(result)) {                                                             \
    ADD_FAILURE() << "failed: " #result << ": " << (result).error().message(); \
    co_return;                                                                 \
  }

inline AudioFrame tone(double hertz, std::size_t frame_number, double amplitude = 8'000) {
  AudioFrame frame{std::vector<std::int16_t>(kTransportFrameSamples), kTransportRate};
  for (std::size_t i = 0; i < frame.samples.size(); ++i) {
    const auto t = static_cast<double>(frame_number * kTransportFrameSamples + i) / kTransportRate;
    frame.samples[i] = static_cast<std::int16_t>(amplitude * std::sin(2 * std::numbers::pi * hertz * t));
  }
  return frame;
}

// How much of the sound's power is at `hertz` (Goertzel), 0 to 1.
inline double share_at(double hertz, Samples samples) {
  const double w = 2 * std::numbers::pi * hertz / kTransportRate;
  double s1 = 0, s2 = 0, power = 0;
  for (const auto sample : samples) {
    const double s = sample + 2 * std::cos(w) * s1 - s2;
    s2 = s1;
    s1 = s;
    power += static_cast<double>(sample) * sample;
  }
  if (power == 0) return 0;
  return 2 * (s1 * s1 + s2 * s2 - 2 * std::cos(w) * s1 * s2) / (power * static_cast<double>(samples.size()));
}

// How many of the tenths of a second are that tone, 0 to 1: the machine may have stood still for one, a gap takes many.
inline double time_at(double hertz, Samples samples) {
  constexpr std::size_t kWindow = kTransportRate / 10;
  std::size_t windows = 0, at = 0;
  for (; samples.size() >= kWindow; samples = samples.subspan(kWindow), ++windows) {
    if (share_at(hertz, samples.first(kWindow)) > 0.8) ++at;
  }
  return windows == 0 ? 0 : static_cast<double>(at) / static_cast<double>(windows);
}

inline std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class InRooms : public ::testing::Test {
 public:
  static constexpr Duration kTestLimit = 60s;

  InRooms() : loop("test"), engine(std::make_unique<rtc::Engine>()), scope(std::in_place, loop, "root") {
    credentials = {from_environment("LIVEKIT_URL"), from_environment("LIVEKIT_API_KEY"),
                   from_environment("LIVEKIT_API_SECRET")};
    sockets = net::make_websocket_client(loop, *scope);
    http = net::make_http_client(loop, *scope);
    api.emplace(loop, *http, credentials);
    name = make_id(loop.random(), "room", 8);
  }

  void SetUp() override { ASSERT_FALSE(credentials.url.empty()) << "run by tests/livekit/livekit_server.py"; }

  // Nothing native is left, nothing was abandoned, no task is left.
  void TearDown() override {
    run(
        [](InRooms& self) -> Task<void> {
          const auto report = co_await self.scope->close(self.loop.in(5s));
          EXPECT_EQ(report.abandoned, 0u) << to_string(report);
        }(*this),
        false);
    api.reset();
    http.reset();
    sockets.reset();
    scope.reset();
    run(
        [](InRooms& self) -> Task<void> {
          const auto report = co_await self.engine->close(self.loop.in(5s));
          EXPECT_TRUE(report.clean()) << to_string(report);
        }(*this),
        false);
    EXPECT_EQ(engine->counts().abandoned, 0u);
    engine.reset();
    EXPECT_EQ(loop.counters().tasks, 0);
  }

  void run(Task<void> body, bool in_scope = true) {
    std::optional<Scope> own;
    if (!in_scope) own.emplace(loop, "driver");
    auto& home = in_scope ? *scope : *own;
    ASSERT_TRUE(home.spawn("body", drive(*this, std::move(body))));
    loop.run();
  }
  static Task<void> drive(InRooms& self, Task<void> body) {
    const auto ended = co_await within(self.loop.in(kTestLimit), std::move(body));
    EXPECT_TRUE(ended) << "the test did not end in time";
    self.loop.stop();
  }

  std::string token(const std::string& identity, const std::function<void(TokenClaims&)>& change = {}) {
    TokenClaims claims{.identity = identity};
    claims.video.room = name;
    claims.video.room_join = true;
    claims.video.can_update_own_metadata = true;
    if (change) change(claims);
    return make_token(credentials, claims, loop.clock().wall()).value();
  }

  RoomSettings settings(const std::string& identity) {
    RoomSettings s{.url = credentials.url, .token = token(identity)};
    s.connection.bind_address = "127.0.0.1";
    s.microphone = LocalAudioOptions{};
    return s;
  }
  std::unique_ptr<Room> make(RoomSettings s) {
    return std::make_unique<Room>(*scope, *engine, *sockets, std::move(s), logger());
  }
  // Null: not joined, and the test has failed.
  static Task<std::unique_ptr<Room>> join(InRooms& self, RoomSettings s) {
    auto room = self.make(std::move(s));
    const auto joined = co_await room->connect(self.loop.in(10s));
    EXPECT_TRUE(joined) << joined.error().message();
    if (!joined) room.reset();
    co_return room;
  }
  static Task<std::unique_ptr<Room>> join(InRooms& self, std::string identity) {
    return join(self, self.settings(identity));
  }

  // Until `room` tells `type` (of `identity`); what comes before it is skipped.
  static Task<std::optional<RoomEvent>> wait_for(InRooms& self, Room& room, Type type, std::string identity = "",
                                                 Duration limit = 15s) {
    const auto until = self.loop.in(limit);
    for (;;) {
      auto event = co_await room.events().pop(until);
      if (!event) co_return std::nullopt;
      if (event->type == type && (identity.empty() || event->identity == identity)) co_return std::move(*event);
    }
  }

  // Until `true_now`, at most for `limit`.
  template <class Condition>
  static Task<bool> until(InRooms& self, Duration limit, Condition true_now) {
    for (const auto end = self.loop.in(limit); !end.passed(self.loop.now());) {
      if (true_now()) co_return true;
      co_await sleep_for(5ms);
    }
    co_return true_now();
  }

  // Sends `hertz` from one to the other for `frames` ticks; what the other heard in them.
  static Task<std::vector<std::int16_t>> listen(InRooms& self, Room& from, Room& to, double hertz, std::size_t frames) {
    std::vector<std::int16_t> heard;
    auto tick = self.loop.now();
    for (std::size_t n = 0; n < frames; ++n) {
      from.microphone()->send(tone(hertz, n), self.loop.now());
      const auto audio = to.audio_of(from.local().identity);
      const auto frame = audio ? audio->receive(tick) : std::nullopt;
      if (frame) heard.insert(heard.end(), frame->samples.begin(), frame->samples.end());
      tick += kFrameDuration;
      co_await sleep_until(tick);
    }
    co_return heard;
  }

  // Sends `hertz` from one until the other hears it whole, at most for `limit`.
  static Task<bool> hears(InRooms& self, Room& from, Room& to, double hertz, Duration limit = 10s) {
    constexpr std::size_t kPiece = 25;  // frames
    for (const auto end = self.loop.in(limit); !end.passed(self.loop.now());) {
      const auto heard = co_await listen(self, from, to, hertz, kPiece);
      if (heard.size() >= kTransportRate / 3 && time_at(hertz, Samples(heard).last(kTransportRate / 5)) > 0.9)
        co_return true;
    }
    co_return false;
  }

  // Until nobody is in the test's room, as the server says; false: somebody stays.
  static Task<bool> empties(InRooms& self, Duration limit = 5s) {
    for (const auto end = self.loop.in(limit); !end.passed(self.loop.now());) {
      const auto there = co_await self.api->list_participants(self.name, end);
      if (!there || there->empty()) co_return true;
      co_await sleep_for(20ms);
    }
    co_return false;
  }

  // What the server API of ours has no verb for.
  Task<Result<void>> permit(std::string identity, bool can_publish) {
    TokenClaims claims{.identity = "admin"};
    claims.video.room = name;
    claims.video.room_admin = true;
    net::ClientRequest request{
        .method = "POST", .url = "http" + credentials.url.substr(2) + "/twirp/livekit.RoomService/UpdateParticipant"};
    request.fields.add("Content-Type", "application/json");
    request.fields.add("Authorization", "Bearer " + make_token(credentials, claims, loop.clock().wall()).value());
    request.body = fmt::format(
        R"({{"room":"{}","identity":"{}","permission":{{"can_subscribe":true,"can_publish":{},"can_publish_data":true}}}})",
        name, identity, can_publish);
    const auto answer = co_await http->send(std::move(request), loop.in(5s));
    if (!answer) co_return fail(answer.error());
    if (answer->head.status != 200) co_return fail(Errc::refused, answer->body);
    co_return Result<void>();
  }

  static std::size_t entries(const char* folder) {
    const std::filesystem::directory_iterator all(folder);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  static std::size_t descriptors() { return entries("/proc/self/fd"); }
  static std::size_t threads() { return entries("/proc/self/task"); }

  Logger logger() const {
    static const auto sink = stderr_sink(LogFormat::text);
    return from_environment("PARLEY_TEST_LOG").empty() ? Logger() : Logger(sink, LogLevel::debug);
  }

  RealLoop loop;
  std::unique_ptr<rtc::Engine> engine;
  std::optional<Scope> scope;
  Credentials credentials;
  std::unique_ptr<net::WebSocketClient> sockets;
  std::unique_ptr<net::HttpClient> http;
  std::optional<ServerApi> api;
  std::string name;  // of the test's room
};

}  // namespace parley::livekit
