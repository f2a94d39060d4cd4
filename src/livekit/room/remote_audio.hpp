// Another's audio, on the sections on which it comes.
//
// A section is used again for another track, with another SSRC, after the one before was unsubscribed: every answer says anew
// which track is where. Each track has its own receiver, so that nothing of the one before is heard.
//
// Thread: the loop's only.
// Bound:  Room::kMaxSubscriptions tracks; of each what AudioReceiver bounds. RTP whose section carries no track is dropped and
//         counted.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audio/receiver.hpp"
#include "audio/rtcp_session.hpp"
#include "livekit/room/room.hpp"

namespace parley::livekit {

class RemoteAudio final : public RemoteAudioTrack {
 public:
  static constexpr Duration kAudioGone = 1s;  // sounds nothing for so long: no audio is sent (any more)

  static Result<std::shared_ptr<RemoteAudio>> create(Loop& loop, std::string sid, std::string identity,
                                                     TrackSource source, std::uint32_t our_ssrc);

  const std::string& sid() const noexcept override { return sid_; }
  const std::string& identity() const noexcept override { return identity_; }
  std::optional<AudioFrame> receive(TimePoint now) override;
  std::optional<TimePoint> last_received() const noexcept override { return receiver_.last_received(); }

  TrackSource source() const noexcept { return source_; }
  const std::string& mid() const noexcept { return mid_; }
  // On another section: whatever was there is over.
  void attach(std::string mid);
  void detach();

  // False: dropped.
  bool packet(ByteView packet, TimePoint at);
  // Sends a receiver report if one is due; when the next one is.
  TimePoint report(rtc::SfuConnection& connection, TimePoint now);
  ReceiverStats stats() const { return receiver_.stats(); }

 private:
  RemoteAudio(Loop& loop, std::string sid, std::string identity, TrackSource source, std::uint32_t our_ssrc,
              AudioReceiver receiver);

  Loop& loop_;
  std::string sid_;
  std::string identity_;
  TrackSource source_;
  AudioReceiver receiver_;
  RtcpSession rtcp_;
  std::string mid_;  // empty: not subscribed
};

// The tracks of one connection.
class RemoteAudios {
 public:
  using Track = std::shared_ptr<RemoteAudio>;
  struct Changes {
    std::vector<Track> heard;   // can be received now
    std::vector<Track> silent;  // not any more
  };

  // What an answer says: mid -> track sid. `known` gives the track of a sid, or null for one that nobody asked for.
  template <class Known>
  Changes apply(const std::map<std::string, std::string>& sids, Known known) {
    std::map<std::string, Track> tracks;
    for (const auto& [mid, sid] : sids) {
      if (auto track = known(sid)) tracks.emplace(mid, std::move(track));
    }
    return apply(std::move(tracks));
  }
  // One of them is gone.
  bool remove(const std::string& sid);
  // All of them are: the connection is.
  std::vector<Track> clear();

  // False: no track is there, or the packet is dropped.
  bool packet(const std::string& mid, ByteView packet, TimePoint at);
  TimePoint report(rtc::SfuConnection& connection, TimePoint now);
  const std::map<std::string, Track>& by_mid() const noexcept { return by_mid_; }

 private:
  Changes apply(std::map<std::string, Track> tracks);

  std::map<std::string, Track> by_mid_;
};

}  // namespace parley::livekit
