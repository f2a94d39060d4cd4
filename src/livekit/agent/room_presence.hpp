// What front ends see of an agent beside its voice: its state (attribute lk.agent.state) and what both sides say, as text streams
// on lk.transcription and as the legacy Transcription packet, because there are front ends for each.
//
// What is told here goes out by tasks of its own, in order, and never holds up whoever tells it. When the way out is slow, what
// waits is replaced by what is newer: of the state the newest, of a stretch of words its newest text.
//
// Thread: the loop's only.
// Bound:  kMaxSegments stretches of words wait: beyond it the oldest goes, and is counted. A message has kSendWithin to go out;
//         words that could not are sent again with the next ones of the same stretch, a state kMaxTries times.
// Ending: the three verbs; nothing is finished in the end, because who would read it sees the agent leave.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include "livekit/agent/room_port.hpp"

namespace parley::livekit {

inline constexpr std::string_view kAgentState = "lk.agent.state";
inline constexpr std::string_view kAgentName = "lk.agent.name";

class RoomPresence {
 public:
  static constexpr std::size_t kMaxSegments = 8;
  static constexpr Duration kSendWithin = 1s;
  static constexpr int kMaxTries = 3;
  static constexpr Duration kTryAgainAfter = 500ms;

  RoomPresence(Scope& parent, RoomPort& room, Logger logger);
  ~RoomPresence();

  // We are in the room, for the first time or anew (then others know nothing of us): what was told so far goes out.
  void joined();

  // "initializing", "idle", "listening", "thinking", "speaking".
  void agent_state(std::string_view state);
  // What has been heard by now of a stretch of the agent's words, which `key` names.
  void agent_words(std::string_view key, std::string_view heard, bool final);
  // What the caller says: the text so far of the present stretch.
  void caller_words(std::string_view identity, std::string_view track_sid, std::string_view text, bool final, std::string_view language);

  std::uint64_t dropped() const noexcept { return dropped_; }

  void request_stop(StopReason reason) noexcept { scope_.request_stop(std::move(reason)); }
  Task<CloseReport> close(Deadline deadline) { return scope_.close(deadline); }
  void kill() noexcept { scope_.kill(); }

 private:
  struct Segment {
    std::string key;       // of the agent's; empty: the caller's
    std::string id;        // SG_...
    std::string identity;  // whose words
    std::string track_sid;
    std::string language;
    std::string text;
    bool final = false;
    bool pending = false;  // there is something newer than what was sent
    std::size_t sent = 0;  // of the text, into the stream
    std::unique_ptr<StreamWriter> stream;  // the agent's: one for the whole segment
  };
  using SegmentPtr = std::shared_ptr<Segment>;

  Task<void> tell_state();
  Task<void> tell_words();
  Task<Result<void>> send_state(std::string state);
  Task<void> send(SegmentPtr segment);
  Task<Result<void>> send_agents(Segment& segment, std::string text, bool final);
  Task<Result<void>> send_callers(Segment& segment, std::string text, bool final);
  SegmentPtr segment_of(std::string_view key);
  void update(const SegmentPtr& segment, std::string_view text, bool final);
  SegmentPtr next_pending() const;
  static std::map<std::string, std::string> attributes_of(const Segment& segment, bool final);

  Loop& loop_;
  RoomPort& room_;
  Logger logger_;
  std::string state_, told_state_;
  std::list<SegmentPtr> segments_;
  std::uint64_t dropped_ = 0;
  bool joined_ = false;
  bool told_of_failure_ = false;
  Event state_changed_;
  Event words_changed_;
  Scope scope_;
};

}  // namespace parley::livekit
