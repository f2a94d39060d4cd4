#include "livekit/agent/preconnect_audio.hpp"

#include <charconv>

#include <fmt/format.h>

#include "audio/resample.hpp"

namespace parley::livekit {

namespace {

constexpr int kMaxChannels = 2;
constexpr int kMinRate = 8'000;
constexpr int kMaxRate = 48'000;
constexpr std::size_t kMaxBytes = samples_in(PreconnectAudio::kMaxLength, kMaxRate) * sizeof(std::int16_t) * kMaxChannels;

// An attribute that is a whole number; 0: it is none.
int number(const std::map<std::string, std::string>& attributes, const std::string& name) {
  const auto it = attributes.find(name);
  int value = 0;
  if (it == attributes.end()) return 0;
  const auto* end = it->second.data() + it->second.size();
  const auto read = std::from_chars(it->second.data(), end, value);
  return read.ec == std::errc{} && read.ptr == end ? value : 0;
}

bool in_container(const std::string& mime_type) {
  return mime_type.contains("webm") || mime_type.contains("ogg") || mime_type.contains("mp4") || mime_type.contains("opus");
}

}  // namespace

Result<std::vector<std::int16_t>> mono_at_transport_rate(std::string_view s16le, int rate, int channels) {
  if (rate < kMinRate || rate > kMaxRate) return fail(Errc::invalid_argument, fmt::format("{} Hz: only {} to {} are known", rate, kMinRate, kMaxRate));
  if (channels < 1 || channels > kMaxChannels) return fail(Errc::invalid_argument, fmt::format("{} channels: only 1 and 2 are known", channels));
  const auto sample = [&](std::size_t index) {
    const auto low = static_cast<unsigned char>(s16le[2 * index]);
    const auto high = static_cast<unsigned char>(s16le[2 * index + 1]);
    return static_cast<std::int16_t>(low | (high << 8));
  };
  const auto per_frame = static_cast<std::size_t>(channels);
  std::vector<std::int16_t> mono(s16le.size() / (sizeof(std::int16_t) * per_frame));
  for (std::size_t i = 0; i < mono.size(); ++i) {
    int sum = 0;
    for (std::size_t c = 0; c < per_frame; ++c) sum += sample(i * per_frame + c);
    mono[i] = static_cast<std::int16_t>(sum / channels);
  }
  if (rate == kTransportRate) return mono;
  auto resampler = Resampler::create(rate, kTransportRate);
  if (!resampler) return fail(resampler.error());
  std::vector<std::int16_t> out;
  resampler->process(mono, out);
  resampler->flush(out);
  return out;
}

PreconnectAudio::PreconnectAudio(Scope& parent, RoomPort& room, Logger logger)
    : loop_(parent.loop()), room_(room), logger_(std::move(logger)), streams_(room.byte_streams(std::string(kPreconnectTopic))), scope_(parent, "preconnect", 1) {
  (void)scope_.spawn("listen", listen());
}

Task<void> PreconnectAudio::listen() {
  for (;;) {
    auto stream = co_await streams_.pop(Deadline::bounded_by_scope());
    if (!stream) co_return;
    co_await read(**stream);
  }
}

Task<void> PreconnectAudio::read(StreamReader& stream) {
  const auto info = stream.info();
  const auto track = info.attributes.find("trackId");
  if (track == info.attributes.end() || !room_.participant(info.sender)) co_return;
  if (in_container(info.mime_type)) {
    logger_.info("what {} said before is not heard: it was sent as {}, and only raw samples are understood", info.sender, info.mime_type);
    co_return;
  }
  const auto bytes = co_await stream.read_all(loop_.in(kWithin), kMaxBytes);
  auto samples = bytes ? mono_at_transport_rate(*bytes, number(info.attributes, "sampleRate"), number(info.attributes, "channels")) : fail(bytes.error());
  if (!samples) {
    logger_.warn("what {} said before is not heard: {}", info.sender, samples.error().message());
    co_return;
  }
  came_ = Came{.sender = info.sender, .track_sid = track->second, .samples = std::move(*samples), .at = loop_.now()};
}

std::optional<std::vector<std::int16_t>> PreconnectAudio::take(const std::string& track_sid, TimePoint now) {
  if (!came_ || came_->track_sid != track_sid) return std::nullopt;
  auto came = *std::exchange(came_, std::nullopt);
  const auto* sender = room_.participant(came.sender);
  if (!sender || !sender->tracks.contains(track_sid)) return std::nullopt;  // in another's name
  if (now - came.at > kMaxAge) return std::nullopt;
  return std::move(came.samples);
}

}  // namespace parley::livekit
