#include "livekit/room/streams_in.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace parley::livekit {

namespace {

// The origin of packets that carry no sid: of a server before 1.9.1. A sid begins with "PA_".
std::string origin_of(const proto::DataPacket& packet) {
  return packet.participant_sid().empty() ? "identity " + packet.participant_identity() : packet.participant_sid();
}

std::size_t weight_of(const proto::DataStream_Header& header) {
  return weight(header.attributes()) + header.topic().size() + header.mime_type().size() + header.stream_id().size() + header.byte_header().name().size();
}

StreamInfo info_of(const proto::DataPacket& packet) {
  constexpr std::int64_t kLatestTimestampMs = 253'402'300'799'999;  // the last day of the year 9999
  const auto& header = packet.stream_header();
  StreamInfo info{.id = header.stream_id(), .topic = header.topic(), .mime_type = header.mime_type(), .name = header.byte_header().name(),
                  .sender = packet.participant_identity(), .attributes = {}, .total_bytes = std::nullopt};
  read_attributes(header.attributes(), info.attributes);
  // Zero stands for "not known" with peers that always write the field.
  if (header.total_length() > 0) info.total_bytes = header.total_length();
  info.sent_at = WallTime(std::chrono::milliseconds(std::clamp<std::int64_t>(header.timestamp(), 0, kLatestTimestampMs)));
  return info;
}

class Reader final : public StreamReader {
 public:
  Reader(std::shared_ptr<IncomingStream> stream, std::weak_ptr<IncomingStreams> table) : stream_(std::move(stream)), table_(std::move(table)) {}
  ~Reader() override {
    if (const auto table = table_.lock()) table->forget(*stream_);
  }
  const StreamInfo& info() const noexcept override { return stream_->info(); }
  Task<Result<std::string>> read(Deadline deadline) override { return IncomingStream::read(stream_, deadline); }

 private:
  std::shared_ptr<IncomingStream> stream_;
  std::weak_ptr<IncomingStreams> table_;
};

}  // namespace

// One timer for all: at the moment at which the first of them has been silent for too long.
class IncomingStreams::Sweep final : public Timer {
 public:
  explicit Sweep(IncomingStreams& streams) : streams_(streams) {}

 private:
  void fire() override { streams_.end_silent(); }
  IncomingStreams& streams_;
};

IncomingStreams::IncomingStreams(std::shared_ptr<MessagesCore> core) : core_(std::move(core)), sweep_(std::make_unique<Sweep>(*this)) {}

IncomingStreams::~IncomingStreams() = default;

IncomingStreams::Readers& IncomingStreams::readers(bool text, const std::string& topic) {
  auto& channel = (text ? text_ : bytes_)[topic];
  if (!channel) {
    channel = std::make_unique<Readers>(Messages::kMaxWaitingReaders);
    if (!core_->port()) channel->close();
  }
  return *channel;
}

Result<void> IncomingStreams::header(const proto::DataPacket& packet) {
  const auto& header = packet.stream_header();
  const bool text = header.has_text_header();
  if (!text && !header.has_byte_header()) {
    return core_->malformed(fmt::format("a stream of {} is neither text nor bytes", quoted(packet.participant_identity())));
  }
  const auto& channels = text ? text_ : bytes_;
  const auto channel = channels.find(header.topic());
  if (channel == channels.end()) {
    core_->ignore();
    return {};
  }
  Key key(origin_of(packet), header.stream_id());
  if (auto allowed = may_open(packet, key, *channel->second); !allowed) return allowed;

  auto stream = std::make_shared<IncomingStream>(info_of(packet), text, held_, core_->now());
  Result<void> inline_content;
  if (header.has_inline_content()) {
    inline_content = stream->take_content(header.inline_content());
    if (inline_content) inline_content = stream->take_trailer({});
  } else {
    streams_.emplace(std::move(key), stream);
    arm_sweep();
  }
  ++core_->counters().streams;
  (void)channel->second->try_push(std::make_shared<Reader>(std::move(stream), weak_from_this()));
  if (!inline_content) return core_->refuse(Complaint::stream, inline_content.error().code(), inline_content.error().message());
  return {};
}

