// RPCs of ours: asked, acknowledged, answered.
//
// Thread: the loop's only.
// Bound:  Messages::kMaxAsked at a time; each ends within its own time, and without an acknowledgement in kRpcAckWithin.
// Ending: fail_all() answers everything that waits with 1503, at once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <parley/async/event.hpp>

#include "livekit/room/messages_core.hpp"

namespace parley::livekit {

class RpcClient {
 public:
  explicit RpcClient(std::shared_ptr<MessagesCore> core) : core_(std::move(core)) {}

  static Task<RpcResult> perform(std::shared_ptr<RpcClient> client, std::string destination, std::string method, std::string payload,
                                 Duration response_within);

  // From a peer; those of requests that are not waiting (any more), or that were put to somebody else, are ignored.
  void acknowledged(const std::string& sender, const proto::RpcAck& ack);
  void answered(const std::string& sender, const proto::RpcResponse& response);

  void participant_left(std::string_view identity);
  void fail_all();

  std::size_t waiting() const noexcept { return asked_.size(); }

 private:
  struct Asked {
    std::string destination;
    bool acknowledged = false;
    std::optional<RpcResult> result;
    Event changed;
  };
  class Entry;

  std::optional<RpcError> may_ask(const std::string& destination, const std::string& payload) const;
  bool knows(const std::string& identity) const;
  Asked* find(const std::string& sender, const std::string& id);
  static void conclude(Asked& asked, RpcResult result);

  std::shared_ptr<MessagesCore> core_;
  std::map<std::string, std::shared_ptr<Asked>> asked_;  // by request id
};

}  // namespace parley::livekit
