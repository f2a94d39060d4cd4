#include "livekit/room/messages_core.hpp"

#include <fmt/format.h>

namespace parley::livekit {

namespace {

// The room appends a number to reliable packets.
constexpr std::size_t kMaxPublishedBytes = rtc::SfuConnection::kMaxDataBytes - 16;

}  // namespace

void MessagesCore::close() noexcept {
  port_ = nullptr;
  unattended_.close();
  unattended_.clear();
}

std::unexpected<Error> MessagesCore::refuse(Complaint about, Errc code, std::string sentence) {
  ++counters_.refused;
  complain(about, sentence);
  return fail(code, std::move(sentence));
}

std::unexpected<Error> MessagesCore::malformed(std::string sentence) {
  ++counters_.malformed;
  complain(Complaint::packet, sentence);
  return fail(Errc::protocol, std::move(sentence));
}

void MessagesCore::complain(Complaint about, const std::string& sentence) {
  auto& voice = voices_[static_cast<std::size_t>(about)];
  if (now() < voice.next_line) {
    ++voice.unsaid;
    return;
  }
  if (voice.unsaid > 0) {
    logger_.warn("refused: {} (and {} others since the last such line)", sentence, voice.unsaid);
  } else {
    logger_.warn("refused: {}", sentence);
  }
  voice = {now() + Messages::kLogEvery, 0};
}

Task<Result<void>> MessagesCore::publish(std::shared_ptr<MessagesCore> core, rtc::DataKind kind, proto::DataPacket packet, Deadline deadline) {
  if (!core->port_) co_return fail(Errc::closing, "the room is being left");
  auto bytes = packet.SerializeAsString();
  if (bytes.size() > kMaxPublishedBytes) {
    co_return fail(Errc::invalid_argument, fmt::format("a packet of {} bytes does not fit: at most {}", bytes.size(), kMaxPublishedBytes));
  }
  co_return co_await core->port_->publish(kind, std::move(bytes), deadline);
}

void MessagesCore::send_unattended(const proto::DataPacket& packet) {
  if (!port_) return;
  if (!unattended_.try_push(packet.SerializeAsString())) {
    (void)refuse(Complaint::packet, Errc::overloaded, "more last words than can be sent: the reliable channel is stuck");
  }
}

Task<void> MessagesCore::run(std::shared_ptr<MessagesCore> core) {
  while (auto bytes = co_await core->unattended_.pop(Deadline::bounded_by_scope())) {
    if (!core->port_) co_return;
    auto sent = co_await core->port_->publish(rtc::DataKind::reliable, std::move(*bytes), core->loop_.in(kSendWithin));
    if (!sent) core->logger_.debug("not sent: {}", sent.error().message());
  }
}

}  // namespace parley::livekit
