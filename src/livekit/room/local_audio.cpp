#include "livekit/room/local_audio.hpp"

#include <parley/base/ids.hpp>

#include "rtc/description.hpp"

namespace parley::livekit {

Result<std::unique_ptr<LocalAudio>> LocalAudio::create(Loop& loop, LocalAudioOptions options,
                                                       std::function<void(bool)> tell_muted) {
  auto& random = loop.random();
  rtc::SendSection section{.stream_id = make_id(random, "ST"),
                           .track_id = make_id(random, "TC"),
                           .ssrc = static_cast<std::uint32_t>(random() | 1),
                           .cname = make_id(random, "parley", 8)};
  const SenderSettings settings{.rtp = {.ssrc = section.ssrc,
                                        .payload_type = rtc::kOpusPayloadType,
                                        .audio_level_id = rtc::kAudioLevelId,
                                        .first_sequence = static_cast<std::uint16_t>(random.below(1 << 15)),
                                        .first_timestamp = static_cast<std::uint32_t>(random())},
                                .opus = options.opus};
  auto sender = AudioSender::create(settings);
  if (!sender) return fail(sender.error());
  return std::unique_ptr<LocalAudio>(
      new LocalAudio(loop, std::move(options), std::move(tell_muted), std::move(section), std::move(*sender)));
}

LocalAudio::LocalAudio(Loop& loop, LocalAudioOptions options, std::function<void(bool)> tell_muted,
                       rtc::SendSection section, AudioSender sender)
    : loop_(loop),
      options_(std::move(options)),
      tell_muted_(std::move(tell_muted)),
      section_(std::move(section)),
      sender_(std::move(sender)),
      rtcp_(section_.ssrc, section_.cname, loop.random()) {}

rtc::SendSection LocalAudio::begin() {
  unpublished();
  attach(nullptr, {});
  return section_;
}

void LocalAudio::attach(std::shared_ptr<rtc::SfuConnection> connection, std::string mid) {
  connection_ = std::move(connection);
  mid_ = std::move(mid);
}

proto::AddTrackRequest LocalAudio::add_track_request() const {
  proto::AddTrackRequest request;
  request.set_cid(section_.track_id);
  request.set_name(options_.name);
  request.set_type(proto::AUDIO);
  request.set_source(static_cast<proto::TrackSource>(options_.source));
  request.set_muted(muted_);
  request.set_disable_red(true);
  request.set_stream(section_.stream_id);
  return request;
}

void LocalAudio::published(const proto::TrackInfo& info) {
  info_ = info;
  sid_ = info.sid();
}

void LocalAudio::unpublished() {
  info_.Clear();
  sid_.clear();
  subscribed_.reset();
}

bool LocalAudio::heard_by_somebody() noexcept {
  const bool first = !subscribed_.is_set();
  subscribed_.set();
  return first;
}

void LocalAudio::set_muted(bool muted) {
  if (std::exchange(muted_, muted) == muted) return;
  if (tell_muted_) tell_muted_(muted);
}

bool LocalAudio::begin_frame(TimePoint now) {
  if (!can_deliver()) return false;
  if (last_sent_ && now - *last_sent_ >= kStall) {
    const auto missed = (now - *last_sent_) / kFrameDuration - 1;
    sender_.skip(static_cast<std::uint32_t>(missed) * static_cast<std::uint32_t>(kTransportFrameSamples), now);
  }
  last_sent_ = now;
  return true;
}

void LocalAudio::send(const AudioFrame& frame, TimePoint now) {
  if (!begin_frame(now)) return;
  const auto packet = sender_.send(frame, now);
  if (packet && *packet) (void)connection_->send(mid_, **packet);
}

void LocalAudio::send_encoded(ByteView opus, std::uint8_t level, TimePoint now) {
  if (!begin_frame(now)) return;
  if (const auto packet = sender_.send_encoded(opus, level, now)) (void)connection_->send(mid_, *packet);
}

void LocalAudio::rtcp(ByteView compound, TimePoint at) {
  if (!rtcp_.received(compound, at, loop_.clock().wall(), nullptr)) return;
  if (const auto loss = rtcp_.remote_loss()) sender_.set_loss(*loss);
}

TimePoint LocalAudio::report(TimePoint now) {
  if (connection_ == nullptr || !connection_->connected()) return now + RtcpSession::kReportInterval;
  const auto report = rtcp_.poll(now, loop_.clock().wall(), sender_.status(now), nullptr);
  if (report) (void)connection_->send(mid_, *report);
  return rtcp_.due();
}

}  // namespace parley::livekit
