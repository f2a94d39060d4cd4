// Asking the operator's server about a call before it is taken: whether, and how.
#pragma once

#include <boost/json/object.hpp>

#include <parley/job.hpp>

#include "agent_file/settings.hpp"
#include "net/http_client.hpp"

namespace parley::webhook {

// POST {call}. The answer is one of
//   200 and a JSON object   what it overrides for this call; as it is, unchecked. {} for nothing
//   204                     nothing
//   200 {refuse: "why"}     Errc::refused: the call is not taken, and `why` is for the caller
// Everything else (no answer within the timeout, any other status, 4xx too, another shape) is no answer: logged, and then {} or,
// with refuse_if_unreachable, Errc::refused. The error's message is a sentence for the caller: it names no server.
//
// `settings` are filled in for this call. `client` and `logger` must outlive the task. Bound: the timeout, 256 KiB.
Task<Result<boost::json::object>> ask_on_call(agent_file::OnCallSettings settings, Call call, net::HttpClient& client, Logger logger);

}  // namespace parley::webhook
