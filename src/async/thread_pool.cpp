#include "async/thread_pool.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <pthread.h>
#include <signal.h>

#include <fmt/format.h>

namespace parley {

struct ThreadPool::Shared {
  std::mutex mutex;
  std::condition_variable work_came;
  std::condition_variable thread_left;
  std::deque<Work> queue;
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool closing = false;
};

namespace {

// Signals belong to the loop's thread.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

ThreadPool::ThreadPool() : shared_(std::make_shared<Shared>()) {}

ThreadPool::~ThreadPool() { close(Duration::zero()); }

Result<void> ThreadPool::submit(Work work) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->closing) return fail(Errc::closing, "the helper threads are closing");
  if (shared_->queue.size() >= kMaxQueued) {
    return fail(Errc::overloaded, fmt::format("{} blocking calls are waiting already", kMaxQueued));
  }
  if (shared_->idle <= shared_->queue.size() && shared_->threads < kMaxThreads) {
    const SignalsBlocked blocked;
    try {
      std::thread(serve, shared_).detach();
      ++shared_->threads;
    } catch (const std::system_error& error) {
      if (shared_->threads == 0) return fail(Errc::io, fmt::format("no helper thread could be started: {}", error.what()));
    }
  }
  shared_->queue.push_back(std::move(work));
  shared_->work_came.notify_one();
  return {};
}

void ThreadPool::serve(std::shared_ptr<Shared> shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    ++shared->idle;
    shared->work_came.wait(lock, [&] { return shared->closing || !shared->queue.empty(); });
    --shared->idle;
    if (shared->closing) break;
    {
      Work work = std::move(shared->queue.front());
      shared->queue.pop_front();
      lock.unlock();
      work();
    }  // destroyed outside the lock
    lock.lock();
  }
  --shared->threads;
  shared->thread_left.notify_all();
}

std::size_t ThreadPool::close(Duration budget) {
  std::deque<Work> dropped;
  std::unique_lock lock(shared_->mutex);
  shared_->closing = true;
  dropped.swap(shared_->queue);
  shared_->work_came.notify_all();
  shared_->thread_left.wait_for(lock, budget, [&] { return shared_->threads == 0; });
  return shared_->threads;
}

}  // namespace parley
