#include "webhook/http_tool.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <parley/base/utf8.hpp>

#include "webhook/signed_post.hpp"
#include "webhook/tool_answer.hpp"

namespace parley::webhook {

namespace {

constexpr std::size_t kMaxToldResult = 2 * KiB;  // of a result, within an error

struct HttpTool {
  agent_file::HttpToolSettings settings;
  std::string call_id;
  boost::json::object call;
  std::shared_ptr<net::HttpClient> client;
  AgentsByName agents;
};

SignedPost question(const HttpTool& tool, const std::string& tool_call_id, boost::json::object arguments) {
  const boost::json::object body{{"call", tool.call},
                                 {"tool", tool.settings.definition.name},
                                 {"arguments", std::move(arguments)},
                                 {"tool_call_id", tool_call_id}};
  return {.target = tool.settings.http,
          .body = boost::json::serialize(body),
          .idempotency_key = fmt::format("{}/{}", tool.call_id, tool_call_id),
          .max_answer = ToolAnswer::kMaxBytes};
}

// What the LLM is told, and with it the history and the page: no name of a host, no resolver's or proxy's words.
Error told_of(const Error& error) {
  switch (error.code()) {
    case Errc::timeout: return error;  // send()'s own words
    case Errc::protocol: return {error.code(), "the tool's server gave no answer that can be read"};
    case Errc::invalid_argument: return {error.code(), "the tool is not set up as it should be"};
    default: return {error.code(), "the tool's server cannot be reached"};
  }
}

Result<ToolAnswer> understand(const Result<net::ClientResponse>& response) {
  if (!response) return fail(told_of(response.error()));
  if (response->head.status != 200) return fail(Errc::protocol, fmt::format("the server answered {}", describe_status(*response)));
  auto answer = read_tool_answer(response->body);
  if (!answer) return fail(answer.error().within("the server's answer cannot be used"));
  return answer;
}

// The one that is named by the actions, if any: asked for before any of them is done.
Result<std::shared_ptr<const Agent>> successor(const HttpTool& tool, const ToolAnswer& answer) {
  const auto* handoff = answer.actions.empty() ? nullptr : std::get_if<HandoffAction>(&answer.actions.back());
  if (!handoff) return nullptr;
  auto agent = tool.agents ? tool.agents(handoff->agent) : fail(Errc::not_found, "there are no other agents");
  if (!agent) return fail(agent.error().within(fmt::format("the server's answer cannot be used: handoff to \"{}\"", handoff->agent)));
  return std::make_shared<const Agent>(std::move(*agent));
}

// The result is told all the same: the server did its work, and is not to be asked for it again.
Error not_done(std::string_view what, const Error& why, const boost::json::value& result) {
  auto told = boost::json::serialize(result);
  if (told.size() > kMaxToldResult) told = valid_utf8(told.substr(0, kMaxToldResult)) + "...";
  return {why.code(), fmt::format("the tool worked, but {}: {}; the tool's result: {}", what, why.message(), told)};
}

// In their order. Words are heard before the caller is passed on; the call's end and the handoff wait for them by themselves.
Task<Result<ToolResult>> act(RunContext& context, ToolAnswer answer, std::shared_ptr<const Agent> successor) {
  ToolResult result{.value = std::move(answer.result), .reply = answer.actions.empty(), .handoff = std::move(successor)};
  for (auto& action : answer.actions) {
    if (auto* say = std::get_if<SayAction>(&action)) {
      if (auto said = context.say(std::move(say->words)); !said) co_return fail(not_done("its words could not be said", said.error(), result.value));
    } else if (std::holds_alternative<EndCallAction>(action)) {
      result.end_call = true;
    } else if (auto* transfer = std::get_if<TransferAction>(&action)) {
      co_await context.wait_for_playout();
      auto passed = co_await context.session().transfer(std::move(transfer->to));
      if (!passed) co_return fail(not_done("the caller could not be passed on", passed.error(), result.value));
    }
  }
  co_return result;
}

Task<Result<ToolResult>> ask(std::shared_ptr<const HttpTool> tool, RunContext& context, boost::json::object arguments) {
  auto response = co_await send(*tool->client, question(*tool, context.tool_call_id(), std::move(arguments)), Deadline::bounded_by_scope());
  // Whatever the LLM is told is logged where tools run; this is what it is not told.
  if (!response) context.session().logger().warn("tool {}: {}: {}", tool->settings.definition.name, server_of(tool->settings.http), response.error().message());
  auto answer = understand(response);
  if (!answer) co_return fail(answer.error());
  auto next = successor(*tool, *answer);
  if (!next) co_return fail(next.error());
  co_return co_await act(context, std::move(*answer), std::move(*next));
}

}  // namespace

Tool http_tool(const agent_file::HttpToolSettings& settings, const Call& call, std::shared_ptr<net::HttpClient> client, AgentsByName agents) {
  auto shared = std::make_shared<const HttpTool>(
      HttpTool{.settings = settings, .call_id = call.id, .call = to_json(call), .client = std::move(client), .agents = std::move(agents)});
  return {.definition = settings.definition,
          .run = [shared = std::move(shared)](RunContext& context, boost::json::object arguments) { return ask(shared, context, std::move(arguments)); },
          .timeout_after = settings.http.timeout + kActionsWithin,
          .outlives_interruption = settings.survives_interruption,
          .words_while_waiting = settings.say_while_waiting};
}

}  // namespace parley::webhook
