#include "voice/recording_timeline.hpp"

#include <algorithm>

namespace parley::voice {

namespace {

void copy(const AudioFrame& frame, std::array<std::int16_t, kTransportFrameSamples>& to) {
  std::ranges::copy_n(frame.samples.begin(), static_cast<std::ptrdiff_t>(std::min(frame.samples.size(), to.size())), to.begin());
}

}  // namespace

void RecordingTimeline::caller(const AudioFrame* frame, TimePoint now) {
  auto* pair = place(next_caller_, now, frame != nullptr);
  if (pair) copy(*frame, pair->caller);
  settle(slot_at(now) - kSettled);
}

void RecordingTimeline::agent(const AudioFrame& frame, TimePoint now) {
  if (auto* pair = place(next_agent_, now, true)) copy(frame, pair->agent);
  settle(slot_at(now) - kSettled);
}

void RecordingTimeline::finish(TimePoint now) { settle(std::max(slot_at(now), first_ + static_cast<std::int64_t>(pairs_.size()))); }

// Null: silence, or a frame further ahead than a burst can be, which is no sound of this moment.
RecordedPair* RecordingTimeline::place(std::int64_t& next, TimePoint now, bool heard) {
  const auto slot = slot_at(now);
  if (slot - next > kSlack) next = slot;
  if (next - slot > kSettled) return nullptr;
  settle(next - 4 * kSettled);  // after a pause of the clock: what nobody will add to
  const auto index = next++ - first_;
  if (index < 0 || !heard) return nullptr;
  while (static_cast<std::int64_t>(pairs_.size()) <= index) pairs_.emplace_back();
  auto& pair = pairs_[static_cast<std::size_t>(index)];
  if (!pair) pair = std::make_unique<RecordedPair>();
  return pair.get();
}

void RecordingTimeline::settle(std::int64_t until) {
  for (; first_ < until && !pairs_.empty(); ++first_) {
    auto pair = std::move(pairs_.front());
    pairs_.pop_front();
    sink_(std::move(pair), 1);
  }
  if (first_ >= until) return;
  sink_(nullptr, std::min(until - first_, kLongestGap));
  first_ = until;
}

}  // namespace parley::voice