Result<void> IncomingStreams::may_open(const proto::DataPacket& packet, const Key& key, const Readers& readers) {
  const auto& header = packet.stream_header();
  const auto refuse = [&](Errc code, std::string_view why) {
    return core_->refuse(Complaint::stream, code,
                         fmt::format("a stream of {} with topic {}: {}", quoted(packet.participant_identity()), quoted(header.topic()), why));
  };
  const auto bytes = weight_of(header);
  if (header.stream_id().empty() || header.stream_id().size() > Messages::kMaxIdBytes) return refuse(Errc::protocol, "its id is empty or too long");
  if (bytes > Messages::kMaxAttributesBytes) return refuse(Errc::overloaded, "its attributes are too long");
  if (header.compression() != proto::DataStream_CompressionType_NONE) return refuse(Errc::protocol, "it is compressed, which we do not announce to understand");
  if (streams_.contains(key)) return refuse(Errc::protocol, "one with this id is open already");
  if (streams_.size() >= Messages::kMaxStreams) return refuse(Errc::overloaded, "too many streams are open");
  const auto first = streams_.lower_bound(Key(key.first, {}));
  std::size_t of_sender = 0;
  for (auto at = first; at != streams_.end() && at->first.first == key.first; ++at) ++of_sender;
  if (of_sender >= Messages::kMaxStreamsPerSender) return refuse(Errc::overloaded, "too many of its sender are open");
  if (readers.full()) return refuse(Errc::overloaded, "too many of this topic wait to be read");
  if (*held_ + bytes > Messages::kMaxUnreadInAll) return refuse(Errc::overloaded, "too much of all streams is unread");
  return {};
}

Result<void> IncomingStreams::chunk(const proto::DataPacket& packet) {
  const auto& chunk = packet.stream_chunk();
  const auto at = find(packet, chunk.stream_id());
  if (at == streams_.end()) {
    core_->ignore();
    return {};
  }
  if (auto taken = at->second->take_chunk(chunk, packet.participant_identity(), core_->now()); !taken) return end_refused(at, taken.error());
  return {};
}

Result<void> IncomingStreams::trailer(const proto::DataPacket& packet) {
  const auto& trailer = packet.stream_trailer();
  const auto at = find(packet, trailer.stream_id());
  if (at == streams_.end()) {
    core_->ignore();
    return {};
  }
  // Given up by its sender is no fault of the packet's.
  auto taken = at->second->take_trailer(trailer);
  if (!taken && taken.error().code() != Errc::unavailable) return end_refused(at, taken.error());
  streams_.erase(at);
  return {};
}

IncomingStreams::Streams::iterator IncomingStreams::find(const proto::DataPacket& packet, const std::string& stream_id) {
  return streams_.find(Key(origin_of(packet), stream_id));
}

Result<void> IncomingStreams::end_refused(Streams::iterator at, const Error& error) {
  streams_.erase(at);
  return core_->refuse(Complaint::stream, error.code(), error.message());
}

void IncomingStreams::sender_left(std::string_view identity) {
  std::erase_if(streams_, [&](const auto& entry) {
    if (entry.second->origin() != identity) return false;
    entry.second->fail_with({Errc::unavailable, fmt::format("{} left in the middle of a stream", quoted(identity))});
    return true;
  });
}

void IncomingStreams::fail_all(const Error& error) {
  for (const auto& [key, stream] : std::exchange(streams_, {})) stream->fail_with(error);
  sweep_->disarm();
}

void IncomingStreams::close() {
  fail_all({Errc::closing, "the room is being left"});
  for (auto* channels : {&text_, &bytes_}) {
    for (auto& [topic, channel] : *channels) channel->close();
  }
}

void IncomingStreams::forget(const IncomingStream& stream) {
  std::erase_if(streams_, [&](const auto& entry) { return entry.second.get() == &stream; });
}

void IncomingStreams::end_silent() {
  const auto now = core_->now();
  std::erase_if(streams_, [&](const auto& entry) {
    if (entry.second->heard_at() + Messages::kStreamSilence > now) return false;
    entry.second->fail_with({Errc::unavailable, fmt::format("nothing more came of a stream of {}", quoted(entry.second->info().sender))});
    return true;
  });
  arm_sweep();
}

void IncomingStreams::arm_sweep() {
  if (sweep_->armed() || streams_.empty()) return;
  const auto first = std::ranges::min_element(streams_, {}, [](const auto& entry) { return entry.second->heard_at(); });
  core_->loop().arm(*sweep_, first->second->heard_at() + Messages::kStreamSilence);
}

}  // namespace parley::livekit
