#include "providers/scripted/scripted_llm.hpp"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <parley/async/scope.hpp>

namespace parley {

namespace {

using Output = std::expected<LlmChunk, ProviderError>;

// Where the business is: this machine's own time zone.
std::chrono::local_time<std::chrono::minutes> local_time_of(WallTime time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return std::chrono::local_days(std::chrono::year(local.tm_year + 1900) / (local.tm_mon + 1) / local.tm_mday) +
         std::chrono::hours(local.tm_hour) + std::chrono::minutes(local.tm_min);
}

boost::json::value value_of(const std::string& output) {
  boost::system::error_code failed;
  auto value = boost::json::parse(output, failed);
  return failed ? boost::json::value(output) : value;
}

// What the dialogue says at the end of this history.
DialogueReply reply_to(const Dialogue& dialogue, const ScriptedOptions& options, const ChatRequest& request,
                       WallTime now) {
  std::vector<std::string> tools;
  if (request.tools_allowed) {
    for (const auto& tool : request.tools) tools.push_back(tool.name);
  }
  auto state = dialogue.begin(options.seed);
  std::optional<DialogueReply> reply;
  for (const auto& item : request.context.items) {
    if (const auto* message = std::get_if<ChatMessage>(&item); message && message->role == ChatRole::user) {
      const auto said_at = message->created_at == WallTime{} ? now : message->created_at;
      reply = dialogue.respond(state, message->text, {local_time_of(said_at), tools});
    } else if (const auto* output = std::get_if<FunctionCallOutput>(&item)) {
      reply = dialogue.tool_returned(state, output->name, value_of(output->output), output->is_error,
                                     {local_time_of(now), tools});
    }
  }
  return reply ? std::move(*reply) : dialogue.open(state);
}

class ScriptedStream final : public LlmStream {
 public:
  ScriptedStream(Scope& parent, DialogueReply reply, std::size_t calls_before, bool pace)
      : chunks_(kMaxChunks), scope_(parent, "llm/scripted") {
    if (!scope_.spawn("answer", run(std::move(reply), calls_before, pace))) chunks_.close();
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

  Task<void> run(DialogueReply reply, std::size_t calls_before, bool pace) {
    const Closes closes{chunks_};
    if (pace) co_await sleep_for(reply.first_token);
    for (auto& piece : reply_pieces(reply.text)) {
      (void)co_await chunks_.push(LlmChunk(std::move(piece)), Deadline::bounded_by_scope());
      if (pace && reply.token > Duration::zero()) co_await sleep_for(reply.token);
    }
    for (auto& call : reply.calls) {
      FunctionCall chunk{fmt::format("call_{}", ++calls_before), std::move(call.tool),
                         boost::json::serialize(call.arguments)};
      (void)co_await chunks_.push(LlmChunk(std::move(chunk)), Deadline::bounded_by_scope());
    }
  }

  Channel<Output> chunks_;
  Scope scope_;
};

}  // namespace

std::unique_ptr<LlmStream> ScriptedLlm::chat(Scope& parent, ChatRequest request) {
  auto reply = reply_to(dialogue_, options_, request, parent.loop().clock().wall());
  const auto calls_before = static_cast<std::size_t>(std::ranges::count_if(
      request.context.items, [](const ChatItem& item) { return std::holds_alternative<FunctionCall>(item); }));
  return std::make_unique<ScriptedStream>(parent, std::move(reply), calls_before, options_.pace);
}

}  // namespace parley
