#include "audio/sender.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "audio/samples.hpp"

namespace parley {

Result<AudioSender> AudioSender::create(const SenderSettings& settings) {
  auto encoder = OpusEncoder::create(settings.opus);
  if (!encoder) return fail(encoder.error());
  return AudioSender(settings, std::move(*encoder));
}

AudioSender::AudioSender(const SenderSettings& settings, OpusEncoder encoder)
    : encoder_(std::move(encoder)), packetizer_(settings.rtp), least_loss_percent_(settings.opus.loss_percent) {}

Result<std::optional<Bytes>> AudioSender::send(const AudioFrame& frame, TimePoint now) {
  if (frame.sample_rate != kTransportRate || frame.samples.size() != kTransportFrameSamples) {
    return fail(Errc::invalid_argument,
                fmt::format("a frame of {} samples at {} Hz cannot be sent: 20 ms at 48 kHz can", frame.samples.size(),
                            frame.sample_rate));
  }
  last_frame_ = now;
  const auto level = level_dbov(frame.samples);
  quiet_ = level < kSilenceLevel ? std::min(quiet_ + kFrameDuration, kHangover + kFrameDuration) : Duration::zero();
  if (quiet_ > kHangover) {
    ++stats_.silent_frames;
    packetizer_.silence(kTransportFrameSamples);
    return std::nullopt;
  }
  const auto encoded = encoder_.encode(frame.samples);
  if (!encoded) return fail(encoded.error());
  auto made = packet(*encoded, {static_cast<std::uint8_t>(std::lrintf(-level)), level >= kVoiceLevel});
  if (!made) return fail(made.error());
  return std::move(*made);
}

Result<Bytes> AudioSender::send_encoded(ByteView opus, std::uint8_t level, TimePoint now) {
  last_frame_ = now;
  quiet_ = Duration::zero();
  return packet(opus, {level, -static_cast<float>(level) >= kVoiceLevel});
}

Result<Bytes> AudioSender::packet(ByteView opus, AudioLevel level) {
  auto made = packetizer_.packet(opus, kTransportFrameSamples, level);
  if (!made) return made;
  ++stats_.packets;
  stats_.octets += opus.size();
  return made;
}

void AudioSender::skip(std::uint32_t samples, TimePoint now) noexcept {
  if (samples == 0) return;
  quiet_ = kHangover;
  last_frame_ = now - kFrameDuration;  // where the frame that ends now would have begun
  packetizer_.silence(samples);
}

void AudioSender::set_loss(double loss) {
  const auto percent = static_cast<int>(std::lround(std::clamp(loss, 0.0, 1.0) * 100));
  encoder_.set_loss_percent(std::max(std::min(percent, kMaxLossPercent), least_loss_percent_));
}

SenderStatus AudioSender::status(TimePoint now) const noexcept {
  // The packetizer stands at the end of the last frame, which began at last_frame_.
  const auto since = last_frame_ ? std::max(Duration::zero(), now - *last_frame_) : Duration::zero();
  const auto ticks = static_cast<std::uint32_t>(samples_in(since, kTransportRate));
  const auto begin = packetizer_.timestamp() - (last_frame_ ? static_cast<std::uint32_t>(kTransportFrameSamples) : 0U);
  return {begin + ticks, static_cast<std::uint32_t>(stats_.packets), static_cast<std::uint32_t>(stats_.octets)};
}

}  // namespace parley
