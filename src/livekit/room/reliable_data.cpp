#include "livekit/room/reliable_data.hpp"

#include <algorithm>
#include <optional>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

namespace parley::livekit {

namespace {

namespace pb = google::protobuf;
using Wire = pb::internal::WireFormatLite;

// livekit_models.proto, DataPacket.
constexpr std::uint32_t kSequenceTag = Wire::MakeTag(16, Wire::WIRETYPE_VARINT);
constexpr std::uint32_t kSidTag = Wire::MakeTag(17, Wire::WIRETYPE_LENGTH_DELIMITED);

// Of a field that occurs twice the last one counts, so a number that is appended replaces the one that was there.
void append_sequence(std::string& packet, std::uint32_t sequence) {
  std::uint8_t field[16];
  auto* end = pb::io::CodedOutputStream::WriteVarint32ToArray(kSequenceTag, field);
  end = pb::io::CodedOutputStream::WriteVarint32ToArray(sequence, end);
  packet.append(reinterpret_cast<const char*>(field), static_cast<std::size_t>(end - field));
}

struct Number {
  std::string sid;
  std::uint32_t sequence = 0;
};

// Only the two fields; the rest is skipped, not checked. nullopt: this is no protobuf message, or the sid is too long.
std::optional<Number> read_number(std::string_view packet) {
  pb::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(packet.data()), static_cast<int>(packet.size()));
  Number number;
  for (;;) {
    const auto tag = in.ReadTag();
    if (tag == 0) return in.ConsumedEntireMessage() ? std::optional(std::move(number)) : std::nullopt;
    if (tag == kSequenceTag) {
      if (!in.ReadVarint32(&number.sequence)) return std::nullopt;
    } else if (tag == kSidTag) {
      std::uint32_t length = 0;
      if (!in.ReadVarint32(&length) || length > ReliableInbox::kMaxSidBytes) return std::nullopt;
      if (!in.ReadString(&number.sid, static_cast<int>(length))) return std::nullopt;
    } else if (!Wire::SkipField(&in, tag)) {
      return std::nullopt;
    }
  }
}

}  // namespace

const std::string& ReliableOutbox::add(std::string packet, TimePoint now) {
  const auto sequence = next_++;
  append_sequence(packet, sequence);
  bytes_ += packet.size();
  kept_.push_back({sequence, now, std::move(packet)});
  while (kept_.size() > 1 && (kept_.size() > kMaxPackets || bytes_ > kMaxBytes || now - kept_.front().sent_at > kKeptFor)) {
    drop_front();
    ++evicted_;
  }
  return kept_.back().packet;
}

void ReliableOutbox::acknowledged(std::uint32_t last_message_seq) {
  if (last_message_seq < acknowledged_ || last_message_seq >= next_) return;
  // What lies between the server's last one and the first that is kept.
  const auto first = kept_.empty() ? next_ : kept_.front().sequence;
  if (last_message_seq + 1 < first) lost_ += first - last_message_seq - 1;
  acknowledged_ = std::max(last_message_seq, first - 1);
  while (!kept_.empty() && kept_.front().sequence <= last_message_seq) drop_front();
}

std::vector<std::string_view> ReliableOutbox::replay() const {
  std::vector<std::string_view> packets;
  packets.reserve(kept_.size());
  for (const auto& kept : kept_) packets.emplace_back(kept.packet);
  return packets;
}

void ReliableOutbox::reset() {
  kept_.clear();
  bytes_ = 0;
  next_ = 1;
  acknowledged_ = 0;
}

void ReliableOutbox::drop_front() {
  bytes_ -= kept_.front().packet.size();
  kept_.pop_front();
}

Result<bool> ReliableInbox::accept(std::string_view packet, TimePoint now) {
  if (packet.size() > kMaxPacketBytes) return fail(Errc::protocol, "a data packet is too long to be one");
  const auto number = read_number(packet);
  if (!number) return fail(Errc::protocol, "what came on the reliable channel is no data packet");
  if (number->sequence == 0 || number->sid.empty()) return true;
  return accept(number->sid, number->sequence, now);
}

bool ReliableInbox::accept(const std::string& sid, std::uint32_t sequence, TimePoint now) {
  expire(now);
  const auto found = last_.find(sid);
  if (found != last_.end()) {
    const bool expired = now - found->second.heard_at > kRememberedFor;
    if (!expired && sequence <= found->second.sequence) {
      ++duplicates_;
      return false;
    }
    found->second = {sequence, now};
    return true;
  }
  if (last_.size() >= kMaxSenders) {
    last_.erase(std::ranges::min_element(last_, {}, [](const auto& entry) { return entry.second.heard_at; }));
  }
  last_.emplace(sid, Last{sequence, now});
  return true;
}

std::vector<ReliableInbox::State> ReliableInbox::states(TimePoint now) {
  next_expiry_ = now;
  expire(now);
  std::vector<State> states;
  states.reserve(last_.size());
  for (const auto& [sid, last] : last_) states.push_back({sid, last.sequence});
  return states;
}

void ReliableInbox::reset() { last_.clear(); }

// Once in half the time that an entry lives, so that a packet costs a look-up and no more.
void ReliableInbox::expire(TimePoint now) {
  if (now < next_expiry_) return;
  next_expiry_ = now + kRememberedFor / 2;
  std::erase_if(last_, [now](const auto& entry) { return now - entry.second.heard_at > kRememberedFor; });
}

}  // namespace parley::livekit
