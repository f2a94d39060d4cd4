#include "net/sse.hpp"

#include <gtest/gtest.h>

namespace parley::net {
namespace {

std::vector<SseEvent> all(SseParser& parser) {
  std::vector<SseEvent> events;
  while (auto event = parser.next()) events.push_back(std::move(*event));
  return events;
}

std::vector<SseEvent> parse(std::string_view bytes) {
  SseParser parser;
  EXPECT_TRUE(parser.feed(bytes));
  return all(parser);
}

// The examples of the standard (WHATWG HTML, 9.2.6).
TEST(SseParser, ReadsTheStandardsExamples) {
  auto events = parse("data: YHOO\ndata: +2\ndata: 10\n\n");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].data, "YHOO\n+2\n10");
  EXPECT_EQ(events[0].type, "message");

  events = parse(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n");
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].id, "1");
  EXPECT_EQ(events[1].data, "second event");
  EXPECT_EQ(events[1].id, "");
  EXPECT_EQ(events[2].data, " third event");

  events = parse("data\n\ndata\ndata\n\ndata:");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].data, "");
  EXPECT_EQ(events[1].data, "\n");

  events = parse("data:test\n\ndata: test\n\n");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].data, events[1].data);
}

TEST(SseParser, AnyLineEnd_AnyCut_GivesTheSame) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const std::string bytes = "\xEF\xBB\xBF" "event: add" + end + "data: 1" + end + end + "data: 2" + end + end;
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      SseParser parser;
      ASSERT_TRUE(parser.feed(std::string_view(bytes).substr(0, cut)));
      ASSERT_TRUE(parser.feed(std::string_view(bytes).substr(cut)));
      const auto events = all(parser);
      ASSERT_EQ(events.size(), 2u) << "cut at " << cut;
      EXPECT_EQ(events[0].type, "add");
      EXPECT_EQ(events[1].type, "message");
      EXPECT_EQ(events[1].data, "2");
    }
  }
}

TEST(SseParser, EventWithoutItsEmptyLine_IsNone) { EXPECT_TRUE(parse("data: half\n").empty()); }

TEST(SseParser, Retry_IsTakenOnlyAsANumber) {
  SseParser parser;
  ASSERT_TRUE(parser.feed("retry: 1500\n"));
  EXPECT_EQ(parser.retry_ms(), 1500u);
  ASSERT_TRUE(parser.feed("retry: soon\nretry: -1\nretry: 99999999999999999999\n"));
  EXPECT_EQ(parser.retry_ms(), 1500u);
}

TEST(SseParser, EndlessLine_IsRefused) {
  SseParser parser;
  const std::string part(64 * KiB, 'x');
  Result<void> fed;
  int parts = 0;
  while (fed && parts < 1000) fed = (++parts, parser.feed(part));
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code(), Errc::protocol);
  EXPECT_EQ(parts, 17);
}

TEST(SseParser, EndlessEvent_IsRefused) {
  SseParser parser;
  const std::string line = "data: " + std::string(512 * KiB, 'x') + "\n";
  Result<void> fed;
  int lines = 0;
  while (fed && lines < 1000) fed = (++lines, parser.feed(line));
  ASSERT_FALSE(fed);
  EXPECT_EQ(lines, 9 - 1);
}

TEST(SseWriter, WhatIsWritten_IsReadBack) {
  const auto events = parse(sse_retry(1000) + sse_event("7", "transcript", "{\"a\":1}") + sse_comment("keep-alive") +
                            sse_event("8", "x", "one\ntwo\r\nthree\n"));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type, "transcript");
  EXPECT_EQ(events[0].id, "7");
  EXPECT_EQ(events[0].data, "{\"a\":1}");
  EXPECT_EQ(events[1].data, "one\ntwo\nthree\n");
}

TEST(SseWriter, LineBreaksInTheType_CannotForgeFields) {
  EXPECT_EQ(sse_event("1\nid: 2", "a\ndata: forged", "x"), "id: 1\nevent: a\ndata: x\n\n");
}

}  // namespace
}  // namespace parley::net
