// What every provider's stream has in common: speech-to-text, LLM, text-to-speech.
//
// A provider (Stt, Llm, Tts) is configuration and, where it pays, a pool of connections; it lives as long as the job.
// A stream is one use of it: one caller's ear, one answer, one utterance. It belongs to one scope, and has the three
// verbs of everything that ends.
#pragma once

#include <string>
#include <string_view>

#include <parley/async/close.hpp>
#include <parley/async/stop.hpp>
#include <parley/base/result.hpp>

namespace parley {

// Thread: the loop's only.
class ProviderStream {
 public:
  // The destructor is kill(). A stream must not outlive the scope that it was made in.
  virtual ~ProviderStream() = default;

  // At once, any number of times. What is paid by the second stops being paid: the connection is told to end.
  virtual void request_stop(StopReason reason) noexcept = 0;
  // Waits until the connection has ended, at most until `deadline`.
  virtual Task<CloseReport> close(Deadline deadline) = 0;
  // Releases everything now.
  virtual void kill() noexcept = 0;
};

// Why a provider failed, and whether another try may help: the retry policy (src/session/retry) reads nothing else.
struct ProviderError {
  Error error;
  bool retryable = true;
  Duration retry_after{};  // the provider's own wish (Retry-After); zero: none

  ProviderError(Error e, bool r, Duration after = {}) : error(std::move(e)), retryable(r), retry_after(after) {}

  // A 4xx other than 408, 429 and 499 is final; everything else may be tried again.
  static ProviderError from_http(int status, std::string message, Duration retry_after = {});
};

}  // namespace parley
