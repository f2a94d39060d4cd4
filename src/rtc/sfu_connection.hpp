// One WebRTC connection to a selective forwarding unit, as the loop sees it: two data channels, audio sections that we send
// on, audio sections that we receive on. We always offer, the server always answers.
//
// Sections only ever come to be, in order, and stay: one that carries nothing any more waits for the next track. What is
// added counts from the next offer on, except that nothing joins the first offer before that has been answered. Our candidates
// are held back until the first answer has been accepted, because a server that knows them can finish the DTLS handshake
// before libdatachannel has stored the server's fingerprint.
//
// Thread: the loop's only. The library's threads reach it through one bounded queue.
// Bound:  kMaxQueued packets that wait to be taken, what exceeds them is dropped and counted. kMaxQueuedMessages and
//         kMaxQueuedBytes of data: lossy data is dropped and counted, reliable data waits where it is, which closes the SCTP
//         window and slows the sender down. When none is taken for kStalledAfter the connection ends: nothing is lost without a
//         word. kMaxSenders and kMaxReceivers sections; kMaxDataBytes a message out, kMaxReceivedBytes one in.
// Ending: close(deadline) lets data on its way out go (kFlushWithin at most), says goodbye (DTLS close_notify) and waits until
//         the native object is destroyed; kill() and the destructor hand it to a helper thread without waiting. A native
//         object that does not go is abandoned and counted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/mailbox.hpp>
#include <parley/async/scope.hpp>

#include "rtc/engine.hpp"
#include "rtc/peer_connection.hpp"

namespace parley::rtc {

enum class DataKind : std::uint8_t { reliable, lossy };

struct IceServer {
  std::string url;  // "stun:host:port", "turn:host:port?transport=udp"; others are left out: there is no TURN over TCP
  std::string username;
  std::string credential;
};

struct SfuSettings {
  ConnectionSettings connection;
  std::vector<IceServer> ice_servers;  // see set_ice_servers()
  bool force_relay = false;            // only relayed addresses of ours are told
};

// What is sent on one section, as its a=msid and a=ssrc lines say it.
struct SendSection {
  std::string stream_id;
  std::string track_id;  // LiveKit's cid
  std::uint32_t ssrc = 0;
  std::string cname;
};

struct SfuEvent {
  enum class Type : std::uint8_t {
    state,      // look at connected(), down(), data_open()
    packet,     // RTP that came on `mid`; or, with an empty mid, RTCP: a compound concerns many sections, find yours by SSRC
    data,       // a message on a data channel
    candidate,  // a local candidate to be told to the server; empty: there are no more
  };
  Type type = Type::state;
  TimePoint at{};
  std::string mid;
  DataKind kind = DataKind::reliable;
  Bytes bytes;            // packet, data
  std::string candidate;  // candidate: "candidate:1 1 UDP ..."
  std::shared_ptr<const void> place;  // in the queue; given back when the event is destroyed
};

class SfuConnection {
 public:
  static constexpr std::size_t kMaxQueued = 512;          // packets: 10 s of one speaker, 0.6 s of sixteen
  static constexpr std::size_t kMaxQueuedMessages = 256;
  static constexpr std::size_t kMaxQueuedBytes = 4 * MiB;  // of messages
  static constexpr Duration kStalledAfter = 5s;
  static constexpr std::size_t kMaxSenders = 4;
  static constexpr std::size_t kMaxReceivers = 32;
  static constexpr std::size_t kMaxIceServers = 2;
  static constexpr std::size_t kMaxDataBytes = 64'000;
  static constexpr std::size_t kMaxReceivedBytes = 128 * KiB;  // longer ones are dropped and counted
  static constexpr std::size_t kMaxBufferedBytes = 2 * MiB;  // per channel, on its way out
  static constexpr Duration kFlushWithin = 100ms;

  SfuConnection(Loop& loop, Engine& engine, SfuSettings settings);
  ~SfuConnection();
  SfuConnection(const SfuConnection&) = delete;
  SfuConnection& operator=(const SfuConnection&) = delete;

  // The new section's mid. Errc::overloaded: kMaxSenders, kMaxReceivers.
  Result<std::string> add_sender(SendSection section);
  Result<std::string> add_receiver();
  // In the next offer the section is inactive, or sends again. Errc::not_found.
  Result<void> set_sending(const std::string& mid, bool active);

  // In the place of those of the settings; our addresses are gathered when the first answer is accepted, so until then. Of
  // turn: the first kMaxIceServers that can be used count, of stun: none, since the server's own address is public.
  void set_ice_servers(std::vector<IceServer> servers, bool force_relay);

  // A description of all sections. One offer is outstanding at a time: a new one takes back the one whose answer has not been
  // accepted. The first makes the native connection. Errc::unavailable: the connection is down. Errc::overloaded: another
  // offer() or accept() has not returned.
  Task<Result<std::string>> offer(Deadline deadline);
  // The server's answer to the last offer. Errc::invalid_argument names what is wrong with it: the answer is checked before
  // the native library sees it.
  Task<Result<void>> accept(std::string answer, Deadline deadline);
  // "candidate:..." of the server's; before the first answer it is kept, at most kMaxCandidates. Names, TCP and malformed ones
  // are left out.
  void add_remote_candidate(std::string_view candidate);

  // The last offer, and the last answer that was accepted; empty before the first.
  const std::string& local_description() const noexcept;
  const std::string& remote_description() const noexcept;

  // Errc::timeout. One task takes them.
  Mailbox<SfuEvent>::Pop next(Deadline deadline) noexcept;

  bool connected() const noexcept;   // ICE and DTLS stand, audio can flow
  bool data_open() const noexcept;   // both data channels are open
  bool down() const noexcept;        // for good
  bool ice_lost() const noexcept;    // down because of the network, not by a goodbye

  // RTP or RTCP on a section of ours. False: not sent.
  bool send(const std::string& mid, ByteView packet) noexcept;
  // Errc::overloaded: kMaxBufferedBytes wait already (lossy: the message is dropped). Errc::unavailable: not open, or down.
  // Errc::invalid_argument: longer than kMaxDataBytes.
  Result<void> send_data(DataKind kind, ByteView message) noexcept;
  std::size_t buffered(DataKind kind) const noexcept;

  // Since ICE last heard of the other side; nullopt: never.
  std::optional<Duration> ice_silence() const noexcept;

  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace parley::rtc
