// A participant's place in a LiveKit room: signalling, media and data on one peer connection.
//
//   Room room(scope, engine, sockets, {.url = url, .token = token});
//   auto joined = co_await room.connect(loop.in(10s));
//   auto microphone = room.local_audio();     // published with the join
//   while (auto event = co_await room.events().pop(deadline)) ...
//
// What is lost comes back by itself. The signal socket is dialled again while audio flows on (a resume); when media is gone
// too, or the server wants it, everything is made anew (a full reconnect): local tracks are published again, subscriptions
// are asked for again by (identity, source). At most `reconnects` tries with jittered backoff; the reason of an end that is
// final reaches the application as itself. A room that was deleted while we were away is recognised by its sid and left.
//
// Thread: the loop's only.
// Bound:  kMaxEvents events; when they are not taken, further ones are dropped and counted, but `disconnected` always has its
//         place. kMaxParticipants, kMaxTracks; what exceeds them is left aside, counted and logged.
// Ending: request_stop() leaves; close(deadline) sends Leave, then says goodbye on socket and connection, and reports what
//         did not go; kill() drops both: the server then takes us for gone after about twenty seconds.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/channel.hpp>
#include <parley/async/scope.hpp>
#include <parley/audio/frame.hpp>
#include <parley/base/log.hpp>

#include "audio/opus.hpp"
#include "livekit/room/messages.hpp"
#include "livekit/room/types.hpp"
#include "net/websocket.hpp"
#include "rtc/sfu_connection.hpp"

namespace parley::livekit {

struct LocalAudioOptions {
  std::string name = "agent";
  TrackSource source = TrackSource::microphone;
  OpusSettings opus{};
};

struct RoomSettings {
  std::string url;  // ws, wss, http or https
  std::string token;
  rtc::ConnectionSettings connection{};
  std::optional<LocalAudioOptions> microphone{};    // published with the join; none: nothing is
  bool subscribe_to_audio = true;                   // of everybody; else see Room::subscribe
  std::map<std::string, std::string> attributes{};  // ours, from the join on
  std::string metadata{};
  int reconnects = 10;  // tries in a row until a lost room is given up
  // Told of every RTP packet of a track that is subscribed to, as it came: for who measures.
  std::function<void(ByteView packet, TimePoint at)> on_audio_packet{};
};

enum class RoomState : std::uint8_t { idle, connecting, connected, reconnecting, closed };

struct RoomEvent {
  enum class Type : std::uint8_t {
    connected,     // who is there already joins and publishes in the events after it
    reconnecting,  // `resuming`: audio flows on
    reconnected,   // `resuming`: the others noticed nothing
    disconnected,  // for good: `reason`, `detail`; the last event
    room_updated,  // metadata, recording
    room_moved,    // into another room: everything is told anew
    participant_joined,
    participant_left,     // `reason`; duplicate_identity: replaced by a newer connection of its own, which joins next
    participant_updated,  // name, metadata, state or attributes: `changed` has the names of the attributes
    permission_changed,   // ours, or another's
    track_published,
    track_unpublished,
    track_subscribed,  // its audio can be received
    track_unsubscribed,
    track_subscription_failed,  // `detail`
    track_muted,
    track_unmuted,
    local_track_published,
    local_track_subscribed,  // somebody hears us: for the first time
    local_track_muted,       // by the server: obeyed
    local_track_unmuted,
    active_speakers,
    connection_quality,
    dtmf,  // `digit`, from `identity`
    data,  // a user packet: `topic`, `data`
  };
  Type type;
  std::string identity{};  // whose; ours for the local_ ones
  std::string track_sid{};
  bool resuming = false;
  DisconnectReason reason = DisconnectReason::unknown;
  std::string detail{};
  std::vector<std::string> changed{};
  char digit = 0;
  std::string topic{};
  std::string data{};
};

// A track of ours. Belongs to the room; sound that cannot be delivered just now is dropped.
class LocalAudioTrack {
 public:
  virtual ~LocalAudioTrack() = default;
  virtual const std::string& sid() const noexcept = 0;  // TR_...; empty: not published just now
  // One frame of 20 ms at 48 kHz.
  virtual void send(const AudioFrame& frame, TimePoint now) = 0;
  // The same of 20 ms that were encoded before; `level` is -dBov.
  virtual void send_encoded(ByteView opus, std::uint8_t level, TimePoint now) = 0;
  virtual bool can_deliver() const noexcept = 0;  // connected, published, not muted by the server
  virtual void set_muted(bool muted) = 0;
  virtual bool muted() const noexcept = 0;
  // Somebody has subscribed to it since it was last published.
  virtual Event& subscribed() noexcept = 0;
};

// Another's track that we are subscribed to. Shared: outlives the subscription, and is silent then.
class RemoteAudioTrack {
 public:
  virtual ~RemoteAudioTrack() = default;
  virtual const std::string& sid() const noexcept = 0;
  virtual const std::string& identity() const noexcept = 0;
  // The next 20 ms at 48 kHz, concealed where packets were lost; nullopt: nothing comes (muted, DTX, gone). Once a tick.
  virtual std::optional<AudioFrame> receive(TimePoint now) = 0;
  virtual std::optional<TimePoint> last_received() const noexcept = 0;
};

class Room {
 public:
  static constexpr std::size_t kMaxEvents = 256;
  static constexpr std::size_t kMaxParticipants = 1024;
  static constexpr std::size_t kMaxTracks = 16;  // of one participant
  static constexpr std::size_t kMaxSubscriptions = 16;
  static constexpr Duration kConnectWithin = 5s;  // ICE and DTLS: beyond it "no UDP path to the server"
  static constexpr Duration kLeaveWithin = 500ms;

