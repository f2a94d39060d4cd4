#include "livekit/room/messages.hpp"

#include "livekit/room/messages_state.hpp"

namespace parley::livekit {

namespace {

constexpr std::size_t kMaxTasks = Messages::kMaxServed + 1;  // and the one that sends what nobody waits for

}  // namespace

Messages::State::State(Scope& parent, DataPort& port, Logger logger)
    : core(std::make_shared<MessagesCore>(parent.loop(), port, std::move(logger))),
      incoming(std::make_shared<IncomingStreams>(core)),
      outgoing(std::make_shared<OutgoingStreams>(core)),
      client(std::make_shared<RpcClient>(core)),
      server(std::make_shared<RpcServer>(core)),
      scope(parent, "messages", kMaxTasks) {
  (void)scope.spawn("last words", MessagesCore::run(core));  // refused: the parent is stopping, and there will be none
}

Messages::Messages(Scope& parent, DataPort& port, Logger logger) : state_(std::make_unique<State>(parent, port, std::move(logger))) {}

Messages::~Messages() { close(); }

Task<Result<std::unique_ptr<StreamWriter>>> Messages::open_text(StreamOptions options, Deadline deadline) {
  return OutgoingStreams::open(state_->outgoing, true, std::move(options), deadline);
}

Task<Result<std::unique_ptr<StreamWriter>>> Messages::open_bytes(StreamOptions options, Deadline deadline) {
  return OutgoingStreams::open(state_->outgoing, false, std::move(options), deadline);
}

Task<Result<void>> Messages::send_text(std::string text, StreamOptions options, Deadline deadline) {
  return OutgoingStreams::send_text(state_->outgoing, std::move(text), std::move(options), deadline);
}

Channel<std::shared_ptr<StreamReader>>& Messages::text_streams(const std::string& topic) { return state_->incoming->readers(true, topic); }

Channel<std::shared_ptr<StreamReader>>& Messages::byte_streams(const std::string& topic) { return state_->incoming->readers(false, topic); }

Task<RpcResult> Messages::perform_rpc(std::string destination, std::string method, std::string payload, Duration response_within) {
  return RpcClient::perform(state_->client, std::move(destination), std::move(method), std::move(payload), response_within);
}

void Messages::register_method(const std::string& method, RpcHandler handler) { state_->server->register_method(method, std::move(handler)); }

void Messages::unregister_method(const std::string& method) { state_->server->unregister_method(method); }

Result<Messages::Unclaimed> Messages::received(std::string_view bytes) {
  auto& core = *state_->core;
  if (!core.port()) return fail(Errc::closing, "the room is being left");
  ++core.counters().packets;
  auto packet = read_packet(bytes);
  if (!packet) return core.malformed(packet.error().message());
  if (packet->has_user() || packet->has_sip_dtmf()) return state_->unclaimed(*packet);
  if (auto done = state_->dispatch(*packet); !done) return fail(done.error());
  return Unclaimed{};
}

Result<void> Messages::State::dispatch(const proto::DataPacket& packet) {
  using Value = proto::DataPacket::ValueCase;
  switch (packet.value_case()) {
    case Value::kStreamHeader: return incoming->header(packet);
    case Value::kStreamChunk: return incoming->chunk(packet);
    case Value::kStreamTrailer: return incoming->trailer(packet);
    case Value::kRpcRequest: return RpcServer::request(server, scope, packet);
    case Value::kRpcAck: client->acknowledged(packet.participant_identity(), packet.rpc_ack()); return {};
    case Value::kRpcResponse: client->answered(packet.participant_identity(), packet.rpc_response()); return {};
    case Value::kEncryptedPacket:
      return core->refuse(Complaint::packet, Errc::refused,
                          "a packet of " + quoted(packet.participant_identity()) + " is encrypted: turn end-to-end encryption off in rooms with this agent");
    default: core->ignore(); return {};  // other agents' transcriptions, metrics, speakers, what is newer than we are
  }
}

void Messages::participant_left(std::string_view identity) {
  state_->incoming->sender_left(identity);
  state_->client->participant_left(identity);
  state_->server->participant_left(identity);
}

void Messages::reset() {
  state_->incoming->fail_all({Errc::unavailable, "the connection to the room was made anew in the middle of a stream"});
  state_->outgoing->abandon_all();
  state_->client->fail_all();
}

const Messages::Counters& Messages::counters() const noexcept { return state_->core->counters(); }

void Messages::close() {
  if (!state_->core->port()) return;
  state_->core->close();
  state_->incoming->close();
  state_->client->fail_all();
  state_->scope.request_stop({StopCause::owner_closed, "the room is left"});
}

}  // namespace parley::livekit
