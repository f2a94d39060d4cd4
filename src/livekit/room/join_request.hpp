// How a room is asked for: what stands in the URL of the signal socket.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <parley/base/result.hpp>

#include "livekit/room/proto.hpp"

namespace parley::livekit {

inline constexpr int kSignalProtocol = 15;                   // what its messages are
inline constexpr int kClientProtocol = 0;                    // peers then use RPC v1 and data streams v1
inline constexpr std::size_t kMaxSignalUrlBytes = 8 * 1024;  // more than that no client of ours and few proxies carry

// Who we are and what we ask for in every join. Tracks and offer are the caller's to add.
proto::JoinRequest make_join_request(const std::string& metadata, const std::map<std::string, std::string>& attributes);
// The same participant comes back after its signal socket was lost.
proto::JoinRequest make_resume_request(const std::string& participant_sid, proto::ReconnectReason reason);

// `server`: ws, wss, http or https. Errc::invalid_argument: it is none of them. Errc::overloaded: longer than
// kMaxSignalUrlBytes.
Result<std::string> signal_url(std::string_view server, const proto::JoinRequest& request);

}  // namespace parley::livekit
