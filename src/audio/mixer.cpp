#include "audio/mixer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace parley {

Mixer::Output Mixer::tick(TimePoint now, bool transport_can_deliver) {
  Output out;
  out.events = std::exchange(pending_, {});
  if (!transport_can_deliver) {
    running_ = false;
    return out;
  }
  if (next_ == TimePoint::min()) next_ = now;
  if (now < next_) {
    running_ = true;
    return out;
  }
  const auto due = (now - next_) / kFrameDuration + 1;
  if (!running_) {
    // What the stall took is gone, to the sample.
    out.skipped = static_cast<std::uint32_t>(samples_in(now - next_, kTransportRate));
    next_ = now;
  } else if (due > kMaxBurst) {
    const auto late = due - kMaxBurst;
    out.skipped = static_cast<std::uint32_t>(static_cast<std::size_t>(late) * kTransportFrameSamples);
    next_ += kFrameDuration * late;
  }
  running_ = true;
  for (; next_ <= now; next_ += kFrameDuration) out.frames.push_back(render(now, out.events));
  return out;
}

AudioFrame Mixer::render(TimePoint now, std::vector<MixerEvent>& events) {
  AudioFrame frame{std::vector<std::int16_t>(kTransportFrameSamples), kTransportRate};
  speech_.render(frame.samples, now, events);
  for (auto& source : sources_) source.loop.render(frame.samples);
  std::erase_if(sources_, [](const Source& source) { return source.loop.done(); });
  return frame;
}

std::optional<MixerEvent> Mixer::cut(UtteranceId id, TimePoint now) {
  auto event = speech_.cut(id, now);
  if (event) pending_.push_back(*event);
  return event;
}

std::vector<MixerEvent> Mixer::cut_all(TimePoint now) {
  std::vector<MixerEvent> events;
  while (const auto id = speech_.active()) events.push_back(cut(*id, now).value());
  return events;
}

Mixer::Source* Mixer::find(SourceId id) noexcept {
  const auto it = std::ranges::find(sources_, id, &Source::id);
  return it == sources_.end() ? nullptr : &*it;
}

Result<SourceId> Mixer::add_loop(Clip clip, float gain, Duration fade_in) {
  if (!clip || clip->empty() || clip->size() > samples_in(kMaxClip, kTransportRate)) {
    return fail(
        Errc::invalid_argument,
        fmt::format("a background sound must have at least one sample and last at most {} s", to_seconds(kMaxClip)));
  }
  if (sources_.size() >= kMaxSources) {
    return fail(Errc::overloaded, fmt::format("{} background sounds play already: remove one first", kMaxSources));
  }
  sources_.push_back({SourceId{++last_source_}, LoopSource(std::move(clip), gain, fade_in)});
  return sources_.back().id;
}

void Mixer::set_gain(SourceId id, float gain, Duration fade) {
  if (auto* source = find(id)) source->loop.set_gain(gain, fade);
}

void Mixer::remove(SourceId id, Duration fade_out) {
  if (auto* source = find(id)) source->loop.stop(fade_out);
}

}  // namespace parley
