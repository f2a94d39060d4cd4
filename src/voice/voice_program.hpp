// A job's program that talks: the App's entrypoint, its session, and the call's audio over WebRTC.
//
// Thread: the loop's only.
// Bound:  the entrypoint has kStartWithin to start a session; what it does afterwards ends with the call.
// Ending: close(): the session (speech drained, providers closed), then the application's own tasks, then a goodbye on the
//         transport, within the deadlines given; dispose(): libdatachannel; kill() at once.
#pragma once

#include <memory>

#include <parley/job.hpp>

#include "job/program.hpp"
#include "rtc/webrtc_transport.hpp"

namespace parley::voice {

inline constexpr Duration kStartWithin = 10s;

// Makes the program of each call. Called before the fork; what it returns is called in each job.
job::ProgramFactory voice_program(std::shared_ptr<const App> app, rtc::WebRtcSettings media);

}  // namespace parley::voice
