// One connection of libdatachannel with one audio track, behind a face without its headers.
//
// Thread: made on a helper thread (it waits for a certificate), used from any, destroyed on a helper thread. What
//         happens comes out through the sender: the library's threads only set flags and push into that one queue.
// Bound:  the queue; a packet that finds it full is dropped and counted. States are flags beside it and cannot be lost.
// Ending: the destructor takes the callbacks back, closes (DTLS close_notify) and lets go. No call into the library
//         throws out of here, and none is made under a lock of ours.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/mailbox.hpp>
#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>

#include "rtc/engine.hpp"

namespace rtc {
class PeerConnection;
class Track;
}  // namespace rtc

namespace parley::rtc {

struct NativeEvent {
  TimePoint at{};
  Bytes packet{};  // RTP or RTCP; empty: look at the flags
};

// What became of the connection, set by the library's threads.
struct NativeFlags {
  std::atomic<bool> gathered = false;
  std::atomic<bool> open = false;      // audio can flow
  std::atomic<bool> ice_lost = false;  // the network gave up
  std::atomic<bool> down = false;      // over, whatever the reason
};

struct NativeSettings {
  std::string bind_address;  // empty: all
  std::uint16_t port_begin = 0;
  std::uint16_t port_end = 0;
  std::string stun_server;  // empty: none
};

class Native {
 public:
  struct Exits {
    Mailbox<NativeEvent>::Sender sender;
    std::shared_ptr<NativeFlags> flags;
  };

  // Blocks for the certificate (a few ms). The remote description comes without its candidates: they are added when both
  // descriptions stand, so that no check can begin a DTLS handshake that would find no fingerprint to compare with.
  static Result<NativePtr> answer(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits,
                                  const std::string& remote, const std::string& mid, std::uint8_t opus,
                                  const std::vector<std::string>& candidates);
  static Result<NativePtr> offer(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits,
                                 const std::string& mid, std::uint8_t opus);
  // The answer to offer(); blocks shortly.
  Result<void> accept(const std::string& remote, const std::vector<std::string>& candidates);

  Result<std::string> local_description() const;

  // RTP or RTCP. False: not sent.
  bool send(ByteView packet) noexcept;

  // Since the last ICE message of the other side that was verified; nullopt: none yet, or the library cannot tell.
  std::optional<Duration> ice_silence() const noexcept;

  // Called when the destructor has done its work.
  void when_gone(std::function<void()> function);

  ~Native();
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;

 private:
  Native(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits, const std::string& mid,
         std::uint8_t opus);
  static NativePtr make(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits, const std::string& mid,
                        std::uint8_t opus);
  void listen(const Exits& exits);

  const std::shared_ptr<Engine::State> engine_;
  std::shared_ptr<::rtc::PeerConnection> connection_;
  std::shared_ptr<::rtc::Track> track_;
  std::mutex gone_mutex_;
  std::function<void()> gone_;
};

}  // namespace parley::rtc
