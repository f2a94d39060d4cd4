// One answer of the LLM, over all tries and providers that it takes.
//
// Thread: the loop's only.
// Bound:  kMaxPieces wait to be taken; an answer has at most kMaxText bytes and kMaxCalls function calls.
// Ending: the three verbs. pieces() is closed after the last piece.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <parley/async/scope.hpp>
#include <parley/base/bytes.hpp>

#include "session/chains.hpp"

namespace parley {

class Generation {
 public:
  static constexpr std::size_t kMaxPieces = 256;
  static constexpr std::size_t kMaxText = 64 * KiB;
  static constexpr std::size_t kMaxCalls = 16;
  static constexpr Duration kCloseDeadline = 1s;

  // It could not be had: the last provider that was tried, and why.
  struct Failure {
    std::string provider;
    ProviderError error;
  };
  using Piece = std::variant<std::string, FunctionCall, Failure>;

  Generation(Scope& parent, std::shared_ptr<Chain<Llm>> chain, ChatRequest request, const RetryOptions& retry);
  ~Generation();

  Channel<Piece>& pieces() noexcept { return pieces_; }
  const ChatRequest& request() const noexcept { return request_; }
  TimePoint began() const noexcept { return began_; }
  std::optional<TimePoint> first_token() const noexcept { return first_token_; }
  const LlmUsage& usage() const noexcept { return usage_; }
  const std::string& provider() const noexcept { return provider_; }

  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

 private:
  Task<void> run();
  Task<std::optional<ProviderError>> one_try(Llm& llm, RetryState& retry);
  std::optional<ProviderError> check_bounds(const LlmChunk& chunk);

  Loop& loop_;
  std::shared_ptr<Chain<Llm>> chain_;
  ChatRequest request_;
  RetryOptions retry_;
  TimePoint began_;
  std::optional<TimePoint> first_token_;
  LlmUsage usage_;
  std::string provider_;
  std::size_t text_ = 0;
  std::size_t calls_ = 0;
  Channel<Piece> pieces_{kMaxPieces};
  Scope scope_;
  std::unique_ptr<LlmStream> stream_;
};

}  // namespace parley
