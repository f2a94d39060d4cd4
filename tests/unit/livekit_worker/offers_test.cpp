// Jobs: offered, taken, assigned, ended.
#include "fixture.hpp"

namespace parley::livekit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Message = ::livekit::WorkerMessage;

class JobOffers : public WorkerTest {};

TEST_F(JobOffers, Accepted_Assigned_Started_WithWhatTheServerSaid) {
  register_worker();
  host.reply.participant_name = "Reception";
  server.offer("AJ_1");
  world.run_for(1s);
  ASSERT_EQ(host.starts.size(), 1u);
  const auto& start = host.starts[0];
  EXPECT_EQ(start.job.room_name, "lobby");
  EXPECT_EQ(start.job.dispatch_id, "AD_AJ_1");
  EXPECT_EQ(start.token, "token-of-AJ_1");
  EXPECT_EQ(start.url, "ws://lk.example/");
  EXPECT_EQ(start.participant_identity, "agent-AJ_1");
  const auto answers = server.all(Message::kAvailability);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].message.availability().participant_name(), "Reception");
  EXPECT_EQ(answers[0].message.availability().participant_attributes().at("lk.agent.name"), "reception");
  EXPECT_THAT(server.statuses("AJ_1"), ElementsAre(::livekit::JS_RUNNING));
  end("AJ_1", JobStatus::failed, "it broke");
  world.run_for(1s);
  EXPECT_THAT(server.statuses("AJ_1"), ElementsAre(::livekit::JS_RUNNING, ::livekit::JS_FAILED));
  EXPECT_EQ(server.all(Message::kUpdateJob).back().message.update_job().error(), "it broke");
}

TEST_F(JobOffers, IdentityAndAddressThatAreGiven_Stand) {
  register_worker();
  server.assigns = false;
  host.reply.participant_identity = "clerk";
  server.offer("AJ_1");
  world.run_for(1s);
  server.assign(SimServer::job("AJ_1"), "wss://edge.example");
  world.run_for(1s);
  ASSERT_EQ(host.starts.size(), 1u);
  EXPECT_EQ(host.starts[0].participant_identity, "clerk");
  EXPECT_EQ(host.starts[0].url, "wss://edge.example");
}

TEST_F(JobOffers, TwoHundredInOneSecond_TwentySlots_ExactlyTwentyAreTaken_TheOthersDeclinedAtOnce) {
  register_worker();
  std::map<std::string, TimePoint> offered;
  for (int i = 0; i < 200; ++i) {
    const auto id = "AJ_" + std::to_string(i);
    offered[id] = world.now();
    server.offer(id);
    if (i % 2) world.run_for(5ms);
  }
  world.run_for(1s);
  const auto answers = server.all(Message::kAvailability);
  ASSERT_EQ(answers.size(), 200u);
  EXPECT_EQ(std::ranges::count_if(answers, [](const auto& one) { return one.message.availability().available(); }), 20);
  for (const auto& one : answers) EXPECT_LT(one.at - offered.at(one.message.availability().job_id()), 100ms);
  EXPECT_EQ(host.starts.size(), 20u);
  EXPECT_EQ(worker->counters().offers, 200u);
  EXPECT_EQ(worker->counters().declined, 180u);
}

TEST_F(JobOffers, TwoHundredInOneMoment_AreAnsweredLikewise) {
  register_worker();
  const auto before = world.now();
  for (int i = 0; i < 200; ++i) server.offer("AJ_" + std::to_string(i));
  world.run_for(1s);
  const auto answers = server.all(Message::kAvailability);
  ASSERT_EQ(answers.size(), 200u);
  EXPECT_LT(answers.back().at - before, 100ms);
  EXPECT_EQ(host.running.size(), 20u);
}

TEST_F(JobOffers, FullWorker_SaysSo_AndThatItHasRoomAgain) {
  host.slots = 1;
  register_worker();
  world.run_for(1s);
  EXPECT_EQ(server.all(Message::kUpdateWorker).back().message.update_worker().status(), ::livekit::WS_AVAILABLE);
  server.offer("AJ_1");
  world.run_for(200ms);
  const auto full = server.all(Message::kUpdateWorker).back().message.update_worker();
  EXPECT_EQ(full.status(), ::livekit::WS_FULL);
  EXPECT_FLOAT_EQ(full.load(), static_cast<float>(AgentWorker::kFullLoad));
  EXPECT_EQ(full.job_count(), 1u);
  end("AJ_1");
  world.run_for(200ms);
  EXPECT_EQ(server.all(Message::kUpdateWorker).back().message.update_worker().status(), ::livekit::WS_AVAILABLE);
}

TEST_F(JobOffers, AssignmentThatNeverComes_FreesTheSlotAfterItsTime) {
  server.assigns = false;
  register_worker();
  server.offer("AJ_1");
  world.run_for(AgentWorker::kAssignmentWithin - 100ms);
  EXPECT_EQ(host.reserved.size(), 1u);
  world.run_for(200ms);
  EXPECT_THAT(host.released, ElementsAre("AJ_1"));
  EXPECT_EQ(worker->counters().unassigned, 1u);
}

