// The terminal record, from journals of calls that ended well, badly, or in the middle of a line.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "job/record.hpp"

namespace parley::job {
namespace {

boost::json::value json(std::string_view text) { return boost::json::parse({text.data(), text.size()}); }

// A journal written by hand; a second passes between two records.
class Call {
 public:
  Call& attempt(std::string id) {
    attempt_ = std::move(id);
    return *this;
  }
  Call& supervisor() { return attempt(""); }
  Call& add(std::string_view type, boost::json::object data = {}) {
    contents.records.push_back(
        {.type = std::string(type),
         .time = *parse_iso8601("2026-11-21T12:00:00.000Z") + std::chrono::seconds(contents.records.size()),
         .sequence = ++contents.last_sequence,
         .call_id = "CA_1",
         .attempt_id = attempt_,
         .data = std::move(data)});
    return *this;
  }
  Call& started(std::vector<std::string> hooks = {}, bool transcripts = true) {
    attempt("AJ_1");
    add(record_type::kCallStarted,
        to_json(CallStarted{.info = {{"agent", "reception"}, {"sip", {{"phoneNumber", "+15550100"}}}},
                            .hooks = std::move(hooks),
                            .transcripts = transcripts}));
    return add(record_type::kAttemptStarted, {{"pid", 7}});
  }
  Call& said(std::string_view role, std::string_view text) {
    return add("conversation_item_added", {{"item", {{"type", "message"}, {"role", role}, {"text", text}}}});
  }
  Call& ended(StopCause cause, std::string detail = {}) {
    add(record_type::kAttemptEnding, ending_json({cause, std::move(detail)}));
    CloseReport report;
    report.add({.name = "session/tts", .outcome = CloseOutcome::forced, .took = 1s});
    return add(record_type::kAttemptEnded, ended_json(report));
  }
  boost::json::object record() const { return build_record(contents); }

  JournalContents contents;

