#include <parley/tools.hpp>

#include <parley/agent.hpp>

namespace parley {

Arg::Arg(std::string name, std::string description) : name_(std::move(name)) {
  if (!description.empty()) schema_["description"] = std::move(description);
}

Arg Arg::with(std::string_view key, boost::json::value value) && {
  schema_[key] = std::move(value);
  return std::move(*this);
}

boost::json::object detail::make_schema(std::vector<std::pair<boost::json::object, bool>> types, const std::vector<Arg>& args) {
  boost::json::object properties;
  boost::json::array required;
  for (std::size_t i = 0; i < types.size(); ++i) {
    auto schema = std::move(types[i].first);
    for (const auto& [key, value] : args[i].schema()) schema[key] = value;
    properties[args[i].name()] = std::move(schema);
    if (types[i].second) required.emplace_back(args[i].name());
  }
  boost::json::object schema{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

ToolResult hand_off_to(Agent agent) { return {.value = "handed over", .handoff = std::make_shared<const Agent>(std::move(agent))}; }

Tool end_call() {
  return tool("end_call", "Ends the call. Call it when the caller has said goodbye or clearly wants to hang up; say goodbye yourself first.",
              [] { return ToolResult{.value = "the call ends", .reply = false, .end_call = true}; });
}

}  // namespace parley
