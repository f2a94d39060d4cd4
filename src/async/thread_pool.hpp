// The real BlockingPool: a few threads, started when first needed, with all signals blocked.
//
// Bound:  kMaxThreads threads, kMaxQueued waiting calls.
// Ending: close(deadline) refuses new work and waits for the running calls; a call that does not return is abandoned with
//         its thread, which the end of the process ends. What the threads use is shared with them, so that abandoning is safe.
#pragma once

#include <memory>

#include <parley/async/blocking.hpp>
#include <parley/base/time.hpp>

namespace parley {

class ThreadPool final : public BlockingPool {
 public:
  static constexpr std::size_t kMaxThreads = 4;
  static constexpr std::size_t kMaxQueued = 256;

  ThreadPool();
  ~ThreadPool() override;

  Result<void> submit(Work work) override;

  // Blocks the calling thread, at most for `budget`: called after the loop has ended. Returns the number of calls abandoned.
  std::size_t close(Duration budget);

 private:
  struct Shared;
  static void serve(std::shared_ptr<Shared> shared);

  std::shared_ptr<Shared> shared_;
};

}  // namespace parley
