#include "rtc/audio_leg.hpp"

#include "audio/rtp.hpp"

namespace parley::rtc {

AudioLeg::AudioLeg(Loop& loop, Engine& engine, const ConnectionSettings& settings)
    : loop_(loop), connection_(loop, engine, settings), last_heard_(loop.now()) {}

Result<void> AudioLeg::agree(const AudioParameters& audio, const LocalStream& stream, const OpusSettings& opus) {
  // The description may name several SSRCs, and a browser may change its own: whatever comes in the section is the caller.
  auto receiver = AudioReceiver::create({.payload_type = audio.opus});
  if (!receiver) return fail(receiver.error());
  SenderSettings settings{.rtp = {.ssrc = stream.ssrc,
                                  .payload_type = audio.opus,
                                  .audio_level_id = audio.audio_level_id,
                                  .first_sequence = static_cast<std::uint16_t>(loop_.random().below(1 << 15)),
                                  .first_timestamp = static_cast<std::uint32_t>(loop_.random()())},
                          .opus = opus};
  auto sender = AudioSender::create(settings);
  if (!sender) return fail(sender.error());
  receiver_.emplace(std::move(*receiver));
  sender_.emplace(std::move(*sender));
  rtcp_.emplace(stream.ssrc, stream.cname, loop_.random());
  last_heard_ = loop_.now();
  return {};
}

void AudioLeg::packet(const NativeEvent& event) {
  const ByteView bytes(event.packet);
  if (bytes.empty() || !receiver_) return;
  last_heard_ = std::max(last_heard_, event.at);
  if (!is_rtcp(bytes)) {
    (void)receiver_->push(bytes, event.at);  // counted there
    return;
  }
  if (!rtcp_->received(bytes, event.at, loop_.clock().wall(), receiver_->reception())) return;
  if (const auto loss = rtcp_->remote_loss()) sender_->set_loss(*loss);
}

void AudioLeg::report(TimePoint now) {
  if (!rtcp_ || !connection_.open()) return;
  const auto report = rtcp_->poll(now, loop_.clock().wall(), sender_->status(now), receiver_->reception());
  if (!report) return;
  if (!connection_.send(*report)) ++send_failures_;
  hear_ice(now);
}

void AudioLeg::hear_ice(TimePoint now) noexcept {
  if (const auto silence = connection_.ice_silence()) last_heard_ = std::max(last_heard_, now - *silence);
}

std::optional<AudioFrame> AudioLeg::receive(TimePoint now) {
  if (!receiver_) return std::nullopt;
  auto frame = receiver_->pull(now);
  const auto last = receiver_->last_received();
  if (!last || now - *last > kAudioGone) return std::nullopt;
  return frame;
}

void AudioLeg::send(const AudioFrame& frame, TimePoint now) {
  if (!sender_) return;
  if (last_sent_ && now - *last_sent_ >= kStall) {
    const auto missed = (now - *last_sent_) / kFrameDuration - 1;
    sender_->skip(static_cast<std::uint32_t>(missed) * static_cast<std::uint32_t>(kTransportFrameSamples), now);
  }
  last_sent_ = now;
  const auto packet = sender_->send(frame, now);
  if (packet && *packet && !connection_.send(**packet)) ++send_failures_;
}

bool AudioLeg::foreign_only() const noexcept {
  constexpr std::uint64_t kEnough = 50;  // a second of packets
  return receiver_ && !heard_audio() && receiver_->stats().foreign >= kEnough;
}

LegStats AudioLeg::stats() const {
  LegStats stats;
  if (!receiver_) return stats;
  stats.received = receiver_->stats();
  stats.sent = sender_->stats();
  stats.remote_loss = rtcp_->remote_loss();
  stats.round_trip = rtcp_->round_trip();
  stats.send_failures = send_failures_;
  return stats;
}

}  // namespace parley::rtc
