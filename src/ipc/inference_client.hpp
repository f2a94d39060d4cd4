// A job's way to the inference process.
//
//   InferenceClient inference(scope, std::make_unique<InferenceDialer>(loop, path));
//   auto text = co_await inference.recognize(std::move(samples), loop.in(10s));
//
// Thread: the loop's only.
// Bound:  kMaxWaiting requests at a time; each has a deadline, which the process knows too.
// Ending: request_stop() fails what waits with Errc::closing; close() waits for the connection's end; kill() and the
//         destructor drop it at once. A request may outlive the client: it then fails with Errc::closing.
// Lost:   when the process dies, what it had is lost at once and tried once more, on a new connection, within the same
//         deadline; a second loss is Errc::unavailable. While it is being started again, dialling is repeated with a
//         short backoff until the deadline.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <parley/async/scope.hpp>

#include "ipc/inference.hpp"
#include "ipc/link.hpp"

namespace parley::ipc {

class InferenceClient {
 public:
  static constexpr std::size_t kMaxWaiting = 4;
  static constexpr Duration kFirstRedial = 20ms;
  static constexpr Duration kLongestRedial = 500ms;

  InferenceClient(Scope& parent, std::unique_ptr<Dialer> dialer);
  ~InferenceClient();

  // Errc::timeout, Errc::overloaded (too much is waiting, here or there), Errc::unavailable, Errc::closing,
  // Errc::invalid_argument (no audio, or more than kMaxInferenceAudio), or the model's own error.
  Task<Result<std::string>> recognize(std::vector<float> samples, Deadline deadline);

  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

  struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t lost = 0;   // with a connection
    std::uint64_t dials = 0;  // that succeeded
  };
  const Counters& counters() const noexcept;

 private:
  class Waiting;
  struct State;
  using StatePtr = std::shared_ptr<State>;

  static Task<Result<std::string>> run(StatePtr state, std::vector<float> samples, Deadline deadline);
  static Task<Result<std::string>> try_once(State& state, const std::vector<float>& samples, Deadline deadline,
                                            bool& lost);
  static Task<Result<std::shared_ptr<Link>>> connect(State& state, Deadline deadline);
  static Task<void> read(StatePtr state, std::shared_ptr<Link> link);

  StatePtr state_;  // shared with the requests, which live in their callers' scopes
  Scope scope_;
};

}  // namespace parley::ipc
