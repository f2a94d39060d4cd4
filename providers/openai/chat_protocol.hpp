// The wire format of OpenAI's chat completions, as spoken by every OpenAI-compatible server (Ollama, llama.cpp, vLLM).
//
// Pure: requests and events in and out, no socket. Source: POST /chat/completions with stream=true; server-sent events
// whose data is one chunk object, ended by "[DONE]".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include <parley/llm.hpp>

namespace parley::openai {

struct ChatOptions {
  std::string model = "gpt-4.1";
  std::optional<double> temperature;
  boost::json::object extra;  // put into the request as they are
};

// The request's body.
boost::json::object chat_request(const ChatRequest& request, const ChatOptions& options);

// One answer's events, in order, to chunks.
//
// Function calls come in pieces that are joined by `index`; they are given out when the answer says that it is complete,
// in the order of their indices, whatever the finish reason (a call cut off by the length limit is an error).
//
// Bound: kMaxCalls function calls, kMaxArgumentBytes of arguments each.
class ChatReader {
 public:
  static constexpr std::size_t kMaxCalls = 64;
  static constexpr std::size_t kMaxArgumentBytes = 256 * 1024;

  // The data of one event. Errc::protocol for what is no chunk; an error object of the server comes back as
  // Errc::unavailable with its message.
  Result<std::vector<LlmChunk>> push(std::string_view data);

  // The stream ended. Errc::protocol if it ended before the answer did.
  Result<void> end() const;

  bool done() const noexcept { return done_; }

 private:
  Result<void> read_delta(const boost::json::object& delta, std::vector<LlmChunk>& out);
  Result<void> read_tool_call(const boost::json::object& piece);
  Result<void> finish(std::string_view reason, std::vector<LlmChunk>& out);

  std::map<std::int64_t, FunctionCall> calls_;
  bool finished_ = false;  // a finish reason came
  bool done_ = false;      // "[DONE]" came
};

// The message inside an error body, or the start of the body.
std::string error_message(std::string_view body);

}  // namespace parley::openai
