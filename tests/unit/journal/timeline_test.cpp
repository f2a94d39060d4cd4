// `parley inspect`, read aloud: exactly what an operator sees.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "job/journal_timeline.hpp"
#include "job/journal_telling.hpp"
#include "job/record.hpp"

namespace parley::job {
namespace {

// A journal as it is written, record by record.
class Told {
 public:
  Told& at(int ms) {
    ms_ = ms;
    return *this;
  }
  Told& by(std::string attempt) {
    attempt_ = std::move(attempt);
    return *this;
  }
  Told& says(std::string_view type, boost::json::object data = {}) {
    contents.records.push_back({.type = std::string(type),
                                .time = *parse_iso8601("2026-11-21T12:00:00.000Z") + std::chrono::milliseconds(ms_),
                                .sequence = ++contents.last_sequence,
                                .call_id = "CA_1",
                                .attempt_id = attempt_,
                                .data = std::move(data)});
    return *this;
  }
  Told& says(std::string_view type, const char* data) { return says(type, boost::json::parse(data).as_object()); }

  JournalContents contents;

 private:
  int ms_ = 0;
  std::string attempt_ = "AJ_1";
};

Told answered() {
  Told t;
  t.says(record_type::kCallStarted, to_json(CallStarted{.info = {{"id", "CA_1"}, {"job_id", "AJ_1"}, {"room", nullptr}, {"participant", {{"identity", ""}, {"attributes", boost::json::object()}}}, {"sip", boost::json::object()}, {"metadata", {{"table", 4}}}}, .hooks = {"CA_1/crm/1"}}))
      .says(record_type::kAttemptStarted, {{"pid", 7}})
      .at(20).says("agent_state_changed", R"({"old_state":"initializing","new_state":"listening"})")
      .at(1204).says("user_state_changed", R"({"old_state":"listening","new_state":"speaking"})")
      .at(2500).says("user_state_changed", R"({"old_state":"speaking","new_state":"listening"})")
      .at(2900).says("user_input_transcribed", R"({"transcript":"a table for four","is_final":true})")
      .at(2950).says("conversation_item_added", R"({"item":{"type":"message","role":"user","text":"a table for four"}})")
      .says("speech_created", R"({"speech_id":"speech_1","source":"generate_reply","user_initiated":false})")
      .says("agent_state_changed", R"({"old_state":"listening","new_state":"thinking"})")
      .at(3200).says("function_tools_executed",
                     R"({"function_calls":[{"type":"function_call","call_id":"c1","name":"book_table","arguments":"{\"people\":4}"}],)"
                     R"("function_call_outputs":[{"type":"function_call_output","call_id":"c1","output":"booked","is_error":false,"duration":0.2141}]})")
      .at(3400).says("metrics_collected",
                     R"({"metrics":{"type":"turn_metrics","speech_id":"speech_1","e2e_latency":0.6764,"transcription_delay":0.2,)"
                     R"("end_of_turn_delay":0.35,"llm_node_ttft":0.0456,"tts_node_ttfb":0.0901}})")
      .says("agent_state_changed", R"({"old_state":"thinking","new_state":"speaking"})")
      .at(5000).says("conversation_item_added",
                     R"({"item":{"type":"function_call","call_id":"c1","name":"book_table","arguments":"{\"people\":4}"}})")
      .says("conversation_item_added", R"({"item":{"type":"message","role":"assistant","text":"Your table","interrupted":true}})")
      .says("agent_state_changed", R"({"old_state":"speaking","new_state":"listening"})");
  return t;
}

