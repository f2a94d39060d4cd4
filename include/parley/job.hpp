// A program that answers calls: its entrypoint, its work after the call, and main().
//
//   Task<void> entrypoint(JobContext& job) { co_await job.start({.instructions = "You are a friendly receptionist."}); }
//   int main(int argc, char** argv) { return parley::main(argc, argv, entrypoint); }
#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include <parley/async/scope.hpp>
#include <parley/base/log.hpp>
#include <parley/privacy.hpp>
#include <parley/session.hpp>

namespace parley {

// Who calls, as a LiveKit room knows them. A caller over plain WebRTC has neither identity nor attributes.
struct Participant {
  std::string identity;
  std::map<std::string, std::string> attributes;  // a telephone's begin with "sip.": "sip.phoneNumber", ...
};

// What is known of a call when it begins.
struct Call {
  std::string id;          // CA_..., the same for every attempt to serve it
  std::string attempt_id;  // AJ_...
  boost::json::object metadata;  // from whoever placed it (POST /call?metadata=), at most 4 KiB: not to be trusted
  std::string room{};      // the LiveKit room's name; empty: none
  Participant participant{};
};

// {id, job_id, room, participant: {identity, attributes}, sip, metadata}, as tools and hooks over HTTP are told; `room` is
// null where there is none, `sip` has the attributes that begin with "sip.", without it.
boost::json::object to_json(const Call& call);

// One call, as its entrypoint sees it.
//
// Thread: the loop's only.
class JobContext {
 public:
  virtual ~JobContext() = default;

  virtual const Call& call() const noexcept = 0;
  virtual const Logger& logger() const noexcept = 0;
  // Changed before start(), these are the options of the session: they come filled with the program's defaults.
  virtual SessionOptions& options() noexcept = 0;
  // Begins the conversation and returns when the agent is ready; only then is the caller answered. Once only.
  // Errc::closing: the call is over already. Any other error (a provider that does not exist, a model that is not there)
  // has been logged and ends the call.
  virtual Task<Result<void>> start(Agent agent) = 0;
  // Instead of start(): the caller is not answered, but told why. One sentence for people, without secrets.
  virtual void refuse(std::string why) = 0;
  // Only after a start() that succeeded. Lives as long as the context.
  virtual Session& session() noexcept = 0;
  // Until the call begins to end; tasks of the program's own live in scope(), which ends with it.
  virtual Task<void> wait_for_end() = 0;
  virtual Scope& scope() noexcept = 0;
  // User data for the record that the work after the call gets, as its `data`. The same key again replaces it; what
  // exceeds 256 KiB of JSON in all is dropped and counted.
  virtual void remember(std::string_view key, boost::json::value value) = 0;
};

// Runs once per call, from the moment at which the caller asks for it: it rings until start() has returned. The call goes
// on when the entrypoint returns; it ends, as a failure, when it throws or returns without having started a session or
// refused. Bounded by the start's deadline (10 s) until start() has returned, by the call's end afterwards.
using Entrypoint = std::function<Task<void>(JobContext&)>;

// The work after the call: run at least once, perhaps in a fresh process, with nothing but the record (docs/journal.md).
// On a loop's thread, as everything; an error or an exception is a failed try, and another follows, up to a day.
struct EndHookContext {
  std::string idempotency_key;  // the same for every try: whoever gets it twice can tell
  unsigned attempt = 1;         // this try's number, from 1
  Deadline deadline;            // of this try (60 s): then it is told to stop, and soon destroyed where it waits
  Logger logger;
  Scope* scope = nullptr;       // for tasks of its own: it ends with the try
};
using EndHook = std::function<Task<Result<void>>(boost::json::object record, EndHookContext context)>;

// A program: who answers, with what, and what is done afterwards.
struct App {
  App() = default;
  template <class F>
    requires(std::constructible_from<Entrypoint, F> && !std::same_as<std::remove_cvref_t<F>, App>)
  App(F function) : entrypoint(std::move(function)) {}  // NOLINT: an entrypoint is a program

  std::string name = "agent";
  Entrypoint entrypoint;
  SessionOptions defaults{};  // what JobContext::options() starts from
  // Named, because a later process finds them by name: letters, digits, '_' and '-', at most 64. At most 32 hooks, run in order.
  struct NamedHook {
    std::string name;
    EndHook run;
    Duration give_up_after = std::chrono::hours(24);  // since the call's end: it is tried no more
  };
  std::vector<NamedHook> on_end{};
  PrivacyOptions privacy{};
  // Providers of the program's own, beside those that Parley brings.
  ProviderRegistry providers{};
};

// Serves calls as the command line says: `start`, `dev`, `call URL`, `inspect JOB`, ... Returns the exit code, which main()
// is to return at once. This program is started again for other roles (docs/processes.md), so what main() does before it
// happens in each of these processes: no threads, and no work that only one may do.
int main(int argc, char** argv, App app);

}  // namespace parley
