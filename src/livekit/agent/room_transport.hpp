// A call in a LiveKit room: who the caller is, the caller's audio in, ours out, and every way in which it ends, as itself.
//
// The caller is the participant that RoomLink links to. Its departure is told by the server, so silence is no departure
// (DTX, mute, hold): what counts as a sign of life is the server's own signal, RTCP and ICE.
//
// Playout waits for a subscriber: nothing can be delivered before somebody has subscribed to our track, so that the first words
// are heard by whom they are for. After kSubscriberWithin it begins all the same, and says so in the log.
//
// A caller who has left before we came. The server is asked who is there before we join (within kLookWithin): when the caller
// was seen and is gone on arrival, the call is over. When joining made the room anew (another sid), the room is deleted again.
// Whoever came and went before the job was even offered has left no trace: then the agent waits, as for one who is still to
// come, and the server closes the room after its departure timeout (20 s).
//
// Of participants without a track the server tells late, in batches of three seconds. So it is asked itself for the first
// moments of a caller who publishes nothing (yet).
//
// Leaving a room hangs up no telephone: a telephone that is still there when the call ends is removed. That, and the deletion
// of the room where it is wanted, goes on beside the room's own close.
//
// Thread: the loop's only.
// Bound:  the room's and RoomLink's; kMaxBacklog of what the caller said before it was listened to.
// Ending: the three verbs. When the caller has left for good, the room is left at once, before anybody closes this.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/transport.hpp>

#include "livekit/agent/preconnect_audio.hpp"
#include "livekit/agent/room_link.hpp"
#include "livekit/agent/room_port.hpp"

namespace parley::livekit {

// What whoever runs the call wants to know at once.
struct RoomNews {
  std::function<void(const std::string& identity, ParticipantKind kind)> linked{};  // the caller; an empty identity: nobody any more
  // The room is being joined anew (true), and that is over (false): others then know nothing of us.
  std::function<void(bool now)> rejoining{};
};

struct RoomCall {
  std::string room_sid{};         // as the job tells it; empty: not known
  std::string caller_identity{};  // whom the job is about; empty: `link_to` decides
  std::vector<ParticipantKind> link_to{ParticipantKind::standard, ParticipantKind::sip, ParticipantKind::connector};
  bool caller_was_there = false;  // when the job was made
  bool close_on_disconnect = true;
  bool delete_on_close = false;
};

class RoomTransport final : public Transport {
 public:
  static constexpr Duration kLookWithin = 500ms;
  static constexpr Duration kArrivalGrace = 300ms;  // for a caller who was seen before we joined to be seen in the room
  static constexpr Duration kLastEvent = 100ms;     // of a room that was not joined
  static constexpr Duration kJoinStops = 50ms;      // for a join to notice that its room was left
  static constexpr Duration kUndoWithin = 500ms;    // for a room that joining has made anew to be deleted
  static constexpr Duration kSubscriberWithin = 10s;
  static constexpr Duration kMaxBacklog = PreconnectAudio::kMaxLength + PreconnectAudio::kWithin;
  static constexpr Duration kNewcomerLook = 400ms;
  static constexpr int kNewcomerLooks = 10;
  static constexpr std::size_t kCatchUp = 5;  // frames at a time, until the caller is heard live

  // `server`: null: nobody can be removed or passed on. Both must outlive it.
  RoomTransport(Scope& parent, RoomPort& room, RoomServer* server, RoomCall call, RoomNews news, Logger logger);
  ~RoomTransport() override;

  // Returns when we are in the room. Errc::not_found: the caller, or the room, is gone already; others as Room::connect.
  Task<Result<void>> join(Deadline deadline);

  // Somebody is there whom the agent talks to; perhaps before join() has returned. Stays set.
  Event& linked() noexcept { return linked_; }
  // The call is over, for end_reason(). It has been told as caller_left, too.
  Event& ended() noexcept { return ended_; }
  const StopReason& end_reason() const noexcept { return end_reason_; }
  // The caller, as the room knows it now; null: nobody.
  const Participant* caller() const noexcept { return room_.participant(link_.identity()); }
  bool is_caller(std::string_view identity) const noexcept { return link_.linked() && link_.identity() == identity; }
  // TR_... of the caller's audio; empty: not subscribed.
  std::string caller_track() const { return audio_ ? audio_->sid() : std::string(); }

  // What one call changes, once it is known.
  void set_endings(bool close_on_disconnect, bool delete_on_close) noexcept;

  // Transport
  Channel<TransportEvent>& events() override { return events_; }
  std::optional<AudioFrame> receive(TimePoint now) override;
  bool can_deliver() const noexcept override;
  void send(const AudioFrame& frame, TimePoint now) override;
  Task<Result<void>> transfer(std::string to, Deadline deadline) override;
  Task<Result<void>> send_dtmf(std::string keys, Deadline deadline) override;
  TimePoint last_heard() const noexcept override { return room_.last_heard(); }
  void request_stop(StopReason reason) noexcept override;
  Task<CloseReport> close(Deadline deadline) override;
  void kill() noexcept override;

 private:
  // room_transport.cpp: joining, and what happens in the room
  Task<Result<void>> join_in_order(Deadline deadline);
  Task<Result<void>> look_before(Deadline deadline);
  Task<void> undo_recreation(Deadline deadline);
  bool recreated() const;
  Task<void> watch();
  void on_room(const RoomEvent& event);
  void look_around();
  void link_to(const Participant& participant);
  void rejoining(bool now);
  void caller_gone(DisconnectReason reason);
  Task<void> watch_newcomer(std::string identity);
  void await_subscriber();
  Task<void> subscriber_patience(std::uint64_t epoch);
  void end(StopReason reason);
  void refresh();
  void emit(TransportEvent event);

  // room_audio.cpp: the caller's audio, and the endings
  void find_audio();
  void take_preconnect(TimePoint now);
  bool waits_for_preconnect(TimePoint now) const noexcept;
  Task<CloseReport> close_body(Deadline deadline);
  Task<void> hang_up(std::string identity, Deadline deadline, ClosedItem& item);
  Task<void> delete_room(Deadline deadline, ClosedItem& item);
  static void conclude(ClosedItem& item, const Result<void>& done, Duration took);

  Loop& loop_;
  RoomPort& room_;
  RoomServer* server_;
  RoomCall call_;
  RoomNews news_;
  Logger logger_;
  RoomLink link_;
  Channel<TransportEvent> events_{kMaxEvents};

  bool expected_ = false;     // the caller was seen before we joined
  bool joined_ = false;
  bool interrupted_ = false;  // between two connections
  bool impatient_ = false;    // a subscriber was waited for long enough
  bool delivering_ = false;   // as the last connected or interrupted said
  bool caller_left_ = false;  // for good: hung up, or passed on
  bool stopping_ = false;
  std::uint64_t epoch_ = 0;   // of the wait for a subscriber
  bool heard_caller_ = false;
  std::shared_ptr<RemoteAudioTrack> audio_;
  std::optional<TimePoint> preconnect_until_;
  std::vector<std::int16_t> backlog_;  // of the caller, not yet heard
  Event linked_;
  Event ended_;
  std::optional<Event> joining_;  // set once join() is over
  Event watched_;  // the room will tell nothing any more
  StopReason end_reason_;
  CloseOnce close_;
  Scope& parent_;
  Scope scope_;  // its tasks use everything above
  PreconnectAudio preconnect_;
};

// Why a participant has left, in words: "hung up", "was removed from the room", ...
std::string_view in_words(DisconnectReason reason) noexcept;

}  // namespace parley::livekit
