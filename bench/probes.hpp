// Threads of their own that only look: at how late a sleeper wakes here, and at when processes end.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

#include "bench/figures.hpp"

namespace parley::bench {

// Sleeps 20 ms, again and again: how often is the next waking more than kLate after the last? What this machine does to
// anybody, to be compared with what the callers saw at the same time.
class Control {
 public:
  Control();
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  Late so_far() const noexcept { return {late_, frames_}; }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> late_ = 0;
  std::atomic<std::uint64_t> frames_ = 0;
  std::thread thread_;
};

// When a process was gone; zero until then.
struct Exit {
  std::atomic<std::int64_t> at = 0;  // of Monotonic
};

// Thread: watch() from any.
// Bound:  kMaxWatched processes in all.
class ExitWatch {
 public:
  static constexpr std::size_t kMaxWatched = 10'000;

  ExitWatch();
  ~ExitWatch();
  ExitWatch(const ExitWatch&) = delete;
  ExitWatch& operator=(const ExitWatch&) = delete;

  Result<std::shared_ptr<const Exit>> watch(int pid);

 private:
  struct Watched;
  void run();

  int epoll_ = -1;
  int stop_ = -1;
  std::atomic<std::size_t> watched_ = 0;
  std::thread thread_;
};

}  // namespace parley::bench
