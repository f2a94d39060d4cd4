#include "bench/hearing.hpp"

#include <algorithm>

#include "audio/opus.hpp"
#include "audio/rtp.hpp"
#include "audio/sender.hpp"
#include "bench/speech.hpp"
#include "rtc/description.hpp"

namespace parley::bench {

namespace {

// In a row: then the agent has fallen silent. The first ones may not have been: a codec delays and smears.
constexpr std::size_t kHangoverFrames = AudioSender::kHangover / kFrameDuration - 3;
constexpr float kCodedSilence = -60.0F;  // dBFS: what was below kSilenceLevel, encoded and decoded

// A LiveKit server passes no levels on.
bool is_quiet(const RtpPacket& rtp, float decoded) {
  const auto told = rtp.audio_level(rtc::kAudioLevelId);
  return told ? -static_cast<float>(told->level) <= AudioSender::kSilenceLevel : decoded < kCodedSilence;
}

// Calls each(i) for every packet but the first that does not come after the agent fell silent.
template <class Each>
void each_in_speech(std::span<const Heard> heard, Each each) {
  std::size_t quiet = 0;
  for (std::size_t i = 1; i < heard.size(); ++i) {
    quiet = heard[i - 1].quiet ? quiet + 1 : 0;
    if (quiet < kHangoverFrames) each(i);
  }
}

}  // namespace

Result<std::vector<Heard>> listen(std::span<const Kept> kept) {
  auto decoder = OpusDecoder::create();
  if (!decoder) return fail(decoder.error());
  std::vector<Heard> heard;
  heard.reserve(kept.size());
  std::vector<std::int16_t> samples;
  for (const auto& each : kept) {
    const auto rtp = parse_rtp(each.packet);
    if (!rtp || rtp->payload.empty() || !decoder->decode(rtp->payload, samples)) continue;
    const auto level = level_dbov(samples);
    heard.push_back({each.at, level, is_quiet(*rtp, level), rtp->timestamp});
  }
  return heard;
}

std::optional<TimePoint> first_loud(std::span<const Heard> heard, TimePoint from) {
  const auto it = std::ranges::find_if(heard, [from](const Heard& h) { return h.at >= from && h.level > kLoud; });
  return it == heard.end() ? std::nullopt : std::optional(it->at);
}

std::optional<TimePoint> last_loud(std::span<const Heard> heard, TimePoint from, TimePoint to) {
  std::optional<TimePoint> last;
  for (const auto& h : heard) {
    if (h.at >= from && h.at < to && h.level > kLoud) last = h.at;
  }
  return last;
}

std::size_t late_frames(std::span<const Heard> heard) {
  std::size_t late = 0;
  each_in_speech(heard, [&](std::size_t i) { late += heard[i].at - heard[i - 1].at > kLate ? 1 : 0; });
  return late;
}

std::size_t missing_frames(std::span<const Heard> heard, TimePoint from, TimePoint to) {
  std::size_t missing = 0;
  each_in_speech(heard, [&](std::size_t i) {
    if (heard[i - 1].at < from || heard[i - 1].at >= to) return;
    const auto passed = heard[i].timestamp - heard[i - 1].timestamp;  // wraps
    if (passed < 1U << 31) missing += std::max<std::size_t>(passed / kTransportFrameSamples, 1) - 1;
  });
  return missing;
}

TurnTimes measure_turn(std::span<const Heard> heard, const Said& said, TimePoint until) {
  constexpr Duration kSilent = 300ms;  // shorter ones are within speech
  TurnTimes times;
  const auto over = last_loud(heard, said.first, said.last);
  const bool silent_at_end = !over || said.last - *over >= kSilent;
  if (said.interrupts) {
    times.spoke_on = !silent_at_end;
    times.unclear = !over.has_value();  // the agent had just fallen silent: nothing was interrupted
    if (over && silent_at_end) times.stop = *over - said.first;
  } else {
    times.unclear = over.has_value();
  }
  if (times.spoke_on || times.unclear) return times;
  const auto answer = first_loud(heard, said.last);
  if (answer && *answer < until) times.answer = *answer - said.last;
  return times;
}

}  // namespace parley::bench
