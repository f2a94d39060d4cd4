#include "ipc/inference_queue.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace parley::ipc {

std::size_t InferenceQueue::of_client(std::uint64_t client) const noexcept {
  const auto waiting = std::ranges::count(waiting_, client, &QueuedInference::client);
  return static_cast<std::size_t>(waiting) + (running_ && running_->client == client ? 1 : 0);
}

Result<void> InferenceQueue::push(QueuedInference request) {
  const auto same = [&](const auto& other) { return other.client == request.client && other.id == request.id; };
  if (std::ranges::any_of(waiting_, same) || (running_ && same(*running_)))
    return fail(Errc::protocol, "one request id was used twice");
  if (of_client(request.client) >= limits_.max_per_client) {
    return fail(Errc::overloaded,
                fmt::format("this call has {} requests waiting for its recogniser already", limits_.max_per_client));
  }
  if (waiting_.size() >= limits_.max_queued) {
    return fail(
        Errc::overloaded,
        fmt::format("{} requests are waiting for the recogniser: it is too slow for so many calls", waiting_.size()));
  }
  waiting_.push_back(std::move(request));
  return {};
}

std::optional<QueuedInference> InferenceQueue::start() {
  if (waiting_.empty()) return std::nullopt;
  auto oldest = std::move(waiting_.front());
  waiting_.pop_front();
  running_ = Running{.client = oldest.client, .id = oldest.id};
  return oldest;
}

std::vector<QueuedInference> InferenceQueue::take_expired(TimePoint now) {
  std::vector<QueuedInference> expired;
  std::erase_if(waiting_, [&](QueuedInference& request) {
    if (!request.deadline.passed(now)) return false;
    expired.push_back(std::move(request));
    return true;
  });
  return expired;
}

void InferenceQueue::cancel(std::uint64_t client, std::uint64_t id) noexcept {
  const auto same = [&](const auto& request) { return request.client == client && request.id == id; };
  std::erase_if(waiting_, same);
  if (running_ && same(*running_)) running_->wanted = false;
}

void InferenceQueue::drop_client(std::uint64_t client) noexcept {
  std::erase_if(waiting_, [&](const auto& request) { return request.client == client; });
  if (running_ && running_->client == client) running_->wanted = false;
}

}  // namespace parley::ipc
