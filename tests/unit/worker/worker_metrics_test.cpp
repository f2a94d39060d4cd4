// What operators and their tools read: figures of turns, endings, hooks, and the members that LiveKit's tools look for.
#include "worker/worker_metrics.hpp"

#include <csignal>

#include "process_world.hpp"

namespace parley::worker {
namespace {

// The value of a line like `name{labels} value`; nullopt: there is no such line.
std::optional<double> value_of(const std::string& text, const std::string& series) {
  const auto at = text.starts_with(series + " ") ? 0 : text.find("\n" + series + " ");
  if (at == std::string::npos) return std::nullopt;
  return std::stod(text.substr(text.find(' ', at + series.size()) + 1));
}

class Metrics : public ::testing::Test {
 protected:
  double at(const std::string& series) {
    const auto value = value_of(metrics.text({}), series);
    EXPECT_TRUE(value) << series;
    return value.value_or(-1);
  }
  WorkerMetrics metrics{"box-1"};
};

TEST_F(Metrics, Turn_IsInTheHistogramOfEachOfItsMembers_UnderLiveKitsNames) {
  metrics.event("metrics_collected", R"({"metrics":{"type":"turn_metrics","speech_id":"s1","e2e_latency":0.62,"end_of_turn_delay":0.35,"llm_node_ttft":0.04}})");
  metrics.event("metrics_collected", R"({"metrics":{"type":"turn_metrics","speech_id":"s2","e2e_latency":1.2,"tts_node_ttfb":0.09}})");
  EXPECT_EQ(at("lk_agents_turn_e2e_latency_seconds_count"), 2);
  EXPECT_NEAR(at("lk_agents_turn_e2e_latency_seconds_sum"), 1.82, 1e-9);
  EXPECT_EQ(at(R"(lk_agents_turn_e2e_latency_seconds_bucket{le="0.75"})"), 1);
  EXPECT_EQ(at("lk_agents_turn_end_of_turn_delay_seconds_count"), 1);
  EXPECT_EQ(at("lk_agents_turn_llm_ttft_seconds_count"), 1);
  EXPECT_EQ(at("lk_agents_turn_tts_ttfb_seconds_count"), 1);
  EXPECT_EQ(at("lk_agents_turn_transcription_delay_seconds_count"), 0);
}

TEST_F(Metrics, WhatNoTurnCanHave_IsLeftOut) {
  for (const auto* data : {R"({"metrics":{"type":"turn_metrics","e2e_latency":-1}})", R"({"metrics":{"type":"turn_metrics","e2e_latency":1e300}})",
                           R"({"metrics":{"type":"turn_metrics","e2e_latency":"0.5"}})", R"({"metrics":{"type":"other","e2e_latency":0.5}})",
                           R"({"metrics":[]})", R"({"metrics":)", "[]", ""}) {
    metrics.event("metrics_collected", data);
  }
  EXPECT_EQ(at("lk_agents_turn_e2e_latency_seconds_count"), 0);
}

TEST_F(Metrics, LabelsAreFixedSets_WhateverACallSays) {
  metrics.event("error", R"({"source":{"type":"llm_error","label":"openai"},"message":"no"})");
  metrics.event("error", R"({"source":{"type":"made up by the caller"}})");
  metrics.call_ended({.reason = "made up too", .duration_s = 3, .teardown_s = 0.2});
  metrics.call_ended({.reason = "caller_hung_up", .duration_s = 61, .teardown_s = {}});
  EXPECT_EQ(at(R"(parley_provider_errors_total{type="llm_error"})"), 1);
  EXPECT_EQ(at(R"(parley_provider_errors_total{type="other"})"), 1);
  EXPECT_EQ(at(R"(parley_call_endings_total{reason="other"})"), 1);
  EXPECT_EQ(at(R"(parley_call_endings_total{reason="caller_hung_up"})"), 1);
  EXPECT_EQ(at(R"(parley_call_endings_total{reason="crash"})"), 0) << "there from the beginning, so that a rate can be taken";
  EXPECT_EQ(at("parley_call_duration_seconds_count"), 2);
  EXPECT_EQ(at("parley_teardown_seconds_count"), 1);
  EXPECT_EQ(metrics.text({}).find("made up"), std::string::npos);
}

TEST(HookCounts, ThatAJournalLost_AreNoChange) {
  HookCounts counted;
  EXPECT_EQ(counted.raise_to({.done = 0, .failed = 1, .given_up = 0}).failed, 1u);
  const auto change = counted.raise_to({.done = 1, .failed = 0, .given_up = 0});  // the second try's beginning was lost
  EXPECT_EQ(change.done, 1u);
  EXPECT_EQ(change.failed, 0u);
  EXPECT_EQ(counted.raise_to({.done = 1, .failed = 2, .given_up = 1}).failed, 1u);
}

TEST(CallFigures, AreThoseOfTheRecord) {
  const auto record = boost::json::parse(R"({"reason":"limit","started_at":"2026-11-21T12:00:00.000Z","ended_at":"2026-11-21T12:01:30.500Z",
                                             "teardown":{"took_ms":125.5}})").as_object();
  const auto figures = figures_of(record);
  EXPECT_EQ(figures.reason, "limit");
  EXPECT_EQ(figures.duration_s, 90.5);
  EXPECT_EQ(figures.teardown_s, 0.1255);
  EXPECT_FALSE(figures_of({{"started_at", "yesterday"}, {"ended_at", nullptr}, {"teardown", 3}}).duration_s);
}

TEST(SupervisorMetrics, CallsOneAfterTheOther_AreCountedByHowTheyEnded_WithTheirHooks) {
  ProcessWorld w(31, {.slots = 4, .agent_name = "reception", .node_name = "box-1"});
  w.start();
  ASSERT_TRUE(w.run_until_answered(2));
  auto text = w.os.supervisor()->metrics();
  EXPECT_EQ(value_of(text, R"(lk_agents_active_job_count{nodename="box-1"})"), 2);
  EXPECT_EQ(value_of(text, R"(lk_agents_child_process_count{nodename="box-1"})"), 4) << "two jobs, zygote, inference";
  EXPECT_EQ(value_of(text, R"(lk_agents_worker_load{nodename="box-1"})"), 0.5);
  EXPECT_EQ(value_of(text, R"(lk_agents_proc_initialize_duration_seconds_count{nodename="box-1"})"), 2);
  EXPECT_EQ(value_of(text, "parley_call_answer_seconds_count"), 2);

  w.os.signal(w.os.alive(sim::SimOs::Kind::job).front(), SIGKILL);
  ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
  text = w.os.supervisor()->metrics();
  EXPECT_EQ(value_of(text, R"(parley_call_endings_total{reason="crash"})"), 1);
  EXPECT_EQ(value_of(text, R"(parley_call_endings_total{reason="caller_hung_up"})"), 1);
  EXPECT_EQ(value_of(text, "parley_call_duration_seconds_count"), 2);
  EXPECT_EQ(value_of(text, "parley_hooks_done_total"), 4);
  EXPECT_EQ(value_of(text, "parley_hook_tries_failed_total"), 0);
  EXPECT_EQ(value_of(text, R"(lk_agents_active_job_count{nodename="box-1"})"), 0);
}

TEST(SupervisorMetrics, HookThatFails_IsCountedByTries_UntilItIsGivenUp) {
  ProcessWorld w(32);
  (void)w.hooks->add("broken", [](boost::json::object, job::HookContext) -> Task<Result<void>> { co_return fail(Errc::unavailable, "no"); },
                     {.give_up_after = 20s});
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  w.hang_up_all();
  ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
  const auto text = w.os.supervisor()->metrics();
  EXPECT_EQ(value_of(text, "parley_hooks_given_up_total"), 1);
  EXPECT_GE(value_of(text, "parley_hook_tries_failed_total"), 2);
  EXPECT_EQ(value_of(text, "parley_hooks_done_total"), 2);
}

TEST(SupervisorStatus, HasWhatLiveKitsToolsLookFor) {
  ProcessWorld w(33, {.slots = 2, .agent_name = "reception", .node_name = "box-1"});
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  const auto status = w.os.supervisor()->status();
  EXPECT_EQ(status.at("agent_name").as_string(), "reception");
  EXPECT_EQ(status.at("worker_type").as_string(), "JT_ROOM");
  EXPECT_EQ(status.at("active_jobs").to_number<int>(), 1);
  EXPECT_EQ(status.at("project_type").as_string(), "cpp");
  EXPECT_EQ(status.at("worker_load").as_double(), 0.5);
  EXPECT_FALSE(status.at("sdk_version").as_string().empty());
}

}  // namespace
}  // namespace parley::worker
