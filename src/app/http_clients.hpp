// The clients of tools, hooks and mirrors, and those of calls in LiveKit rooms: they trust the authorities that are read before
// the first call, and go through the proxies of the environment.
#pragma once

#include <memory>

#include "app/builtin_providers.hpp"
#include "voice/room_way.hpp"
#include "webhook/end_hooks.hpp"

namespace parley::app {

// The error is that of a malformed proxy variable.
Result<webhook::ClientFactory> http_clients(std::shared_ptr<Assets> assets);
Result<voice::RoomClientFactory> room_clients(std::shared_ptr<Assets> assets);

}  // namespace parley::app
