// What a Room holds, and how its parts hang together. Private to the room's sources.
//
// Tasks, all of one scope: run() joins and repairs, read_signal() takes what the server says, serve_media() takes what the
// peer connection brings, negotiate() offers and applies answers, dispose() ends old connections. They belong to the socket or
// connection they were started for, and end when that is no longer the room's.
//
// Thread: the loop's only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <parley/async/event.hpp>

#include "livekit/room/local_audio.hpp"
#include "livekit/room/negotiation.hpp"
#include "livekit/room/reconnect_policy.hpp"
#include "livekit/room/reliable_data.hpp"
#include "livekit/room/remote_audio.hpp"
#include "livekit/room/room.hpp"
#include "livekit/room/roster.hpp"
#include "livekit/room/signal_connection.hpp"

namespace parley::livekit {

// One peer connection, and what is lost with it.
struct Link {
  Link(Loop& loop, rtc::Engine& engine, rtc::SfuSettings settings)
      : pc(loop, engine, std::move(settings)), last_heard(loop.now()) {}

  rtc::SfuConnection pc;
  Negotiation negotiation;
  RemoteAudios audios;
  unsigned receivers = 0;
  // Our section: a server that has taken our track away notices a new one only after it has answered that nothing is sent.
  enum class Sending : std::uint8_t { active, stopping, stop_offered, stopped };
  Sending sending = Sending::active;
  std::optional<proto::SessionDescription> answer;  // came, and is not applied yet
  Event wake;                                       // of the negotiator
  TimePoint last_heard;
  std::vector<std::string> server_addresses;  // of its candidates: for the words when none can be reached

  bool ready() const noexcept { return pc.connected() && pc.data_open(); }
};
using LinkPtr = std::shared_ptr<Link>;
using SignalPtr = std::shared_ptr<SignalConnection>;

// Why an attempt came to nothing: for the caller, and for the policy.
struct Setback {
  Error error;
  Trouble trouble;
};
template <class T>
using Attempt = std::expected<T, Setback>;

struct Room::State final : DataPort {
  static constexpr unsigned kReceiversAhead = 2;  // made with the first offer, so that most rooms need no other
  static constexpr int kJoinTries = 3;
  static constexpr Duration kConnectMargin = 20ms;  // of connect()'s deadline, to say why
  static constexpr Duration kResumeWithin = 5s;     // socket and answer
  static constexpr Duration kRejoinWithin = 10s;    // socket, answer and media
  static constexpr Duration kOfferWithin = 5s;
  static constexpr Duration kMediaSilence = 10s;  // no RTP, RTCP or ICE: the connection is lost
  static constexpr Duration kLeaveGrace = 200ms;  // after a goodbye on the connection, for the Leave that explains it
  static constexpr Duration kDisposeWithin = 2s;
  static constexpr std::size_t kMaxLeaving = 4;          // old connections that are being closed
  static constexpr std::size_t kMaxQueuedSignals = 128;  // while there is no socket
  static constexpr std::size_t kMaxRequests = 16;        // of ours that wait for an answer
  static constexpr std::size_t kMaxServerAddresses = 4;
  static constexpr std::size_t kMaxIceServers = 16;  // looked at
  static constexpr std::size_t kMaxReliableBuffered = 1 * MiB;
  static constexpr Duration kBufferLook = 10ms;
  static constexpr std::size_t kMaxAttributesBytes = 64 * KiB;
  static constexpr std::size_t kMaxMetadataBytes = 512 * KiB;

  State(Scope& parent, rtc::Engine& the_engine, net::WebSocketClient& the_sockets, RoomSettings the_settings,
        Logger the_logger);
  ~State() override;

  // --- room.cpp: the life of the room
  Task<Result<void>> connect(Deadline deadline);
  Task<void> run(Deadline deadline);
  Task<bool> recover();
  void note(Trouble trouble);
  void over(DisconnectReason reason, std::string detail);
  void emit(RoomEvent event);
  void now_connected();
  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close_body(Deadline deadline);
  void kill() noexcept;

  // --- room_join.cpp: sockets and connections
  Task<Attempt<void>> first_join(Deadline deadline);
  void forget_join();
  Task<Attempt<void>> join(Deadline deadline, bool again);
  Task<Attempt<void>> resume(Deadline deadline);
  Task<Attempt<proto::SignalResponse>> dial(std::string url, Deadline deadline);
  Task<Attempt<LinkPtr>> make_link(Deadline deadline);
  Task<Attempt<void>> await_ready(LinkPtr link, Deadline deadline);
  Result<std::string> join_url(Link& link);
  Attempt<void> accept_join(const proto::JoinResponse& answer, LinkPtr link, bool again);
  Setback not_connected(const Link& link) const;
  proto::SyncState sync_state();
  Task<void> replay();
  void take_ice_servers(const proto::JoinResponse& answer, Link& next);
  void drop_signal() noexcept;
  void drop_link();
  Task<void> dispose(LinkPtr link);

