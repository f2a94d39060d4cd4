#include "livekit/room/streams_out.hpp"

#include <optional>

#include <fmt/format.h>

#include <parley/base/ids.hpp>
#include <parley/base/utf8.hpp>

namespace parley::livekit {

namespace {

StreamInfo info_of(StreamOptions& options, bool text, Loop& loop, const std::string& own_identity) {
  if (options.id.empty()) options.id = make_id(loop.random(), "ST_");
  if (options.mime_type.empty()) options.mime_type = text ? "text/plain" : "application/octet-stream";
  return {.id = options.id, .topic = options.topic, .mime_type = options.mime_type, .name = options.name,
          .sender = options.sender.empty() ? own_identity : options.sender, .attributes = options.attributes,
          .total_bytes = options.total_bytes, .sent_at = loop.clock().wall()};
}

}  // namespace

// Shared by the writer and its running calls, so that a writer may be destroyed in the middle of one.
class OutgoingStreams::Stream {
 public:
  Stream(std::shared_ptr<OutgoingStreams> streams, bool text, StreamOptions options)
      : streams_(std::move(streams)),
        connection_(streams_->connection_),
        text_(text),
        info_(info_of(options, text, core()->loop(), core()->port()->own_identity())),
        destinations_(std::move(options.destinations)),
        on_behalf_(std::move(options.sender)) {
    ++streams_->open_;
  }
  ~Stream() {
    --streams_->open_;
    if (begun_ && !finished_ && usable_connection()) core()->send_unattended(trailer(error_ ? "error" : "interrupted", {}));
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  const StreamInfo& info() const noexcept { return info_; }

  static Task<Result<void>> begin(std::shared_ptr<Stream> stream, Deadline deadline) {
    auto sent = co_await stream->publish(stream->header(), deadline);
    stream->begun_ = sent.has_value();
    co_return sent;
  }

  static Task<Result<void>> write(std::shared_ptr<Stream> stream, std::string piece, Deadline deadline) {
    if (auto usable = stream->check_usable(); !usable) co_return usable;
    if (stream->text_) piece = stream->whole_text(std::move(piece));
    co_return co_await send_chunks(stream, std::move(piece), deadline);
  }

  static Task<Result<void>> finish(std::shared_ptr<Stream> stream, std::map<std::string, std::string> attributes, Deadline deadline) {
    if (auto usable = stream->check_usable(); !usable) co_return usable;
    if (!stream->half_.empty()) {
      auto rest = co_await send_chunks(stream, valid_utf8(std::exchange(stream->half_, {})), deadline);
      if (!rest) co_return rest;
    }
    const auto& total = stream->info_.total_bytes;
    if (total && stream->written_ != *total) {
      co_return stream->failed({Errc::invalid_argument, fmt::format("a stream of {} bytes was announced, and {} were written", *total, stream->written_)});
    }
    if (weight(attributes) > Messages::kMaxAttributesBytes) {
      co_return stream->failed({Errc::invalid_argument, "the attributes at the end of a stream are too long"});
    }
    auto sent = co_await stream->publish(stream->trailer({}, attributes), deadline);
    if (!sent) co_return stream->failed(sent.error());
    stream->finished_ = true;
    for (auto& [key, value] : attributes) stream->info_.attributes[key] = value;
    co_return Result<void>{};
  }

 private:
  const std::shared_ptr<MessagesCore>& core() const noexcept { return streams_->core_; }
  bool usable_connection() const noexcept { return core()->port() && connection_ == streams_->connection_; }

  Result<void> check_usable() const {
    if (finished_) return fail(Errc::invalid_argument, "the stream is finished already");
    if (error_) return fail(*error_);
    if (!core()->port()) return fail(Errc::closing, "the room is being left");
    if (!usable_connection()) return fail(Errc::unavailable, "the connection to the room was made anew in the middle of a stream");
    return {};
  }

  Result<void> failed(Error error) {
    error_ = error;
    return fail(std::move(error));
  }

  Task<Result<void>> publish(proto::DataPacket packet, Deadline deadline) {
    return MessagesCore::publish(core(), rtc::DataKind::reliable, std::move(packet), deadline);
  }

  static Task<Result<void>> send_chunks(std::shared_ptr<Stream> stream, std::string bytes, Deadline deadline) {
    for (std::string_view rest = bytes; !rest.empty();) {
      if (auto usable = stream->check_usable(); !usable) co_return usable;
      const auto piece = stream->text_ ? first_characters(rest, Messages::kChunkBytes) : rest.substr(0, Messages::kChunkBytes);
      if (auto sent = co_await stream->publish(stream->chunk(piece), deadline); !sent) co_return stream->failed(sent.error());
      stream->written_ += piece.size();
      rest.remove_prefix(piece.size());
    }
    co_return Result<void>{};
  }

  // `piece` behind what was kept of the last one, up to its last whole character.
  std::string whole_text(std::string piece) {
    piece.insert(0, std::exchange(half_, {}));
    const auto whole = whole_characters(piece);
    half_ = piece.substr(whole);
    piece.resize(whole);
    return valid_utf8(std::move(piece));
  }

  proto::DataPacket packet() const {
    auto packet = packet_to(destinations_);
    if (!on_behalf_.empty()) packet.set_participant_identity(valid_utf8(on_behalf_));
    return packet;
  }

  proto::DataPacket header() const {
    auto packet = this->packet();
    auto& header = *packet.mutable_stream_header();
    header.set_stream_id(valid_utf8(info_.id));
    header.set_timestamp(info_.sent_at.time_since_epoch().count());
    header.set_topic(valid_utf8(info_.topic));
    header.set_mime_type(valid_utf8(info_.mime_type));
    if (info_.total_bytes) header.set_total_length(*info_.total_bytes);
    write_attributes(info_.attributes, *header.mutable_attributes());
    if (text_) {
      header.mutable_text_header();
    } else {
      header.mutable_byte_header()->set_name(valid_utf8(info_.name));
    }
    return packet;
  }

  proto::DataPacket chunk(std::string_view content) {
    auto packet = this->packet();
    auto& chunk = *packet.mutable_stream_chunk();
    chunk.set_stream_id(valid_utf8(info_.id));
    chunk.set_chunk_index(next_chunk_++);
    chunk.set_content(content.data(), content.size());
    return packet;
  }

  proto::DataPacket trailer(std::string_view reason, const std::map<std::string, std::string>& attributes) const {
    auto packet = this->packet();
    auto& trailer = *packet.mutable_stream_trailer();
    trailer.set_stream_id(valid_utf8(info_.id));
    trailer.set_reason(std::string(reason));
    write_attributes(attributes, *trailer.mutable_attributes());
    return packet;
  }

  std::shared_ptr<OutgoingStreams> streams_;
  const std::uint64_t connection_;
  const bool text_;
  StreamInfo info_;
  const std::vector<std::string> destinations_;
  const std::string on_behalf_;
  std::uint64_t next_chunk_ = 0;
  std::uint64_t written_ = 0;
  std::string half_;
  bool begun_ = false;
  bool finished_ = false;
  std::optional<Error> error_;
};

class OutgoingStreams::Writer final : public StreamWriter {
 public:
  explicit Writer(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  const StreamInfo& info() const noexcept override { return stream_->info(); }
  Task<Result<void>> write(std::string piece, Deadline deadline) override { return Stream::write(stream_, std::move(piece), deadline); }
  Task<Result<void>> finish(std::map<std::string, std::string> attributes, Deadline deadline) override {
    return Stream::finish(stream_, std::move(attributes), deadline);
  }

 private:
  std::shared_ptr<Stream> stream_;
};

Task<Result<std::unique_ptr<StreamWriter>>> OutgoingStreams::open(std::shared_ptr<OutgoingStreams> streams, bool text, StreamOptions options,
                                                                  Deadline deadline) {
  if (!streams->core_->port()) co_return fail(Errc::closing, "the room is being left");
  if (streams->open_ >= Messages::kMaxStreams) {
    co_return fail(Errc::overloaded, fmt::format("{} streams are being written: finish one first", streams->open_));
  }
  if (weight(options.attributes) > Messages::kMaxAttributesBytes) co_return fail(Errc::invalid_argument, "the attributes of a stream are too long");
  if (options.id.size() > Messages::kMaxIdBytes) co_return fail(Errc::invalid_argument, "the id of a stream is too long");
  auto stream = std::make_shared<Stream>(streams, text, std::move(options));
  if (auto begun = co_await Stream::begin(stream, deadline); !begun) co_return fail(begun.error());
  co_return std::unique_ptr<StreamWriter>(std::make_unique<Writer>(std::move(stream)));
}

Task<Result<void>> OutgoingStreams::send_text(std::shared_ptr<OutgoingStreams> streams, std::string text, StreamOptions options, Deadline deadline) {
  text = valid_utf8(std::move(text));
  options.total_bytes = text.size();
  auto writer = co_await open(std::move(streams), true, std::move(options), deadline);
  if (!writer) co_return fail(writer.error());
  if (auto written = co_await (*writer)->write(std::move(text), deadline); !written) co_return written;
  co_return co_await (*writer)->finish({}, deadline);
}

}  // namespace parley::livekit
