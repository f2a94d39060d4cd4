// The parts of Messages together.
#pragma once

#include "livekit/room/messages.hpp"
#include "livekit/room/messages_core.hpp"
#include "livekit/room/rpc_client.hpp"
#include "livekit/room/rpc_server.hpp"
#include "livekit/room/streams_in.hpp"
#include "livekit/room/streams_out.hpp"

namespace parley::livekit {

struct Messages::State {
  State(Scope& parent, DataPort& port, Logger logger);

  Result<void> dispatch(const proto::DataPacket& packet);
  Result<Unclaimed> unclaimed(const proto::DataPacket& packet);

  std::shared_ptr<MessagesCore> core;
  std::shared_ptr<IncomingStreams> incoming;
  std::shared_ptr<OutgoingStreams> outgoing;
  std::shared_ptr<RpcClient> client;
  std::shared_ptr<RpcServer> server;
  Scope scope;
};

}  // namespace parley::livekit