Told hung_up() {
  auto t = answered();
  t.at(42'000).says(record_type::kAttemptEnding, ending_json({StopCause::caller_hung_up, {}}))
      .at(42'020).says("close", R"({"reason":"participant_disconnected","cause":"caller_hung_up"})")
      .says(record_type::kSummary)
      .at(42'100).says(record_type::kAttemptEnded,
                       R"({"teardown":{"closed":8,"forced":1,"failed":0,"abandoned":0,"finished":true,"took_ms":100.2,)"
                       R"("not_clean":[{"name":"session/llm","outcome":"forced","took_ms":90,"detail":"it did not listen"}],)"
                       R"("steps":[{"name":"program","at_ms":0,"took_ms":0.2},{"name":"session","at_ms":0.2,"took_ms":95},{"name":"journal","at_ms":95.2,"took_ms":5}]}})")
      .says(record_type::kHooksDue, R"({"hooks":["CA_1/crm/1"]})")
      .says(record_type::kHookStarted, R"({"key":"CA_1/crm/1","try":1})")
      .at(42'290).says(record_type::kHookFailed, R"({"key":"CA_1/crm/1","error":"answered 500","took_ms":190})")
      .by("").at(42'300).says(record_type::kAttemptExited, R"({"attempt":"AJ_1","code":8,"detail":"its process ended with code 8"})")
      .at(42'301).says(record_type::kTerminal)
      .by("AJ_2").at(44'000).says(record_type::kAttemptStarted, R"({"kind":"after_call"})")
      .says(record_type::kHookStarted, R"({"key":"CA_1/crm/1","try":2})")
      .at(44'120).says(record_type::kHookDone, R"({"key":"CA_1/crm/1","took_ms":120})");
  return t;
}

TEST(Timeline, TellsACall_FromItsFirstWordToItsLastHook) {
  EXPECT_EQ(timeline_text(hung_up().contents),
            "CA_1  2026-11-21T12:00:00.000Z  42.1 s  completed: the caller hung up\n"
            "1 turn, heard after 676 ms (median) and 676 ms at most; 1 tool call; 1 interruption\n"
            "hooks: crm done\n"
            "    0.000  call        begins: metadata={\"table\":4}; hooks: crm\n"
            "    0.000  job         AJ_1 begins, process 7\n"
            "    0.020  agent       listens\n"
            "    1.204  caller      speaks\n"
            "    2.500  caller      is silent\n"
            "    2.900  caller      \"a table for four\"\n"
            "    2.950  agent       thinks\n"
            "    3.200  tool        book_table({\"people\":4}) -> booked, 214 ms\n"
            "    3.400  agent       is heard 676 ms after the caller's last sound (transcript 200 ms, end of turn 350 ms, LLM 46 ms, TTS 90 ms)\n"
            "    3.400  agent       speaks\n"
            "    5.000  agent       \"Your table\" interrupted: the rest was not heard\n"
            "    5.000  agent       listens\n"
            "   42.000  ending      begins: the caller hung up\n"
            "   42.000  ending      program: 0 ms\n"
            "   42.000  ending      session: 95 ms\n"
            "   42.020  ending      the session is closed\n"
            "   42.095  ending      journal: 5 ms\n"
            "   42.100  ending      session/llm was forced after 90 ms: it did not listen\n"
            "   42.100  ending      done in 100 ms: 8 closed, 1 forced\n"
            "   42.100  hook        due: crm\n"
            "   42.100  hook        crm begins\n"
            "   42.290  hook        crm failed after 190 ms: answered 500\n"
            "   42.300  supervisor  AJ_1 ended with code 8\n"
            "   42.301  supervisor  the terminal record is written\n"
            "   44.000  job         AJ_2 begins the work after the call\n"
            "   44.000  hook        crm begins, try 2\n"
            "   44.120  hook        crm is done, 120 ms\n");
}

TEST(Timeline, CallWhoseProcessDied_SaysSo_WithTheToolThatWasAtWork) {
  Told t;
  t.says(record_type::kCallStarted, to_json(CallStarted{.info = {{"id", "CA_1"}}, .hooks = {"CA_1/crm/1"}, .transcripts = false}))
      .says(record_type::kAttemptStarted, {{"pid", 7}})
      .at(900).says("conversation_item_added", R"({"item":{"type":"function_call","call_id":"c1","name":"book_table","arguments":"{}"}})")
      .at(1000).says("error", R"({"source":{"type":"llm_error","label":"openai"},"message":"no answer","code":"timeout","recoverable":true})")
      .by("").at(1500).says(record_type::kAttemptExited, to_json(ProcessExit{.attempt_id = "AJ_1", .signal = 9, .detail = "ended by the supervisor: its loop does not turn"}))
      .says(record_type::kTerminal)
      .by("AJ_2").at(2000).says(record_type::kHookGivenUp, R"({"key":"CA_1/crm/1","error":"nobody knows it"})");
  EXPECT_EQ(timeline_text(t.contents),
            "CA_1  2026-11-21T12:00:00.000Z  1.5 s  failed: its process died (ended by the supervisor: its loop does not turn)\n"
            "1 error\n"
            "hooks: crm given up\n"
            "    0.000  call        begins; hooks: crm; hooks get no transcript\n"
            "    0.000  job         AJ_1 begins, process 7\n"
            "    0.900  tool        book_table({}) was called; what came of it is not in the journal\n"
            "    1.000  error       llm_error of openai: no answer [timeout]; the call goes on\n"
            "    1.500  supervisor  AJ_1 was killed by signal 9: ended by the supervisor: its loop does not turn\n"
            "    1.500  supervisor  the terminal record is written\n"
            "    2.000  hook        crm is given up: nobody knows it\n");
}

TEST(Timeline, OtherThingsThatHappen_HaveTheirWords) {
  Told t;
  t.at(0).says(record_type::kAttemptStarted, {{"pid", 7}})
      .at(100).says("sip_dtmf_received", R"({"digit":"redacted"})")
      .at(200).says("agent_false_interruption", R"({"resumed":true})")
      .at(300).says("user_state_changed", R"({"old_state":"listening","new_state":"away"})")
      .at(400).says("user_state_changed", R"({"old_state":"away","new_state":"listening"})")
      .at(500).says("conversation_item_added", R"({"item":{"type":"agent_handoff","from":"desk","to":"billing"}})")
      .at(600).says("user_input_transcribed", R"({"transcript":"one"})")
      .says("user_input_transcribed", R"({"transcript":"two"})")
      .says("conversation_item_added", R"({"item":{"type":"message","role":"user","text":"one two"}})")
      .at(700).says("conversation_item_added", R"({"item":{"type":"message","role":"user","text":"said without a transcript"}})")
      .at(800).says("function_tools_executed",
                    R"({"function_calls":[{"name":"a","arguments":"{}"},{"name":"b","arguments":"{}"}],)"
                    R"("function_call_outputs":[{"output":"no such table","is_error":true,"duration":12.5},{"output":""}]})")
      .at(900).says("metrics_collected", R"({"metrics":{"type":"turn_metrics","tts_node_ttfb":0.011}})")
      .at(950).says("worker_draining", R"({"grace_ms":60000})")
      .at(960).says(record_type::kRemember, R"({"key":"booking","value":{"people":4}})")
      .at(970).says(record_type::kGap, R"({"lost":3,"why":"no space was left"})")
      .at(975).says("recording_started", R"({"path":"/rec/CA_1.ogg","channels":"stereo"})")
      .says("recording_stopped", R"({"path":"/rec/CA_1.ogg","reason":"the call ended","duration":12.34})")
      .says("recording_stopped", R"({"path":"/rec/CA_1.ogg","reason":"File exists","duration":0.0})")
      .at(980).says("said", R"({"n":1,"empty":"","words":"hello"})");
  EXPECT_EQ(timeline_text(t.contents),
            "CA_1  2026-11-21T12:00:00.000Z  1.0 s  going on\n"
            "2 tool calls\n"
            "    0.000  job         AJ_1 begins, process 7\n"
            "    0.100  caller      presses redacted\n"
            "    0.200  agent       had stopped for a noise, and goes on\n"
            "    0.300  caller      says nothing any more\n"
            "    0.400  caller      is there again\n"
            "    0.500  agent       desk hands over to billing\n"
            "    0.600  caller      \"one\"\n"
            "    0.600  caller      \"two\"\n"
            "    0.700  caller      in all: \"said without a transcript\"\n"
            "    0.800  tool        a({}) failed: no such table, 12.5 s\n"
            "    0.800  tool        b({}) -> \n"
            "    0.900  agent       is heard (TTS 11 ms)\n"
            "    0.950  call        the worker is being stopped; calls may go on for 60.0 s\n"
            "    0.960  call        remembers booking: {\"people\":4}\n"
            "    0.970  journal     3 records are lost here: no space was left\n"
            "    0.975  call        is recorded from here on: /rec/CA_1.ogg, stereo\n"
            "    0.975  call        was recorded for 12.3 s: the call ended\n"
            "    0.975  call        is not recorded: File exists\n"
            "    0.980  program     said  n=1 words=hello\n");
}

TEST(Timeline, SaysWhatTheJournalLacks) {
  auto contents = answered().contents;
  contents.damaged = 2;
  contents.missing = 3;
  contents.torn_tail = true;
  const auto text = timeline_text(contents);
  EXPECT_NE(text.find("\njournal: 2 lines cannot be read. 3 records are missing. The last line has no end"), std::string::npos) << text;
  EXPECT_EQ(timeline_text({}), "The journal has no record.\n");
}

TEST(Timeline, NothingInIt_IsObeyedByATerminal) {
  auto contents = answered().contents;
  contents.records[2].data = {{"a\x1b[2J\rb", "c\x1b]0;x\x07"}};
  contents.records[2].type = "t\x1b[1m";
  contents.records[5].data = {{"transcript", "\xc2\x9b""31m red"}};
  const auto text = timeline_text(contents);
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
}

TEST(Timeline, MembersOfAnotherKind_AreNoHarm) {
  for (const auto& record : hung_up().contents.records) {
    Told t;
    t.says(record_type::kAttemptStarted).says(record.type);
    for (const auto* data : {R"({"item":3,"metrics":[],"transcript":{},"teardown":[],"hooks":{},"key":7,"code":"x","function_calls":{"a":1},"digit":[]})",
                             R"({"item":{"type":[],"text":1},"teardown":{"steps":[1,{"name":2}],"not_clean":[3,{}]},"hooks":[1],"function_calls":[1,{"name":3}],"function_call_outputs":[2,{}]})"}) {
      t.says(record.type, data);
    }
    EXPECT_FALSE(timeline_text(t.contents).empty());
    EXPECT_FALSE(timeline_json(t.contents).empty());
  }
}

TEST(Timeline, LongText_IsCutBetweenCharacters) {
  EXPECT_EQ(printable("z\xc3\xbcrich", 2), "z...");
  EXPECT_EQ(printable("z\xc3\xbcrich", 3), "z\xc3\xbc...");
  EXPECT_EQ(printable("short", 5), "short");
}

TEST(Timeline, AsJson_HasSummaryRecordWordsAndEveryRecord) {
  const auto json = timeline_json(hung_up().contents);
  EXPECT_EQ(json.at("call").as_string(), "CA_1");
  EXPECT_EQ(json.at("record").at("reason").as_string(), "caller_hung_up");
  EXPECT_EQ(json.at("lines").as_array().size(), hung_up().contents.records.size());
  EXPECT_EQ(json.at("lines").at(3).at("at"), 1.204);
  EXPECT_EQ(json.at("lines").at(3).at("type").as_string(), "user_state_changed");
  EXPECT_EQ(boost::json::serialize(json.at("timeline").at(5)), R"({"at":2.9E0,"who":"caller","text":"\"a table for four\""})");
  EXPECT_EQ(json.at("journal").at("damaged"), 0u);
  EXPECT_EQ(boost::json::serialize(json.at("summary")),
            R"({"call":"CA_1","started_at":"2026-11-21T12:00:00.000Z","duration_s":4.21E1,"outcome":"completed","reason":"caller_hung_up",)"
            R"("ended_by":"caller","detail":"","turns":1,"tools":1,"interruptions":1,"errors":0,"heard_after_ms":{"median":6.764E2,"most":6.764E2},)"
            R"("hooks":[{"name":"crm","state":"done","tries":2}]})");
}

}  // namespace
}  // namespace parley::job
