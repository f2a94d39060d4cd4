#include "worker/event_log.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace parley::worker {

class EventLog::Watch final : public CallWatch {
 public:
  Watch(std::shared_ptr<EventLog> log, std::uint64_t last_id) : log_(std::move(log)), last_id_(last_id) {
    log_->watches_.push_back(this);
  }
  ~Watch() override { std::erase(log_->watches_, this); }

  Task<Result<CallEvent>> next(Deadline deadline) override {
    for (;;) {
      if (last_id_ < log_->dropped_to_ && started_) co_return fail(Errc::overloaded, "too far behind: come back with your last event's id");
      started_ = true;
      if (const auto* event = log_->after(last_id_)) {
        last_id_ = event->id;
        co_return *event;
      }
      if (log_->closed_) co_return fail(Errc::closing, "the call has ended");
      changed_.reset();
      if (auto waited = co_await changed_.wait(deadline); !waited) co_return fail(waited.error());
    }
  }

  void wake() noexcept { changed_.set(); }

 private:
  std::shared_ptr<EventLog> log_;
  std::uint64_t last_id_;
  bool started_ = false;  // who comes back late gets what is left; who watches and falls behind is told
  Event changed_;
};

const CallEvent* EventLog::after(std::uint64_t id) const noexcept {
  const auto it = std::ranges::upper_bound(events_, id, {}, &CallEvent::id);
  return it == events_.end() ? nullptr : &*it;
}

void EventLog::add(std::uint64_t id, std::string type, std::string data) {
  if (closed_ || id <= last_id_) return;
  last_id_ = id;
  bytes_ += data.size();
  events_.push_back({id, std::move(type), std::move(data)});
  while (events_.size() > kMaxEvents || bytes_ > kMaxBytes) {
    bytes_ -= events_.front().data.size();
    dropped_to_ = events_.front().id;
    events_.pop_front();
  }
  for (auto* watch : watches_) watch->wake();
}

void EventLog::close() {
  closed_ = true;
  for (auto* watch : watches_) watch->wake();
}

Result<std::unique_ptr<CallWatch>> EventLog::watch(std::uint64_t last_id) {
  if (watches_.size() >= kMaxWatchers) return fail(Errc::overloaded, fmt::format("{} watch this call already", kMaxWatchers));
  return std::unique_ptr<CallWatch>(std::make_unique<Watch>(shared_from_this(), last_id));
}

}  // namespace parley::worker
