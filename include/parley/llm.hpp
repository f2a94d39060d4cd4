// LLM: the slot that providers/<name> fills.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <parley/async/channel.hpp>
#include <parley/chat.hpp>
#include <parley/provider.hpp>

namespace parley {

// A tool as the LLM sees it.
struct ToolDefinition {
  std::string name;         // letters, digits, '_' and '-': what providers accept
  std::string description;  // when to call it, for the LLM
  boost::json::object parameters;  // JSON schema of the arguments
};

struct ChatRequest {
  ChatContext context;
  std::string instructions;  // the system prompt; not part of the context
  std::vector<ToolDefinition> tools;
  bool tools_allowed = true;  // false: the step limit was reached, the answer must be words
};

struct LlmUsage {
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t completion_tokens = 0;
};

// A piece of an answer: text as it comes, or a whole function call, or at the end what it cost.
using LlmChunk = std::variant<std::string, FunctionCall, LlmUsage>;

// One answer.
//
// Bound:  chunks() holds kMaxChunks.
// Ending: chunks() is closed after the last chunk. An error is the last chunk.
class LlmStream : public ProviderStream {
 public:
  static constexpr std::size_t kMaxChunks = 256;  // the stream stops reading from its provider while it is full
  virtual Channel<std::expected<LlmChunk, ProviderError>>& chunks() = 0;
};

// Thread: the loop's only.
class Llm {
 public:
  virtual ~Llm() = default;
  virtual std::string_view label() const noexcept = 0;  // for logs and events: "openai/gpt-4o-mini"
  // Its tasks run in a child of `parent`. Never waits: failures arrive in chunks().
  virtual std::unique_ptr<LlmStream> chat(Scope& parent, ChatRequest request) = 0;
};

}  // namespace parley
