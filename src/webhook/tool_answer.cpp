#include "webhook/tool_answer.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <parley/base/utf8.hpp>

namespace parley::webhook {

namespace {

namespace json = boost::json;

std::unexpected<Error> wrong(std::string why) { return fail(Errc::protocol, std::move(why)); }

// A name of the server's, in a message: short, and on one line.
std::string quoted(std::string_view name) { return json::serialize(json::string(valid_utf8(std::string(name.substr(0, 40))))); }

// The one member of `value`, a text of 1 to `max` bytes.
Result<std::string> only_text(const json::value& value, std::string_view member, std::size_t max) {
  const auto* object = value.if_object();
  const auto* text = object && object->size() == 1 ? object->if_contains(member) : nullptr;
  if (!text || !text->is_string() || text->get_string().empty()) return wrong(fmt::format("must be {{{}: \"...\"}}", member));
  if (text->get_string().size() > max) return wrong(fmt::format("`{}` has more than {} bytes", member, max));
  return std::string(text->get_string());
}

Result<ToolAction> read_say(const json::value& value) {
  if (!value.is_string() || value.get_string().empty()) return wrong("must be a text");
  if (value.get_string().size() > ToolAnswer::kMaxWords) return wrong(fmt::format("has more than {} bytes", ToolAnswer::kMaxWords));
  return SayAction{std::string(value.get_string())};
}

Result<ToolAction> read_end_call(const json::value& value) {
  const auto* object = value.if_object();
  if (!object || !object->empty()) return wrong("must be {}");
  return EndCallAction{};
}

Result<ToolAction> read_transfer(const json::value& value) {
  auto to = only_text(value, "to", ToolAnswer::kMaxTarget);
  if (!to) return fail(to.error());
  const bool telephone = to->starts_with("tel:") || to->starts_with("sip:") || to->starts_with("sips:");
  const bool plain = to->find_first_of(" \t\r\n<>\"") == std::string::npos && to->size() > to->find(':') + 1;
  if (!telephone || !plain) return wrong(fmt::format("`to` must be as \"tel:+15550100\" or \"sip:desk@example.com\", not {}", quoted(*to)));
  return TransferAction{std::move(*to)};
}

Result<ToolAction> read_handoff(const json::value& value) {
  auto agent = only_text(value, "agent", ToolAnswer::kMaxTarget);
  if (!agent) return fail(agent.error());
  return HandoffAction{std::move(*agent)};
}

Result<ToolAction> read_action(const json::value& value) {
  const auto* object = value.if_object();
  if (!object || object->size() != 1) return wrong("an action is an object with one key: say, end_call, transfer or handoff");
  const auto& [name, what] = *object->begin();
  auto action = name == "say"        ? read_say(what)
                : name == "end_call" ? read_end_call(what)
                : name == "transfer" ? read_transfer(what)
                : name == "handoff"  ? read_handoff(what)
                                     : wrong("unknown action; there are say, end_call, transfer and handoff");
  if (!action) return fail(action.error().within(quoted(name)));
  return action;
}

Result<std::vector<ToolAction>> read_actions(const json::value& value) {
  const auto* list = value.if_array();
  if (!list) return wrong("`actions` must be a list");
  if (list->size() > ToolAnswer::kMaxActions) return wrong(fmt::format("`actions` has more than {} entries", ToolAnswer::kMaxActions));
  std::vector<ToolAction> actions;
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto action = read_action((*list)[i]);
    if (!action) return fail(action.error().within(fmt::format("actions[{}]", i)));
    if (!actions.empty() && !std::holds_alternative<SayAction>(actions.back())) {
      return wrong(fmt::format("actions[{}]: nothing can come after end_call, transfer or handoff", i));
    }
    actions.push_back(std::move(*action));
  }
  return actions;
}

}  // namespace

Result<ToolAnswer> read_tool_answer(std::string_view body) {
  if (body.size() > ToolAnswer::kMaxBytes) return wrong(fmt::format("it has more than {} bytes", ToolAnswer::kMaxBytes));
  boost::system::error_code failed;
  auto parsed = json::parse({body.data(), body.size()}, failed);  // 32 levels deep at most
  if (failed) return wrong(fmt::format("it is not valid JSON ({})", failed.message()));
  auto* object = parsed.if_object();
  if (!object) return wrong("it is not a JSON object {result: ...}");
  for (const auto& [key, value] : *object) {
    if (key != "result" && key != "actions") return wrong(fmt::format("it has an unknown key {}; there are result and actions", quoted(key)));
  }
  ToolAnswer answer;
  auto* result = object->if_contains("result");
  if (!result) return wrong("it has no `result`");
  if (const auto* actions = object->if_contains("actions")) {
    auto read = read_actions(*actions);
    if (!read) return fail(read.error());
    answer.actions = std::move(*read);
  }
  answer.result = std::move(*result);
  return answer;
}

}  // namespace parley::webhook
