#include "providers/openai/chat_protocol.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace parley::openai {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxShownBytes = 300;  // of a body in a message for people

json::object message_of(const ChatMessage& message) {
  return {{"role", to_string(message.role)}, {"content", message.text}};
}

json::object tool_call_of(const FunctionCall& call) {
  return {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

json::object tool_result_of(const FunctionCallOutput& output) {
  return {{"role", "tool"}, {"tool_call_id", output.call_id}, {"content", output.output}};
}

// Calls made in one step stand in one assistant message, each followed by its result.
json::array messages_of(const ChatRequest& request) {
  json::array messages;
  if (!request.instructions.empty()) messages.push_back(json::object{{"role", "system"}, {"content", request.instructions}});
  bool in_calls = false;
  for (const auto& item : request.context.items) {
    if (const auto* call = std::get_if<FunctionCall>(&item)) {
      if (!in_calls) messages.push_back(json::object{{"role", "assistant"}, {"content", nullptr}, {"tool_calls", json::array{}}});
      messages.back().as_object()["tool_calls"].as_array().push_back(tool_call_of(*call));
      in_calls = true;
      continue;
    }
    in_calls = false;
    if (const auto* message = std::get_if<ChatMessage>(&item)) messages.push_back(message_of(*message));
    if (const auto* output = std::get_if<FunctionCallOutput>(&item)) messages.push_back(tool_result_of(*output));
  }
  return messages;
}

json::array tools_of(const std::vector<ToolDefinition>& tools) {
  json::array array;
  for (const auto& tool : tools) {
    array.push_back(json::object{
        {"type", "function"},
        {"function", {{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}}}});
  }
  return array;
}

const json::object* object_at(const json::object& parent, std::string_view key) noexcept {
  const auto* value = parent.if_contains(key);
  return value ? value->if_object() : nullptr;
}

std::optional<std::string_view> text_at(const json::object& parent, std::string_view key) noexcept {
  const auto* value = parent.if_contains(key);
  const auto* text = value ? value->if_string() : nullptr;
  if (!text) return std::nullopt;
  return std::string_view(*text);
}

std::int64_t number_at(const json::object& parent, std::string_view key) noexcept {
  const auto* value = parent.if_contains(key);
  if (!value) return 0;
  if (const auto* number = value->if_int64()) return *number;
  return 0;
}

LlmUsage usage_of(const json::object& usage) {
  LlmUsage result;
  result.prompt_tokens = number_at(usage, "prompt_tokens");
  result.completion_tokens = number_at(usage, "completion_tokens");
  if (const auto* details = object_at(usage, "prompt_tokens_details")) result.cached_tokens = number_at(*details, "cached_tokens");
  return result;
}

std::string shown(std::string_view text) { return std::string(text.substr(0, kMaxShownBytes)); }

Error protocol_error(std::string_view what, std::string_view data) {
  return {Errc::protocol, fmt::format("{} in the answer: {}", what, shown(data))};
}

}  // namespace

json::object chat_request(const ChatRequest& request, const ChatOptions& options) {
  json::object body{{"model", options.model},
                    {"messages", messages_of(request)},
                    {"stream", true},
                    {"stream_options", {{"include_usage", true}}}};
  if (options.temperature) body["temperature"] = *options.temperature;
  if (!request.tools.empty()) {
    body["tools"] = tools_of(request.tools);
    body["tool_choice"] = request.tools_allowed ? "auto" : "none";
  }
  for (const auto& [key, value] : options.extra) body[key] = value;
  return body;
}

std::string error_message(std::string_view body) {
  boost::system::error_code failed;
  const auto value = json::parse(body, failed);
  if (!failed && value.is_object()) {
    if (const auto* error = object_at(value.as_object(), "error")) {
      if (const auto message = text_at(*error, "message")) return shown(*message);
    }
    if (const auto message = text_at(value.as_object(), "error")) return shown(*message);
  }
  return shown(body);
}

Result<std::vector<LlmChunk>> ChatReader::push(std::string_view data) {
  std::vector<LlmChunk> out;
  if (done_) return fail(Errc::protocol, "more came after the end of the answer");
  if (data == "[DONE]") {
    done_ = true;
    return out;
  }
  boost::system::error_code failed;
  const auto value = json::parse(data, failed);
  const auto* chunk = failed ? nullptr : value.if_object();
  if (!chunk) return fail(protocol_error("no JSON object", data));
  if (chunk->contains("error")) return fail(Errc::unavailable, error_message(data));

  const auto* choices = chunk->if_contains("choices");
  if (const auto* list = choices ? choices->if_array() : nullptr; list && !list->empty()) {
    const auto* choice = list->front().if_object();
    if (!choice) return fail(protocol_error("a choice that is no object", data));
    if (const auto* delta = object_at(*choice, "delta")) {
      if (auto read = read_delta(*delta, out); !read) return fail(read.error());
    }
    if (const auto reason = text_at(*choice, "finish_reason")) {
      if (auto ended = finish(*reason, out); !ended) return fail(ended.error());
    }
  }
  if (const auto* usage = object_at(*chunk, "usage")) out.emplace_back(usage_of(*usage));
  return out;
}

Result<void> ChatReader::read_delta(const json::object& delta, std::vector<LlmChunk>& out) {
  if (const auto text = text_at(delta, "content"); text && !text->empty()) out.emplace_back(std::string(*text));
  const auto* pieces = delta.if_contains("tool_calls");
  if (!pieces || !pieces->is_array()) return {};
  for (const auto& piece : pieces->get_array()) {
    if (!piece.is_object()) return fail(Errc::protocol, "a tool call that is no object");
    if (auto read = read_tool_call(piece.get_object()); !read) return read;
  }
  return {};
}

Result<void> ChatReader::read_tool_call(const json::object& piece) {
  const auto index = number_at(piece, "index");
  if (!calls_.contains(index) && calls_.size() >= kMaxCalls) return fail(Errc::protocol, "more function calls than can be made");
  auto& call = calls_[index];
  if (const auto id = text_at(piece, "id"); id && !id->empty()) call.id = *id;
  if (const auto* function = object_at(piece, "function")) {
    if (const auto name = text_at(*function, "name"); name && !name->empty()) call.name = *name;
    if (const auto arguments = text_at(*function, "arguments")) call.arguments += *arguments;
  }
  if (call.arguments.size() > kMaxArgumentBytes) return fail(Errc::protocol, "the arguments of a function call are too long");
  return {};
}

Result<void> ChatReader::finish(std::string_view reason, std::vector<LlmChunk>& out) {
  finished_ = true;
  for (auto& [index, call] : calls_) {
    if (call.name.empty()) return fail(Errc::protocol, "a function call without a name");
    if (call.arguments.empty()) call.arguments = "{}";
    boost::system::error_code failed;
    (void)json::parse(call.arguments, failed);
    if (failed && reason == "length") {
      return fail(Errc::protocol, fmt::format("the call of {} was cut off by the length limit", call.name));
    }
    if (call.id.empty()) call.id = fmt::format("call_{}", index);
    out.emplace_back(std::move(call));
  }
  calls_.clear();
  return {};
}

Result<void> ChatReader::end() const {
  // Some servers leave out "[DONE]"; none leaves out the finish reason.
  if (done_ || finished_) return {};
  return fail(Errc::protocol, "the answer broke off before its end");
}

}  // namespace parley::openai