  Room(Scope& parent, rtc::Engine& engine, net::WebSocketClient& sockets, RoomSettings settings, Logger logger);
  ~Room();

  // Once. Errors: Errc::refused (401, 403 and the server's words), Errc::not_found, Errc::unavailable (not reached; or reached,
  // but no UDP path), Errc::timeout, Errc::protocol (too old a server).
  Task<Result<void>> connect(Deadline deadline);

  RoomState state() const noexcept;
  Channel<RoomEvent>& events() noexcept;  // closed after `disconnected`

  const RoomInfoView& info() const noexcept;
  const Participant& local() const noexcept;
  // By identity; null: not here. Valid until the next suspension.
  const Participant* participant(std::string_view identity) const noexcept;
  std::vector<const Participant*> participants() const;

  LocalAudioTrack* microphone() noexcept;  // null: none was asked for
  // Of a participant's microphone, or any audio track it has; null: not subscribed (yet).
  std::shared_ptr<RemoteAudioTrack> audio_of(std::string_view identity) noexcept;
  void subscribe(const std::string& track_sid, bool wanted);

  // Errc::refused: not permitted; Errc::timeout; Errc::invalid_argument (too long).
  Task<Result<void>> set_attributes(std::map<std::string, std::string> attributes,
                                    Deadline deadline);  // an empty value removes
  Task<Result<void>> set_metadata(std::string metadata, Deadline deadline);
  Task<Result<void>> set_name(std::string name, Deadline deadline);

  // Packets, streams, RPC, DTMF, transcriptions.
  Messages& messages() noexcept;

  // When anything was last heard of the server: signal, RTP, RTCP, ICE.
  TimePoint last_heard() const noexcept;
  struct Counters {
    std::uint64_t resumes = 0, reconnects = 0, negotiations = 0, signal_messages = 0, protocol_errors = 0,
                  events_dropped = 0, packets_received = 0, packets_dropped = 0;
  };
  const Counters& counters() const noexcept;

  // For tests and drills: SimulateScenario of the server.
  enum class Drill : std::uint8_t {
    signal_lost,
    node_failure,
    migration,
    server_leave,
    full_reconnect,
    disconnect_signal_on_resume
  };
  void drill(Drill what);

  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace parley::livekit
