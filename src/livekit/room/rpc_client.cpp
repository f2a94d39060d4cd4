#include "livekit/room/rpc_client.hpp"

#include <algorithm>

#include <parley/base/ids.hpp>
#include <parley/base/utf8.hpp>

#include "livekit/room/rpc_errors.hpp"

namespace parley::livekit {

namespace {

constexpr std::uint32_t kVersion = 1;
constexpr Duration kLeastForTheOtherSide = 1s;

// The time that the other side has, without the way there and back.
std::uint32_t effective_ms(Duration response_within) {
  const auto left = std::clamp(response_within - Messages::kRpcRoundTrip, kLeastForTheOtherSide, Duration(24h));
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
}

proto::DataPacket request_packet(const std::string& id, const std::string& destination, std::string method, std::string payload,
                                 Duration response_within) {
  auto packet = packet_to({destination});
  auto& request = *packet.mutable_rpc_request();
  request.set_id(id);
  request.set_method(valid_utf8(std::move(method)));
  request.set_payload(valid_utf8(std::move(payload)));
  request.set_response_timeout_ms(effective_ms(response_within));
  request.set_version(kVersion);
  return packet;
}

RpcResult read_answer(const proto::RpcResponse& response) {
  if (response.has_error()) return std::unexpected(from_proto(response.error()));
  if (response.has_compressed_payload()) return std::unexpected(built_in(RpcError::kUnsupportedVersion, "the response is compressed"));
  if (response.payload().size() > Messages::kMaxRpcBytes) return std::unexpected(built_in(RpcError::kResponseTooLarge));
  return response.payload();
}

}  // namespace

// In the table as long as the call runs, however it ends.
class RpcClient::Entry {
 public:
  Entry(std::shared_ptr<RpcClient> client, std::string id, std::string destination) : client_(std::move(client)), id_(std::move(id)) {
    asked_->destination = std::move(destination);
    client_->asked_.emplace(id_, asked_);
  }
  ~Entry() { client_->asked_.erase(id_); }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  Asked& operator*() const noexcept { return *asked_; }
  Asked* operator->() const noexcept { return asked_.get(); }

 private:
  std::shared_ptr<RpcClient> client_;
  std::string id_;
  std::shared_ptr<Asked> asked_ = std::make_shared<Asked>();
};

Task<RpcResult> RpcClient::perform(std::shared_ptr<RpcClient> client, std::string destination, std::string method, std::string payload,
                                   Duration response_within) {
  const auto core = client->core_;
  if (auto error = client->may_ask(destination, payload)) co_return std::unexpected(std::move(*error));
  auto id = make_id(core->loop().random(), "RPC_");
  const auto began = core->now();
  const auto whole = core->loop().in(std::max(response_within, Duration::zero()));
  const auto ack_by = Deadline(began + Messages::kRpcAckWithin).within(whole);
  ++core->counters().rpc_asked;

  const Entry entry(client, id, destination);
  auto sent = co_await MessagesCore::publish(core, rtc::DataKind::reliable,
                                             request_packet(id, destination, std::move(method), std::move(payload), response_within), ack_by);
  if (!sent && !entry->result) co_return std::unexpected(built_in(RpcError::kSendFailed, sent.error().message()));
  // The answer may overtake the acknowledgement, and counts as one.
  const auto known_by = core->loop().in(Messages::kRpcKnownWithin).within(ack_by);
  while (!entry->result) {
    entry->changed.reset();
    const bool unknown = !entry->acknowledged && !client->knows(destination);
    const auto until = entry->acknowledged ? whole : unknown ? known_by : ack_by;
    if (co_await entry->changed.wait(until) || entry->result) continue;
    if (entry->acknowledged || until == whole) co_return std::unexpected(built_in(RpcError::kResponseTimeout));
    if (!unknown) co_return std::unexpected(built_in(RpcError::kConnectionTimeout));
    if (!client->knows(destination)) co_return std::unexpected(built_in(RpcError::kRecipientNotFound));
  }
  co_return std::move(*entry->result);
}

bool RpcClient::knows(const std::string& identity) const {
  const auto* port = core_->port();
  return port && port->has_participant(identity);
}

std::optional<RpcError> RpcClient::may_ask(const std::string& destination, const std::string& payload) const {
  const auto* port = core_->port();
  if (!port) return built_in(RpcError::kRecipientDisconnected, "the room is being left");
  if (payload.size() > Messages::kMaxRpcBytes) return built_in(RpcError::kRequestTooLarge);
  if (!port->server_has_rpc()) return built_in(RpcError::kUnsupportedServer);
  // The server does not send our own packets back to us; one without destination would go to everybody.
  if (destination.empty() || destination == port->own_identity()) return built_in(RpcError::kRecipientNotFound);
  if (asked_.size() >= Messages::kMaxAsked) return built_in(RpcError::kSendFailed, "too many RPCs are waiting for their answers");
  return std::nullopt;
}

RpcClient::Asked* RpcClient::find(const std::string& sender, const std::string& id) {
  const auto found = asked_.find(id);
  if (found == asked_.end() || found->second->destination != sender) return nullptr;
  return found->second.get();
}

void RpcClient::acknowledged(const std::string& sender, const proto::RpcAck& ack) {
  auto* asked = find(sender, ack.request_id());
  if (!asked) return core_->ignore();
  asked->acknowledged = true;
  asked->changed.set();
}

void RpcClient::answered(const std::string& sender, const proto::RpcResponse& response) {
  auto* asked = find(sender, response.request_id());
  if (!asked || asked->result) return core_->ignore();
  conclude(*asked, read_answer(response));
}

void RpcClient::conclude(Asked& asked, RpcResult result) {
  if (!asked.result) asked.result = std::move(result);
  asked.changed.set();
}

void RpcClient::participant_left(std::string_view identity) {
  for (const auto& [id, asked] : asked_) {
    if (asked->destination == identity) conclude(*asked, std::unexpected(built_in(RpcError::kRecipientDisconnected)));
  }
}

void RpcClient::fail_all() {
  for (const auto& [id, asked] : asked_) conclude(*asked, std::unexpected(built_in(RpcError::kRecipientDisconnected)));
}

}  // namespace parley::livekit
