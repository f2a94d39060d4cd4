// RPCs of others: acknowledged, handled once, answered.
//
// Thread: the loop's only.
// Bound:  Messages::kMaxServed at a time, kMaxServedPerCaller of one caller; what comes beyond is answered with 1500 as long as
//         such answers can be sent. Each is bounded by the time that its caller gives and by kLongestRpc. kRemembered ids of
//         those that are over are kept, so that a request that comes twice is handled once.
// Ending: the scope's: handlers are its tasks.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "livekit/room/messages_core.hpp"

namespace parley::livekit {

class RpcServer {
 public:
  static constexpr std::size_t kRemembered = 256;

  explicit RpcServer(std::shared_ptr<MessagesCore> core) : core_(std::move(core)) {}

  void register_method(const std::string& method, RpcHandler handler);
  void unregister_method(const std::string& method);

  // Starts handling it in `scope`.
  static Result<void> request(const std::shared_ptr<RpcServer>& server, Scope& scope, const proto::DataPacket& packet);

  // Its answers are not sent any more.
  void participant_left(std::string_view identity);

  std::size_t serving() const noexcept { return serving_.size(); }

 private:
  using Key = std::pair<std::string, std::string>;  // caller, request id
  struct Serving {
    bool caller_left = false;
  };
  class Entry;

  Result<void> may_serve(const std::string& caller, const proto::RpcRequest& request);
  static Task<void> serve(std::shared_ptr<RpcServer> server, std::unique_ptr<Entry> entry, proto::RpcRequest request);
  static Task<RpcResult> answer(std::shared_ptr<RpcServer> server, RpcRequest request, std::uint32_t version, bool compressed, Deadline deadline);
  static Task<RpcResult> run_handler(std::shared_ptr<MessagesCore> core, std::shared_ptr<const RpcHandler> handler,
                                     RpcRequest request);
  void remember(Key key);

  std::shared_ptr<MessagesCore> core_;
  std::map<std::string, std::shared_ptr<const RpcHandler>> handlers_;
  std::map<Key, Serving> serving_;
  std::deque<Key> remembered_;
  std::set<Key> remembered_keys_;
};

}  // namespace parley::livekit
