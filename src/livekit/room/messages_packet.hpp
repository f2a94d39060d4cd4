// DataPackets between bytes and protobuf's objects, and text as it may stand in them.
//
// Thread: any.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <parley/base/result.hpp>

#include "livekit_models.pb.h"

namespace parley::livekit {

namespace proto = ::livekit;

using ProtoAttributes = google::protobuf::Map<std::string, std::string>;

// Errc::protocol: no DataPacket, or longer than Messages::kMaxPacketBytes.
Result<proto::DataPacket> read_packet(std::string_view bytes);

// To these identities; none: to everybody.
proto::DataPacket packet_to(const std::vector<std::string>& destinations);

void write_attributes(const std::map<std::string, std::string>& attributes, ProtoAttributes& out);
void read_attributes(const ProtoAttributes& attributes, std::map<std::string, std::string>& out);

// What attributes take in memory, roughly: that of their bytes and of a node of a map for each.
std::size_t weight(const ProtoAttributes& attributes) noexcept;
std::size_t weight(const std::map<std::string, std::string>& attributes) noexcept;

// The length of `text` without the beginning of a character at its end whose rest is still to come: at most 3 bytes less.
std::size_t whole_characters(std::string_view text) noexcept;
bool is_utf8(std::string_view text) noexcept;
// At most `max_bytes` of it, cut between characters.
std::string_view first_characters(std::string_view text, std::size_t max_bytes) noexcept;

// Of a name that a stranger chose, for messages: short, valid, in quotes.
std::string quoted(std::string_view name);

}  // namespace parley::livekit
