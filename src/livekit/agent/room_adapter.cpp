#include "livekit/agent/room_adapter.hpp"

#include "livekit/agent/room_link.hpp"

namespace parley::livekit {

Task<Result<std::vector<Listed>>> ServerAdapter::list_participants(Deadline deadline) {
  auto told = co_await api_.list_participants(room_, deadline);
  if (!told) co_return fail(std::move(told.error()));
  std::vector<Listed> listed;
  for (const auto& each : *told) {
    if (each.state == "DISCONNECTED") continue;
    listed.push_back({.identity = each.identity,
                      .kind = each.kind.empty() ? ParticipantKind::standard : participant_kind(each.kind),
                      .on_behalf = each.attributes.contains(std::string(kPublishOnBehalf))});
  }
  co_return listed;
}

}  // namespace parley::livekit
