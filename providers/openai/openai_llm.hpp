// The `openai` provider: the LLM slot on any OpenAI-compatible chat server (OpenAI, Ollama, llama.cpp, vLLM).
#pragma once

#include <string>

#include <parley/llm.hpp>

#include "net/http_client.hpp"
#include "providers/openai/chat_protocol.hpp"

namespace parley {

struct OpenAiOptions {
  std::string base_url = "https://api.openai.com/v1";  // what stands before /chat/completions
  std::string api_key;                                 // empty: no Authorization header (local servers)
  openai::ChatOptions chat;
  Duration head_timeout = 10s;   // until the server says that it will answer
  Duration stall_timeout = 10s;  // without a byte of the answer
};

// Outlives its streams, as `client` does.
class OpenAiLlm final : public Llm {
 public:
  OpenAiLlm(net::HttpClient& client, OpenAiOptions options)
      : client_(client), options_(std::move(options)), label_("openai/" + options_.chat.model) {}

  std::string_view label() const noexcept override { return label_; }
  std::unique_ptr<LlmStream> chat(Scope& parent, ChatRequest request) override;

 private:
  net::HttpClient& client_;
  OpenAiOptions options_;
  std::string label_;
};

}  // namespace parley
