// A call in a LiveKit room, put together for one job: the room, its server, the call's audio, and what front ends see.
//
// Thread: the loop's only.
// Bound:  its parts'.
// Ending: close() leaves (room_transport.hpp), kill() drops everything.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/json/object.hpp>
#include <parley/job.hpp>

#include "ipc/room_job.hpp"
#include "livekit/agent/chat_input.hpp"
#include "livekit/agent/room_adapter.hpp"
#include "livekit/agent/room_presence.hpp"
#include "livekit/agent/room_transport.hpp"
#include "session/session_port.hpp"

namespace parley::voice {

// How a job reaches a LiveKit server.
struct RoomClients {
  std::shared_ptr<net::HttpClient> http;
  std::shared_ptr<net::WebSocketClient> sockets;
};
// `secure`: the server is behind TLS.
using RoomClientFactory = std::function<RoomClients(Loop& loop, Scope& scope, bool secure)>;

struct RoomMedia {
  RoomClientFactory clients;  // none: calls in rooms are refused
  rtc::ConnectionSettings connection{};  // without an address: the loopback's, where the server is there
  OpusSettings opus{};
};

class RoomWay {
 public:
  struct Listener {
    livekit::RoomNews news{};
    std::function<void(std::string text)> typed{};  // by the caller
  };
  RoomWay(Scope& parent, rtc::Engine& engine, const RoomMedia& media, const ipc::RoomJob& job, const RoomOptions& options, Listener listener,
          Logger logger);

  livekit::RoomTransport& transport() noexcept { return transport_; }
  Task<Result<void>> join(Deadline deadline);
  // Who calls; empty: nobody, or gone.
  Participant caller() const;

  // What the session says, for those who watch.
  void said(std::string_view type, const boost::json::object& data);
  void agent_words(const SessionPort::AgentWords& words);

  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

 private:
  static livekit::RoomSettings settings_of(const RoomMedia& media, const ipc::RoomJob& job);
  static livekit::RoomCall call_of(const ipc::RoomJob& job, const RoomOptions& options);
  livekit::RoomNews news_of(livekit::RoomNews news);

  RoomClients clients_;
  livekit::RoomAdapter room_;
  std::unique_ptr<livekit::ServerAdapter> server_;  // null: the job has no token for it
  livekit::RoomPresence presence_;
  livekit::RoomTransport transport_;
  Scope scope_;
  livekit::ChatInput chat_;
};

// The metadata of a call: that of its dispatch over that of its room, where they are JSON objects. A text of the dispatch that
// is none becomes {"text": ...}.
boost::json::object room_metadata(const ipc::RoomJob& job);

}  // namespace parley::voice
