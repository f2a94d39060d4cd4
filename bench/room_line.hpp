// A call in a LiveKit room of its own: the caller is there first, then the agent is dispatched to it.
//
// What the caller says goes out as it was encoded before, and what the agent says is not decoded here either. A server passes
// no levels on: the agent speaks while packets come, since it sends none in silence.
#pragma once

#include "bench/line.hpp"
#include "livekit/api/server_api.hpp"
#include "livekit/room/room.hpp"
#include "net/websocket.hpp"

namespace parley::bench {

class RoomLine final : public Line {
 public:
  RoomLine(Scope& parent, rtc::Engine& engine, net::HttpClient& client, net::WebSocketClient& sockets, ExitWatch& exits,
           const Place& place, std::string name, OnAudio on_audio);
  ~RoomLine() override;

  Task<Result<void>> connect() override;
  bool down() const noexcept override;
  void send(const SpeechFrame& frame, TimePoint now) override;
  void skip() override {}  // the track sees by itself how long it was silent
  void cut(TimePoint now) override;
  Task<Result<void>> hang_up() override;
  void drop() noexcept override { room_->kill(); }

 private:
  Task<void> watch();
  void happened(const livekit::RoomEvent& event);

  Loop& loop_;
  net::HttpClient& client_;
  ExitWatch& exits_;
  const Place& place_;
  std::string name_;  // of the room
  OnAudio on_audio_;
  Scope scope_;
  livekit::ServerApi api_;
  std::unique_ptr<livekit::Room> room_;
  Event subscribed_;
  bool agent_left_ = false;
};

}  // namespace parley::bench
