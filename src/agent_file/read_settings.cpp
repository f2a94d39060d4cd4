#include "agent_file/read_settings.hpp"

#include <algorithm>

#include "agent_file/checker.hpp"
#include "agent_file/tree.hpp"

namespace parley::agent_file {

namespace json = boost::json;
using yaml::Node;
using Type = Option::Type;

namespace {

// Of a key that is there, its value; of one that is not, what the settings have already.
json::value value(const Node& node, Type type) { return value_of(node, {.type = type}, false).value_or(nullptr); }
std::string text(const Node& node) { return text_option(value(node, Type::text)); }

void read(const Node& node, std::string& to) {
  if (node) to = text(node);
}
void read(const Node& node, bool& to) {
  if (node) to = switch_option(value(node, Type::boolean));
}
void read(const Node& node, int& to) {
  if (node) to = value(node, Type::integer).to_number<int>();
}
void read(const Node& node, double& to) {
  if (node) to = value(node, Type::number).to_number<double>();
}
void read(const Node& node, Duration& to) {
  if (node) to = duration_option(value(node, Type::duration));
}
void read(const Node& node, std::optional<Duration>& to) {
  if (!node) return;
  const auto found = value(node, Type::duration);
  to = is_off(found) ? std::nullopt : std::optional(duration_option(found));
}

// A text, or a list of them.
std::vector<std::string> texts(const Node& node) {
  if (node.is_scalar()) return {text(node)};
  std::vector<std::string> all;
  for (const Node& item : node.items) all.push_back(text(item));
  return all;
}

HttpTarget read_http(const Node& node, Duration timeout) {
  HttpTarget target{.timeout = timeout};
  read(node["url"], target.url);
  read(node["timeout"], target.timeout);
  read(node["signing_secret"], target.signing_secret);
  for (const Node& header : node["headers"].entries) target.headers.emplace_back(header.key, text(header));
  return target;
}

class ProviderReader {
 public:
  ProviderReader(const ProviderRegistry& providers, const std::string& folder)
      : providers_(providers), folder_(folder) {}

  ProviderChoice read_all(const Node& agent) const {
    return {chain(agent, ProviderSlot::vad), chain(agent, ProviderSlot::stt), chain(agent, ProviderSlot::llm),
            chain(agent, ProviderSlot::tts)};
  }

 private:
  std::vector<ProviderSpec> chain(const Node& agent, ProviderSlot slot) const {
    const Node& node = agent[to_string(slot)];
    std::vector<ProviderSpec> specs;
    const auto add = [&](const Node& one) {
      if (one.is_scalar()) specs.push_back(ProviderSpec(text(one)));
      if (one["provider"]) specs.push_back(spec(one, slot));
    };
    if (!node.is_list()) add(node);
    for (const Node& item : node.items) add(item);
    return specs;
  }

  ProviderSpec spec(const Node& node, ProviderSlot slot) const {
    ProviderSpec result(text(node["provider"]));
    const auto* description = providers_.description(slot, result.provider);
    for (const Node& entry : node.entries) {
      if (entry.key == "provider" || is_session_key(slot, entry.key)) continue;
      Option option{.type = Type::any};
      if (description) option = *std::ranges::find(description->options, entry.key, &Option::name);
      auto found = value_of(entry, option, false).value_or(nullptr);
      if (option.type == Type::path && found.is_string())
        found = json::string(resolved_path(folder_, text_option(found)));
      result.options[entry.key] = std::move(found);
    }
    return result;
  }

  static bool is_session_key(ProviderSlot slot, const std::string& key) {
    const auto& shape = *std::ranges::find(file_shape().parts, to_string(slot), &Shape::key);
    return std::ranges::find(shape.parts, key, &Shape::key) != shape.parts.end();
  }

  const ProviderRegistry& providers_;
  const std::string& folder_;
};

class CallReader {
 public:
  CallReader(const ProviderRegistry& providers, const std::string& folder, const Call& call)
      : providers_(providers, folder), folder_(folder), call_(call) {}

  CallSettings read_all(const Node& root) {
    for (const Node& agent : root["agents"].entries) others_.push_back(agent.key);
    CallSettings settings;
    settings.agent = read_agent(root);
    read(root["name"], settings.agent.name);
    for (const Node& node : root["agents"].entries) {
      auto agent = read_agent(node);
      agent.name = node.key;
      agent.providers = providers_.read_all(node);
      settings.agents.emplace(node.key, std::move(agent));
    }
    read_session(root, settings.session);
    const Node& room = root["room"];
    read(room["close_on_disconnect"], settings.session.room.close_on_disconnect);
    read(room["delete_on_close"], settings.session.room.delete_on_close);
    if (room["link_to"]) settings.session.room.link_to = texts(room["link_to"]);
    return settings;
  }

