#include "livekit/room/rpc_server.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <parley/async/within.hpp>
#include <parley/base/exception.hpp>
#include <parley/base/utf8.hpp>

#include "livekit/room/rpc_errors.hpp"

namespace parley::livekit {

namespace {

constexpr std::uint32_t kVersion = 1;

proto::DataPacket ack_packet(const std::string& caller, const std::string& id) {
  auto packet = packet_to({caller});
  packet.mutable_rpc_ack()->set_request_id(id);
  return packet;
}

proto::DataPacket answer_packet(const std::string& caller, const std::string& id, RpcResult result) {
  auto packet = packet_to({caller});
  auto& response = *packet.mutable_rpc_response();
  response.set_request_id(id);
  if (result && result->size() > Messages::kMaxRpcBytes) result = std::unexpected(built_in(RpcError::kResponseTooLarge));
  if (result) {
    response.set_payload(valid_utf8(std::move(*result)));
  } else {
    to_proto(result.error(), *response.mutable_error());
  }
  return packet;
}

}  // namespace

// In the table as long as it is served, and remembered afterwards.
class RpcServer::Entry {
 public:
  Entry(std::shared_ptr<RpcServer> server, Key key) : server_(std::move(server)), key_(std::move(key)) { server_->serving_.emplace(key_, Serving{}); }
  ~Entry() {
    server_->serving_.erase(key_);
    server_->remember(std::move(key_));
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  const std::string& caller() const noexcept { return key_.first; }
  const std::string& id() const noexcept { return key_.second; }
  bool caller_left() const { return server_->serving_.at(key_).caller_left; }

 private:
  std::shared_ptr<RpcServer> server_;
  Key key_;
};

void RpcServer::register_method(const std::string& method, RpcHandler handler) {
  handlers_[method] = std::make_shared<const RpcHandler>(std::move(handler));
}

void RpcServer::unregister_method(const std::string& method) { handlers_.erase(method); }

Result<void> RpcServer::request(const std::shared_ptr<RpcServer>& server, Scope& scope, const proto::DataPacket& packet) {
  const auto& caller = packet.participant_identity();
  const auto& request = packet.rpc_request();
  if (auto may = server->may_serve(caller, request); !may) return may;
  auto entry = std::make_unique<Entry>(server, Key(caller, request.id()));
  auto started = scope.spawn("rpc", serve(server, std::move(entry), request));
  if (started) ++server->core_->counters().rpc_served;
  return started;
}

Result<void> RpcServer::may_serve(const std::string& caller, const proto::RpcRequest& request) {
  const auto refuse = [&](Errc code, std::string_view why) {
    return core_->refuse(Complaint::rpc, code, fmt::format("an RPC of {} for {}: {}", quoted(caller), quoted(request.method()), why));
  };
  // An answer to nobody would go to everybody.
  if (caller.empty()) return refuse(Errc::protocol, "it does not say who asks");
  if (request.id().empty() || request.id().size() > Messages::kMaxIdBytes) return refuse(Errc::protocol, "its id is empty or too long");
  const Key key(caller, request.id());
  if (serving_.contains(key) || remembered_keys_.contains(key)) return refuse(Errc::protocol, "it came before");
  const auto of_caller = std::ranges::count(serving_, caller, [](const auto& entry) -> const std::string& { return entry.first.first; });
  if (serving_.size() >= Messages::kMaxServed || of_caller >= static_cast<std::ptrdiff_t>(Messages::kMaxServedPerCaller)) {
    core_->send_unattended(ack_packet(caller, request.id()));  // peers wait for one before they look at an answer
    core_->send_unattended(answer_packet(caller, request.id(), std::unexpected(built_in(RpcError::kApplication, "too many requests at a time"))));
    return refuse(Errc::overloaded, "too many are being handled");
  }
  return {};
}

Task<void> RpcServer::serve(std::shared_ptr<RpcServer> server, std::unique_ptr<Entry> entry, proto::RpcRequest request) {
  const auto core = server->core_;
  const Duration given = std::min<Duration>(std::chrono::milliseconds(request.response_timeout_ms()), Messages::kLongestRpc);
  const auto deadline = core->loop().in(given > Duration::zero() ? given : Messages::kRpcWithin);
  const auto ack_by = core->loop().in(Messages::kRpcAckWithin);
  if (auto sent = co_await MessagesCore::publish(core, rtc::DataKind::reliable, ack_packet(entry->caller(), entry->id()), ack_by); !sent) {
    // The caller takes it for not received, so it is not done.
    core->logger().warn("an RPC of {} was not handled: its acknowledgement could not be sent: {}", quoted(entry->caller()), sent.error().message());
    co_return;
  }
  auto result = co_await answer(server,
                                {.id = entry->id(), .caller = entry->caller(), .method = request.method(), .payload = request.payload(), .response_within = given},
                                request.version(), !request.compressed_payload().empty(), deadline);
  if (entry->caller_left()) co_return;
  const auto answer_by = core->loop().in(MessagesCore::kSendWithin);
  auto sent = co_await MessagesCore::publish(core, rtc::DataKind::reliable, answer_packet(entry->caller(), entry->id(), std::move(result)), answer_by);
  if (!sent) core->logger().warn("the answer to an RPC of {} could not be sent: {}", quoted(entry->caller()), sent.error().message());
}

Task<RpcResult> RpcServer::answer(std::shared_ptr<RpcServer> server, RpcRequest request, std::uint32_t version, bool compressed, Deadline deadline) {
  if (version != kVersion || compressed) co_return std::unexpected(built_in(RpcError::kUnsupportedVersion));
  if (request.payload.size() > Messages::kMaxRpcBytes) co_return std::unexpected(built_in(RpcError::kRequestTooLarge));
  const auto found = server->handlers_.find(request.method);
  if (found == server->handlers_.end()) co_return std::unexpected(built_in(RpcError::kUnsupportedMethod));
  auto result = co_await within(deadline, run_handler(server->core_, found->second, std::move(request)));
  if (!result) co_return std::unexpected(built_in(RpcError::kResponseTimeout));
  co_return std::move(*result);
}

// What the handler throws stays here: its words are not for strangers.
Task<RpcResult> RpcServer::run_handler(std::shared_ptr<MessagesCore> core, std::shared_ptr<const RpcHandler> handler, RpcRequest request) {
  const auto method = quoted(request.method);
  try {
    co_return co_await (*handler)(std::move(request));
  } catch (const Stopped&) {
    throw;
  } catch (...) {
    core->logger().warn("the handler of RPC {} threw: {}", method, describe_current_exception());
  }
  co_return std::unexpected(built_in(RpcError::kApplication));
}

void RpcServer::participant_left(std::string_view identity) {
  for (auto& [key, serving] : serving_) {
    if (key.first == identity) serving.caller_left = true;
  }
}

void RpcServer::remember(Key key) {
  if (!remembered_keys_.insert(key).second) return;
  remembered_.push_back(std::move(key));
  if (remembered_.size() <= kRemembered) return;
  remembered_keys_.erase(remembered_.front());
  remembered_.pop_front();
}

}  // namespace parley::livekit
