#include <parley/chat.hpp>

#include <ranges>

#include <boost/json/array.hpp>

namespace parley {

std::string_view to_string(ChatRole role) noexcept {
  switch (role) {
    case ChatRole::system: return "system";
    case ChatRole::user: return "user";
    case ChatRole::assistant: return "assistant";
  }
  return "user";
}

ChatMessage& ChatContext::add(ChatRole role, std::string text) {
  ChatMessage message;
  message.role = role;
  message.text = std::move(text);
  return std::get<ChatMessage>(items.emplace_back(std::move(message)));
}

const ChatMessage* ChatContext::last(ChatRole role) const noexcept {
  for (const auto& item : std::views::reverse(items)) {
    const auto* message = std::get_if<ChatMessage>(&item);
    if (message && message->role == role) return message;
  }
  return nullptr;
}

namespace {

boost::json::object as_json(const ChatMessage& m) {
  boost::json::object object{{"type", "message"}, {"role", to_string(m.role)}, {"text", m.text}};
  if (!m.id.empty()) object["id"] = m.id;
  if (m.interrupted) object["interrupted"] = true;
  if (m.created_at != WallTime{}) object["created_at"] = to_iso8601(m.created_at);
  return object;
}

boost::json::object as_json(const FunctionCall& c) {
  return {{"type", "function_call"}, {"call_id", c.id}, {"name", c.name}, {"arguments", c.arguments}};
}

boost::json::object as_json(const FunctionCallOutput& o) {
  return {{"type", "function_call_output"}, {"call_id", o.call_id}, {"name", o.name}, {"output", o.output}, {"is_error", o.is_error}};
}

boost::json::object as_json(const AgentHandoff& h) { return {{"type", "agent_handoff"}, {"from", h.from}, {"to", h.to}}; }

}  // namespace

boost::json::array ChatContext::to_json() const {
  boost::json::array array;
  for (const auto& item : items) array.push_back(std::visit([](const auto& i) { return as_json(i); }, item));
  return array;
}

}  // namespace parley
