#include "audio/speech_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace parley {
namespace {

constexpr auto kMaxSamples = samples_in(SpeechQueue::kMaxBuffered, kTransportRate);
constexpr auto kFadeSamples = samples_in(SpeechQueue::kFade, kTransportRate);
constexpr auto kPositionSamples = samples_in(SpeechQueue::kPositionInterval, kTransportRate);

// The share of a fade that has `left` of its samples to go.
float fade_share(std::size_t left) noexcept { return static_cast<float>(left) / static_cast<float>(kFadeSamples); }

}  // namespace

Result<UtteranceId> SpeechQueue::begin() {
  if (queue_.size() >= kMaxUtterances) {
    return fail(Errc::overloaded,
                fmt::format("{} utterances are waiting to be spoken: wait until one has finished", kMaxUtterances));
  }
  queue_.push_back({UtteranceId{++last_id_}});
  return queue_.back().id;
}

SpeechQueue::Utterance* SpeechQueue::find(UtteranceId id) noexcept {
  const auto it = std::ranges::find(queue_, id, &Utterance::id);
  return it == queue_.end() ? nullptr : &*it;
}

std::size_t SpeechQueue::room(const Utterance& utterance) const noexcept {
  std::size_t waiting = 0;
  for (const auto& each : queue_) waiting += &each == &queue_.front() ? 0 : each.sound.size();
  if (&utterance != &queue_.front()) return waiting >= kMaxSamples / 2 ? 0 : kMaxSamples / 2 - waiting;
  const auto used = waiting + utterance.sound.size();
  return used >= kMaxSamples ? 0 : kMaxSamples - used;
}

std::size_t SpeechQueue::write(UtteranceId id, Samples samples) {
  auto* utterance = find(id);
  if (utterance == nullptr || utterance->ended) return samples.size();
  const auto taken = std::min(samples.size(), room(*utterance));
  utterance->sound.push(samples.first(taken));
  if (taken < samples.size()) utterance->refused = true;
  return taken;
}

void SpeechQueue::end(UtteranceId id) {
  if (auto* utterance = find(id)) utterance->ended = true;
}

void SpeechQueue::pause() {
  if (paused_) return;
  keep_tail();
  paused_ = true;
}

void SpeechQueue::resume() {
  if (!paused_) return;
  paused_ = false;
  if (!queue_.empty() && queue_.front().played > 0) fade_in_ = kFadeSamples;
}

// The next few samples fade out beside whatever comes; they are not taken from the utterance.
void SpeechQueue::keep_tail() {
  if (!sounding_ || queue_.empty()) return;
  const auto next = queue_.front().sound.view();
  const auto count = std::min(next.size(), kFadeSamples);
  tail_.assign(next.begin(), next.begin() + static_cast<std::ptrdiff_t>(count));
  apply_ramp(tail_, 1.0F - fade_share(fade_in_), 0.0F);
  sounding_ = false;
  fade_in_ = 0;
}

std::optional<MixerEvent> SpeechQueue::cut(UtteranceId id, TimePoint now) {
  const auto it = std::ranges::find(queue_, id, &Utterance::id);
  if (it == queue_.end()) return std::nullopt;
  if (it == queue_.begin()) {
    if (!paused_) keep_tail();
    paused_ = false;
    fade_in_ = 0;
  }
  const MixerEvent event{MixerEvent::Kind::cut, id, it->played, it->sound.size(), now};
  queue_.erase(it);
  return event;
}

std::optional<std::uint64_t> SpeechQueue::played(UtteranceId id) const noexcept {
  const auto it = std::ranges::find(queue_, id, &Utterance::id);
  if (it == queue_.end()) return std::nullopt;
  return it->played;
}

std::optional<UtteranceId> SpeechQueue::active() const noexcept {
  if (queue_.empty()) return std::nullopt;
  return queue_.front().id;
}

void SpeechQueue::render(MutableSamples out, TimePoint now, std::vector<MixerEvent>& events) {
  std::size_t filled = 0;
  while (!paused_ && !queue_.empty() && filled < out.size()) {
    filled += play_front(out.subspan(filled), now, events);
    auto& front = queue_.front();
    if (!front.sound.empty()) break;  // the frame is full
    if (!front.ended) break;          // its writer is behind
    events.push_back({MixerEvent::Kind::finished, front.id, front.played, 0, now});
    queue_.pop_front();
  }
  if (!tail_.empty()) {
    const auto count = std::min(tail_.size(), out.size());
    mix_into(out.first(count), Samples(tail_).first(count), 1.0F);
    tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  tell_writable(now, events);
}

// Plays of the first utterance what fits; returns how much it was.
std::size_t SpeechQueue::play_front(MutableSamples out, TimePoint now, std::vector<MixerEvent>& events) {
  auto& front = queue_.front();
  const auto count = front.sound.pop(out);
  if (count == 0) {
    if (sounding_ && !front.ended) fade_in_ = kFadeSamples;
    sounding_ = false;
    return 0;
  }
  if (fade_in_ > 0) {
    const auto faded = std::min(fade_in_, count);
    apply_ramp(out.first(faded), 1.0F - fade_share(fade_in_), 1.0F - fade_share(fade_in_ - faded));
    fade_in_ -= faded;
  }
  sounding_ = true;
  if (count < out.size() && !front.ended) {
    // The writer is behind: fade out here, and in again where it goes on.
    const auto faded = std::min(kFadeSamples, count);
    apply_ramp(out.subspan(count - faded, faded), 1.0F, 0.0F);
    sounding_ = false;
    fade_in_ = kFadeSamples;
  }
  if (front.played == 0) events.push_back({MixerEvent::Kind::started, front.id, 0, 0, now});
  const auto before = front.played;
  front.played += count;
  if (before / kPositionSamples != front.played / kPositionSamples) {
    events.push_back({MixerEvent::Kind::position, front.id, front.played, 0, now});
  }
  return count;
}

// A writer that was refused is called back when a quarter of the buffer is free for it, not for every frame.
void SpeechQueue::tell_writable(TimePoint now, std::vector<MixerEvent>& events) {
  for (auto& utterance : queue_) {
    if (!utterance.refused || room(utterance) < kMaxSamples / 4) continue;
    utterance.refused = false;
    events.push_back({MixerEvent::Kind::writable, utterance.id, utterance.played, 0, now});
  }
}

}  // namespace parley
