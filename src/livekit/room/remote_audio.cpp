#include "livekit/room/remote_audio.hpp"

#include <algorithm>
#include <utility>

#include <parley/base/ids.hpp>

#include "audio/rtp.hpp"
#include "rtc/description.hpp"

namespace parley::livekit {

Result<std::shared_ptr<RemoteAudio>> RemoteAudio::create(Loop& loop, std::string sid, std::string identity,
                                                         TrackSource source, std::uint32_t our_ssrc) {
  auto receiver = AudioReceiver::create({.payload_type = rtc::kOpusPayloadType, .ssrc = std::nullopt});
  if (!receiver) return fail(receiver.error());
  return std::shared_ptr<RemoteAudio>(
      new RemoteAudio(loop, std::move(sid), std::move(identity), source, our_ssrc, std::move(*receiver)));
}

RemoteAudio::RemoteAudio(Loop& loop, std::string sid, std::string identity, TrackSource source, std::uint32_t our_ssrc,
                         AudioReceiver receiver)
    : loop_(loop),
      sid_(std::move(sid)),
      identity_(std::move(identity)),
      source_(source),
      receiver_(std::move(receiver)),
      rtcp_(our_ssrc, make_id(loop.random(), "parley", 8), loop.random()) {}

void RemoteAudio::attach(std::string mid) {
  if (mid == mid_) return;
  receiver_.reset();
  mid_ = std::move(mid);
}

void RemoteAudio::detach() {
  receiver_.reset();
  mid_.clear();
}

std::optional<AudioFrame> RemoteAudio::receive(TimePoint now) {
  if (mid_.empty()) return std::nullopt;
  auto frame = receiver_.pull(now);
  const auto last = receiver_.last_received();
  if (!last || now - *last > kAudioGone) return std::nullopt;
  return frame;
}

bool RemoteAudio::packet(ByteView packet, TimePoint at) {
  if (is_rtcp(packet)) return rtcp_.received(packet, at, loop_.clock().wall(), receiver_.reception()).has_value();
  return receiver_.push(packet, at).has_value();
}

TimePoint RemoteAudio::report(rtc::SfuConnection& connection, TimePoint now) {
  if (const auto report = rtcp_.poll(now, loop_.clock().wall(), {}, receiver_.reception()))
    (void)connection.send(mid_, *report);
  return rtcp_.due();
}

RemoteAudios::Changes RemoteAudios::apply(std::map<std::string, Track> tracks) {
  Changes changes;
  auto before = std::exchange(by_mid_, std::move(tracks));
  const auto has = [](const std::map<std::string, Track>& map, const Track& track) {
    return std::ranges::any_of(map, [&](const auto& item) { return item.second == track; });
  };
  for (const auto& [mid, track] : before) {
    if (has(by_mid_, track)) continue;
    track->detach();
    changes.silent.push_back(track);
  }
  for (const auto& [mid, track] : by_mid_) {
    if (!has(before, track)) changes.heard.push_back(track);
    track->attach(mid);
  }
  return changes;
}

bool RemoteAudios::remove(const std::string& sid) {
  const auto found = std::ranges::find_if(by_mid_, [&](const auto& item) { return item.second->sid() == sid; });
  if (found == by_mid_.end()) return false;
  found->second->detach();
  by_mid_.erase(found);
  return true;
}

std::vector<RemoteAudios::Track> RemoteAudios::clear() { return apply(std::map<std::string, Track>{}).silent; }

bool RemoteAudios::packet(const std::string& mid, ByteView packet, TimePoint at) {
  const auto found = by_mid_.find(mid);
  return found != by_mid_.end() && found->second->packet(packet, at);
}

TimePoint RemoteAudios::report(rtc::SfuConnection& connection, TimePoint now) {
  auto next = now + RtcpSession::kReportInterval;
  for (const auto& [mid, track] : by_mid_) next = std::min(next, track->report(connection, now));
  return next;
}

}  // namespace parley::livekit
