// What participants of a room send each other beside audio: packets, text and byte streams, RPC, DTMF, transcriptions.
//
// It knows nothing of sockets: a DataPort carries packets (serialized livekit.DataPacket), and the room tells it what came and
// who has left. Versions: RPC v1 and data streams v1 (client_protocol 0), as reference peers speak them with us.
//
// Thread: the loop's only.
// Bound:  everything below; what a peer sends beyond a bound is refused or dropped, counted and named in the log (a line per
//         kind in kLogEvery), and the call goes on. Streams: kMaxStreams open at a time, kMaxStreamsPerSender of one sender,
//         kMaxUnread bytes of one that nobody reads, kMaxUnreadInAll of all. RPC: kMaxServed of others at a time,
//         kMaxServedPerCaller of one, kMaxAsked of ours.
// Ending: close() fails what waits (1503 for our RPCs, Errc::closing for streams) at once; nothing waits for a peer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <parley/async/channel.hpp>
#include <parley/async/scope.hpp>
#include <parley/base/bytes.hpp>
#include <parley/base/log.hpp>
#include <parley/base/result.hpp>

#include "rtc/sfu_connection.hpp"

namespace parley::livekit {

// Where packets go out. The room's.
class DataPort {
 public:
  virtual ~DataPort() = default;
  // A serialized DataPacket. Reliable ones are numbered and kept for replay below this seam, and wait for room until the
  // deadline; lossy ones are dropped when there is none. Errc::timeout, Errc::unavailable, Errc::invalid_argument (too long).
  virtual Task<Result<void>> publish(rtc::DataKind kind, std::string packet, Deadline deadline) = 0;
  virtual bool has_participant(std::string_view identity) const noexcept = 0;
  virtual const std::string& own_identity() const noexcept = 0;
  virtual const std::string& own_sid() const noexcept = 0;
  // From server 1.8.0 on; without it RPCs of ours fail with 1403.
  virtual bool server_has_rpc() const noexcept { return true; }
};

struct StreamInfo {
  std::string id;
  std::string topic;
  std::string mime_type;
  std::string name;    // of a byte stream
  std::string sender;  // identity
  std::map<std::string, std::string> attributes;  // grown by the trailer's at the end
  std::optional<std::uint64_t> total_bytes;
  WallTime sent_at{};
};

// A stream that comes in. Reading is one task's at a time; destroying it drops what is still to come.
class StreamReader {
 public:
  virtual ~StreamReader() = default;
  virtual const StreamInfo& info() const noexcept = 0;
  // What has come since the last call, of a text stream whole UTF-8 characters; empty: the end, in order. What came before an
  // error is given first. Errc::timeout: this call's deadline; the stream goes on. Errc::protocol: a chunk is missing, broken
  // UTF-8, more or fewer bytes than announced. Errc::unavailable: the sender left, gave it up (its reason is in the message) or
  // fell silent for kStreamSilence, or our connection was made anew. Errc::overloaded: not read in time. Errc::closing.
  virtual Task<Result<std::string>> read(Deadline deadline) = 0;
  // Everything to the end; Errc::overloaded: more than `max_bytes`.
  Task<Result<std::string>> read_all(Deadline deadline, std::size_t max_bytes = 1 * MiB);
};

// A stream that goes out, one task's at a time. Its end is said by finish(); one that is destroyed before is ended with the
// reason "interrupted", or "error" after a write that failed. After such a write every other call gives the same error.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  virtual const StreamInfo& info() const noexcept = 0;
  // Of any length: cut into chunks, of a text stream between characters; half a character waits for its rest.
  virtual Task<Result<void>> write(std::string piece, Deadline deadline) = 0;
  // Errc::invalid_argument: not the total that was announced; the stream is ended as an error.
  virtual Task<Result<void>> finish(std::map<std::string, std::string> attributes, Deadline deadline) = 0;
};

struct StreamOptions {
  std::string topic;
  std::map<std::string, std::string> attributes{};
  std::vector<std::string> destinations{};  // identities; empty: everybody
  std::string sender{};     // on whose behalf (transcripts of the caller's words); empty: ours
  std::string id{};         // empty: a new one
  std::string mime_type{};  // byte streams
  std::string name{};       // likewise
  std::optional<std::uint64_t> total_bytes{};
};

// livekit's RPC errors; 1001 to 1999 are its own, an application's own codes are others. The asking side makes 1401, 1402, 1403,
// 1501, 1502, 1503 and 1505, the serving side 1400, 1404, 1500, 1504 and its application's own.
struct RpcError {
  static constexpr std::size_t kMaxMessageBytes = 256;
  static constexpr std::size_t kMaxErrorDataBytes = 15 * KiB;
  static constexpr std::uint32_t kUnsupportedMethod = 1400, kRecipientNotFound = 1401, kRequestTooLarge = 1402, kUnsupportedServer = 1403,
                                 kUnsupportedVersion = 1404, kApplication = 1500, kConnectionTimeout = 1501, kResponseTimeout = 1502,
                                 kRecipientDisconnected = 1503, kResponseTooLarge = 1504, kSendFailed = 1505;
  std::uint32_t code = kApplication;
  std::string message;
  std::string data{};
};
using RpcResult = std::expected<std::string, RpcError>;

