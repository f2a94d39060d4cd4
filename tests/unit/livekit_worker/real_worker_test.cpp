// A worker at a real LiveKit server.
#include <csignal>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <functional>

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include "livekit/worker/agent_worker.hpp"
#include "livekit_test/real_server.hpp"

namespace parley::livekit {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

class OneSlot final : public JobHost {
 public:
  JobReply offered(const JobOffer& offer) override {
    offers.push_back(offer);
    if (taken) return {};
    taken = true;
    return {.available = true, .participant_name = "Agent", .participant_attributes = {{"a", "1"}}};
  }
  void start(JobStart job) override { starts.push_back(std::move(job)); }
  void release(const std::string&) override { taken = false; }
  void terminate(const std::string& job_id) override { terminated.push_back(job_id); }
  bool available() const noexcept override { return !taken; }
  double load() const noexcept override { return taken ? 1 : 0; }
  std::size_t job_count() const noexcept override { return taken ? 1 : 0; }

  bool taken = false;
  std::vector<JobOffer> offers;
  std::vector<JobStart> starts;
  std::vector<std::string> terminated;
};

class RealWorker : public AtRealServer {
 public:
  void SetUp() override {
    AtRealServer::SetUp();
    settings.credentials = credentials;
    settings.agent_name = "agent-of-" + room;
    settings.version = "0.1";
  }
  void TearDown() override {
    worker.reset();
    AtRealServer::TearDown();
  }

  void start_worker() {
    worker.emplace(scope(), *sockets, settings, host, Logger{});
    worker->start();
  }
  Task<bool> until(std::function<bool()> condition, Duration limit = 10s) {
    const auto deadline = in(limit);
    while (!condition() && !deadline.passed(loop().now())) co_await sleep_for(10ms);
    co_return condition();
  }
  Task<bool> registered() { co_return co_await until([this] { return worker->registered(); }); }
  Task<void> close() {
    const auto report = co_await worker->close(soon());
    EXPECT_TRUE(report.clean()) << to_string(report);
  }
  // Whether the server lists this job as one of the dispatch; it does so a while after its assignment.
  Task<bool> listed(std::string dispatch_id, std::string job_id) {
    for (const auto deadline = soon(); !deadline.passed(loop().now());) {
      const auto all = co_await api->list_dispatches(room, soon());
      const auto here = [&](const DispatchInfo& one) { return one.id == dispatch_id && std::ranges::count(one.job_ids, job_id) == 1; };
      if (all && std::ranges::any_of(*all, here)) co_return true;
      co_await sleep_for(20ms);
    }
    co_return false;
  }

  Task<void> whole_job();
  Task<void> full();
  Task<void> participant_job();
  Task<void> wrong_secret();
  Task<void> restarted();

