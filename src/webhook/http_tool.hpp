// A tool that lives on a server of the operator's own: asked over HTTP, in any language (docs/http-tools.md).
//
// Thread: the loop's only.
// Bound:  the settings' timeout for the answer, kActionsWithin for what it asks to be done, ToolAnswer's for its size.
// Ending: when the call or the tool is cancelled its connection is closed at once; that is how the server learns of it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <parley/agent.hpp>
#include <parley/job.hpp>

#include "agent_file/settings.hpp"
#include "net/http_client.hpp"

namespace parley::webhook {

constexpr Duration kActionsWithin = 30s;

// Agents of the file, by name. Errc::not_found names those that there are.
using AgentsByName = std::function<Result<Agent>(const std::string& name)>;

// The tool holds the client, and may outlive the scope of the client's lookups: they are refused then.
//
// An answer that cannot be used is an error for the LLM, and then none of its actions is done. A result without actions is
// answered by the LLM; actions are the answer themselves, so that the LLM says nothing to them.
Tool http_tool(const agent_file::HttpToolSettings& settings, const Call& call, std::shared_ptr<net::HttpClient> client, AgentsByName agents);

}  // namespace parley::webhook
