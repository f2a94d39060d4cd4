#include "rtc/inbox.hpp"

namespace parley::rtc {

Inbox::Place Inbox::for_packet() {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || packets_ == bounds_.packets) return nullptr;
    ++packets_;
  }
  return Place(this, [self = shared_from_this()](const void*) {
    const std::lock_guard lock(self->mutex_);
    --self->packets_;
  });
}

Inbox::Place Inbox::for_message(std::size_t bytes, Duration patience) {
  {
    std::unique_lock lock(mutex_);
    const bool settled = changed_.wait_for(lock, patience, [&] { return closed_ || has_room(bytes); });
    if (!settled || closed_) return nullptr;
    ++messages_;
    bytes_ += bytes;
  }
  return Place(this, [self = shared_from_this(), bytes](const void*) {
    {
      const std::lock_guard lock(self->mutex_);
      --self->messages_;
      self->bytes_ -= bytes;
    }
    self->changed_.notify_one();
  });
}

// One message always finds room, however long it is.
bool Inbox::has_room(std::size_t bytes) const noexcept {
  return messages_ == 0 || (messages_ < bounds_.messages && bytes_ + bytes <= bounds_.bytes);
}

void Inbox::close() noexcept {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

bool Inbox::closed() const noexcept {
  const std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace parley::rtc
