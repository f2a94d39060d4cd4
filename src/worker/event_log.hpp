// A call's events as its watchers see them: kept for a while, so that one that was cut off can go on where it was.
//
// Thread: the loop's only.
// Bound:  kMaxEvents and kMaxBytes, then the oldest go; kMaxWatchers.
// Ending: close() after the last event; a watcher gets what is kept, then Errc::closing. It may outlive the call.
#pragma once

#include <deque>
#include <memory>

#include <parley/async/event.hpp>
#include <parley/base/bytes.hpp>

#include "worker/call_desk.hpp"

namespace parley::worker {

class EventLog : public std::enable_shared_from_this<EventLog> {
 public:
  static constexpr std::size_t kMaxEvents = CallWatch::kMaxBehind;
  static constexpr std::size_t kMaxBytes = 512 * KiB;
  static constexpr std::size_t kMaxWatchers = 16;

  // Ids only grow; one that was seen already (a job repeats itself after it lost its supervisor) is dropped.
  void add(std::uint64_t id, std::string type, std::string data);
  void close();

  // Errc::overloaded: too many watch already.
  Result<std::unique_ptr<CallWatch>> watch(std::uint64_t last_id);

  std::uint64_t last_id() const noexcept { return last_id_; }
  bool closed() const noexcept { return closed_; }

 private:
  class Watch;
  const CallEvent* after(std::uint64_t id) const noexcept;

  std::deque<CallEvent> events_;
  std::size_t bytes_ = 0;
  std::uint64_t last_id_ = 0;
  std::uint64_t dropped_to_ = 0;  // the highest id that is no longer kept
  bool closed_ = false;
  std::vector<Watch*> watches_;
};

}  // namespace parley::worker
