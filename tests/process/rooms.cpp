#include "rooms.hpp"

namespace parley {

namespace json = boost::json;

namespace {

class Done final : public net::ResponseStream {
 public:
  const net::ResponseHead& head() const noexcept override { return head_; }
  Task<Result<std::string>> read(Deadline) override { co_return std::exchange(body_, {}); }

 private:
  net::ResponseHead head_{.status = 200, .minor_version = 1, .fields = {{"Content-Type", "application/json"}}};
  std::string body_ = "{}";
};

}  // namespace

Rooms::Rooms(Scope& parent, worker::CallDesk& desk)
    : jobs_(parent, dynamic_cast<worker::Supervisor&>(desk), *this, *this,
            {.credentials = {"http://livekit.test", "key", "a secret of some length, for HS256"}, .agent_name = "tester"}) {
  jobs_.start();
}

json::object Rooms::assign(const std::string& job, const json::value& metadata) {
  const livekit::JobOffer offer{.id = job, .room_sid = "RM_1", .room_name = "table 4", .metadata = json::serialize(metadata)};
  if (!jobs_.offered(offer).available) return {{"error", "declined"}};
  jobs_.start({.job = offer, .url = "ws://livekit.test", .token = "a.b.c", .participant_identity = "agent-" + job});
  return {};
}

json::object Rooms::terminate(const std::string& job) {
  jobs_.terminate(job);
  return {};
}

json::object Rooms::told() const { return {{"statuses", statuses_}, {"removed", removed_}}; }

void Rooms::status(const std::string& job_id, livekit::JobStatus status, std::string error) {
  static constexpr const char* kNames[] = {"running", "success", "failed"};
  statuses_.push_back(json::array{job_id, kNames[static_cast<int>(status)], error});
}

Task<Result<std::unique_ptr<net::ResponseStream>>> Rooms::open(net::ClientRequest request, Deadline) {
  if (request.url.ends_with("/RemoveParticipant")) removed_.push_back(json::parse(request.body).at("identity"));
  co_return std::make_unique<Done>();
}

}  // namespace parley
