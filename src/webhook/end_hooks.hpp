// The work after the call, as an agent file names it: a server that is told, a program that is run.
//
// Both need EndHookContext::scope, and nothing else of the process they run in. Whatever becomes of a try, an error is followed
// by another one until `give_up_after`, with the same idempotency key.
//
// Thread: the loop's only. Bound: the try's deadline; of an HTTP hook also its own timeout.
// Ending: destroying the try closes the connection, or kills the program with all it has started, at once.
#pragma once

#include <functional>
#include <memory>

#include <parley/job.hpp>

#include "agent_file/settings.hpp"
#include "net/http_client.hpp"

namespace parley::webhook {

// Made anew for each try, in the process that runs it; its lookups live in the scope.
using ClientFactory = std::function<std::unique_ptr<net::HttpClient>(Loop& loop, Scope& scope)>;
// Fills {{...}} in from the record.
using FillTarget = std::function<Result<agent_file::HttpTarget>(const agent_file::HttpTarget& target, const boost::json::object& record)>;

// POSTs the record. 2xx: done. Anything else is an error: 408, 429, 5xx and no answer because they pass, other 4xx because
// somebody may set it right; a redirect is not followed, Retry-After not looked at.
EndHook http_end_hook(agent_file::HttpHookSettings settings, ClientFactory clients, FillTarget fill = {});

// Runs the program with the record, a line of JSON, on its standard input; with the worker's environment, PARLEY_CALL_ID and
// PARLEY_IDEMPOTENCY_KEY; in the worker's folder; in a process group of its own. Exit code 0: done. kCommandGrace before the
// try's deadline (less where there is less time) the group gets SIGTERM, then SIGKILL. Whatever the program leaves behind in its
// group is killed when it ends. The end of its output goes into the log when it fails.
constexpr Duration kCommandGrace = 5s;
EndHook command_end_hook(agent_file::CommandHookSettings settings);

}  // namespace parley::webhook
