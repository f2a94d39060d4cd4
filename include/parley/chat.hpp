// What was said and done in a call, in the shape that every LLM understands. Plain values; all text is UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <parley/base/time.hpp>

namespace parley {

enum class ChatRole { system, user, assistant };

std::string_view to_string(ChatRole role) noexcept;

struct ChatMessage {
  std::string id;  // given when it enters the history; empty until then
  ChatRole role = ChatRole::user;
  std::string text;          // an assistant's: what the caller heard of it
  bool interrupted = false;  // an assistant's: the caller heard only part of what was generated
  WallTime created_at{};     // when it entered the history; zero until then
};

struct FunctionCall {
  std::string id;  // the provider's call id: joins call and output
  std::string name;
  std::string arguments;  // JSON, exactly as the LLM wrote it
};

struct FunctionCallOutput {
  std::string call_id;  // FunctionCall::id
  std::string name;
  std::string output;  // JSON or plain text
  bool is_error = false;
};

// Agents took turns: the LLM does not see it, the transcript does.
struct AgentHandoff {
  std::string from;
  std::string to;
};

using ChatItem = std::variant<ChatMessage, FunctionCall, FunctionCallOutput, AgentHandoff>;

// The history of a call, oldest first.
struct ChatContext {
  std::vector<ChatItem> items;

  // The new last item: valid until `items` changes.
  ChatMessage& add(ChatRole role, std::string text);
  // The last message of a role; null if there is none.
  const ChatMessage* last(ChatRole role) const noexcept;
  // As docs/events.md describes items.
  boost::json::array to_json() const;
};

}  // namespace parley
