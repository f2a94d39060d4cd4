// Streams that come in: from packets to readers.
//
// A stream is known by who sent it and its id. Who sent it is the participant's sid, which the server writes into every packet
// (1.9.1 and later); the identity is not enough, because an agent's header may be on another's behalf while its chunks are not.
//
// Thread: the loop's only.
// Bound:  Messages::kMaxStreams and its neighbours. A stream is in the table from its header to its trailer, until its reader is
//         destroyed, or until it fails; what was not read of it by then lives with the reader.
// Ending: close() fails every stream with Errc::closing and closes the channels.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <parley/async/event.hpp>

#include "livekit/room/messages_core.hpp"

namespace parley::livekit {

// One stream; shared by the table and the reader.
class IncomingStream {
 public:
  // Bytes of every stream that nobody has read yet, and of what their headers say; shared by all.
  using Held = std::shared_ptr<std::size_t>;

  IncomingStream(StreamInfo info, bool text, Held held, TimePoint now);
  ~IncomingStream();
  IncomingStream(const IncomingStream&) = delete;
  IncomingStream& operator=(const IncomingStream&) = delete;

  const StreamInfo& info() const noexcept { return info_; }
  TimePoint heard_at() const noexcept { return heard_at_; }
  // Of the one who really sends it, once a chunk has told; until then the sender's.
  const std::string& origin() const noexcept { return origin_.empty() ? info_.sender : origin_; }

  // An error ends the stream, which knows it already.
  Result<void> take_chunk(const proto::DataStream_Chunk& chunk, const std::string& origin, TimePoint now);
  Result<void> take_trailer(const proto::DataStream_Trailer& trailer);
  Result<void> take_content(std::string_view content);
  void fail_with(Error error);

  static Task<Result<std::string>> read(std::shared_ptr<IncomingStream> stream, Deadline deadline);

 private:
  Result<void> failed(Errc code, std::string what);
  std::string take_unread() noexcept;
  void hold(std::size_t bytes) noexcept;
  void release(std::size_t bytes) noexcept;

  StreamInfo info_;
  const bool text_;
  const Held held_;
  std::size_t held_here_ = 0;
  TimePoint heard_at_;
  std::string origin_;
  std::uint64_t next_chunk_ = 0;
  std::uint64_t received_ = 0;
  std::string unread_;
  std::string half_;  // of a character whose rest has not come
  std::optional<Error> error_;
  bool ended_ = false;
  Event changed_;
};

class IncomingStreams : public std::enable_shared_from_this<IncomingStreams> {
 public:
  using Readers = Channel<std::shared_ptr<StreamReader>>;

  explicit IncomingStreams(std::shared_ptr<MessagesCore> core);
  ~IncomingStreams();

  Readers& readers(bool text, const std::string& topic);

  Result<void> header(const proto::DataPacket& packet);
  Result<void> chunk(const proto::DataPacket& packet);
  Result<void> trailer(const proto::DataPacket& packet);

  void sender_left(std::string_view identity);
  void fail_all(const Error& error);
  void close();

  // A reader is gone: so is the interest in its stream.
  void forget(const IncomingStream& stream);

  std::size_t open() const noexcept { return streams_.size(); }
  std::size_t held_bytes() const noexcept { return *held_; }

 private:
  class Sweep;
  using Key = std::pair<std::string, std::string>;  // origin, stream id
  using Streams = std::map<Key, std::shared_ptr<IncomingStream>>;

  Result<void> may_open(const proto::DataPacket& packet, const Key& key, const Readers& readers);
  Streams::iterator find(const proto::DataPacket& packet, const std::string& stream_id);
  Result<void> end_refused(Streams::iterator at, const Error& error);
  void end_silent();
  void arm_sweep();

  std::shared_ptr<MessagesCore> core_;
  IncomingStream::Held held_ = std::make_shared<std::size_t>(0);
  std::map<std::string, std::unique_ptr<Readers>> text_, bytes_;
  Streams streams_;
  std::unique_ptr<Sweep> sweep_;
};

}  // namespace parley::livekit
