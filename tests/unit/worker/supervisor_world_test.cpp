// The real supervisor and job code on simulated loops, one fault at a time.
#include <csignal>

#include "process_world.hpp"

namespace parley {
namespace {

using Kind = sim::SimOs::Kind;

TEST(SupervisorWorld, CallIsHungUp_TerminalRecordOnce_HooksOnce_SlotFree) {
  ProcessWorld w(1);
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  EXPECT_EQ(w.os.supervisor()->slots_in_use(), 1u);
  ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
  w.expect_the_law("hung up");
  for (const auto& [key, runs] : w.hook_runs) EXPECT_EQ(runs, 1) << key;
  EXPECT_EQ(w.os.kills(SIGKILL), 0u);
}

// The last event of a call that is made like this and hung up.
boost::json::object call_ended_of(ProcessWorld& w, boost::json::object metadata, bool kill = false) {
  w.start();
  w.offer(std::move(metadata));
  EXPECT_TRUE(w.world.run_until([&] { return w.calls.size() == 1; }, 5s));
  auto watch = w.os.supervisor()->watch(w.calls.front(), 0);
  if (!watch) return {};
  worker::CallEvent last;
  (void)w.os.supervisor_scope()->spawn("watch", [](worker::CallWatch& events, worker::CallEvent& seen) -> Task<void> {
    auto& loop = co_await this_loop();
    while (auto event = co_await events.next(loop.in(1min))) seen = std::move(*event);
  }(**watch, last));
  kill ? w.os.signal(w.os.alive(Kind::job).front(), SIGKILL) : w.hang_up_all();
  EXPECT_TRUE(w.run_until_settled()) << w.world.describe();
  EXPECT_EQ(last.type, "call_ended");
  return boost::json::parse(last.data).as_object();
}

TEST(SupervisorWorld, EndOfACall_TellsWhatClosedWhen) {
  ProcessWorld w(20);
  const auto ended = call_ended_of(w, {});
  EXPECT_EQ(ended.at("cause"), "caller_hung_up");
  const auto& teardown = ended.at("teardown").as_object();
  EXPECT_EQ(teardown.at("forced"), 0);
  EXPECT_EQ(teardown.at("hooks"), 2);
  std::vector<std::string> names;
  double at = 0;
  for (const auto& step : teardown.at("steps").as_array()) {
    names.emplace_back(step.at("name").as_string());
    EXPECT_NEAR(step.at("at_ms").to_number<double>(), at, 0.001) << "one behind the other";
    at += step.at("took_ms").to_number<double>();
  }
  EXPECT_EQ(names, (std::vector<std::string>{"program", "call", "journal"}));
}

TEST(SupervisorWorld, EndThatLeftMuchBehind_IsToldWithinItsBound_AndNothingOfTheCountIsLost) {
  ProcessWorld w(21);
  const auto ended = call_ended_of(w, {{"on_close", "leave much"}});
  EXPECT_EQ(ended.at("clean"), false);
  const auto& teardown = ended.at("teardown").as_object();
  EXPECT_EQ(teardown.at("failed"), 64);
  EXPECT_LT(boost::json::serialize(teardown).size(), 16'384u);
  EXPECT_GT(teardown.at("not_clean").as_array().size(), 10u);
}

TEST(SupervisorWorld, JobThatDied_TellsNothingOfItsEnd) {
  ProcessWorld w(22);
  const auto ended = call_ended_of(w, {}, true);
  EXPECT_EQ(ended.at("cause"), "failure");
  EXPECT_EQ(ended.at("detail"), "its process was killed by signal 9");
  EXPECT_FALSE(ended.contains("teardown"));
}

TEST(SupervisorWorld, AllSlotsTaken_RefusedAtOnce) {
  ProcessWorld w(2, {.slots = 1});
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  w.offer();
  const auto began = w.world.now();
  ASSERT_TRUE(w.world.run_until([&] { return w.answers.size() == 2; }, 1s));
  EXPECT_LT(w.world.now() - began, 1ms);
  EXPECT_EQ(w.answers.back().error().code(), Errc::overloaded);
}

TEST(SupervisorWorld, SlotIsFreed_WhenTheWorkAfterTheCallBegins) {
  ProcessWorld w(3, {.slots = 1});
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  w.hang_up_all();
  ASSERT_TRUE(w.world.run_until([&] { return !w.hook_runs.empty(); }, 5s));
  ASSERT_TRUE(w.world.run_until([&] { return w.os.supervisor()->slots_in_use() == 0; }, 4ms)) << "while the first hook is at work";
  EXPECT_EQ(w.os.alive(Kind::job).size(), 1u);
  ASSERT_TRUE(w.run_until_settled());
}

struct Misbehaviour {
  const char* when;
  const char* what;
  Duration bound;  // from the hang-up to the process's end
};
class Misbehaves : public ::testing::TestWithParam<Misbehaviour> {};

TEST_P(Misbehaves, TheCallEndsInBoundedTime_AndTheLawHolds) {
  const auto& p = GetParam();
  ProcessWorld w(4);
  w.start();
  w.offer({{p.when, p.what}});
  w.world.run_for(30s);  // what never answers is over by then
  const auto began = w.world.now();
  w.hang_up_all();
  ASSERT_TRUE(w.world.run_until([&] { return w.os.alive(Kind::job).empty(); }, 5min)) << w.world.describe();
  EXPECT_LE(w.world.now() - began, p.bound);
  ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
  w.expect_the_law(std::string(p.when) + " " + p.what);
  EXPECT_FALSE(w.os.calls().empty());
}

INSTANTIATE_TEST_SUITE_P(Ways, Misbehaves,
                         ::testing::Values(Misbehaviour{"on_start", "throw", 1s}, Misbehaviour{"on_answer", "refuse", 1s},
                                           Misbehaviour{"on_answer", "hang", 1s}, Misbehaviour{"on_answer", "block", 1s},
                                           Misbehaviour{"in_call", "finish", 1s}, Misbehaviour{"in_call", "block", 12s},
                                           Misbehaviour{"on_close", "throw", 1s}, Misbehaviour{"on_close", "hang", 9s},
                                           Misbehaviour{"on_close", "block", 9s}, Misbehaviour{"on_dispose", "hang", 4s},
                                           Misbehaviour{"on_dispose", "block", 7s}),
                         [](const auto& way) { return std::string(way.param.when) + "_" + way.param.what; });

TEST(SupervisorWorld, WedgedWithoutASupervisor_TheKernelsTimerKills) {
  ProcessWorld w(5);
  w.start();
  w.offer({{"in_call", "block"}});
  ASSERT_TRUE(w.world.run_until([&] { return w.answers.size() == 1; }, 5s));
  w.os.signal(w.os.alive(Kind::supervisor).front(), SIGKILL);
  const auto began = w.world.now();
  ASSERT_TRUE(w.world.run_until([&] { return w.os.alive(Kind::job).empty(); }, 1min));
  EXPECT_LE(w.world.now() - began, ipc::Deadlines{}.dead_man + 1s);
  w.os.start_supervisor();
  ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
  w.expect_the_law("wedged alone");
}

TEST(SupervisorWorld, SupervisorDies_TheNextOneTakesTheCallOver_WithItsEvents) {
  ProcessWorld w(6);
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  w.world.run_for(300ms);
  const int job = w.os.alive(Kind::job).front();
  w.os.signal(w.os.alive(Kind::supervisor).front(), SIGKILL);
  w.world.run_for(2s);
  EXPECT_EQ(w.os.alive(Kind::job), std::vector<int>{job}) << "the call goes on";
  w.start();
  EXPECT_EQ(w.os.supervisor()->slots_in_use(), 1u);
  auto watch = w.os.supervisor()->watch(w.calls.front(), 0);
  ASSERT_TRUE(watch);
  ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
  w.expect_the_law("adopted");
  for (const auto& [key, runs] : w.hook_runs) EXPECT_EQ(runs, 1) << key;
}

TEST(SupervisorWorld, HangUpBeforeTheJobDialsIn_IsSaidWhenItDoes_AndNothingIsKilled) {
  ProcessWorld w(7);
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  w.os.signal(w.os.alive(Kind::supervisor).front(), SIGKILL);
  w.world.run_for(5s);
  w.os.start_supervisor();
  w.world.run_for(1ms);
  w.hang_up_all();
  ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
  EXPECT_EQ(w.os.kills(SIGKILL), 1u) << "the supervisor, and nobody else";
  w.expect_the_law("hung up while nobody listened");
}

TEST(SupervisorWorld, LyingJob_LosesItsLine_AndItsLife) {
  ProcessWorld w(8);
  w.start();
  ASSERT_TRUE(w.run_until_answered(2));
  w.os.send_garbage(w.os.alive(Kind::job).front());
  ASSERT_TRUE(w.world.run_until([&] { return w.os.alive(Kind::job).size() == 1; }, 10s)) << w.world.describe();
  ASSERT_TRUE(w.run_until_settled());
  w.expect_the_law("lied");
}

TEST(SupervisorWorld, StarvedJob_GetsOneExtension_AndFewerCallsAreAdmitted) {
  ProcessWorld w(9);
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  const int job = w.os.alive(Kind::job).front();
  w.os.starve(job);
  w.os.freeze(job);
  const auto began = w.world.now();
  ASSERT_TRUE(w.world.run_until([&] { return w.os.alive(Kind::job).empty(); }, 1min));
  const ipc::Deadlines d;
  EXPECT_GE(w.world.now() - began, d.turns_missing + d.max_extension);
  EXPECT_NE(w.os.supervisor()->metrics().find("parley_jobs_extended_total 1"), std::string::npos);
  ASSERT_TRUE(w.run_until_settled());
}

TEST(SupervisorWorld, ZygoteDies_TheNextCallIsAnsweredByTheNextOne) {
  ProcessWorld w(10);
  w.start();
  w.os.signal(w.os.alive(Kind::zygote).front(), SIGKILL);
  w.offer();
  ASSERT_TRUE(w.world.run_until([&] { return w.answers.size() == 1; }, 10s)) << w.world.describe();
  EXPECT_TRUE(w.answers.front()) << w.answers.front().error().message();
  ASSERT_TRUE(w.run_until_settled());
  w.expect_the_law("zygote");
}

TEST(SupervisorWorld, ZygoteIsSlow_CallersGiveUpSooner_AndItIsKept) {
  ProcessWorld w(20, {.slots = 4, .deadlines = {.start = 1s}});
  w.start();
  const int zygote = w.os.alive(Kind::zygote).front();
  w.os.freeze(zygote);
  w.offer();
  ASSERT_TRUE(w.world.run_until([&] { return w.answers.size() == 1; }, 2s)) << w.world.describe();
  EXPECT_FALSE(w.answers.front());
  w.os.thaw(zygote);
  ASSERT_TRUE(w.run_until_answered(1));
  EXPECT_EQ(w.os.alive(Kind::zygote), std::vector<int>{zygote});
  ASSERT_TRUE(w.run_until_settled());
  w.expect_the_law("slow zygote");
}

TEST(SupervisorWorld, ZygoteHangs_CallersGiveUpSooner_AndItIsReplacedAllTheSame) {
  ProcessWorld w(21, {.slots = 4, .deadlines = {.start = 1s}});
  w.start();
  const int zygote = w.os.alive(Kind::zygote).front();
  w.os.freeze(zygote);
  w.offer();
  ASSERT_TRUE(w.world.run_until([&] { return w.os.alive(Kind::zygote) != std::vector<int>{zygote}; }, 4s)) << w.world.describe();
  ASSERT_TRUE(w.run_until_answered(1));
  ASSERT_TRUE(w.run_until_settled());
  w.expect_the_law("hung zygote");
}

TEST(SupervisorWorld, Drained_WhileTheWorkAfterACallIsDone_ItsProcessIsWaitedFor) {
  ProcessWorld w(22);
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  w.os.signal(w.os.alive(Kind::job).front(), SIGKILL);
  ASSERT_TRUE(w.world.run_until([&] { return !w.os.alive(Kind::after_call).empty(); }, 10s)) << w.world.describe();
  bool drained = false;
  ASSERT_TRUE(w.os.supervisor_scope()->spawn("drain", [](ProcessWorld& world, bool& out) -> Task<void> {
    (void)co_await world.os.supervisor()->drain();
    out = true;
  }(w, drained)));
  ASSERT_TRUE(w.world.run_until([&] { return drained; }, 40s)) << w.world.describe();
  EXPECT_TRUE(w.os.alive(Kind::after_call).empty());
  EXPECT_EQ(w.os.marks(), 0u);
}

TEST(SupervisorWorld, Drain_LetsCallsFinish_ThenClosesThem) {
  ProcessWorld w(11, {.slots = 2, .drain_grace = 5s});
  w.start();
  ASSERT_TRUE(w.run_until_answered(2));
  std::optional<bool> all_ended;
  ASSERT_TRUE(w.os.supervisor_scope()->spawn("drain", [](ProcessWorld& world, std::optional<bool>& out) -> Task<void> {
    out = co_await world.os.supervisor()->drain();
  }(w, all_ended)));
  w.world.run_for(1s);
  EXPECT_EQ(w.os.alive(Kind::job).size(), 2u);
  ASSERT_TRUE(w.world.run_until([&] { return all_ended.has_value(); }, 40s)) << w.world.describe();
  EXPECT_FALSE(*all_ended) << "they were cut";
  EXPECT_TRUE(w.os.alive(Kind::job).empty());
  w.expect_the_law("drained");
  w.world.run_for(1s);
  EXPECT_TRUE(w.os.alive(Kind::inference).empty()) << "it was started again";
}

TEST(SupervisorWorld, CallerStopsWaitingForTheAnswer_TheCallIsEnded) {
  ProcessWorld w(12);
  w.start();
  w.offer({{"on_answer", "hang"}});
  w.world.run_for(100ms);
  ASSERT_EQ(w.os.alive(Kind::job).size(), 1u);
  w.os.supervisor_scope()->kill();  // the connection on which it was asked is gone
  ASSERT_TRUE(w.world.run_until([&] { return w.os.alive(Kind::job).empty(); }, 3s)) << w.world.describe();
}

}  // namespace
}  // namespace parley