TEST_F(JobOffers, AssignmentThatComesTooLate_StartsNothing_AndTheServerIsTold) {
  server.assigns = false;
  register_worker();
  server.offer("AJ_1");
  world.run_for(AgentWorker::kAssignmentWithin + 100ms);
  server.assign(SimServer::job("AJ_1"));
  world.run_for(1s);
  EXPECT_THAT(host.starts, IsEmpty());
  EXPECT_THAT(server.statuses("AJ_1"), ElementsAre(::livekit::JS_FAILED));
}

TEST_F(JobOffers, AssignmentSaidTwice_StartsOnce) {
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  server.assign(SimServer::job("AJ_1"));
  world.run_for(1s);
  EXPECT_EQ(host.starts.size(), 1u);
  EXPECT_THAT(server.statuses("AJ_1"), ElementsAre(::livekit::JS_RUNNING));
}

TEST_F(JobOffers, JobThatIsHereAlready_IsNotTakenTwice) {
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  server.offer("AJ_1");
  world.run_for(1s);
  EXPECT_EQ(host.offers.size(), 1u);
  EXPECT_FALSE(server.all(Message::kAvailability).back().message.availability().available());
  EXPECT_EQ(host.running.size(), 1u);
}

TEST_F(JobOffers, Termination_ReachesTheHost_OrFreesTheSlot) {
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  server.terminate("AJ_1");
  server.terminate("AJ_unknown");
  world.run_for(1s);
  EXPECT_THAT(host.terminated, ElementsAre("AJ_1", "AJ_unknown"));
  server.assigns = false;
  server.offer("AJ_2");
  world.run_for(1s);
  server.terminate("AJ_2");
  world.run_for(1s);
  EXPECT_THAT(host.released, ElementsAre("AJ_2"));
  EXPECT_EQ(host.terminated.size(), 2u);
}

TEST_F(JobOffers, HostThatWantsNobodyAskedAnyMore_IsHeard) {
  class Closed final : public JobHost {
   public:
    JobReply offered(const JobOffer&) override { return {.terminate = true}; }
    void start(JobStart) override { ADD_FAILURE(); }
    void release(const std::string&) override { ADD_FAILURE(); }
    void terminate(const std::string&) override { ADD_FAILURE(); }
    bool available() const noexcept override { return true; }
    double load() const noexcept override { return 0; }
    std::size_t job_count() const noexcept override { return 0; }
  } closed;
  worker.emplace(scope, server, settings, closed, Logger(log));
  worker->start();
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  const auto answer = server.all(Message::kAvailability).at(0).message.availability();
  EXPECT_FALSE(answer.available());
  EXPECT_TRUE(answer.terminate());
}

TEST_F(JobOffers, SimulatedJob_IsAJobLikeAnother_WithItsAttribute) {
  register_worker();
  auto job = SimServer::job("AJ_1");
  (*job.mutable_attributes())["lk.simulator.dispatch"] = R"({"mode":"text"})";
  server.offer(job);
  world.run_for(1s);
  ASSERT_EQ(host.starts.size(), 1u);
  EXPECT_EQ(host.starts[0].job.attributes.at("lk.simulator.dispatch"), R"({"mode":"text"})");
}

TEST_F(JobOffers, DrainedWorker_DeclinesEverything_WithoutAskingTheHost_AndStaysForItsStatuses) {
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  worker->drain();
  server.offer("AJ_2");
  world.run_for(1s);
  EXPECT_EQ(host.offers.size(), 1u);
  EXPECT_FALSE(server.all(Message::kAvailability).back().message.availability().available());
  const auto state = server.all(Message::kUpdateWorker).back().message.update_worker();
  EXPECT_EQ(state.status(), ::livekit::WS_FULL);
  EXPECT_TRUE(state.draining());
  end("AJ_1");
  world.run_for(1s);
  EXPECT_THAT(server.statuses("AJ_1"), ElementsAre(::livekit::JS_RUNNING, ::livekit::JS_SUCCESS));
  EXPECT_TRUE(worker->registered());
}

TEST_F(JobOffers, JobsOfASupervisorThatRanBefore_AreSaidToRun_AndToEnd) {
  start();
  worker->status("AJ_old", JobStatus::running);
  register_worker();
  world.run_for(1s);
  EXPECT_THAT(server.statuses("AJ_old"), ElementsAre(::livekit::JS_RUNNING));
  end("AJ_old");
  world.run_for(1s);
  EXPECT_THAT(server.statuses("AJ_old"), ElementsAre(::livekit::JS_RUNNING, ::livekit::JS_SUCCESS));
}

}  // namespace
}  // namespace parley::livekit
