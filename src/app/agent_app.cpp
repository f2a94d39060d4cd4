#include "app/agent_app.hpp"

#include <map>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "webhook/http_tool.hpp"
#include "webhook/on_call.hpp"

namespace parley::app {

namespace {

using agent_file::AgentFile;
using agent_file::AgentSettings;
using agent_file::CallSettings;

constexpr const char* kHookName = "on_end";
constexpr const char* kNotTaken = "This call cannot be taken at the moment: please try again later.";

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

// The agents of one call, and what their tools use. Shared by these tools, so that it lives as long as any of them.
class CallAgents : public std::enable_shared_from_this<CallAgents> {
 public:
  CallAgents(Call call, CallSettings settings, std::shared_ptr<net::HttpClient> client)
      : call_(std::move(call)), settings_(std::move(settings)), client_(std::move(client)) {}

  Agent first() { return make(settings_.agent); }

 private:
  Result<Agent> by_name(const std::string& name) {
    if (const auto known = settings_.agents.find(name); known != settings_.agents.end()) return make(known->second);
    return fail(Errc::not_found, fmt::format("there is no agent \"{}\"", name));
  }

  Agent make(const AgentSettings& settings) {
    Agent agent{.name = settings.name, .instructions = settings.instructions, .greeting = settings.greeting, .providers = settings.providers};
    for (const auto& tool : settings.tools) agent.tools.push_back(make_tool(tool));
    return agent;
  }

  Tool make_tool(const agent_file::ToolSettings& settings) {
    const auto agents = [self = shared_from_this()](const std::string& name) { return self->by_name(name); };
    return std::visit(Overloaded{
                          [&](const agent_file::HttpToolSettings& http) { return webhook::http_tool(http, call_, client_, agents); },
                          [](const agent_file::EndCallSettings&) { return end_call(); },
                          [](const agent_file::TransferSettings& to) { return transfer(to.to); },
                          [](const agent_file::SendDtmfSettings&) { return send_dtmf(); },
                          [&](const agent_file::HandoffSettings& to) { return handoff(to.to, agents); },
                      },
                      settings);
  }

  Call call_;
  CallSettings settings_;
  std::shared_ptr<net::HttpClient> client_;
};

// What the operator's server wants to be different for this call.
Task<Result<boost::json::object>> ask_about(const AgentFile& file, JobContext& job, net::HttpClient& client) {
  const auto& on_call = file.worker().on_call;
  if (!on_call) co_return boost::json::object{};
  auto filled = *on_call;
  auto target = agent_file::fill_in(on_call->http, job.call());
  if (!target) {
    job.logger().error("on_call is not asked: {}", target.error().message());
    co_return fail(target.error());
  }
  filled.http = std::move(*target);
  co_return co_await webhook::ask_on_call(std::move(filled), job.call(), client, job.logger());
}

// An answer of on_call with mistakes is none: then the call goes on as the file says, where it may go on without one.
Result<CallSettings> settings_for(const AgentFile& file, JobContext& job, const boost::json::object& overrides) {
  auto settings = file.for_call(job.call(), overrides);
  const auto& on_call = file.worker().on_call;
  if (settings || overrides.empty() || !on_call || settings.error().code() == Errc::not_found) return settings;
  const bool refused = on_call->refuse_if_unreachable;
  job.logger().error("on_call: the server's answer cannot be used: {}; {}", settings.error().message(),
                     refused ? "the call is refused (if_unreachable)" : "the call goes on without it");
  if (refused) return fail(Errc::refused, kNotTaken);
  return file.for_call(job.call(), {});
}

// What the call lacks is for who places it, and what the operator's server says; what is wrong with a file or an answer is not.
std::string for_caller(const Error& why) {
  return why.code() == Errc::not_found || why.code() == Errc::refused ? why.message() : kNotTaken;
}

Task<void> answer(std::shared_ptr<const AgentFile> file, webhook::ClientFactory clients, JobContext& job) {
  std::shared_ptr<net::HttpClient> client = clients(job.scope().loop(), job.scope());
  auto overrides = co_await ask_about(*file, job, *client);
  if (!overrides) co_return job.refuse(for_caller(overrides.error()));
  auto settings = settings_for(*file, job, *overrides);
  if (!settings) {
    job.logger().error("the call is refused: {}", settings.error().message());
    co_return job.refuse(for_caller(settings.error()));
  }
  job.options() = settings->session;
  const auto agents = std::make_shared<CallAgents>(job.call(), std::move(*settings), std::move(client));
  (void)co_await job.start(agents->first());  // logs what is wrong
}

App::NamedHook make_hook(const agent_file::HookSettings& settings, const webhook::ClientFactory& clients) {
  const auto fill = [](const agent_file::HttpTarget& target, const boost::json::object& record) {
    const auto* call = record.if_contains("call");
    return agent_file::fill_in(target, call && call->is_object() ? call->get_object() : boost::json::object());
  };
  return std::visit(Overloaded{
                        [&](const agent_file::HttpHookSettings& http) {
                          return App::NamedHook{kHookName, webhook::http_end_hook(http, clients, fill), http.give_up_after};
                        },
                        [](const agent_file::CommandHookSettings& command) {
                          return App::NamedHook{kHookName, webhook::command_end_hook(command), command.give_up_after};
                        },
                    },
                    settings);
}

}  // namespace

App agent_app(std::shared_ptr<const AgentFile> file, ProviderRegistry providers, webhook::ClientFactory clients) {
  const auto& worker = file->worker();
  App app([file, clients](JobContext& job) { return answer(file, clients, job); });
  app.name = worker.name;
  app.defaults.providers = worker.providers;
  app.defaults.room.link_to = worker.link_to;
  app.privacy = worker.privacy;
  app.providers = std::move(providers);
  for (const auto& hook : worker.on_end) app.on_end.push_back(make_hook(hook, clients));
  return app;
}

}  // namespace parley::app
