// What an agent file says, as plain data: with every default filled in, every text filled in for one call, and valid.
//
// WorkerSettings is what all calls of a worker share and no call can change; CallSettings is one call's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json/object.hpp>

#include <parley/agent.hpp>
#include <parley/privacy.hpp>
#include <parley/session.hpp>

namespace parley::agent_file {

// Where something is asked for over HTTP.
struct HttpTarget {
  std::string url;  // http:// or https://
  Duration timeout = 10s;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string signing_secret{};  // empty: not signed
};

// ---- tools ----

struct HttpToolSettings {
  ToolDefinition definition;
  HttpTarget http;
  std::string say_while_waiting{};
  bool survives_interruption = false;
};
struct EndCallSettings {};
struct TransferSettings {
  std::vector<std::string> to;  // "tel:+15550100", "sip:desk@example.com"; never empty
};
struct SendDtmfSettings {};
struct HandoffSettings {
  std::vector<std::string> to;  // names under `agents`; never empty
};
using ToolSettings = std::variant<HttpToolSettings, EndCallSettings, TransferSettings, SendDtmfSettings, HandoffSettings>;

// ---- agents ----

// Whom the caller talks to: the file's own, and those under `agents`, who take over by handoff.
struct AgentSettings {
  std::string name;
  std::string instructions;
  std::optional<Greeting> greeting{};
  std::vector<ToolSettings> tools{};
  ProviderChoice providers{};  // those of its own; empty: the session's
};

// ---- one call ----

struct CallSettings {
  AgentSettings agent;                          // the first
  std::map<std::string, AgentSettings> agents;  // the others, by name
  SessionOptions session;                       // providers, vad, turns, limits, failure, recording, room
};

// ---- the worker ----

struct OnCallSettings {
  HttpTarget http{.url = {}, .timeout = 2s};  // may hold {{...}}: filled in for each call
  bool refuse_if_unreachable = false;
};

struct HttpHookSettings {
  HttpTarget http;  // may hold {{...}}: filled in from the record
  Duration give_up_after = std::chrono::hours(24);
};
struct CommandHookSettings {
  std::vector<std::string> command;  // program and arguments; the record comes on its standard input
  Duration give_up_after = std::chrono::hours(24);
};
using HookSettings = std::variant<HttpHookSettings, CommandHookSettings>;

struct WorkerSettings {
  std::string name = "agent";
  std::optional<OnCallSettings> on_call{};
  std::vector<HookSettings> on_end{};
  PrivacyOptions privacy{};
  std::vector<std::string> link_to = RoomOptions{}.link_to;
  // All that any agent of the file asks for, without options that only a call tells: what is loaded before the first call.
  ProviderChoice providers{};
};

}  // namespace parley::agent_file
