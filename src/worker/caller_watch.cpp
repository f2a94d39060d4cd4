#include "worker/caller_watch.hpp"

#include <algorithm>

namespace parley::worker {

namespace {

// Recorders and agents come after callers, and stay behind them.
bool may_be_caller(const livekit::ParticipantBrief& who) {
  return who.kind != "AGENT" && who.kind != "EGRESS" && who.kind != "INGRESS" && who.state != "DISCONNECTED";
}

}  // namespace

void CallerWatch::watch(std::string job_id, std::string room) {
  (void)scope_.spawn("look", look(std::move(job_id), std::move(room)));  // refused: the room ends it, twenty seconds later
}

Task<void> CallerWatch::look(std::string job_id, std::string room) {
  auto& loop = co_await this_loop();
  bool seen = false;
  bool begun = false;
  auto pause = kFirstPause;
  const auto began = loop.now();
  while (loop.now() - began < (seen ? kSeenFor : kUnseenFor)) {
    const auto listed = co_await api_.list_participants(room, loop.in(kLookWithin));
    if (!listed && listed.error().code() == Errc::refused) co_return;
    const bool awaits = supervisor_.awaits_caller(job_id);
    if (begun && !awaits) co_return;  // it has found its caller, or is over
    begun = awaits;
    const bool known = listed || listed.error().code() == Errc::not_found;
    const bool there = listed && std::ranges::any_of(*listed, may_be_caller);
    if (known && seen && !there && awaits) {
      (void)supervisor_.stop_room_call(job_id, {StopCause::caller_hung_up, "the caller left before the agent came"});
      co_return;
    }
    seen = seen || there;
    co_await sleep_for(pause);
    pause = std::min(2 * pause, kBetween);
  }
}

}  // namespace parley::worker
