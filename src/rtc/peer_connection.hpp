// One WebRTC connection with one audio section, as the loop sees it.
//
// Who offers and who answers differ in what they may tell the other side, and when: an offer of ours carries no
// candidates, because a server that knows them can finish the DTLS handshake before libdatachannel has stored the
// server's fingerprint. The other side learns our address from our own checks.
//
// Thread: the loop's only. The library's threads reach it through one bounded queue (Native).
// Bound:  kMaxQueued events; later packets are dropped and counted (Engine::Counts).
// Ending: close(deadline) says goodbye (DTLS close_notify) and waits until the native object is destroyed; kill() and the
//         destructor hand it to a helper thread without waiting. A native object that does not go is abandoned and counted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <parley/async/mailbox.hpp>
#include <parley/async/scope.hpp>

#include "rtc/description.hpp"
#include "rtc/gone.hpp"
#include "rtc/native.hpp"

namespace parley::rtc {

struct ConnectionSettings {
  std::string bind_address;    // an IP address of this machine; empty: all interfaces but loopback
  std::uint16_t port_begin = 0;  // UDP ports; both 0: any
  std::uint16_t port_end = 0;
  std::vector<std::string> advertised_addresses;  // IP addresses told to the other side instead of our own (NAT)
  std::string stun_server;                        // "host:port"; empty: host candidates only
};

// Errc::invalid_argument with what is wrong, before any call needs it.
Result<void> check(const ConnectionSettings& settings);

class PeerConnection {
 public:
  static constexpr std::size_t kMaxQueued = 256;      // 5 s of audio packets
  static constexpr Duration kGatherWithin = 2s;       // a STUN server that does not answer is done without

  PeerConnection(Loop& loop, Engine& engine, ConnectionSettings settings);
  ~PeerConnection();
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  // One of the two starts it, once. What comes back has every candidate in it.
  Task<Result<TransportParameters>> answer(const RemoteDescription& offer, Deadline deadline);
  Task<Result<TransportParameters>> offer(Deadline deadline);
  // After offer().
  Task<Result<void>> accept(const RemoteDescription& answer, Deadline deadline);

  // The next thing from the network: a packet, or nothing but a reason to look at the states below. Errc::timeout.
  Mailbox<NativeEvent>::Pop next(Deadline deadline) noexcept { return mailbox_.pop(deadline); }

  bool open() const noexcept { return flags_->open && !flags_->down; }  // audio can flow
  bool down() const noexcept { return flags_->down; }                    // for good
  bool ice_lost() const noexcept { return flags_->ice_lost; }            // down because of the network, not by a goodbye

  // RTP or RTCP. False: not sent.
  bool send(ByteView packet) noexcept { return native_ && native_->send(packet); }

  std::optional<Duration> ice_silence() const noexcept { return native_ ? native_->ice_silence() : std::nullopt; }

  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

 private:
  Task<Result<TransportParameters>> gathered(Deadline deadline);
  NativeSettings native_settings() const;
  Native::Exits exits() const { return {mailbox_.sender(), flags_}; }

  Loop& loop_;
  Engine& engine_;
  ConnectionSettings settings_;
  Mailbox<NativeEvent> mailbox_;
  std::shared_ptr<NativeFlags> flags_;
  std::shared_ptr<Gone> gone_;
  NativePtr native_;
  bool started_ = false;  // there was a native object
};

}  // namespace parley::rtc
