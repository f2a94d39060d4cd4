// Streams that go out: a header, chunks in order, a trailer.
//
// Thread: the loop's only.
// Bound:  Messages::kMaxStreams open at a time. A writer holds what it was just given, and half a character.
// Ending: a writer that is destroyed before its finish() says so in a trailer that nobody waits for. After abandon_all() and
//         close() no trailer is sent: the other side has taken us for gone.
#pragma once

#include <memory>
#include <string>

#include "livekit/room/messages_core.hpp"

namespace parley::livekit {

class OutgoingStreams {
 public:
  explicit OutgoingStreams(std::shared_ptr<MessagesCore> core) : core_(std::move(core)) {}

  static Task<Result<std::unique_ptr<StreamWriter>>> open(std::shared_ptr<OutgoingStreams> streams, bool text, StreamOptions options,
                                                          Deadline deadline);
  static Task<Result<void>> send_text(std::shared_ptr<OutgoingStreams> streams, std::string text, StreamOptions options, Deadline deadline);

  // The connection is made anew: what is open cannot be continued.
  void abandon_all() noexcept { ++connection_; }

  std::size_t open_count() const noexcept { return open_; }

 private:
  class Stream;
  class Writer;

  std::shared_ptr<MessagesCore> core_;
  std::size_t open_ = 0;
  std::uint64_t connection_ = 0;
};

}  // namespace parley::livekit
