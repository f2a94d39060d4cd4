// Our own track: frames in, packets out on its section, and what the server reports about them.
//
// It outlives connections: after a full reconnect it is published again, with its stream's clock going on.
//
// Thread: the loop's only. Bound: what AudioSender and RtcpSession bound.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "audio/rtcp_session.hpp"
#include "audio/sender.hpp"
#include "livekit/room/proto.hpp"
#include "livekit/room/room.hpp"

namespace parley::livekit {

class LocalAudio final : public LocalAudioTrack {
 public:
  static constexpr Duration kStall = 100ms;  // without a frame to send: the stream's clock goes on

  // `muted` tells the server of a change of ours.
  static Result<std::unique_ptr<LocalAudio>> create(Loop& loop, LocalAudioOptions options,
                                                    std::function<void(bool muted)> tell_muted);

  const std::string& sid() const noexcept override { return sid_; }
  void send(const AudioFrame& frame, TimePoint now) override;
  void send_encoded(ByteView opus, std::uint8_t level, TimePoint now) override;
  bool can_deliver() const noexcept override {
    return connection_ != nullptr && connection_->connected() && !sid_.empty() && !muted_;
  }
  void set_muted(bool muted) override;
  bool muted() const noexcept override { return muted_; }
  Event& subscribed() noexcept override { return subscribed_; }

  // --- told by the room
  // A new connection: what is to be announced on it. Not published until published().
  rtc::SendSection begin();
  // The section that was added for it; null: the connection is gone.
  void attach(std::shared_ptr<rtc::SfuConnection> connection, std::string mid);
  proto::AddTrackRequest add_track_request() const;
  const std::string& cid() const noexcept { return section_.track_id; }
  void published(const proto::TrackInfo& info);
  void unpublished();
  const proto::TrackInfo& info() const noexcept { return info_; }
  // The server's word. True: it was not so before.
  bool obey_mute(bool muted) noexcept { return std::exchange(muted_, muted) != muted; }
  // For the first time since it was published.
  bool heard_by_somebody() noexcept;

  const std::string& mid() const noexcept { return mid_; }
  std::uint32_t ssrc() const noexcept { return section_.ssrc; }
  void rtcp(ByteView compound, TimePoint at);
  // Sends a report if one is due; when the next one is.
  TimePoint report(TimePoint now);

 private:
  LocalAudio(Loop& loop, LocalAudioOptions options, std::function<void(bool)> tell_muted, rtc::SendSection section,
             AudioSender sender);
  // False: nothing can be sent. A stall before `now` is made good for.
  bool begin_frame(TimePoint now);

  Loop& loop_;
  LocalAudioOptions options_;
  std::function<void(bool)> tell_muted_;
  rtc::SendSection section_;
  AudioSender sender_;
  RtcpSession rtcp_;
  std::shared_ptr<rtc::SfuConnection> connection_;
  std::string mid_;
  std::string sid_;
  proto::TrackInfo info_;
  bool muted_ = false;
  std::optional<TimePoint> last_sent_;
  Event subscribed_;
};

}  // namespace parley::livekit
