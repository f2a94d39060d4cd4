// What a job runs: the seam between the life of a process (this layer) and what is said in the call (the layers above).
//
// The job owns one program per call. It hands it offers, tells it to stop, closes it within the deadlines of the law of
// endings, and destroys it. The program answers offers, emits events, remembers data for the work after the call, and
// says when the call is over.
//
// Thread: the loop's only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include <parley/async/close.hpp>
#include <parley/async/scope.hpp>
#include <parley/base/log.hpp>

#include "ipc/room_job.hpp"

namespace parley::job {

struct CallInfo {
  std::string call_id;     // CA_...
  std::string attempt_id;  // AJ_...
  boost::json::object metadata;
  std::optional<ipc::RoomJob> room{};  // a call in a LiveKit room; none: straight from the caller
};

// What a program may use of its job.
class JobContext {
 public:
  virtual ~JobContext() = default;

  virtual const CallInfo& call() const noexcept = 0;
  virtual const Logger& logger() const noexcept = 0;
  // The program's scopes are children of this one.
  virtual Scope& scope() noexcept = 0;

  // For those who watch the call (GET /call/{id}/events) and, unless it is an interim one, for its journal.
  // Never waits; at most kMaxEventBytes, a larger one is refused and logged.
  virtual void emit(std::string_view type, boost::json::object data) = 0;
  // User data for the record that hooks get.
  virtual void remember(std::string_view key, boost::json::value value) = 0;
  // The end of a turn: what was journalled is brought to the disk soon. Never waits.
  virtual void sync() = 0;
  // The call is over, or cannot go on. The job then ends in order; the first reason wins.
  virtual void end_call(StopReason reason) = 0;
  // The program's close has come to this step: for the report of the ending. Steps follow one another.
  virtual void closing_step(std::string_view) {}

  // Who calls, when that is known only after the call began: {participant, sip} as in to_json(Call), for the record. The last
  // one counts.
  virtual void caller(boost::json::object) {}
  // In a LiveKit room: whom the call is with; an empty identity: nobody any more, as after a transfer. Should this process die, a
  // telephone (kind "sip") that is linked is hung up by the supervisor.
  virtual void linked(std::string /*identity*/, std::string /*kind*/) {}
  // The room is joined anew (true, before it is asked for), and that is over (false): meanwhile LiveKit takes back the job of
  // our earlier self, which is no end.
  virtual void rejoining(bool) {}
};

class JobProgram {
 public:
  virtual ~JobProgram() = default;  // kill()

  // Answers an SDP offer: the call's first, or one for a new connection of the same call.
  virtual Task<Result<std::string>> answer(std::string offer, Deadline deadline) = 0;

  // Goes into the LiveKit room of CallInfo::room, whence the caller is heard; a call that has one is offered nothing. Returns
  // when we are in the room, before the caller need be. Errc::not_found: the caller, or the room, is gone already, which is an
  // end like a hang-up; Errc::refused: the agent does not take the call. Anything else is a failure, a server that does not let
  // us in too.
  virtual Task<Result<void>> join(Deadline) { co_return fail(Errc::refused, "this program answers no calls in rooms"); }

  // Stops input, and speech: interrupted at once when `forced`, else finished within the drain's deadline.
  virtual void request_stop(StopReason reason, bool forced) noexcept = 0;
  // Drains, closes the session, leaves. `drain` bounds speech, `deadline` everything.
  virtual Task<CloseReport> close(Deadline drain, Deadline deadline) = 0;
  // Destroys native objects; after close, before the process ends.
  virtual Task<CloseReport> dispose(Deadline deadline) = 0;
  virtual void kill() noexcept = 0;

  // What the terminal record says of the call: transcript, tools, usage, latency. Asked once, after close.
  virtual boost::json::object summary() = 0;
};

using ProgramFactory = std::function<std::unique_ptr<JobProgram>(JobContext&)>;

}  // namespace parley::job
