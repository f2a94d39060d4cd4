// Jobs of a LiveKit server, each in a process of its own.
#include <csignal>

#include "worker_under_test.hpp"

namespace parley {
namespace {

class RoomJobs : public WorkerTest {
 protected:
  // The statuses that this supervisor told of a job, as words.
  std::vector<std::string> statuses(const std::string& job) {
    std::vector<std::string> words;
    for (const auto& status : ask({{"op", "rooms"}}).at("statuses").as_array()) {
      if (status.at(0) == json::string(job)) words.emplace_back(status.at(1).as_string());
    }
    return words;
  }
  // The call that serves it, once it is in its room.
  std::string assign(const std::string& job, json::object metadata = {}) {
    EXPECT_EQ(ask({{"op", "assign"}, {"job", job}, {"metadata", std::move(metadata)}}), json::object());
    std::string id;
    EXPECT_TRUE(eventually([&] {
      id = call_of(job);
      return !id.empty();
    })) << "it is not running";
    return id;
  }
  std::string call_of(const std::string& job) {
    for (const auto& one : ask({{"op", "status"}}).at("calls").as_array()) {
      const auto* served = one.as_object().if_contains("livekit_job_id");
      if (served && served->as_string() == job && one.at("phase").as_string() == "running") return std::string(one.at("call_id").as_string());
    }
    return {};
  }
  using Words = std::vector<std::string>;
};

TEST_F(RoomJobs, TakenBack_EndsInOrder_TheRecordSaysSo_AndTheServerIsToldOnce) {
  start();
  const auto id = assign("AJ_1");
  ask({{"op", "terminate"}, {"job", "AJ_1"}});
  const auto events = events_to_end(id);
  EXPECT_EQ(events.front().at("type"), "joined");
  EXPECT_EQ(events.front().at("data").at("room"), "table 4");
  EXPECT_EQ(events.back().at("data").at("cause"), "job_terminated");
  const auto record = terminal(id);
  EXPECT_EQ(record.at("reason"), "job_terminated");
  EXPECT_EQ(record.at("call").at("room"), "table 4");
  EXPECT_EQ(record.at("call").at("livekit").at("job_id"), "AJ_1");
  EXPECT_EQ(hook_lines(id), (Words{"first/1 1", "second/1 1"}));
  EXPECT_EQ(statuses("AJ_1"), (Words{"running", "success"}));
  EXPECT_TRUE(ask({{"op", "rooms"}}).at("removed").as_array().empty());
}

TEST_F(RoomJobs, CallerHadLeft_IsNoFailure) {
  start();
  EXPECT_EQ(ask({{"op", "assign"}, {"job", "AJ_1"}, {"metadata", {{"on_join", "gone"}}}}), json::object());
  EXPECT_TRUE(eventually([&] { return statuses("AJ_1") == Words{"running", "success"}; }));
  EXPECT_TRUE(eventually([&] { return ask({{"op", "status"}}).at("slots").at("in_use") == 0; }));
}

TEST_F(RoomJobs, ProcessKilled_FailedWithWhy_AgentAndTelephoneRemoved_HooksRunInAFreshOne) {
  start();
  const auto id = assign("AJ_1");
  ::kill(pid_of(id), SIGKILL);
  EXPECT_TRUE(eventually([&] { return ask({{"op", "rooms"}}).at("removed").as_array().size() == 2; }));
  EXPECT_EQ(statuses("AJ_1"), (Words{"running", "failed"}));
  EXPECT_EQ(ask({{"op", "rooms"}}).at("statuses").at(1).at(2), "its process was killed by signal 9");
  (void)terminal(id);
  EXPECT_EQ(hook_lines(id), (Words{"first/1 1", "second/1 1"}));
}

TEST_F(RoomJobs, CrashesWhileItJoins_FailedWithWhy) {
  start();
  EXPECT_EQ(ask({{"op", "assign"}, {"job", "AJ_1"}, {"metadata", {{"on_join", "crash"}}}}), json::object());
  EXPECT_TRUE(eventually([&] { return statuses("AJ_1") == Words{"running", "failed"}; }));
}

TEST_F(RoomJobs, JoinHangs_TheCallIsOverWithItsTimeForStarting) {
  start();
  EXPECT_EQ(ask({{"op", "assign"}, {"job", "AJ_1"}, {"metadata", {{"on_join", "hang"}}}}), json::object());
  EXPECT_TRUE(eventually([&] { return statuses("AJ_1") == Words{"running", "failed"}; }));
}

TEST_F(RoomJobs, SupervisorKilled_TheNextOneSaysThatItRuns_AndHowItEnds) {
  start();
  const auto id = assign("AJ_1");
  const int job = pid_of(id);
  kill_supervisor();
  start();
  EXPECT_EQ(statuses("AJ_1"), Words{"running"});
  EXPECT_EQ(call_of("AJ_1"), id);
  EXPECT_EQ(pid_of(id), job);
  EXPECT_EQ(ask({{"op", "status"}}).at("slots").at("in_use"), 1);
  ask({{"op", "terminate"}, {"job", "AJ_1"}});
  EXPECT_EQ(terminal(id).at("reason"), "job_terminated");
  EXPECT_EQ(statuses("AJ_1"), (Words{"running", "success"}));
}

TEST_F(RoomJobs, ItAndItsSupervisorAreKilled_TheNextOneTellsTheServer) {
  start();
  const auto id = assign("AJ_1");
  ASSERT_TRUE(eventually([&] { return !records(id, "call.started").empty(); }));
  const int job = pid_of(id);
  kill_supervisor();
  ::kill(job, SIGKILL);
  EXPECT_TRUE(eventually([&] { return gone(job); }));
  start();
  EXPECT_TRUE(eventually([&] { return statuses("AJ_1") == Words{"failed"}; }));
  EXPECT_TRUE(eventually([&] { return ask({{"op", "rooms"}}).at("removed").as_array().size() == 1; })) << "the agent";
  (void)terminal(id);
}

TEST_F(RoomJobs, Drain_NoNewJob_TheOneThatIsThereMayFinish) {
  start();
  const auto id = assign("AJ_1");
  ::kill(supervisor_pid(), SIGTERM);
  EXPECT_TRUE(eventually([&] { return ask({{"op", "status"}}).at("state") == "draining"; }));
  EXPECT_EQ(ask({{"op", "assign"}, {"job", "AJ_2"}, {"metadata", json::object()}}).at("error"), "declined");
  ask({{"op", "terminate"}, {"job", "AJ_1"}});
  EXPECT_EQ(wait_supervisor().code, 0);
  (void)terminal(id);
}

}  // namespace
}  // namespace parley
