#include "session/generation.hpp"

#include <fmt/format.h>

#include "session/stream_close.hpp"

namespace parley {

Generation::Generation(Scope& parent, std::shared_ptr<Chain<Llm>> chain, ChatRequest request, const RetryOptions& retry)
    : loop_(parent.loop()),
      chain_(std::move(chain)),
      request_(std::move(request)),
      retry_(retry),
      began_(loop_.now()),
      scope_(parent, "generation") {
  if (!scope_.spawn("answer", run())) pieces_.close();
}

Generation::~Generation() { kill(); }

Task<void> Generation::run() {
  RetryState retry(retry_, chain_->health);
  auto next = retry.first(loop_.now());
  while (next) {
    if (next->wait > Duration::zero()) co_await sleep_for(next->wait);
    auto& llm = *chain_->providers[next->provider];
    provider_ = llm.label();
    std::optional<ProviderError> error;
    try {
      error = co_await one_try(llm, retry);
    } catch (const Stopped&) {
      throw;
    } catch (...) {
      pieces_.close();  // nothing comes any more
      throw;
    }
    if (stream_) (void)co_await close_stream(*stream_, loop_.in(kCloseDeadline));
    if (scope_.stopping()) co_return;  // then close() may still wait for the stream
    stream_.reset();
    if (!error) {
      retry.result();
      break;
    }
    loop_.logger().warn("llm {} failed: {}", provider_, error->error.message());
    next = retry.failed(*error, loop_.now(), loop_.random());
    if (!next) (void)co_await pieces_.push(Failure{provider_, std::move(*error)}, Deadline::bounded_by_scope());
  }
  pieces_.close();
}

Task<std::optional<ProviderError>> Generation::one_try(Llm& llm, RetryState& retry) {
  if (scope_.stopping()) co_return std::nullopt;  // told before its first step: nothing is opened any more
  stream_ = llm.chat(scope_, request_);
  bool anything = false;
  for (;;) {
    auto chunk = co_await stream_->chunks().pop(loop_.in(retry_.timeout));
    if (!chunk && chunk.error().code() == Errc::timeout) {
      co_return ProviderError(Error(Errc::timeout, fmt::format("nothing came for {} s", to_seconds(retry_.timeout))), true);
    }
    if (!chunk) break;
    if (!*chunk) co_return std::move(chunk->error());
    if (auto error = check_bounds(**chunk)) co_return error;
    if (const auto* usage = std::get_if<LlmUsage>(&**chunk)) {
      usage_ = *usage;
      continue;
    }
    auto* text = std::get_if<std::string>(&**chunk);
    if (text && text->empty()) continue;
    if (!first_token_) first_token_ = loop_.now();
    anything = true;
    retry.output_delivered();
    auto piece = text ? Piece(std::move(*text)) : Piece(std::get<FunctionCall>(std::move(**chunk)));
    (void)co_await pieces_.push(std::move(piece), Deadline::bounded_by_scope());
  }
  if (!anything) co_return ProviderError(Error(Errc::protocol, "the answer was empty"), true);
  co_return std::nullopt;
}

std::optional<ProviderError> Generation::check_bounds(const LlmChunk& chunk) {
  if (const auto* text = std::get_if<std::string>(&chunk)) text_ += text->size();
  if (std::holds_alternative<FunctionCall>(chunk)) ++calls_;
  if (text_ <= kMaxText && calls_ <= kMaxCalls) return std::nullopt;
  return ProviderError(Error(Errc::protocol, fmt::format("an answer of more than {} bytes or {} calls", kMaxText, kMaxCalls)), false);
}

void Generation::request_stop(StopReason reason) noexcept {
  if (stream_) stream_->request_stop(reason);
  scope_.request_stop(std::move(reason));
}

Task<CloseReport> Generation::close(Deadline deadline) {
  request_stop({StopCause::owner_closed, {}});
  co_return co_await close_stream_and_tasks(stream_.get(), scope_, deadline);
}

void Generation::kill() noexcept {
  if (stream_) stream_->kill();
  scope_.kill();
}

}  // namespace parley
