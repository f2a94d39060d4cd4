// What waits for the model: oldest first over all clients, bounded as a whole and per client. Pure: no clock, no
// socket.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

#include "ipc/fd.hpp"
#include "ipc/inference.hpp"

namespace parley::ipc {

struct QueuedInference {
  std::uint64_t client = 0;
  std::uint64_t id = 0;  // the client's own
  Deadline deadline = Deadline::bounded_by_scope();
  std::size_t samples = 0;
  Fd audio;
};

class InferenceQueue {
 public:
  explicit InferenceQueue(const InferenceLimits& limits) : limits_(limits) {}

  // Errc::overloaded: too much waits, of all or of this client; Errc::protocol: the client uses one id twice.
  Result<void> push(QueuedInference request);
  // The oldest one, which then runs until finish(). One at a time.
  std::optional<QueuedInference> start();
  void finish() noexcept { running_.reset(); }
  // Those whose deadline has passed: they are not worth running.
  std::vector<QueuedInference> take_expired(TimePoint now);

  // Nobody waits for it any more. If it runs just now its result is not wanted: see running_wanted().
  void cancel(std::uint64_t client, std::uint64_t id) noexcept;
  void drop_client(std::uint64_t client) noexcept;
  bool running_wanted() const noexcept { return running_ && running_->wanted; }

  bool empty() const noexcept { return waiting_.empty(); }
  std::size_t size() const noexcept { return waiting_.size(); }

 private:
  struct Running {
    std::uint64_t client;
    std::uint64_t id;
    bool wanted = true;
  };
  std::size_t of_client(std::uint64_t client) const noexcept;

  const InferenceLimits limits_;
  std::deque<QueuedInference> waiting_;
  std::optional<Running> running_;
};

}  // namespace parley::ipc
