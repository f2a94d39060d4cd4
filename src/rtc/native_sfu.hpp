// One connection of libdatachannel with many audio sections and two data channels, behind a face without its headers.
//
// Thread: made and negotiated on helper threads, one at a time; send() and send_data() from any; destroyed on a helper thread.
//         What happens comes out through the sender: the library's threads only set flags and push into that one queue.
// Bound:  the inbox; see SfuConnection.
// Ending: the destructor closes the inbox, takes the callbacks back, closes (DTLS close_notify) and lets go. No call into the
//         library throws out of here, and no lock of ours that a callback takes is held around one.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rtc/engine.hpp"
#include "rtc/inbox.hpp"
#include "rtc/local_candidates.hpp"
#include "rtc/native.hpp"
#include "rtc/sfu_description.hpp"

namespace rtc {
class DataChannel;
}  // namespace rtc

namespace parley::rtc {

struct SfuFlags : NativeFlags {
  std::atomic<bool> reliable_open = false;
  std::atomic<bool> lossy_open = false;
};

struct TurnServer {
  IceServerAddress address;
  std::string username;
  std::string credential;
};

class NativeSfu;
using NativeSfuPtr = std::shared_ptr<NativeSfu>;

class NativeSfu {
 public:
  struct Exits {
    Mailbox<SfuEvent>::Sender sender;
    std::shared_ptr<SfuFlags> flags;
    std::shared_ptr<Inbox> inbox;
    std::shared_ptr<LocalCandidates> candidates;
  };

  static Result<NativeSfuPtr> make(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits);

  // Makes the tracks that are missing and turns the others as the sections say; takes an unanswered offer back. Blocks for
  // the certificate (a few ms) the first time. What comes back is the native local description.
  Result<std::string> offer(const SfuSections& sections);
  // The answer to it, without candidates: they are added when both descriptions stand. The first time, our own addresses are
  // gathered, relayed ones at `servers`.
  Result<void> accept(const std::string& remote, const std::vector<std::string>& candidates, const std::vector<TurnServer>& servers);
  void add_candidates(const std::vector<std::string>& candidates);

  bool send(std::string_view mid, ByteView packet) noexcept;
  Result<void> send_data(DataKind kind, ByteView message) noexcept;
  std::size_t buffered(DataKind kind) const noexcept;
  std::optional<Duration> ice_silence() const noexcept;

  // Whoever destroys it waits until data on its way out has gone, at most SfuConnection::kFlushWithin.
  void flush_at_end() noexcept { flush_at_end_ = true; }
  // Called when the destructor has done its work.
  void when_gone(std::function<void()> function);

  ~NativeSfu();
  NativeSfu(const NativeSfu&) = delete;
  NativeSfu& operator=(const NativeSfu&) = delete;

 private:
  class Listener;
  using Channel = std::shared_ptr<::rtc::DataChannel>;
  struct Track {
    std::string mid;
    std::shared_ptr<::rtc::Track> track;
  };

  NativeSfu(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits);
  void listen();
  void listen(const Channel& channel, DataKind kind);
  Channel make_channel(DataKind kind);
  const Channel& channel(DataKind kind) const noexcept { return kind == DataKind::reliable ? reliable_ : lossy_; }
  std::shared_ptr<::rtc::Track> find_track(std::string_view mid) const;
  void bring_up(const SfuSection& section);
  void gather(const std::vector<TurnServer>& servers);
  void flush();
  void release() noexcept;

  const std::shared_ptr<Engine::State> engine_;
  const std::shared_ptr<Inbox> inbox_;
  const std::shared_ptr<LocalCandidates> candidates_;
  std::shared_ptr<const Listener> listener_;
  std::shared_ptr<::rtc::PeerConnection> connection_;
  Channel reliable_, lossy_;
  std::mutex negotiating_;  // one offer or answer at a time; no callback takes it
  mutable std::mutex tracks_mutex_;
  std::vector<Track> tracks_;  // all of them, alive to the end: an expired one would mark its section removed
  std::atomic<bool> flush_at_end_ = false;
  std::mutex gone_mutex_;
  std::function<void()> gone_;
};

}  // namespace parley::rtc