 private:
  AgentSettings read_agent(const Node& node) const {
    AgentSettings agent{.name = WorkerSettings{}.name, .instructions = text(node["instructions"])};
    if (const Node& greeting = node["greeting"]) {
      agent.greeting.emplace();
      read(greeting.is_scalar() ? greeting : greeting["say"], agent.greeting->say);
      read(greeting["instructions"], agent.greeting->instructions);
      read(greeting["interruptible"], agent.greeting->interruptible);
    }
    for (const Node& tool : node["tools"].items) agent.tools.push_back(read_tool(tool));
    return agent;
  }

  ToolSettings read_tool(const Node& node) const {
    const std::string built_in = node.is_scalar() ? text(node) : std::string();
    if (node["transfer"]) return TransferSettings{texts(node["transfer"]["to"])};
    if (node["handoff"]) return HandoffSettings{texts(node["handoff"]["to"])};
    if (built_in == "handoff") return HandoffSettings{others_};
    if (built_in == "end_call" || node["end_call"]) return EndCallSettings{};
    if (built_in == "send_dtmf" || node["send_dtmf"]) return SendDtmfSettings{};
    HttpToolSettings tool{.definition = {.name = text(node["name"]),
                                         .description = text(node["description"]),
                                         .parameters = {{"type", "object"}, {"properties", json::object()}}},
                          .http = read_http(node["http"], HttpTarget{}.timeout)};
    if (const auto& parameters = node["parameters"]) tool.definition.parameters = parameters.to_json().as_object();
    read(node["say_while_waiting"], tool.say_while_waiting);
    read(node["survives_interruption"], tool.survives_interruption);
    return tool;
  }

  void read_session(const Node& root, SessionOptions& session) const {
    session.providers = providers_.read_all(root);
    const Node& vad = root["vad"].is_list() ? root["vad"].items.front() : root["vad"];
    read(vad["activation"], session.vad.activation);
    const VadOptions defaults;
    session.vad.deactivation = std::max(0.0, session.vad.activation - (defaults.activation - defaults.deactivation));
    read(vad["min_speech"], session.vad.min_speech);
    read(vad["min_silence"], session.vad.min_silence);
    const Node& stt = root["stt"].is_list() ? root["stt"].items.front() : root["stt"];
    read(stt["language"], session.stt.language);
    read_turns(root["turns"], session.turns);
    read(root["limits"]["max_duration"], session.limits.max_duration);
    read_silence(root["limits"]["silence"], session.limits.silence);
    read(root["failure"]["say"], session.failure.say);
    read(root["failure"]["then"]["transfer"], session.failure.then_transfer_to);
    read_recording(root["privacy"]["recording"], session.recording);
  }

  static void read_turns(const Node& node, TurnOptions& turns) {
    read(node["endpointing"]["min"], turns.endpointing.min);
    read(node["endpointing"]["max"], turns.endpointing.max);
    const Node& interruption = node["interruption"];
    read(interruption["enabled"], turns.interruption.enabled);
    read(interruption["min_duration"], turns.interruption.min_duration);
    read(interruption["min_words"], turns.interruption.min_words);
    read(interruption["resume_false_after"], turns.interruption.resume_false_after);
    read(node["away_after"], turns.away_after);
    read(node["max_tool_steps"], turns.max_tool_steps);
  }

  static void read_silence(const Node& node, std::optional<SilenceOptions>& silence) {
    if (!node) return;
    if (!node.is_mapping()) return silence.reset();
    read(node["ask_after"], silence->ask_after);
    read(node["say"], silence->say);
    read(node["hang_up_after"], silence->hang_up_after);
  }

  void read_recording(const Node& node, std::optional<RecordingOptions>& recording) const {
    if (!node.is_mapping()) return;
    recording.emplace();
    recording->path = resolved_path(folder_, text(node["path"]));
    const bool is_file = recording->path.ends_with(".ogg") || recording->path.ends_with(".opus");
    if (!is_file)
      recording->path += (recording->path.ends_with('/') ? "" : "/") + call_.id + "." + call_.attempt_id + ".ogg";
    if (text(node["channels"]) == "mono") recording->channels = RecordingChannels::mono;
    if (text(node["consent"]) == "none") recording->consent = RecordingConsent::none;
  }

