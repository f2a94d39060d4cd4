#include "livekit/room/messages_packet.hpp"

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>

#include <parley/base/utf8.hpp>

#include "livekit/room/messages.hpp"

namespace parley::livekit {

namespace {

constexpr std::size_t kMapNodeBytes = 96;

std::size_t weight_of(const std::string& key, const std::string& value) noexcept { return key.size() + value.size() + kMapNodeBytes; }

// How many bytes the sequence that `lead` begins has; 0: it begins none.
std::size_t announced_by(unsigned char lead) noexcept {
  return lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
}

}  // namespace

Result<proto::DataPacket> read_packet(std::string_view bytes) {
  if (bytes.size() > Messages::kMaxPacketBytes) {
    return fail(Errc::protocol, fmt::format("a data packet of {} bytes is longer than any that peers send", bytes.size()));
  }
  // Protobuf reports broken UTF-8 on standard error, once a field.
  const google::protobuf::LogSilencer silence;
  proto::DataPacket packet;
  if (!packet.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(Errc::protocol, fmt::format("{} bytes of data are no DataPacket", bytes.size()));
  }
  return packet;
}

proto::DataPacket packet_to(const std::vector<std::string>& destinations) {
  proto::DataPacket packet;
  for (const auto& identity : destinations) packet.add_destination_identities(valid_utf8(identity));
  return packet;
}

void write_attributes(const std::map<std::string, std::string>& attributes, ProtoAttributes& out) {
  for (const auto& [key, value] : attributes) out[valid_utf8(key)] = valid_utf8(value);
}

void read_attributes(const ProtoAttributes& attributes, std::map<std::string, std::string>& out) {
  for (const auto& [key, value] : attributes) out[key] = value;
}

std::size_t weight(const ProtoAttributes& attributes) noexcept {
  std::size_t sum = 0;
  for (const auto& [key, value] : attributes) sum += weight_of(key, value);
  return sum;
}

std::size_t weight(const std::map<std::string, std::string>& attributes) noexcept {
  std::size_t sum = 0;
  for (const auto& [key, value] : attributes) sum += weight_of(key, value);
  return sum;
}

std::size_t whole_characters(std::string_view text) noexcept {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    return announced_by(byte) > back ? text.size() - back : text.size();
  }
  return text.size();
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto size = utf8_sequence(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string_view first_characters(std::string_view text, std::size_t max_bytes) noexcept {
  if (text.size() <= max_bytes) return text;
  text = text.substr(0, max_bytes);
  return text.substr(0, whole_characters(text));
}

std::string quoted(std::string_view name) {
  constexpr std::size_t kMaxNameBytes = 64;
  return fmt::format("\"{}{}\"", valid_utf8(std::string(first_characters(name, kMaxNameBytes))), name.size() > kMaxNameBytes ? "..." : "");
}

}  // namespace parley::livekit
