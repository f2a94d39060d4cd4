// A job's way to the inference process.
//
//   InferenceClient inference(scope, std::make_unique<InferenceDialer>(loop, path));
//   auto text = co_await inference.recognize(std::move(samples), loop.in(10s));
//
// Thread: the loop's only.
// Bound:  kMaxWaiting requests at a time; each has a deadline, which the process knows too.
// Ending: request_stop() fails what waits with Errc::closing; close() waits for the connection's end; kill() drops it.
// Lost:   when the process dies, what it had is lost at once and tried once more, on a new connection, within the same
//         deadline; a second loss is Errc::unavailable. While it is being started again, dialling is repeated with a short
//         backoff until the deadline.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/event.hpp>
#include <parley/async/scope.hpp>

#include "ipc/inference_wire.hpp"
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
  const Counters& counters() const noexcept { return counters_; }

 private:
  class Waiting;

  Task<Result<std::string>> try_once(const std::vector<float>& samples, Deadline deadline, bool& lost);
  Task<Result<std::shared_ptr<Link>>> connect(Deadline deadline);
  Task<void> read(std::shared_ptr<Link> link);
  void answered(InferenceAnswer answer);
  void lose(const std::shared_ptr<Link>& link) noexcept;
  void fail_all() noexcept;

  std::unique_ptr<Dialer> dialer_;
  std::shared_ptr<Link> link_;
  std::uint64_t next_id_ = 1;
  std::size_t requests_ = 0;  // now
  std::map<std::uint64_t, Waiting*> waiting_;
  Counters counters_;
  Scope scope_;
};

}  // namespace parley::ipc