 private:
  std::string attempt_;
};

TEST(Record, CallThatEndedWell) {
  Call call;
  call.started({"CA_1/on_end/1"}).said("assistant", "Good evening.").said("user", "A table, please.");
  call.add("conversation_item_added",
           {{"item", {{"type", "function_call"}, {"call_id", "FC_1"}, {"name", "book"}, {"arguments", "{}"}}}});
  call.add("conversation_item_added", {{"item",
                                        {{"type", "function_call_output"},
                                         {"call_id", "FC_1"},
                                         {"name", "book"},
                                         {"output", "done"},
                                         {"is_error", false}}}});
  call.add(record_type::kRemember, {{"key", "booking"}, {"value", {{"people", 4}}}});
  call.ended(StopCause::caller_hung_up, "BYE");
  call.add(record_type::kSummary, {{"usage", {{"llm_tokens", 12}}}, {"latency", {{"p50_ms", 400}}}});
  const auto r = call.record();
  EXPECT_EQ(r.at("call"), json(R"({"agent":"reception","sip":{"phoneNumber":"+15550100"},"id":"CA_1"})"));
  EXPECT_EQ(r.at("started_at"), "2026-11-21T12:00:00.000Z");
  EXPECT_EQ(r.at("ended_at"), "2026-11-21T12:00:08.000Z");
  EXPECT_EQ(r.at("ended_by"), "caller");
  EXPECT_EQ(r.at("reason"), "caller_hung_up");
  EXPECT_EQ(r.at("detail"), "BYE");
  EXPECT_EQ(r.at("outcome"), "completed");
  EXPECT_EQ(r.at("transcript").as_array().size(), 2u);
  EXPECT_EQ(
      r.at("tools"),
      json(
          R"([{"type":"function_call","call_id":"FC_1","name":"book","arguments":"{}","output":"done","is_error":false}])"));
  EXPECT_EQ(r.at("usage").at("llm_tokens"), 12);
  EXPECT_EQ(r.at("latency").at("p50_ms"), 400);
  EXPECT_EQ(r.at("teardown").at("forced"), 1);
  EXPECT_EQ(r.at("teardown").at("not_clean").at(0).at("name"), "session/tts");
  EXPECT_EQ(r.at("hooks"), json(R"([{"key":"CA_1/on_end/1","state":"pending","tries":0}])"));
  EXPECT_EQ(r.at("data"), json(R"({"booking":{"people":4}})"));
  EXPECT_EQ(r.at("withheld"), json("[]"));
}

TEST(Record, CallerWhoBecameKnownLater_IsPartOfTheCall) {
  Call call;
  call.started({});
  call.add(record_type::kCaller, {{"participant", {{"identity", "sip_1"}, {"attributes", {{"sip.phoneNumber", "+1555"}}}}},
                                  {"sip", {{"phoneNumber", "+1555"}}}});
  const auto r = call.record();
  EXPECT_EQ(r.at("call").at("participant").at("identity"), "sip_1");
  EXPECT_EQ(r.at("call").at("sip"), json(R"({"phoneNumber":"+1555"})"));
  EXPECT_EQ(r.at("call").at("agent"), "reception") << "the rest stays";
}

TEST(Record, EveryFieldOfTheContract_IsThere_EvenOfAnEmptyJournal) {
  const auto r = build_record({}, "CA_1");
  for (const auto* name : {"call", "started_at", "ended_at", "ended_by", "reason", "transcript", "tools", "usage",
                           "latency", "teardown", "hooks", "outcome", "data", "attempts", "withheld", "journal"}) {
    EXPECT_TRUE(r.contains(name)) << name;
  }
  EXPECT_EQ(r.at("call").at("id"), "CA_1");
  EXPECT_EQ(r.at("outcome"), "running");
}

TEST(Record, JobThatCrashed_HasWhatWasSaidSoFar_AndSaysHowItDied) {
  Call call;
  call.started()
      .said("user", "Hello?")
      .supervisor()
      .add(record_type::kAttemptExited, to_json(ProcessExit{.signal = 11}));
  const auto r = call.record();
  EXPECT_EQ(r.at("outcome"), "failed");
  EXPECT_EQ(r.at("reason"), "crash");
  EXPECT_EQ(r.at("ended_by"), "failure");
  EXPECT_EQ(r.at("detail"), "the job's process was ended by signal 11");
  EXPECT_EQ(r.at("ended_at"), "2026-11-21T12:00:03.000Z");
  EXPECT_EQ(r.at("transcript").as_array().size(), 1u);
  EXPECT_EQ(r.at("teardown").at("exit").at("signal"), 11);
}

TEST(Record, CrashAfterTheEnd_DoesNotChangeWhoEndedTheCall) {
  Call call;
  call.started()
      .ended(StopCause::agent_hung_up)
      .supervisor()
      .add(record_type::kAttemptExited, to_json(ProcessExit{.signal = 6}));
  EXPECT_EQ(call.record().at("ended_by"), "agent");
  EXPECT_EQ(call.record().at("outcome"), "completed");
  EXPECT_EQ(call.record().at("teardown").at("exit").at("signal"), 6);
}

TEST(Record, KilledWhileClosing_KeepsItsReason) {
  Call call;
  call.started().add(record_type::kAttemptEnding, ending_json({StopCause::limit, "an hour"}));
  call.supervisor().add(record_type::kAttemptExited, to_json(ProcessExit{.signal = 9, .detail = "killed"}));
  EXPECT_EQ(call.record().at("reason"), "limit");
  EXPECT_EQ(call.record().at("ended_by"), "limit");
  EXPECT_EQ(call.record().at("outcome"), "completed");
}

TEST(Record, SecondAttempt_DecidesTheEnd_AndKeepsTheFirstOnesTranscript) {
  Call call;
  call.started().said("user", "one").supervisor().add(record_type::kAttemptExited, to_json(ProcessExit{.signal = 9}));
  call.attempt("AJ_2").add(record_type::kAttemptStarted);
  {
    RecordBuilder live("CA_1");
    live.add(call.contents);
    EXPECT_FALSE(live.over()) << "the call goes on in its second attempt";
    EXPECT_EQ(live.record().at("outcome"), "running");
  }
  call.said("user", "two").ended(StopCause::caller_hung_up);
  EXPECT_EQ(call.record().at("outcome"), "completed");
  EXPECT_EQ(call.record().at("transcript").as_array().size(), 2u);
  EXPECT_EQ(call.record().at("attempts").as_array().size(), 2u);
}

TEST(Record, ProcessesAfterTheCall_AreNoAttemptsOfIt) {
  Call call;
  call.started().said("user", "one").ended(StopCause::caller_hung_up);
  call.attempt("AJ_after").add(record_type::kAttemptStarted, {{"kind", kAfterCallKind}});
  call.supervisor().add(record_type::kAttemptExited, to_json(ProcessExit{.attempt_id = "AJ_after", .signal = 9}));
  EXPECT_EQ(call.record().at("outcome"), "completed");
  EXPECT_EQ(call.record().at("attempts").as_array().size(), 1u);
  EXPECT_FALSE(call.record().at("teardown").as_object().contains("exit"));
}

TEST(Record, SummaryOfTheProgram_WinsOverItsEvents) {
  Call call;
  call.started()
      .said("user", "event")
      .add(record_type::kSummary, {{"transcript", {{{"type", "message"}, {"text", "summary"}}}}});
  EXPECT_EQ(call.record().at("transcript").as_array().at(0).at("text"), "summary");
}

TEST(Record, TranscriptsOff_AreWithheld_AndTheRecordSaysSo) {
  Call call;
  call.started({}, false).said("user", "secret").ended(StopCause::caller_hung_up);
  const auto r = call.record();
  EXPECT_EQ(r.at("transcript"), json("[]"));
  EXPECT_EQ(r.at("withheld"), json(R"(["transcript"])"));
  EXPECT_EQ(boost::json::serialize(r).find("secret"), std::string::npos);
}

TEST(Record, EndlessCall_KeepsTheLatestWords_AndFitsIntoOneRecord) {
  Call call;
  call.started();
  RecordBuilder builder("CA_1");
  builder.add(call.contents);
  const std::string text(2000, 'x');
  for (int i = 0; i < 3000; ++i) {
    auto line = call.contents.records.back();
    line.type = "conversation_item_added";
    line.data = {{"item", {{"type", "message"}, {"n", i}, {"text", text}}}};
    builder.add(line);
    line.data = {{"item", {{"type", "function_call"}, {"call_id", std::to_string(i)}, {"arguments", text}}}};
    builder.add(line);
    line.type = record_type::kRemember;
    line.data = {{"key", "k" + std::to_string(i)}, {"value", text}};
    builder.add(line);
  }
  const auto r = builder.record();
  EXPECT_EQ(r.at("transcript").as_array().back().at("n"), 2999);
  EXPECT_GT(r.at("journal").at("dropped").to_number<int>(), 0);
  JournalRecord terminal{.type = std::string(record_type::kTerminal), .call_id = "CA_1", .data = r};
  EXPECT_TRUE(encode_record(terminal)) << boost::json::serialize(r).size();
}

TEST(Record, OneMemberOfAnotherKind_CostsThatMemberOnly) {
  // What a hostile or broken journal may hold; every line is a valid record.
  Call call;
  call.started();
  for (const auto type :
       {record_type::kCallStarted, record_type::kAttemptEnding, record_type::kAttemptEnded, record_type::kAttemptExited,
        record_type::kRemember, record_type::kSummary, record_type::kHooksDue, record_type::kHookStarted,
        record_type::kHookDone, record_type::kHookFailed, record_type::kHookGivenUp, record_type::kGap}) {
    for (
        const auto* data :
        {R"({})", R"({"info":[],"hooks":5,"transcripts":"no","key":1,"value":null,"cause":{},"teardown":[],
                               "error":7,"lost":-3,"transcript":{},"tools":"x","usage":[[[]]],"signal":"nine","attempt":9})",
         R"({"hooks":["x","CA_1/","CA_1//1","CA_1/a/0","CA_1/a/x","CA_2/a/1",null],"key":"CA_1/on_end/99999999999999999999"})"}) {
      call.add(type, json(data).as_object());
    }
  }
  call.add("conversation_item_added", {{"item", 5}});
  call.add("session_usage_updated", {{"usage", "much"}});
  const auto r = call.record();
  EXPECT_EQ(r.at("call").at("agent"), "reception");
  EXPECT_TRUE(r.at("hooks").as_array().empty()) << boost::json::serialize(r.at("hooks"));
}

TEST(Record, AttemptsBeyondTheBound_DoNotGrowTheRecord) {
  Call call;
  call.started();
  for (int i = 0; i < 100; ++i) call.attempt("AJ_x" + std::to_string(i)).add(record_type::kAttemptStarted);
  EXPECT_EQ(call.record().at("attempts").as_array().size(), RecordBuilder::kMaxAttempts);
}

}  // namespace
}  // namespace parley::job
