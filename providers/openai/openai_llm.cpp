#include "providers/openai/openai_llm.hpp"

#include <boost/json/serialize.hpp>

#include <parley/async/scope.hpp>

#include "net/retry_after.hpp"
#include "net/sse.hpp"

namespace parley {

namespace {

constexpr std::size_t kMaxErrorBody = 64 * KiB;

using Output = std::expected<LlmChunk, ProviderError>;

// What is wrong with the request, the address or the certificate stays wrong.
ProviderError from_net(const Error& error) {
  const bool final = error.code() == Errc::invalid_argument || error.code() == Errc::refused;
  return {error, !final};
}

class OpenAiStream final : public LlmStream {
 public:
  OpenAiStream(Scope& parent, net::HttpClient& client, const OpenAiOptions& options, ChatRequest request)
      : client_(client), options_(options), chunks_(kMaxChunks), scope_(parent, "llm/openai") {
    if (!scope_.spawn("answer", run(std::move(request)))) chunks_.close();
  }

  Channel<Output>& chunks() override { return chunks_; }
  void request_stop(StopReason reason) noexcept override { scope_.request_stop(std::move(reason)); }
  Task<CloseReport> close(Deadline deadline) override { return scope_.close(deadline); }
  void kill() noexcept override { scope_.kill(); }

 private:
  struct Closes {
    Channel<Output>& channel;
    ~Closes() { channel.close(); }
  };

  Task<void> run(ChatRequest request) {
    const Closes closes{chunks_};
    auto answered = co_await answer(request_of(request));
    if (!answered) (void)co_await chunks_.push(std::unexpected(answered.error()), Deadline::bounded_by_scope());
  }

  net::ClientRequest request_of(const ChatRequest& request) const {
    net::ClientRequest http;
    http.method = "POST";
    http.url = options_.base_url + "/chat/completions";
    http.fields = {{"Content-Type", "application/json"}, {"Accept", "text/event-stream"}};
    if (!options_.api_key.empty()) http.fields.add("Authorization", "Bearer " + options_.api_key);
    http.body = boost::json::serialize(openai::chat_request(request, options_.chat));
    return http;
  }

  Task<std::expected<void, ProviderError>> answer(net::ClientRequest request) {
    auto& loop = co_await this_loop();
    auto opened = co_await client_.open(std::move(request), loop.in(options_.head_timeout));
    if (!opened) co_return std::unexpected(from_net(opened.error().within("openai")));
    auto& response = **opened;
    if (response.head().status != 200) co_return std::unexpected(co_await refusal(response));

    net::SseParser events;
    openai::ChatReader reader;
    while (!reader.done()) {
      auto bytes = co_await response.read(loop.in(options_.stall_timeout));
      if (!bytes) co_return std::unexpected(from_net(bytes.error().within("openai")));
      if (bytes->empty()) break;
      if (auto fed = events.feed(*bytes); !fed) co_return std::unexpected(ProviderError(fed.error().within("openai"), true));
      while (auto event = events.next()) {
        auto chunks = reader.push(event->data);
        if (!chunks) co_return std::unexpected(ProviderError(chunks.error().within("openai"), true));
        for (auto& chunk : *chunks) (void)co_await chunks_.push(std::move(chunk), Deadline::bounded_by_scope());
      }
    }
    if (auto ended = reader.end(); !ended) co_return std::unexpected(ProviderError(ended.error().within("openai"), true));
    co_return std::expected<void, ProviderError>{};
  }

  Task<ProviderError> refusal(net::ResponseStream& response) {
    auto& loop = co_await this_loop();
    std::string body;
    const auto deadline = loop.in(options_.stall_timeout);
    while (body.size() < kMaxErrorBody) {
      auto bytes = co_await response.read(deadline);
      if (!bytes || bytes->empty()) break;
      body += *bytes;
    }
    co_return ProviderError::from_http(response.head().status, "openai: " + openai::error_message(body),
                                       net::retry_after(response.head().fields));
  }

  net::HttpClient& client_;
  const OpenAiOptions& options_;
  Channel<Output> chunks_;
  Scope scope_;
};

}  // namespace

std::unique_ptr<LlmStream> OpenAiLlm::chat(Scope& parent, ChatRequest request) {
  return std::make_unique<OpenAiStream>(parent, client_, options_, std::move(request));
}

}  // namespace parley
