// What a caller said before the agent was there: kept by its front end, and sent as a byte stream once the agent has joined.
//
// Only raw samples (s16le, interleaved) are understood; a recording in a container (WebM, MP4) is left aside, and the caller is
// heard live.
//
// Thread: the loop's only.
// Bound:  kMaxLength of sound; a stream has kWithin to come to its end, and is nothing any more kMaxAge after it did.
// Ending: its task is its scope's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <parley/audio/frame.hpp>

#include "livekit/agent/room_port.hpp"

namespace parley::livekit {

inline constexpr std::string_view kPreconnectTopic = "lk.agent.pre-connect-audio-buffer";

class PreconnectAudio {
 public:
  static constexpr Duration kMaxLength = 10s;
  static constexpr Duration kWithin = 3s;
  static constexpr Duration kMaxAge = 1s;

  // Listens from now on: before the room is joined.
  PreconnectAudio(Scope& parent, RoomPort& room, Logger logger);

  // What came for this track, at 48 kHz mono; nullopt: nothing (yet), or too old by now. Once.
  std::optional<std::vector<std::int16_t>> take(const std::string& track_sid, TimePoint now);

 private:
  struct Came {
    std::string sender;  // identity
    std::string track_sid;
    std::vector<std::int16_t> samples;
    TimePoint at;
  };
  Task<void> listen();
  Task<void> read(StreamReader& stream);

  Loop& loop_;
  RoomPort& room_;
  Logger logger_;
  Channel<std::shared_ptr<StreamReader>>& streams_;
  std::optional<Came> came_;
  Scope scope_;
};

// Interleaved s16le at `rate` as 48 kHz mono. Errc::invalid_argument: no such rate, no such number of channels.
Result<std::vector<std::int16_t>> mono_at_transport_rate(std::string_view s16le, int rate, int channels);

}  // namespace parley::livekit
