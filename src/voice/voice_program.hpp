// A job's program that talks: the App's entrypoint, its session, and the call's audio: over WebRTC straight from the caller, or in
// a LiveKit room.
//
// Thread: the loop's only.
// Bound:  the entrypoint has kStartWithin to start a session; what it does afterwards ends with the call. In a room, the caller
//         has kCallerWithin to come.
// Ending: close(): the session (speech drained, providers closed), then the application's own tasks, then a goodbye on the
//         transport, within the deadlines given; dispose(): libdatachannel; kill() at once.
#pragma once

#include <memory>

#include <parley/job.hpp>

#include "job/program.hpp"
#include "rtc/webrtc_transport.hpp"
#include "voice/room_way.hpp"

namespace parley::voice {

inline constexpr Duration kStartWithin = 10s;
inline constexpr Duration kCallerWithin = 5min;

// Makes the program of each call. Called before the fork; what it returns is called in each job.
job::ProgramFactory voice_program(std::shared_ptr<const App> app, rtc::WebRtcSettings media, RoomMedia rooms = {});

}  // namespace parley::voice
