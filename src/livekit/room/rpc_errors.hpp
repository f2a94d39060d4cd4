// LiveKit's own RPC errors, with the words that its SDKs have for them.
#pragma once

#include <string>
#include <string_view>

#include "livekit/room/messages.hpp"
#include "livekit/room/messages_packet.hpp"

namespace parley::livekit {

RpcError built_in(std::uint32_t code, std::string data = {});

RpcError from_proto(const proto::RpcError& error);
void to_proto(const RpcError& error, proto::RpcError& out);  // cut to what peers take

}  // namespace parley::livekit
