// What no key can tell alone: bounds that must fit each other, names that must differ, or be there.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include <parley/base/units.hpp>

#include "agent_file/checker.hpp"
#include "agent_file/settings.hpp"
#include "agent_file/template.hpp"

namespace parley::agent_file {

using yaml::Node;
using Type = Option::Type;

namespace {

// Nothing: it is a mistake, or only a call can tell it.
std::optional<Duration> duration_at(const Node& node, Duration otherwise, bool is_file) {
  if (!node) return otherwise;
  const Option option{.type = Type::duration};
  const auto value = value_of(node, option, is_file);
  return value && !mistake_in(option, *value) ? std::optional(duration_option(*value)) : std::nullopt;
}

std::vector<const Node*> one_or_more(const Node& node) {
  if (!node) return {};
  if (!node.is_list()) return {&node};
  std::vector<const Node*> all;
  for (const Node& item : node.items) all.push_back(&item);
  return all;
}

bool is_file_of_each_call(const std::string& path) {
  const auto parsed = Template::parse(path);
  return !parsed || parsed->has_variables() || !(path.ends_with(".ogg") || path.ends_with(".opus"));
}

}  // namespace

std::string name_of_tool(const Node& tool) {
  if (tool.is_scalar()) return tool.text;
  if (tool["name"]) return tool["name"].text;
  return tool.entries.size() == 1 ? tool.entries.front().key : std::string();
}

void Checker::check_together(const Node& root) {
  const bool is_file = environment_ != nullptr;
  const EndpointingOptions endpointing;
  const Node& bounds = root["turns"]["endpointing"];
  const auto min = duration_at(bounds["min"], endpointing.min, is_file);
  const auto max = duration_at(bounds["max"], endpointing.max, is_file);
  if (min && max && *min > *max) {
    const bool at_min = static_cast<bool>(bounds["min"]);
    wrong(at_min ? bounds["min"] : bounds["max"], at_min ? "turns.endpointing.min" : "turns.endpointing.max",
          fmt::format("expected min to be at most max, found min {} and max {}", to_text(*min), to_text(*max)));
  }
  const SilenceOptions silence;
  const Node& quiet = root["limits"]["silence"];
  const auto ask = duration_at(quiet["ask_after"], silence.ask_after, is_file);
  const auto hang_up = duration_at(quiet["hang_up_after"], silence.hang_up_after, is_file);
  if (quiet.is_mapping() && ask && hang_up && *ask >= *hang_up) {
    wrong(quiet, "limits.silence",
          fmt::format("expected ask_after to be less than hang_up_after, found {} and {}", to_text(*ask),
                      to_text(*hang_up)));
  }
  const Node& recording = root["privacy"]["recording"]["path"];
  if (is_file && recording.is_scalar() && !is_file_of_each_call(recording.text)) {
    wrong(recording, "privacy.recording.path",
          "expected a file for each call: put {{call.id}} into the name, or give a folder");
  }
  check_agent(root, root["agents"], {});
  for (const Node& agent : root["agents"].entries) check_agent(agent, root["agents"], "agents." + agent.key + ".");
}

void Checker::check_agent(const Node& agent, const Node& agents, const std::string& path) {
  std::vector<std::string> names;
  for (const Node& one : agents.entries) names.push_back(one.key);
  std::map<std::string, std::size_t> seen;
  const auto& tools = agent["tools"].items;
  if (tools.size() > limits::kMaxTools) return;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const Node& tool = tools[i];
    const std::string here = fmt::format("{}tools[{}]", path, i);
    const std::string name = name_of_tool(tool);
    if (const auto [first, is_new] = seen.emplace(name, i); !is_new && !name.empty()) {
      wrong(tool["name"] ? tool["name"] : tool, here,
            fmt::format("expected another name: \"{}\" is {}tools[{}] already", name, path, first->second));
    }
    if (tool.is_scalar() && name == "handoff" && names.empty())
      wrong(tool, here, "there is nobody to hand over to: describe other agents under agents");
    for (const Node* to : one_or_more(tool["handoff"]["to"])) {
      if (!to->is_scalar() || to->text.find("{{") != std::string::npos ||
          std::ranges::find(names, to->text) != names.end())
        continue;
      wrong(*to, here + ".handoff.to",
            unknown_name(fmt::format("agent \"{}\"", to->text.substr(0, 64)), to->text, names));
    }
  }
}

}  // namespace parley::agent_file