  // --- room_signals.cpp: what the server says, what we tell it
  Task<void> read_signal(SignalPtr signal);
  void handle(const proto::SignalResponse& message);
  void handle_leave(const proto::LeaveRequest& leave);
  void handle_trickle(const proto::TrickleRequest& trickle);
  void handle_published(const proto::TrackPublishedResponse& published);
  void handle_response(const proto::RequestResponse& response);
  void handle_moved(const proto::RoomMovedResponse& moved);
  bool tell(proto::SignalRequest request);
  void fail_requests();  // those that were sent and not answered
  Task<Result<void>> update_metadata(proto::UpdateParticipantMetadata update, Deadline deadline);
  void drill(Drill what);

  // --- room_tracks.cpp: who is subscribed to what
  void absorb(Roster::Events events);
  void react(const RoomEvent& event);
  void follow_permission();
  void subscribe(const std::string& track_sid, bool wanted);
  void want(const std::string& track_sid);
  void unwant(const std::string& track_sid);
  void tell_subscriptions(bool wanted, const std::vector<std::string>& sids);
  void tracks_answered(Link& link, const proto::SessionDescription& answer);
  std::shared_ptr<RemoteAudioTrack> audio_of(std::string_view identity) const;

  // --- room_media.cpp: the peer connection
  Task<void> serve_media(LinkPtr link);
  void media_event(Link& link, const rtc::SfuEvent& event);
  void data_came(rtc::DataKind kind, ByteView packet);
  TimePoint report(Link& link, TimePoint now);
  bool silent(Link& link, TimePoint now);
  Task<void> negotiate(LinkPtr link);
  Task<bool> offer(LinkPtr link, bool repeat);
  Task<bool> apply_answer(LinkPtr link);
  TimePoint last_heard() const noexcept;

  // --- DataPort
  Task<Result<void>> publish(rtc::DataKind kind, std::string packet, Deadline deadline) override;
  bool has_participant(std::string_view identity) const noexcept override { return roster.find(identity) != nullptr; }
  const std::string& own_identity() const noexcept override { return roster.local().identity; }
  const std::string& own_sid() const noexcept override { return roster.local().sid; }

  Loop& loop;
  rtc::Engine& engine;
  net::WebSocketClient& sockets;
  RoomSettings settings;
  Logger logger;

  RoomState state = RoomState::idle;
  Channel<RoomEvent> events{kMaxEvents + 1};  // one place is kept for `disconnected`
  std::vector<RoomEvent> before_connected;    // told after `connected`
  Counters counts;
  Roster roster;
  std::string token;

  ReconnectPolicy policy{settings.reconnects};
  std::optional<Trouble> trouble;
  Event changed;  // of the main task: a trouble, or a connection that is ready
  Event outcome;  // of connect()
  std::optional<Error> failure;
  bool stopping = false;

  std::unique_ptr<LocalAudio> microphone;
  std::uint32_t receiver_ssrc = 0;  // who reports on what is received, when nothing is sent
  struct Subscription {
    std::string identity;
    TrackSource source = TrackSource::unknown;
    std::shared_ptr<RemoteAudio> audio;
  };
  std::map<std::string, Subscription, std::less<>> subscriptions;  // by track sid
  // What the application said of single tracks: it holds for the (identity, source) also under another sid.
  std::map<std::pair<std::string, TrackSource>, bool> wishes;

  std::deque<proto::SignalRequest> queued;  // for the next socket of the same session
  struct Request {
    Event done;
    bool sent = false;
    std::optional<proto::RequestResponse> response;
  };
  std::map<std::uint32_t, std::shared_ptr<Request>> requests;
  std::uint32_t last_request = 0;

  ReliableOutbox outbox;
  ReliableInbox inbox;
  Event data_ready;          // reliable data may be sent; reset while the connection is another or replays
  TimePoint heard_before{};  // on sockets and connections that are gone

  LinkPtr link;
  SignalPtr signal;
  std::vector<LinkPtr> leaving;
  CloseOnce close;
  Scope signal_scope;  // sockets: they say goodbye after the room's tasks were told to stop
  Scope scope;
  Messages messages;
};

DisconnectReason to_reason(int wire) noexcept;

}  // namespace parley::livekit
