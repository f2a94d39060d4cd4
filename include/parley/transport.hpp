// What carries a call's audio: a browser over WebRTC, a LiveKit room, a test.
#pragma once

#include <optional>
#include <string>

#include <parley/async/channel.hpp>
#include <parley/audio/frame.hpp>
#include <parley/provider.hpp>

namespace parley {

struct TransportEvent {
  enum class Type {
    connected,      // audio can flow, now or again
    interrupted,    // it cannot just now: network change, page reload; may come back
    caller_joined,  // the other side's audio is there
    caller_muted,
    caller_unmuted,
    caller_left,    // for good: goodbye, or `reason` says vanished
    dtmf,
  };
  Type type;
  StopReason reason;  // caller_left
  char digit = 0;     // dtmf: 0-9, *, #, A-D
};

// The audio path of one call. The session pulls and pushes one frame of 20 ms at 48 kHz each tick of its media clock.
//
// Thread: the loop's only; what comes from other threads comes in through one bounded queue.
// Bound:  events() holds kMaxEvents; it is closed after the last one.
// Ending: close() says goodbye where the transport has one and waits for native disposal until the deadline; kill()
//         abandons what cannot be released at once.
class Transport {
 public:
  static constexpr std::size_t kMaxEvents = 64;

  virtual ~Transport() = default;

  virtual Channel<TransportEvent>& events() = 0;

  // The caller's next 20 ms at 48 kHz, concealed where packets were lost; nullopt: the caller sends nothing (mute, DTX,
  // not connected). Once a tick. Longer where something that was said before is caught up with.
  virtual std::optional<AudioFrame> receive(TimePoint now) = 0;

  // Frames sent now reach the caller.
  virtual bool can_deliver() const noexcept = 0;
  // One frame of 20 ms at 48 kHz. Dropped when it cannot be delivered.
  virtual void send(const AudioFrame& frame, TimePoint now) = 0;

  // As Session::transfer and Session::send_dtmf, whose checks have been made. Errc::refused where there is no telephone.
  virtual Task<Result<void>> transfer(std::string to, Deadline deadline);
  virtual Task<Result<void>> send_dtmf(std::string keys, Deadline deadline);

  // When the caller was last heard of on any channel (RTP, RTCP, SCTP, ICE).
  virtual TimePoint last_heard() const noexcept = 0;

  virtual void request_stop(StopReason reason) noexcept = 0;
  virtual Task<CloseReport> close(Deadline deadline) = 0;
  virtual void kill() noexcept = 0;
};

}  // namespace parley
