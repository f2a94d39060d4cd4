#include "fakes/chat.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "fakes/answers.hpp"

namespace parley::fakes {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxToldBytes = 200;  // of a tool's result
constexpr std::string_view kAsk = "use the tool ";

std::string_view text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

const json::object* object_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_object() : nullptr;
}

bool true_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_bool() && value->get_bool();
}

// A value that fits: what a caller may have said.
json::value made_up(const json::object& schema) {
  if (const auto* choices = schema.if_contains("enum"); choices && choices->is_array() && !choices->get_array().empty()) {
    return choices->get_array().front();
  }
  const auto type = text_at(schema, "type");
  if (type == "integer" || type == "number") return 4;
  if (type == "boolean") return true;
  if (type == "array") return json::array{};
  if (type == "object") return json::object{};
  const auto format = text_at(schema, "format");
  if (format == "date") return "2026-12-02";
  if (format == "time") return "19:30";
  return "Taylor";
}

std::string arguments_for(const json::object& function) {
  json::object arguments;
  const auto* parameters = object_at(function, "parameters");
  const auto* properties = parameters ? object_at(*parameters, "properties") : nullptr;
  if (properties) {
    for (const auto& [name, schema] : *properties) {
      if (schema.is_object()) arguments[name] = made_up(schema.get_object());
    }
  }
  return json::serialize(arguments);
}

// The tool that somebody asks for in `text`.
const json::object* asked_tool(const json::array& tools, std::string_view text) {
  const auto at = text.find(kAsk);
  if (at == std::string_view::npos) return nullptr;
  text.remove_prefix(at + kAsk.size());
  for (const auto& tool : tools) {
    const auto* function = tool.is_object() ? object_at(tool.get_object(), "function") : nullptr;
    if (function && !text_at(*function, "name").empty() && text.starts_with(text_at(*function, "name"))) return function;
  }
  return nullptr;
}

}  // namespace

std::expected<ChatWish, std::string> ChatWish::parse(std::string_view body) {
  boost::system::error_code failed;
  const auto value = json::parse(body, failed);
  const auto* request = failed ? nullptr : value.if_object();
  if (!request) return std::unexpected("the body is no JSON object");
  const auto* list = request->if_contains("messages");
  if (!list || !list->is_array() || list->get_array().empty()) return std::unexpected("messages must be a list that is not empty");
  ChatWish wish;
  wish.model = text_at(*request, "model");
  wish.stream = true_at(*request, "stream");
  if (const auto* options = object_at(*request, "stream_options")) wish.include_usage = true_at(*options, "include_usage");

  std::string instructions, last_user, last_role;
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) return std::unexpected("a message is no object");
    const auto& message = item.get_object();
    last_role = text_at(message, "role");
    const auto content = text_at(message, "content");
    wish.prompt_bytes += content.size();
    if (last_role == "system" || last_role == "developer") instructions = content;
    if (last_role == "user") {
      ++wish.turn;
      last_user = content;
    }
    if (last_role == "tool") wish.tool_result = content.substr(0, kMaxToldBytes);
  }
  if (last_role != "tool") wish.tool_result.clear();

  const auto* tools = request->if_contains("tools");
  if (tools && tools->is_array() && last_role == "user" && text_at(*request, "tool_choice") != "none") {
    const auto* function = asked_tool(tools->get_array(), last_user);
    if (!function) function = asked_tool(tools->get_array(), instructions);
    if (function) {
      wish.tool = text_at(*function, "name");
      wish.tool_arguments = arguments_for(*function);
    }
  }
  return wish;
}

ChatAnswer::ChatAnswer(const Options& options, ChatWish wish, std::uint64_t number, TimePoint now)
    : options_(options), wish_(std::move(wish)), id_(fmt::format("chatcmpl-fake-{}", number)), from_(now + options.first_token) {
  if (calls_tool()) return;
  auto text = answer_text(draw_of(options_.seed, number, wish_.turn));
  if (!wish_.tool_result.empty()) text = fmt::format("The answer is {}. {}", wish_.tool_result, text);
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = std::min(rest.find(' ', 1), rest.size());
    words_.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end);
  }
}

std::optional<TimePoint> ChatAnswer::due() const {
  if (part_ == Part::over) return std::nullopt;
  return from_ + options_.token * static_cast<std::int64_t>(said_);
}

std::optional<std::string> ChatAnswer::next(TimePoint now) {
  const auto at = due();
  if (!at || *at > now) return std::nullopt;
  switch (part_) {
    case Part::words:
      if (calls_tool() && said_++ == 0) return event(R"({"role":"assistant","content":null,"tool_calls":[)" + tool_call() + "]}", {});
      if (said_ < words_.size()) {
        return event(json::serialize(json::object{{"content", words_[said_++]}}), {});
      }
      [[fallthrough]];
    case Part::finish:
      part_ = wish_.include_usage ? Part::usage : Part::done;
      return event("{}", calls_tool() ? "tool_calls" : "stop");
    case Part::usage:
      part_ = Part::done;
      return fmt::format(R"({{"id":"{}","object":"chat.completion.chunk","model":{},"choices":[],"usage":{}}})", id_,
                         json::serialize(json::value(wish_.model)), usage());
    case Part::done: part_ = Part::over; return "[DONE]";
    case Part::over: break;
  }
  return std::nullopt;
}

std::string ChatAnswer::tool_call() const {
  return json::serialize(json::object{{"index", 0},
                                      {"id", "call_" + id_},
                                      {"type", "function"},
                                      {"function", {{"name", wish_.tool}, {"arguments", wish_.tool_arguments}}}});
}

std::string ChatAnswer::event(std::string delta, std::string_view finish_reason) const {
  return fmt::format(R"({{"id":"{}","object":"chat.completion.chunk","model":{},"choices":[{{"index":0,"delta":{},"finish_reason":{}}}]}})",
                     id_, json::serialize(json::value(wish_.model)), delta,
                     finish_reason.empty() ? "null" : fmt::format("\"{}\"", finish_reason));
}

std::string ChatAnswer::usage() const {
  const auto prompt = wish_.prompt_bytes / 4 + 1;
  const auto completion = words_.size() + (calls_tool() ? wish_.tool_arguments.size() / 4 + 1 : 0);
  return fmt::format(R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":0}}}})",
                     prompt, completion, prompt + completion);
}

std::string ChatAnswer::whole() const {
  json::object message{{"role", "assistant"}, {"content", nullptr}};
  if (calls_tool()) {
    message["tool_calls"] = json::array{json::parse(tool_call())};
  } else {
    std::string text;
    for (const auto& word : words_) text += word;
    message["content"] = text;
  }
  return json::serialize(json::object{
      {"id", id_},
      {"object", "chat.completion"},
      {"model", wish_.model},
      {"choices", json::array{json::object{
                      {"index", 0}, {"message", std::move(message)}, {"finish_reason", calls_tool() ? "tool_calls" : "stop"}}}},
      {"usage", json::parse(usage())}});
}

}  // namespace parley::fakes
