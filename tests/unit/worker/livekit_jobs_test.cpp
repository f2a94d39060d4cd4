// Jobs of a LiveKit server as calls of the real supervisor, on simulated loops.
#include <csignal>

#include "process_world.hpp"

namespace parley {
namespace {

using Kind = sim::SimOs::Kind;
using livekit::JobStatus;
using Statuses = std::vector<JobStatus>;
using worker::LiveKitJobs;

// A job that is assigned and whose room was joined.
bool begin(ProcessWorld& w, const std::string& job_id, boost::json::object metadata = {}) {
  return w.assign(job_id, std::move(metadata)) && w.world.run_until([&] { return w.os.supervisor()->metrics().find("parley_call_answer_seconds_count 1") != std::string::npos; }, 5s);
}

std::string only_call(ProcessWorld& w) {
  const auto calls = w.os.calls();
  return calls.size() == 1 ? calls.front() : std::string();
}

TEST(LiveKitJobs, JobIsAssigned_RunsInARoom_AndItsEndIsToldOnce) {
  ProcessWorld w(1);
  w.start();
  ASSERT_TRUE(begin(w, "AJ_1", {{"table", 4}, {"in_call", "finish"}}));
  EXPECT_EQ(w.statuses("AJ_1"), Statuses{JobStatus::running});
  const auto status = w.os.supervisor()->status();
  const auto& call = status.at("calls").as_array().front().as_object();
  EXPECT_EQ(call.at("room"), "table 4");
  EXPECT_EQ(call.at("livekit_job_id"), "AJ_1");
  EXPECT_EQ(call.at("phase"), "running");
  ASSERT_TRUE(w.world.run_until([&] { return w.statuses("AJ_1").size() == 2; }, 5s));
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
  EXPECT_EQ(w.statuses("AJ_1"), (Statuses{JobStatus::running, JobStatus::success}));
  EXPECT_TRUE(w.rooms.removals.empty()) << "it left by itself";
  w.expect_the_law("in a room");
}

TEST(LiveKitJobs, OffersRaceForSlots_AsManyAsThereAreAreTaken_BeforeAnyIsAssigned) {
  ProcessWorld w(2, {.slots = 20});
  w.start();
  const auto began = w.world.now();
  int accepted = 0;
  for (int i = 0; i < 200; ++i) accepted += w.livekit()->offered({.id = "AJ_" + std::to_string(i), .room_name = "r"}).available ? 1 : 0;
  EXPECT_EQ(accepted, 20);
  EXPECT_EQ(w.world.now(), began);
  EXPECT_FALSE(w.livekit()->available());
  EXPECT_EQ(w.livekit()->load(), 1.0);
  EXPECT_EQ(w.livekit()->job_count(), 20u);
  w.livekit()->release("AJ_3");
  EXPECT_TRUE(w.livekit()->available());
  w.offer();
  ASSERT_TRUE(w.world.run_until([&] { return w.answers.size() == 1; }, 5s));
  EXPECT_TRUE(w.answers.front()) << "a browser's call and a room's job are equals";
  EXPECT_FALSE(w.livekit()->offered({.id = "AJ_new", .room_name = "r"}).available);
}

TEST(LiveKitJobs, OfferedTwice_KeepsOneSlot) {
  ProcessWorld w(3, {.slots = 2});
  w.start();
  EXPECT_TRUE(w.livekit()->offered({.id = "AJ_1", .room_name = "r"}).available);
  EXPECT_TRUE(w.livekit()->offered({.id = "AJ_1", .room_name = "r"}).available);
  EXPECT_EQ(w.os.supervisor()->slots_in_use(), 1u);
}

TEST(LiveKitJobs, AssignmentNeverComes_TheSlotIsFreeAgain) {
  ProcessWorld w(4, {.slots = 1});
  w.start();
  ASSERT_TRUE(w.livekit()->offered({.id = "AJ_1", .room_name = "r"}).available);
  w.world.run_for(LiveKitJobs::kReservation - 100ms);
  EXPECT_FALSE(w.livekit()->available());
  w.world.run_for(200ms);
  EXPECT_TRUE(w.livekit()->available());
  EXPECT_EQ(w.livekit()->counters().expired, 1u);
}

TEST(LiveKitJobs, AssignmentComesLate_IsServedWhileThereIsASlot_AndFailsInWordsWhenThereIsNone) {
  ProcessWorld w(5, {.slots = 1});
  w.start();
  ASSERT_TRUE(w.livekit()->offered({.id = "AJ_1", .room_name = "r"}).available);
  w.world.run_for(LiveKitJobs::kReservation + 1s);
  w.livekit()->start({.job = {.id = "AJ_1", .room_name = "r"}, .token = "t"});
  EXPECT_EQ(w.statuses("AJ_1"), Statuses{JobStatus::running});
  w.livekit()->start({.job = {.id = "AJ_2", .room_name = "r"}, .token = "t"});
  EXPECT_EQ(w.statuses("AJ_2"), Statuses{JobStatus::failed});
  EXPECT_NE(w.rooms.statuses.back().error.find("too late"), std::string::npos);
  w.livekit()->terminate("AJ_1");
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
  EXPECT_EQ(w.os.supervisor()->slots_in_use(), 0u);
}

TEST(LiveKitJobs, CallerHadLeft_EndsLikeAHangUp_WithHooks_AndNoFailure) {
  ProcessWorld w(6);
  w.start();
  ASSERT_TRUE(w.assign("AJ_1", {{"on_join", "gone"}}));
  const auto began = w.world.now();
  ASSERT_TRUE(w.world.run_until([&] { return w.statuses("AJ_1").size() == 2; }, 5s));
  EXPECT_LT(w.world.now() - began, 1s);
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
  EXPECT_EQ(w.statuses("AJ_1"), (Statuses{JobStatus::running, JobStatus::success}));
  EXPECT_NE(w.os.supervisor()->metrics().find("parley_calls_crashed_total 0"), std::string::npos) << "its attempt was clean";
  w.expect_the_law("gone already");
  for (const auto& [key, runs] : w.hook_runs) EXPECT_EQ(runs, 1) << key;
}

TEST(LiveKitJobs, CallerWhoWasSeen_AndIsGoneBeforeTheJobHasComeSoFar_EndsTheCallSoon) {
  ProcessWorld w(9);
  w.start();
  w.rooms.present = {"ann"};
  ASSERT_TRUE(w.assign("AJ_1", {{"on_join", "hang"}}));
  w.world.run_for(300ms);
  EXPECT_EQ(w.statuses("AJ_1"), Statuses{JobStatus::running});
  w.rooms.present.clear();
  const auto left = w.world.now();
  ASSERT_TRUE(w.world.run_until([&] { return w.statuses("AJ_1").size() == 2; }, 5s));
  EXPECT_LT(w.world.now() - left, 500ms);
  EXPECT_EQ(w.statuses("AJ_1").back(), JobStatus::success) << "as a hang-up";
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
}

TEST(LiveKitJobs, JobHasItsCaller_AndTheServerIsAskedNoMore) {
  ProcessWorld w(10);
  w.start();
  ASSERT_TRUE(begin(w, "AJ_1"));
  w.world.run_for(2s);
  EXPECT_EQ(w.statuses("AJ_1"), Statuses{JobStatus::running});
  const auto looks = w.rooms.looks;
  EXPECT_GE(looks, 1);
  w.world.run_for(10s);
  EXPECT_EQ(w.rooms.looks, looks);
  w.livekit()->terminate("AJ_1");
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
}

TEST(LiveKitJobs, RoomCannotBeJoined_TheJobFailsInWords) {
  ProcessWorld w(7);
  w.start();
  ASSERT_TRUE(w.assign("AJ_1", {{"on_join", "fail"}}));
  ASSERT_TRUE(w.world.run_until([&] { return w.statuses("AJ_1").size() == 2; }, 5s));
  EXPECT_EQ(w.rooms.statuses.back().status, JobStatus::failed);
  EXPECT_NE(w.rooms.statuses.back().error.find("the server is away"), std::string::npos) << w.rooms.statuses.back().error;
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
}

TEST(LiveKitJobs, JoinHangs_TheCallEndsWithinTheTimeForStarting) {
  ProcessWorld w(8);
  w.start();
  ASSERT_TRUE(w.assign("AJ_1", {{"on_join", "hang"}}));
  const auto began = w.world.now();
  ASSERT_TRUE(w.world.run_until([&] { return w.statuses("AJ_1").size() == 2; }, 1min));
  EXPECT_LE(w.world.now() - began, ipc::Deadlines{}.start + ipc::Deadlines{}.drain_forced + 3s);
  EXPECT_EQ(w.rooms.statuses.back().status, JobStatus::failed);
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
}

TEST(LiveKitJobs, TerminatedAtAnyStep_EndsAsThat_InBoundedTime_AndIsToldOnce) {
  for (int at_ms = 0; at_ms <= 30; at_ms += 2) {
    SCOPED_TRACE(at_ms);
    ProcessWorld w(9);
    w.start();
    ASSERT_TRUE(w.assign("AJ_1"));
    w.world.run_for(at_ms * 1ms);
    const auto began = w.world.now();
    w.livekit()->terminate("AJ_1");
    ASSERT_TRUE(w.world.run_until([&] { return w.statuses("AJ_1").size() == 2; }, 1min)) << w.describe();
    EXPECT_LT(w.world.now() - began, 1s);
    w.livekit()->terminate("AJ_1");
    ASSERT_TRUE(w.run_until_settled()) << w.describe();
    EXPECT_EQ(w.statuses("AJ_1"), (Statuses{JobStatus::running, JobStatus::success}));
    w.expect_the_law("terminated");
    EXPECT_NE(w.os.supervisor()->metrics().find(R"(parley_call_endings_total{reason="job_terminated"} 1)"), std::string::npos);
  }
}

TEST(LiveKitJobs, TerminatedWhileOnlyReserved_TheSlotIsFree_AndNothingBegins) {
  ProcessWorld w(10, {.slots = 1});
  w.start();
  ASSERT_TRUE(w.livekit()->offered({.id = "AJ_1", .room_name = "r"}).available);
  w.livekit()->terminate("AJ_1");
  EXPECT_TRUE(w.livekit()->available());
  EXPECT_TRUE(w.rooms.statuses.empty());
}

TEST(LiveKitJobs, TerminationOfAnEarlierSelf_WhileTheRoomIsJoinedAnew_AndShortlyAfter_MeansNothing) {
  ProcessWorld w(11);
  w.start();
  ASSERT_TRUE(begin(w, "AJ_1", {{"in_call", "rejoin"}}));
  w.world.run_for(500ms);
  w.livekit()->terminate("AJ_1");  // while it joins
  w.world.run_for(2s);
  w.livekit()->terminate("AJ_1");  // a second after it has joined
  w.world.run_for(1s);
  EXPECT_EQ(w.statuses("AJ_1"), Statuses{JobStatus::running});
  EXPECT_EQ(w.livekit()->counters().swallowed, 2u);
  w.world.run_for(worker::Supervisor::kRejoinedGrace);
  w.livekit()->terminate("AJ_1");
  ASSERT_TRUE(w.world.run_until([&] { return w.statuses("AJ_1").size() == 2; }, 5s));
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
}

std::vector<std::string> removed(const ProcessWorld& w) {
  std::vector<std::string> identities;
  for (const auto& removal : w.rooms.removals) identities.push_back(removal.identity);
  std::ranges::sort(identities);
  return identities;
}

TEST(LiveKitJobs, JobDies_FailedWithWhy_AgentRemoved_TelephoneHungUp_HooksRun) {
  ProcessWorld w(12);
  w.start();
  ASSERT_TRUE(begin(w, "AJ_1"));
  w.world.run_for(50ms);
  w.os.signal(w.os.alive(Kind::job).front(), SIGKILL);
  ASSERT_TRUE(w.world.run_until([&] { return w.rooms.removals.size() == 2; }, 2s)) << w.describe();
  EXPECT_EQ(w.rooms.statuses.back().status, JobStatus::failed);
  EXPECT_EQ(w.rooms.statuses.back().error, "its process was killed by signal 9");
  EXPECT_EQ(removed(w), (std::vector<std::string>{"agent-AJ_1", "sip_15550100"}));
  EXPECT_EQ(w.rooms.removals.front().room, "table 4");
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
  EXPECT_EQ(w.statuses("AJ_1").size(), 2u);
  w.expect_the_law("died in a room");
}

TEST(LiveKitJobs, JobDiesWithACallerFromABrowser_OnlyTheAgentIsRemoved) {
  ProcessWorld w(13);
  w.start();
  ASSERT_TRUE(begin(w, "AJ_1", {{"caller", "browser"}}));
  w.world.run_for(50ms);
  w.os.signal(w.os.alive(Kind::job).front(), SIGKILL);
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
  EXPECT_EQ(removed(w), std::vector<std::string>{"agent-AJ_1"});
}

TEST(LiveKitJobs, RemovalFails_IsTriedAgain_AFewTimesOnly) {
  ProcessWorld w(14);
  w.start();
  ASSERT_TRUE(begin(w, "AJ_1", {{"caller", "browser"}}));
  w.rooms.refuse_removals = 2;
  w.os.signal(w.os.alive(Kind::job).front(), SIGKILL);
  ASSERT_TRUE(w.world.run_until([&] { return w.livekit()->counters().removed == 1; }, 20s));
  EXPECT_EQ(w.rooms.removals.size(), 3u);
  ASSERT_TRUE(w.assign("AJ_2", {{"caller", "browser"}}));
  ASSERT_TRUE(w.world.run_until([&] { return w.os.alive(Kind::job).size() == 1; }, 5s));
  w.world.run_for(100ms);
  w.rooms.refuse_removals = 1000;
  w.os.signal(w.os.alive(Kind::job).front(), SIGKILL);
  ASSERT_TRUE(w.world.run_until([&] { return w.livekit()->counters().not_removed == 1; }, LiveKitJobs::kRemoveWithin + 5s));
  EXPECT_EQ(w.rooms.removals.size(), 3u + LiveKitJobs::kRemoveTries);
}

TEST(LiveKitJobs, SupervisorDies_TheNextOneSaysThatItsJobsRun_AndHowTheyEnd) {
  ProcessWorld w(15);
  w.start();
  ASSERT_TRUE(begin(w, "AJ_1"));
  w.os.signal(w.os.alive(Kind::supervisor).front(), SIGKILL);
  w.world.run_for(1s);
  EXPECT_EQ(w.livekit(), nullptr);
  w.start();
  ASSERT_TRUE(w.world.run_until([&] { return w.livekit() != nullptr; }, 5s));
  EXPECT_EQ(w.statuses("AJ_1"), (Statuses{JobStatus::running, JobStatus::running})) << "said again";
  EXPECT_EQ(w.livekit()->job_count(), 1u);
  EXPECT_EQ(w.os.supervisor()->slots_in_use(), 1u);
  w.world.run_for(100ms);
  w.os.signal(w.os.alive(Kind::job).front(), SIGKILL);
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
  EXPECT_EQ(w.rooms.statuses.back().status, JobStatus::failed);
  EXPECT_EQ(removed(w), (std::vector<std::string>{"agent-AJ_1", "sip_15550100"})) << "whom it was linked to was told again";
  w.expect_the_law("adopted in a room");
}

TEST(LiveKitJobs, JobAndSupervisorDie_TheNextOneKnowsTheRoomFromTheJournal) {
  ProcessWorld w(16);
  w.start();
  ASSERT_TRUE(begin(w, "AJ_1"));
  w.world.run_for(2s);
  ASSERT_EQ(w.os.count_records(only_call(w), job::record_type::kCallStarted), 1u);
  w.os.signal(w.os.alive(Kind::supervisor).front(), SIGKILL);
  w.os.signal(w.os.alive(Kind::job).front(), SIGKILL);
  w.world.run_for(1s);
  w.start();
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
  w.world.run_for(1s);
  EXPECT_EQ(w.statuses("AJ_1"), (Statuses{JobStatus::running, JobStatus::failed}));
  EXPECT_EQ(removed(w), std::vector<std::string>{"agent-AJ_1"});
}

TEST(LiveKitJobs, SupervisorDiesWhileTheRoomIsJoined_TheJobGoesOn) {
  ProcessWorld w(17);
  w.start();
  ASSERT_TRUE(w.assign("AJ_1"));
  ASSERT_TRUE(w.world.run_until([&] { return !w.os.alive(Kind::job).empty(); }, 1s));
  w.world.run_for(2ms);
  w.os.signal(w.os.alive(Kind::supervisor).front(), SIGKILL);
  w.world.run_for(1s);
  EXPECT_EQ(w.os.alive(Kind::job).size(), 1u);
  w.start();
  ASSERT_TRUE(w.world.run_until([&] { return w.statuses("AJ_1").size() == 2; }, 5s));
  ASSERT_TRUE(w.run_until_settled()) << w.describe();
  EXPECT_EQ(w.rooms.statuses.back().status, JobStatus::success);
}

TEST(LiveKitJobs, ZygoteDiesUnderTheStart_TheJobIsBegunAgain_AndTheServerHearsOfOne) {
  ProcessWorld w(18, {.slots = 1});
  w.start();
  ASSERT_TRUE(w.assign("AJ_1"));
  w.world.run_for(100us);
  w.os.signal(w.os.alive(Kind::zygote).front(), SIGKILL);
  ASSERT_TRUE(w.world.run_until([&] { return w.os.supervisor()->metrics().find("parley_call_answer_seconds_count 1") != std::string::npos; }, 5s)) << w.describe();
  EXPECT_EQ(w.statuses("AJ_1"), Statuses{JobStatus::running});
  EXPECT_EQ(w.os.supervisor()->slots_in_use(), 1u);
  ASSERT_TRUE(w.run_until_settled(5min)) << w.describe();
  EXPECT_EQ(w.statuses("AJ_1"), (Statuses{JobStatus::running, JobStatus::success}));
}

struct Drained {
  explicit Drained(ProcessWorld& w) {
    (void)w.os.supervisor_scope()->spawn("drain", [](ProcessWorld& world, std::optional<bool>& out) -> Task<void> {
      out = co_await world.os.supervisor()->drain();
    }(w, all_ended));
  }
  std::optional<bool> all_ended;
};

TEST(LiveKitJobs, Drain_TakesNoJob_ServesTheOneThatWasAccepted_AndWaitsForIt) {
  ProcessWorld w(19, {.slots = 2, .drain_grace = 60s});
  w.start();
  ASSERT_TRUE(w.livekit()->offered({.id = "AJ_1", .room_name = "r"}).available);
  Drained drained(w);
  w.world.run_for(100ms);
  EXPECT_FALSE(w.livekit()->available());
  EXPECT_FALSE(w.livekit()->offered({.id = "AJ_2", .room_name = "r"}).available);
  EXPECT_FALSE(drained.all_ended) << "one was accepted";
  w.livekit()->start({.job = {.id = "AJ_1", .room_name = "r", .metadata = R"({"in_call":"finish"})"}, .token = "t"});
  ASSERT_TRUE(w.world.run_until([&] { return drained.all_ended.has_value(); }, 40s)) << w.describe();
  EXPECT_TRUE(*drained.all_ended);
  EXPECT_EQ(w.statuses("AJ_1"), (Statuses{JobStatus::running, JobStatus::success}));
}

TEST(LiveKitJobs, DrainsGraceIsOver_JobsAreClosed_TheServerIsTold_AndALateAssignmentFails) {
  ProcessWorld w(20, {.slots = 2, .drain_grace = 3s});
  w.start();
  ASSERT_TRUE(begin(w, "AJ_1"));
  ASSERT_TRUE(w.livekit()->offered({.id = "AJ_2", .room_name = "r"}).available);
  Drained drained(w);
  w.world.run_for(3100ms);
  w.livekit()->start({.job = {.id = "AJ_2", .room_name = "r"}, .token = "t"});
  EXPECT_EQ(w.statuses("AJ_2"), Statuses{JobStatus::failed});
  ASSERT_TRUE(w.world.run_until([&] { return drained.all_ended.has_value(); }, 40s)) << w.describe();
  EXPECT_FALSE(*drained.all_ended);
  EXPECT_EQ(w.statuses("AJ_1"), (Statuses{JobStatus::running, JobStatus::success}));
}

TEST(LiveKitJobs, Load_IsThatOfSlotsOrMemory_WhicheverIsMore) {
  ProcessWorld w(21, {.slots = 4});
  w.start();
  EXPECT_EQ(w.livekit()->load(), 0.0);
  ASSERT_TRUE(w.livekit()->offered({.id = "AJ_1", .room_name = "r"}).available);
  EXPECT_EQ(w.livekit()->load(), 0.25);
  EXPECT_GT(w.rooms.load_changes, 0u);
  w.os.use_memory(0.8);
  w.world.run_for(2s);
  EXPECT_EQ(w.livekit()->load(), 0.8);
}

TEST(LiveKitJobs, MetadataBeyondItsBound_TheJobFailsInWords_AndItsSlotIsFree) {
  ProcessWorld w(22, {.slots = 1});
  w.start();
  ASSERT_TRUE(w.livekit()->offered({.id = "AJ_1", .room_name = "r"}).available);
  w.livekit()->start({.job = {.id = "AJ_1", .room_name = "r", .metadata = std::string(100'000, 'm')}, .token = "t"});
  ASSERT_TRUE(w.world.run_until([&] { return w.statuses("AJ_1").size() == 2; }, 5s));
  EXPECT_EQ(w.rooms.statuses.back().status, JobStatus::failed);
  EXPECT_NE(w.rooms.statuses.back().error.find("metadata"), std::string::npos) << w.rooms.statuses.back().error;
  EXPECT_TRUE(w.livekit()->available());
}

}  // namespace
}  // namespace parley
