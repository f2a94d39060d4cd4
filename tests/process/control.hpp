// How a test talks to its worker: one JSON object a packet, over a socket in the state directory.
//
//   {"op": "offer", "sdp": "...", "metadata": {...}}   {"call": "CA_..."} or {"error": code, "message": ...}
//   {"op": "reoffer" | "hang_up" | "events", "call": ...}   {"op": "status"}   {"op": "metrics"}
//   {"op": "wait_end", "call": ...}                     all events, when the last one came
//
// And in place of a LiveKit server:
//   {"op": "assign", "job": "AJ_...", "metadata": {...}}   {} or {"error": ...}: declined
//   {"op": "terminate", "job": ...}
//   {"op": "rooms"}                                     {"statuses": [[job, status, error]], "removed": [identity]}: this supervisor's
#pragma once

#include <memory>
#include <string>

#include "async/real_loop.hpp"
#include "worker/call_desk.hpp"
#include <parley/async/scope.hpp>

namespace parley {

Result<std::shared_ptr<void>> serve_control(RealLoop& loop, Scope& scope, worker::CallDesk& desk, const std::string& state_dir);

}  // namespace parley
