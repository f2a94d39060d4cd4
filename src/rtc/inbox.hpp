// How much of what came from the network waits for the loop, and what happens when that is too much: packets find no place,
// messages wait for one.
//
// Thread: any. A message waits on the library's thread that reads SCTP, which so reads no more: the window closes.
// Bound:  the places; the patience of the one who waits.
// Ending: close() refuses from then on and lets go who waits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

#include <parley/base/time.hpp>

namespace parley::rtc {

class Inbox : public std::enable_shared_from_this<Inbox> {
 public:
  struct Bounds {
    std::size_t packets;
    std::size_t messages;
    std::size_t bytes;  // of messages
  };
  explicit Inbox(Bounds bounds) : bounds_(bounds) {}

  // Given back when its last copy is destroyed. Null: full, or closed.
  using Place = std::shared_ptr<const void>;
  Place for_packet();
  Place for_message(std::size_t bytes, Duration patience);

  void close() noexcept;
  bool closed() const noexcept;

 private:
  bool has_room(std::size_t bytes) const noexcept;

  const Bounds bounds_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t packets_ = 0, messages_ = 0, bytes_ = 0;
  bool closed_ = false;
};

}  // namespace parley::rtc
