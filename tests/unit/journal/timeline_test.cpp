#include <gtest/gtest.h>

#include "job/journal_timeline.hpp"
#include "job/record.hpp"

namespace parley::job {
namespace {

JournalContents call() {
  JournalContents contents;
  const auto add = [&](std::string_view type, int ms, boost::json::object data, std::string attempt = "AJ_1") {
    contents.records.push_back({.type = std::string(type),
                                .time = *parse_iso8601("2026-11-21T12:00:00.000Z") + std::chrono::milliseconds(ms),
                                .sequence = ++contents.last_sequence,
                                .call_id = "CA_1",
                                .attempt_id = std::move(attempt),
                                .data = std::move(data)});
  };
  add(record_type::kCallStarted, 0, to_json(CallStarted{.info = {{"agent", "reception"}}}));
  add(record_type::kAttemptStarted, 1, {{"pid", 7}});
  add("user_input_transcribed", 1204, {{"transcript", "a table\nfor \x1b[31mfour"}, {"is_final", true}});
  add("conversation_item_added", 1300, {{"item", {{"type", "message"}, {"role", "user"}, {"text", "a table"}}}});
  add("function_tools_executed", 1400, {{"function_calls", {{{"type", "function_call"}, {"name", "book_table"}}}}});
  add("metrics_collected", 1500, {{"metrics", {{"type", "turn_metrics"}, {"speech_id", "speech_1"}, {"e2e_latency", 0.6764}}}});
  add(record_type::kAttemptEnding, 42'000, ending_json({StopCause::caller_hung_up, {}}));
  add(record_type::kAttemptEnded, 42'100, ended_json({}));
  add(record_type::kAttemptExited, 42'110, to_json(ProcessExit{.code = 0}), "");
  return contents;
}

TEST(Timeline, ShowsTheCall_SecondBySecond) {
  EXPECT_EQ(timeline_text(call()),
            "CA_1  2026-11-21T12:00:00.000Z  42.1 s  completed: caller_hung_up, ended by caller\n"
            "-- AJ_1\n"
            "    0.000  call.started               transcripts=true\n"
            "    0.001  attempt.started            pid=7\n"
            "    1.204  user_input_transcribed     \"a table for  [31mfour\" is_final=true\n"
            "    1.300  conversation_item_added    user: \"a table\"\n"
            "    1.400  function_tools_executed    book_table\n"
            "    1.500  metrics_collected          e2e_latency=676ms\n"
            "   42.000  attempt.ending             cause=caller_hung_up\n"
            "   42.100  attempt.ended\n"
            "-- supervisor\n"
            "   42.110  attempt.exited             code=0\n");
}

TEST(Timeline, SaysWhatTheJournalLacks) {
  auto contents = call();
  contents.damaged = 2;
  contents.missing = 3;
  contents.torn_tail = true;
  const auto text = timeline_text(contents);
  EXPECT_NE(text.find("journal: 2 lines cannot be read. 3 records are missing. The last line has no end"),
            std::string::npos)
      << text;
  EXPECT_EQ(timeline_text({}), "The journal has no record.\n");
}

TEST(Timeline, NothingInIt_IsObeyedByATerminal) {
  auto contents = call();
  contents.records[2].data = {{"a\x1b[2J\rb", "c\x1b]0;x\x07"}};
  contents.records[2].type = "t\x1b[1m";
  for (const char c : timeline_text(contents)) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

TEST(Timeline, AsJson_HasTheRecordAndEveryLine) {
  const auto json = timeline_json(call());
  EXPECT_EQ(json.at("call"), "CA_1");
  EXPECT_EQ(json.at("record").at("reason"), "caller_hung_up");
  ASSERT_EQ(json.at("lines").as_array().size(), 9u);
  EXPECT_EQ(json.at("lines").at(2).at("at"), 1.204);
  EXPECT_EQ(json.at("lines").at(2).at("type"), "user_input_transcribed");
  EXPECT_EQ(json.at("journal").at("damaged"), 0u);
}

}  // namespace
}  // namespace parley::job
