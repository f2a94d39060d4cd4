#include "fake_rooms.hpp"

namespace parley {

namespace json = boost::json;

namespace {

class Answer final : public net::ResponseStream {
 public:
  Answer(int status, std::string body) : body_(std::move(body)) {
    head_.status = status;
    head_.fields.add("Content-Type", "application/json");
  }
  const net::ResponseHead& head() const noexcept override { return head_; }
  Task<Result<std::string>> read(Deadline) override { co_return std::exchange(body_, {}); }

 private:
  net::ResponseHead head_;
  std::string body_;
};

}  // namespace

class FakeRooms::Http final : public net::HttpClient {
 public:
  explicit Http(FakeRooms& rooms) : rooms_(rooms) {}

  Task<Result<std::unique_ptr<net::ResponseStream>>> open(net::ClientRequest request, Deadline) override {
    co_await sleep_for(3ms);
    if (request.url.find("/ListParticipants") != std::string::npos) {
      ++rooms_.looks;
      json::array all;
      for (const auto& each : rooms_.present) all.push_back({{"identity", each}, {"kind", "STANDARD"}, {"state", "ACTIVE"}});
      co_return std::make_unique<Answer>(200, json::serialize(json::object{{"participants", std::move(all)}}));
    }
    if (request.url.find("/RemoveParticipant") == std::string::npos) co_return fail(Errc::not_found, "nobody asks for this: " + request.url);
    const auto asked = json::parse(request.body).as_object();
    rooms_.removals.push_back({std::string(asked.at("room").as_string()), std::string(asked.at("identity").as_string())});
    if (rooms_.refuse_removals > 0) {
      --rooms_.refuse_removals;
      co_return std::make_unique<Answer>(503, R"({"code":"unavailable","msg":"come back"})");
    }
    co_return std::make_unique<Answer>(200, "{}");
  }

 private:
  FakeRooms& rooms_;
};

class FakeRooms::Attached final : public worker::JobReports {
 public:
  Attached(FakeRooms& rooms, worker::Supervisor& supervisor, Scope& scope)
      : rooms_(rooms),
        http_(rooms),
        jobs_(scope, supervisor, http_, *this, {.credentials = {"http://livekit.test", "key", "a secret of some length, for HS256"}, .agent_name = "reception"}) {
    rooms_.jobs = &jobs_;
    jobs_.start();
  }
  ~Attached() override {
    if (rooms_.jobs == &jobs_) rooms_.jobs = nullptr;
  }
  void status(const std::string& job_id, livekit::JobStatus status, std::string error) override {
    rooms_.statuses.push_back({job_id, status, std::move(error)});
  }
  void load_changed() override { ++rooms_.load_changes; }

 private:
  FakeRooms& rooms_;
  Http http_;
  worker::LiveKitJobs jobs_;
};

std::shared_ptr<void> FakeRooms::attach(worker::Supervisor& supervisor, Scope& scope) {
  return std::make_shared<Attached>(*this, supervisor, scope);
}

}  // namespace parley
