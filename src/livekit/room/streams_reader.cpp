// One stream that comes in, and reading it.
#include <fmt/format.h>

#include "livekit/room/streams_in.hpp"

namespace parley::livekit {

IncomingStream::IncomingStream(StreamInfo info, bool text, Held held, TimePoint now)
    : info_(std::move(info)), text_(text), held_(std::move(held)), heard_at_(now) {
  hold(weight(info_.attributes) + info_.topic.size() + info_.mime_type.size() + info_.name.size());
}

IncomingStream::~IncomingStream() { release(held_here_); }

Result<void> IncomingStream::take_chunk(const proto::DataStream_Chunk& chunk, const std::string& origin, TimePoint now) {
  heard_at_ = now;
  if (origin_.empty()) origin_ = origin;
  if (chunk.chunk_index() != next_chunk_) {
    return failed(Errc::protocol, fmt::format("chunk {} came where {} was due", chunk.chunk_index(), next_chunk_));
  }
  ++next_chunk_;
  return take_content(chunk.content());
}

Result<void> IncomingStream::take_content(std::string_view content) {
  received_ += content.size();
  if (info_.total_bytes && received_ > *info_.total_bytes) {
    return failed(Errc::protocol, fmt::format("it is longer than the {} bytes that were announced", *info_.total_bytes));
  }
  if (unread_.size() + content.size() > Messages::kMaxUnread || *held_ + content.size() > Messages::kMaxUnreadInAll) {
    release(unread_.size() + half_.size());
    std::string().swap(unread_);  // and its memory
    half_.clear();
    return failed(Errc::overloaded, "it was not read in time");
  }
  hold(content.size());
  if (!text_) {
    unread_.append(content);
  } else {
    half_.append(content);
    const auto whole = whole_characters(half_);
    if (!is_utf8(std::string_view(half_).substr(0, whole))) return failed(Errc::protocol, "its text is no UTF-8");
    unread_.append(half_, 0, whole);
    half_.erase(0, whole);
  }
  if (!unread_.empty()) changed_.set();
  return {};
}

Result<void> IncomingStream::take_trailer(const proto::DataStream_Trailer& trailer) {
  const auto more = weight(trailer.attributes());
  if (weight(info_.attributes) + more > Messages::kMaxAttributesBytes) return failed(Errc::overloaded, "its attributes are too long");
  hold(more);
  read_attributes(trailer.attributes(), info_.attributes);
  if (!trailer.reason().empty()) return failed(Errc::unavailable, "its sender gave it up: " + quoted(trailer.reason()));
  if (info_.total_bytes && received_ < *info_.total_bytes) {
    return failed(Errc::protocol, fmt::format("it ended after {} of the {} bytes that were announced", received_, *info_.total_bytes));
  }
  if (!half_.empty()) return failed(Errc::protocol, "its text ends within a character");
  ended_ = true;
  changed_.set();
  return {};
}

void IncomingStream::fail_with(Error error) {
  if (!error_ && !ended_) error_ = std::move(error);
  changed_.set();
}

Result<void> IncomingStream::failed(Errc code, std::string what) {
  Error error(code, fmt::format("a stream of {} with topic {}: {}", quoted(info_.sender), quoted(info_.topic), what));
  fail_with(error);
  return fail(std::move(error));
}

std::string IncomingStream::take_unread() noexcept {
  release(unread_.size());
  return std::exchange(unread_, {});
}

void IncomingStream::hold(std::size_t bytes) noexcept {
  held_here_ += bytes;
  *held_ += bytes;
}

void IncomingStream::release(std::size_t bytes) noexcept {
  held_here_ -= bytes;
  *held_ -= bytes;
}

Task<Result<std::string>> IncomingStream::read(std::shared_ptr<IncomingStream> stream, Deadline deadline) {
  for (;;) {
    if (!stream->unread_.empty()) co_return stream->take_unread();
    if (stream->error_) co_return fail(*stream->error_);
    if (stream->ended_) co_return std::string();
    stream->changed_.reset();
    if (auto changed = co_await stream->changed_.wait(deadline); !changed) {
      co_return fail(Errc::timeout, fmt::format("nothing came of a stream of {} before the deadline", quoted(stream->info_.sender)));
    }
  }
}

Task<Result<std::string>> StreamReader::read_all(Deadline deadline, std::size_t max_bytes) {
  std::string all;
  for (;;) {
    auto piece = co_await read(deadline);
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return all;
    if (all.size() + piece->size() > max_bytes) {
      co_return fail(Errc::overloaded, fmt::format("a stream of {} is longer than {} bytes", quoted(info().sender), max_bytes));
    }
    all += *piece;
  }
}

}  // namespace parley::livekit
