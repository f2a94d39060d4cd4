#include <parley/tools.hpp>

#include <parley/agent.hpp>
#include <parley/session.hpp>

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

namespace {

// The LLM's choice where there is one to make: nothing to say for a single target.
std::vector<Arg> choice_of(const char* name, const char* description, const std::vector<std::string>& targets) {
  if (targets.size() == 1) return {};
  return {arg(name, description).one_of(boost::json::array(targets.begin(), targets.end()))};
}

// Checked against the schema already.
std::string chosen(const boost::json::object& arguments, const char* name, const std::vector<std::string>& targets) {
  return targets.size() == 1 ? targets.front() : std::string(arguments.at(name).as_string());
}

boost::json::object text_parameters(const std::vector<Arg>& args) {
  return detail::make_schema({args.size(), {detail::JsonType<std::string>::schema(), true}}, args);
}

// What the network was asked for cannot be taken back: a caller's "okay, thanks" must not stop it halfway. Hence these two
// outlive an interruption.
Task<Result<ToolResult>> pass_on(RunContext& context, std::string to) {
  co_await context.wait_for_playout();
  if (context.speech().interrupted()) co_return fail(Errc::refused, "not passed on: the caller spoke before; call this again if it is still wanted");
  if (auto passed = co_await context.session().transfer(std::move(to)); !passed) co_return fail(passed.error());
  co_return ToolResult{.value = "the caller was passed on", .reply = false};
}

Task<Result<ToolResult>> press(RunContext& context, std::string keys) {
  co_await context.wait_for_playout();
  if (auto pressed = co_await context.session().send_dtmf(std::move(keys)); !pressed) co_return fail(pressed.error());
  co_return ToolResult{.value = "pressed"};
}

Task<Result<ToolResult>> give_to(Result<Agent> agent) {
  if (!agent) co_return fail(agent.error());
  co_return hand_off_to(std::move(*agent));
}

}  // namespace

Tool transfer(std::vector<std::string> to) {
  ToolDefinition definition{.name = "transfer",
                            .description = "Passes the caller on to somebody else and ends your part of the call. Tell the caller first.",
                            .parameters = text_parameters(choice_of("to", "where to", to))};
  return {.definition = std::move(definition),
          .run = [to = std::move(to)](RunContext& context, boost::json::object arguments) { return pass_on(context, chosen(arguments, "to", to)); },
          .outlives_interruption = true};
}

Tool send_dtmf() {
  ToolDefinition definition{.name = "send_dtmf",
                            .description = "Presses keys of a telephone, for a machine at the other end that asks for them.",
                            .parameters = text_parameters({arg("keys", "0-9, *, #, A-D; w waits half a second").max_length(Session::kMaxDtmf)})};
  return {.definition = std::move(definition),
          .run = [](RunContext& context, boost::json::object arguments) { return press(context, std::string(arguments.at("keys").as_string())); },
          .outlives_interruption = true};
}

Tool handoff(std::vector<std::string> to, std::function<Result<Agent>(const std::string&)> agent) {
  ToolDefinition definition{.name = "handoff",
                            .description = "Hands the call over to a colleague, who goes on with the caller.",
                            .parameters = text_parameters(choice_of("agent", "to whom", to))};
  return {.definition = std::move(definition),
          .run = [to = std::move(to), agent = std::move(agent)](RunContext&, boost::json::object arguments) {
            return give_to(agent(chosen(arguments, "agent", to)));
          }};
}

Tool end_call() {
  return tool("end_call", "Ends the call. Call it when the caller has said goodbye or clearly wants to hang up; say goodbye yourself first.",
              [] { return ToolResult{.value = "the call ends", .reply = false, .end_call = true}; });
}

}  // namespace parley
