// What the library's callbacks of a connection to an SFU do. For native_sfu.cpp alone.
#pragma once

#include "rtc/native_parts.hpp"
#include "rtc/native_sfu.hpp"

namespace parley::rtc {

class NativeSfu::Listener : public Reporter<SfuEvent, SfuFlags> {
 public:
  Listener(Mailbox<SfuEvent>::Sender sender, const std::shared_ptr<SfuFlags>& flags, std::shared_ptr<Engine::State> engine,
           std::shared_ptr<Inbox> inbox)
      : Reporter(std::move(sender), flags, std::move(engine)), inbox_(std::move(inbox)) {}

  // RTP on a section; RTCP, with an empty mid.
  void packet(const std::string& mid, const ::rtc::binary& data) const {
    auto place = inbox_->for_packet();
    if (!place) return count_lost();
    push({.type = SfuEvent::Type::packet, .mid = mid, .bytes = copied(data), .place = std::move(place)});
  }

  // Everything that waits on a channel. On the thread that reads SCTP.
  void take(::rtc::DataChannel& channel, DataKind kind) const {
    while (auto message = channel.receive()) {
      auto bytes = std::visit([](const auto& data) { return bytes_of(data); }, *message);
      if (bytes.size() > SfuConnection::kMaxReceivedBytes) {
        logger().debug("a message with more than {} bytes was dropped", SfuConnection::kMaxReceivedBytes);
        count_lost();
      } else {
        take(std::move(bytes), kind);
      }
    }
  }

 private:
  static Bytes bytes_of(const ::rtc::binary& data) { return copied(data); }
  static Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }

  void take(Bytes bytes, DataKind kind) const {
    auto place = inbox_->for_message(bytes.size(), kind == DataKind::reliable ? SfuConnection::kStalledAfter : Duration::zero());
    if (place) return push({.type = SfuEvent::Type::data, .kind = kind, .bytes = std::move(bytes), .place = std::move(place)});
    count_lost();
    if (kind == DataKind::lossy || inbox_->closed()) return;
    logger().error("no data was taken for {} s: the connection ends",
                   std::chrono::duration_cast<std::chrono::seconds>(SfuConnection::kStalledAfter).count());
    inbox_->close();
    set(&SfuFlags::down);
  }

  const std::shared_ptr<Inbox> inbox_;
};

// Takes RTCP before the library hands it to tracks: it would look into reports without asking how long they are, and give a
// compound to every track that it concerns.
class RtcpTap final : public ::rtc::MediaHandler {
 public:
  explicit RtcpTap(std::function<void(const ::rtc::binary&)> take) : take_(std::move(take)) {}
  void incoming(::rtc::message_vector& messages, const ::rtc::message_callback&) override {
    std::erase_if(messages, [this](const ::rtc::message_ptr& message) {
      if (message->type != ::rtc::Message::Control) return false;
      take_(*message);
      return true;
    });
  }

 private:
  const std::function<void(const ::rtc::binary&)> take_;
};

}  // namespace parley::rtc