  ProviderReader providers_;
  const std::string& folder_;
  const Call& call_;
  std::vector<std::string> others_;
};

// What an agent asks for as far as it is known before any call: options that a call tells are left out.
ProviderChoice known_providers(const Node& agent, const ProviderReader& reader) {
  const auto leave_out_unknown = [](Node& provider) {
    std::erase_if(provider.entries, [](Node& option) { return !fill_in_defaults(option); });
    if (provider.is_scalar()) fill_in_defaults(provider);  // a name alone
  };
  Node known{.kind = Node::Kind::mapping};
  for (const ProviderSlot slot : kProviderSlots) {
    Node node = agent[to_string(slot)];
    if (!node) continue;
    leave_out_unknown(node);
    for (Node& item : node.items) leave_out_unknown(item);
    known.entries.push_back(std::move(node));
  }
  return reader.read_all(known);
}

void add_new(std::vector<ProviderSpec>& to, const std::vector<ProviderSpec>& specs) {
  for (const auto& spec : specs) {
    if (std::ranges::find(to, spec) == to.end()) to.push_back(spec);
  }
}

// With the defaults of what holds no variable of a call.
Node settled(const Node& node) {
  Node copy = node;
  fill_in_defaults(copy);
  return copy;
}

OnCallSettings read_on_call(const Node& node) {
  OnCallSettings on_call;
  on_call.http = read_http(node, on_call.http.timeout);
  read(settled(node["timeout"]), on_call.http.timeout);
  on_call.refuse_if_unreachable = text(settled(node["if_unreachable"])) == "refuse";
  return on_call;
}

HookSettings read_hook(const Node& node, const std::string& folder) {
  if (const Node& http = node["http"]) {
    HttpHookSettings hook{.http = read_http(http, HttpTarget{}.timeout)};
    read(settled(http["timeout"]), hook.http.timeout);
    read(settled(http["give_up_after"]), hook.give_up_after);
    return hook;
  }
  CommandHookSettings hook{.command = texts(settled(node["command"]))};
  // Without a slash it is looked for in the PATH.
  if (hook.command.front().find('/') != std::string::npos)
    hook.command.front() = resolved_path(folder, hook.command.front());
  read(settled(node["give_up_after"]), hook.give_up_after);
  return hook;
}

PrivacyOptions read_privacy(const Node& node) {
  PrivacyOptions privacy;
  const Node journal = settled(node["journal"]);
  read(journal["keep"], privacy.journal.keep);
  if (journal["max_bytes"]) privacy.journal.max_bytes = size_option(value(journal["max_bytes"], Type::size));
  if (const Node& redact = journal["redact"]) {
    const auto what = texts(redact);
    privacy.journal.redact_digits = std::ranges::find(what, "digits") != what.end();
    privacy.journal.redact_dtmf = std::ranges::find(what, "dtmf") != what.end();
  }
  if (const auto mirror = value(journal["mirror"], Type::uri); !is_off(mirror))
    privacy.journal.mirror = text_option(mirror);
  read(settled(node["transcripts"]), privacy.transcripts);
  return privacy;
}

}  // namespace

CallSettings read_call(const Node& root, const ProviderRegistry& providers, const std::string& folder,
                       const Call& call) {
  return CallReader(providers, folder, call).read_all(root);
}

WorkerSettings read_worker(const Node& root, const ProviderRegistry& providers, const std::string& folder) {
  WorkerSettings worker;
  read(settled(root["name"]), worker.name);
  if (root["on_call"]) worker.on_call = read_on_call(root["on_call"]);
  for (const Node& hook : root["on_end"].items) worker.on_end.push_back(read_hook(hook, folder));
  worker.privacy = read_privacy(root["privacy"]);
  if (const Node kinds = settled(root["room"]["link_to"])) worker.link_to = texts(kinds);
  const ProviderReader reader(providers, folder);
  std::vector<const Node*> agents = {&root};
  for (const Node& agent : root["agents"].entries) agents.push_back(&agent);
  for (const Node* agent : agents) {
    const auto choice = known_providers(*agent, reader);
    add_new(worker.providers.vad, choice.vad);
    add_new(worker.providers.stt, choice.stt);
    add_new(worker.providers.llm, choice.llm);
    add_new(worker.providers.tts, choice.tts);
  }
  return worker;
}

}  // namespace parley::agent_file
