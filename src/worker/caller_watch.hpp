// Callers who are gone before their agent is there. A job takes a moment to begin; a caller who hangs up within it leaves a room
// that looks like one to which nobody has come yet. So the server is asked who is there as soon as a job is taken, and again
// until the job has found its caller: who was seen and is gone ends the call.
//
// Thread: the loop's only.
// Bound:  kMaxWatched jobs; each is watched for kSeenFor once somebody was seen, else for kUnseenFor; a look every kBetween, in
//         the first moments more often, each within kLookWithin.
// Ending: its tasks are its scope's.
#pragma once

#include <string>

#include <parley/async/scope.hpp>

#include "livekit/api/server_api.hpp"
#include "worker/supervisor.hpp"

namespace parley::worker {

class CallerWatch {
 public:
  static constexpr std::size_t kMaxWatched = 256;
  static constexpr Duration kFirstPause = 10ms;  // a caller may be there for a moment only; doubled up to
  static constexpr Duration kBetween = 100ms;
  static constexpr Duration kLookWithin = 1s;
  static constexpr Duration kUnseenFor = 500ms;
  static constexpr Duration kSeenFor = 10s;

  // Both outlive it.
  CallerWatch(Scope& parent, Supervisor& supervisor, livekit::ServerApi& api) : supervisor_(supervisor), api_(api), scope_(parent, "caller_watch", kMaxWatched) {}

  // Of a job that was just accepted.
  void watch(std::string job_id, std::string room);

 private:
  Task<void> look(std::string job_id, std::string room);

  Supervisor& supervisor_;
  livekit::ServerApi& api_;
  Scope scope_;
};

}  // namespace parley::worker