struct RpcRequest {
  std::string id;
  std::string caller;  // identity
  std::string method;
  std::string payload;
  Duration response_within{};
};
using RpcHandler = std::function<Task<RpcResult>(RpcRequest)>;

struct TranscriptionSegment {
  std::string id;
  std::string text;
  bool final = false;
  std::string language{};
};

struct UserPacket {
  std::string sender;  // identity; empty: the server (SendData)
  std::string topic;
  std::string payload;
};

class Messages {
 public:
  static constexpr std::size_t kMaxStreams = 256;
  static constexpr std::size_t kMaxStreamsPerSender = 64;
  static constexpr std::size_t kMaxUnread = 1 * MiB;
  static constexpr std::size_t kMaxUnreadInAll = 8 * MiB;
  static constexpr std::size_t kMaxPacketBytes = 128 * KiB;  // received; peers send 64,000 at most
  static constexpr std::size_t kMaxAttributesBytes = 64 * KiB;  // with everything else that a header says
  static constexpr std::size_t kMaxIdBytes = 256;
  static constexpr std::size_t kChunkBytes = 15'000;
  static constexpr Duration kStreamSilence = 60s;        // a stream whose next chunk does not come is ended
  static constexpr std::size_t kMaxRpcBytes = 15 * 1024;  // request and response
  static constexpr std::size_t kMaxServed = 64;
  static constexpr std::size_t kMaxServedPerCaller = 16;
  static constexpr std::size_t kMaxAsked = 64;
  static constexpr Duration kRpcAckWithin = 7s;
  static constexpr Duration kRpcWithin = 15s;
  // The server tells of a newcomer that publishes nothing up to 3 s late: so long an unknown recipient may still acknowledge.
  static constexpr Duration kRpcKnownWithin = 4s;
  static constexpr Duration kLongestRpc = 5min;          // that a handler is given, whatever the caller says
  static constexpr Duration kRpcRoundTrip = 7s;          // taken off the time that the other side is told it has
  static constexpr Duration kLogEvery = 10s;
  static constexpr std::size_t kMaxDtmfKeys = 128;
  static constexpr std::size_t kMaxWaitingReaders = 32;  // of one topic, not taken yet: the oldest stays, the new one is dropped

  Messages(Scope& parent, DataPort& port, Logger logger);
  ~Messages();

  // --- text and byte streams
  Task<Result<std::unique_ptr<StreamWriter>>> open_text(StreamOptions options, Deadline deadline);
  Task<Result<std::unique_ptr<StreamWriter>>> open_bytes(StreamOptions options, Deadline deadline);
  // A text in one stream, from its header to its trailer.
  Task<Result<void>> send_text(std::string text, StreamOptions options, Deadline deadline);
  // Streams of this topic from now on, one channel per topic and kind; those of topics that nobody listens to are dropped.
  Channel<std::shared_ptr<StreamReader>>& text_streams(const std::string& topic);
  Channel<std::shared_ptr<StreamReader>>& byte_streams(const std::string& topic);

  // --- RPC
  // Answered with `response_within`, whatever happens: an answer, or one of the codes above.
  Task<RpcResult> perform_rpc(std::string destination, std::string method, std::string payload, Duration response_within = kRpcWithin);
  // Replaces an earlier one. Handlers run as tasks of this object's scope, each bounded by the request's time and kLongestRpc;
  // one that throws, answers 1500. The same request twice is run once.
  void register_method(const std::string& method, RpcHandler handler);
  void unregister_method(const std::string& method);

  // --- packets
  Task<Result<void>> send_dtmf(std::string keys, std::vector<std::string> destinations, Deadline deadline);  // 0-9 * # A-D, w: 500 ms
  Task<Result<void>> send_data(std::string payload, std::string topic, bool reliable, std::vector<std::string> destinations, Deadline deadline);
  // The legacy packet that older front ends read.
  Task<Result<void>> send_transcription(std::string participant_identity, std::string track_sid,
                                        std::vector<TranscriptionSegment> segments, Deadline deadline);

  // --- told by the room
  // A serialized DataPacket from the network, after ReliableInbox. An error says what was wrong with it; it has been counted,
  // and logged within kLogEvery. User packets and DTMF are given back for the room's events.
  struct Unclaimed {
    std::optional<UserPacket> user{};
    char digit = 0;         // DTMF
    std::string sender{};   // identity
  };
  Result<Unclaimed> received(std::string_view packet);
  // Also of one that came back under another sid: what it was sending will not be continued.
  void participant_left(std::string_view identity);
  // A full reconnect: what waits for an answer fails, streams are ended.
  void reset();

  struct Counters {
    std::uint64_t packets = 0;    // received
    std::uint64_t malformed = 0;  // no DataPacket, or none that could mean something
    std::uint64_t refused = 0;    // beyond a bound, against the rules of a stream or an RPC, or encrypted
    std::uint64_t ignored = 0;    // what nobody here listens to: topics, chunks of unknown streams, unknown kinds
    std::uint64_t streams = 0, rpc_served = 0, rpc_asked = 0;
  };
  const Counters& counters() const noexcept;

  // Idempotent; the destructor does it too.
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace parley::livekit
