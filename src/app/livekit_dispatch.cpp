// `parley dispatch`.
#include <ostream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <parley/async/scope.hpp>

#include "app/livekit_commands.hpp"
#include "app/livekit_server_options.hpp"
#include "async/real_loop.hpp"
#include "livekit/api/server_api.hpp"
#include "net/net_http_client.hpp"

namespace parley::app {

namespace json = boost::json;

namespace {

constexpr int kExitUsage = 2;

constexpr const char* kFooter =
    "An agent that has a name comes only to rooms that it is dispatched to. The room need not be there yet.\n\n"
    "Examples:\n"
    "  dispatch create --room lobby --agent-name reception --metadata '{\"table\": 4}'\n"
    "  dispatch list --room lobby\n"
    "  dispatch delete --room lobby AD_...                          its jobs are ended";

json::object as_json(const livekit::DispatchInfo& dispatch) {
  return {{"id", dispatch.id},
          {"agent_name", dispatch.agent_name},
          {"room", dispatch.room},
          {"metadata", dispatch.metadata},
          {"job_ids", json::array(dispatch.job_ids.begin(), dispatch.job_ids.end())}};
}

// One line, whatever stands in it: "AD_1  agent "reception"  jobs AJ_1, AJ_2  metadata "{}"".
std::string as_line(const livekit::DispatchInfo& dispatch) {
  auto line = fmt::format("{}  {}", dispatch.id,
                          dispatch.agent_name.empty() ? "agents without a name" : "agent " + json::serialize(json::string(dispatch.agent_name)));
  if (!dispatch.job_ids.empty()) line += fmt::format("  jobs {}", fmt::join(dispatch.job_ids, ", "));
  if (!dispatch.metadata.empty()) line += "  metadata " + json::serialize(json::string(dispatch.metadata));
  return line;
}

Task<Result<std::string>> create(livekit::ServerApi& api, const DispatchOptions& options, Deadline deadline) {
  const auto made = co_await api.create_dispatch(options.room, options.agent_name, options.metadata, deadline);
  if (!made) co_return fail(made.error());
  co_return options.json ? json::serialize(as_json(*made)) : made->id;
}

Task<Result<std::string>> list(livekit::ServerApi& api, const DispatchOptions& options, Deadline deadline) {
  const auto all = co_await api.list_dispatches(options.room, deadline);
  if (!all) co_return fail(all.error());
  if (!options.json) {
    std::vector<std::string> lines;
    for (const auto& dispatch : *all) lines.push_back(as_line(dispatch));
    co_return fmt::format("{}", fmt::join(lines, "\n"));
  }
  json::array array;
  for (const auto& dispatch : *all) array.push_back(as_json(dispatch));
  co_return json::serialize(array);
}

Task<Result<std::string>> remove(livekit::ServerApi& api, const DispatchOptions& options, Deadline deadline) {
  const auto gone = co_await api.delete_dispatch(options.room, options.id, deadline);
  if (!gone) co_return fail(gone.error());
  co_return options.json ? json::serialize(json::object{{"deleted", options.id}}) : std::string();
}

Task<void> ask(RealLoop& loop, livekit::ServerApi& api, const DispatchOptions& options, Result<std::string>& answer) {
  const struct Stops {
    RealLoop& loop;
    ~Stops() { loop.stop(); }
  } stops{loop};
  const auto deadline = loop.in(DispatchOptions::kAnswerWithin);
  switch (options.what) {
    case DispatchOptions::What::create: answer = co_await create(api, options, deadline); break;
    case DispatchOptions::What::list: answer = co_await list(api, options, deadline); break;
    case DispatchOptions::What::remove: answer = co_await remove(api, options, deadline); break;
    case DispatchOptions::What::none: break;
  }
}

Result<std::string> ask_server(const livekit::Credentials& credentials, net::ProxyRules proxies, const DispatchOptions& options) {
  Result<std::string> answer = fail(Errc::internal, "nothing was asked");
  RealLoop loop("dispatch");
  Scope scope(loop, "dispatch");
  const auto http = net::make_http_client(loop, scope, {.proxies = std::move(proxies)});
  livekit::ServerApi api(loop, *http, credentials);
  if (auto asking = scope.spawn("ask", ask(loop, api, options, answer)); !asking) return fail(asking.error());
  loop.run();
  scope.kill();
  return answer;
}

int complain(std::ostream& err, const Error& error, int code) {
  err << "parley dispatch: " << error.message() << '\n';
  return code;
}

}  // namespace

void add_dispatch_options(CLI::App& command, DispatchOptions& options) {
  using What = DispatchOptions::What;
  command.footer(kFooter);
  command.require_subcommand(1);
  const auto add = [&](const char* name, const char* text, What what) {
    auto* part = command.add_subcommand(name, text);
    part->footer("");
    part->parse_complete_callback([&options, what] { options.what = what; });
    part->add_option("--room", options.room, "The room")->required()->option_text("NAME");
    return part;
  };
  auto* create = add("create", "Have an agent come to a room; prints the id of the dispatch", What::create);
  create->add_option("--agent-name", options.agent_name, "The name under which it is registered; without it: the agents that have none")
      ->option_text("NAME");
  create->add_option("--metadata", options.metadata, "What its job is told")->option_text("TEXT");
  auto* list = add("list", "The dispatches of a room", What::list);
  auto* remove = add("delete", "Take a dispatch back", What::remove);
  remove->add_option("id", options.id, "AD_..., as create and list print it")->required()->option_text(" ");
  for (auto* part : {create, list, remove}) {
    part->add_flag("--json", options.json, "As JSON, for programs");
    add_server_options(*part, options.server);
  }
}

int run_dispatch(const DispatchOptions& options, std::ostream& out, std::ostream& err) {
  const auto server = whole_server(options.server);
  if (!server) return complain(err, server.error(), kExitUsage);
  auto proxies = net::ProxyRules::from_environment();
  if (!proxies) return complain(err, proxies.error(), kExitUsage);
  const auto answer = ask_server(*server, std::move(*proxies), options);
  if (!answer) return complain(err, answer.error(), answer.error().code() == Errc::invalid_argument ? kExitUsage : kExitNotDone);
  if (!answer->empty()) out << *answer << '\n';
  return 0;
}

}  // namespace parley::app