  AgentWorkerSettings settings;
  OneSlot host;
  std::optional<AgentWorker> worker;
};

Task<void> RealWorker::whole_job() {
  start_worker();
  CO_ASSERT(co_await registered());
  EXPECT_TRUE(worker->worker_id().starts_with("AW_")) << worker->worker_id();
  const auto dispatch = co_await api->create_dispatch(room, settings.agent_name, "{\"table\":4}", soon());
  CO_ASSERT_OK(dispatch);
  CO_ASSERT(co_await until([this] { return !host.starts.empty(); }));
  const auto& start = host.starts.at(0);
  EXPECT_EQ(start.job.dispatch_id, dispatch->id);
  EXPECT_EQ(start.job.room_name, room);
  EXPECT_EQ(start.job.metadata, "{\"table\":4}");
  EXPECT_EQ(start.job.agent_name, settings.agent_name);
  EXPECT_EQ(start.participant_identity, "agent-" + start.job.id);
  const auto token = read_token(start.token);
  CO_ASSERT_OK(token);
  EXPECT_EQ(token->identity, start.participant_identity);
  EXPECT_EQ(token->claims.at("kind"), "agent");
  EXPECT_EQ(token->claims.at("name"), "Agent");
  EXPECT_EQ(token->claims.at("video").at("room").as_string(), room);
  EXPECT_EQ(token->claims.at("attributes").at("a"), "1");
  EXPECT_EQ(token->claims.at("attributes").at("lk.agent.name").as_string(), settings.agent_name);
  CO_ASSERT(token->expires.has_value());
  EXPECT_NEAR(to_seconds(*token->expires - loop().clock().wall()), 3600, 60);
  EXPECT_TRUE(co_await listed(dispatch->id, start.job.id));
  CO_ASSERT_OK(co_await api->delete_dispatch(room, dispatch->id, soon()));
  CO_ASSERT(co_await until([this] { return !host.terminated.empty(); }, 15s));  // the server takes its time
  EXPECT_EQ(host.terminated.at(0), start.job.id);
  worker->status(start.job.id, JobStatus::success);
  co_await close();
  (void)co_await api->delete_room(room, soon());
}

Task<void> RealWorker::full() {
  start_worker();
  CO_ASSERT(co_await registered());
  for (int i = 0; i < 3; ++i) {
    CO_ASSERT_OK(co_await api->create_dispatch(room, settings.agent_name, "", soon()));
  }
  CO_ASSERT(co_await until([this] { return !host.starts.empty(); }));
  co_await sleep_for(300ms);
  EXPECT_EQ(host.starts.size(), 1u);
  EXPECT_EQ(worker->counters().accepted, 1u);
  host.taken = false;
  worker->status(host.starts.at(0).job.id, JobStatus::failed, "the test ends it");
  worker->load_changed();
  co_await sleep_for(300ms);  // until the server knows that there is room
  CO_ASSERT_OK(co_await api->create_dispatch(room, settings.agent_name, "", soon()));
  EXPECT_TRUE(co_await until([this] { return host.starts.size() == 2; }));
  co_await close();
  (void)co_await api->delete_room(room, soon());
}

Task<void> RealWorker::participant_job() {
  settings.type = JobType::participant;
  settings.agent_name.clear();
  start_worker();
  CO_ASSERT(co_await registered());
  co_await sleep_for(300ms);
  auto caller = co_await join(to_join("caller"));
  CO_ASSERT_OK(caller);
  EXPECT_TRUE(co_await until([this] { return !host.starts.empty(); }, 3s));
  if (!host.starts.empty()) {
    EXPECT_EQ(host.starts.at(0).job.type, JobType::participant);
    CO_ASSERT(host.starts.at(0).job.participant.has_value());
    EXPECT_EQ(host.starts.at(0).job.participant->identity, "caller");
  }
  caller->reset();
  co_await close();
  (void)co_await api->delete_room(room, soon());
}

Task<void> RealWorker::wrong_secret() {
  settings.credentials.api_secret = "another-secret-of-at-least-32-chars";
  start_worker();
  CO_ASSERT(co_await until([this] { return worker->trouble() != "not registered yet"; }));
  EXPECT_THAT(worker->trouble(), HasSubstr("refuses this worker (401): look at LIVEKIT_API_KEY and LIVEKIT_API_SECRET"));
  EXPECT_FALSE(worker->registered());
  co_await close();
}

// Starts the server again, as it was.
class ServerAgain {
 public:
  ServerAgain(std::string program, std::string config) {
    std::string option = "--config";
    char* arguments[] = {program.data(), option.data(), config.data(), nullptr};
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &quiet, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&quiet);
  }
  ~ServerAgain() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = -1;
};

Task<void> RealWorker::restarted() {
  start_worker();
  CO_ASSERT(co_await registered());
  const auto before = worker->worker_id();
  kill(static_cast<pid_t>(std::stol(variable("PARLEY_LIVEKIT_PID"))), SIGKILL);
  CO_ASSERT(co_await until([this] { return !worker->registered(); }));
  EXPECT_NE(worker->trouble(), "");
  co_await sleep_for(500ms);
  EXPECT_FALSE(worker->registered());
  const ServerAgain server(variable("PARLEY_LIVEKIT_SERVER"), variable("PARLEY_LIVEKIT_CONFIG"));
  CO_ASSERT(co_await until([this] { return worker->registered(); }, 20s));
  EXPECT_NE(worker->worker_id(), before);
  CO_ASSERT_OK(co_await api->create_dispatch(room, settings.agent_name, "", soon()));
  EXPECT_TRUE(co_await until([this] { return !host.starts.empty(); }));
  co_await close();
}

TEST_F(RealWorker, Dispatched_Accepts_IsAssignedAToken_AndIsToldToLeave) { run(whole_job()); }
TEST_F(RealWorker, Full_IsNotGivenMore_AndIsAskedAgainWhenItHasRoom) { run(full()); }
TEST_F(RealWorker, OfTheTypeParticipant_IsGivenOneForEachWhoJoins) { run(participant_job()); }
TEST_F(RealWorker, WithTheWrongSecret_SaysWhatIsWrong) { run(wrong_secret()); }
// The last: the server of the others is gone after it.
TEST_F(RealWorker, ServerThatIsKilledAndStartedAgain_HasItAgain) { run(restarted()); }

}  // namespace
}  // namespace parley::livekit
