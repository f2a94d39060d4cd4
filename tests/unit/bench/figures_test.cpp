#include "bench/figures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::bench {
namespace {

using testing::HasSubstr;

Figures figures(std::size_t calls) {
  return {.calls = calls,
          .idle_mb = 12,
          .pss_mb_per_call = 4,
          .kernel_mb_per_call = 0.3,
          .cpu_cores_per_call = 0.01,
          .first_audio = Times{100, 140, 150, 20},
          .own_reply = Times{20, 39, 60, 40},
          .barge_in = Times{400, 581, 700, 9},
          .hangup_to_exit = Times{30, 60, 70, 20},
          .late_frames = {3, 10'000},
          .control = {1, 3'000}};
}

TEST(BenchFigures, PercentilesAreValuesThatWereMeasured) {
  std::vector<double> values;
  for (int i = 100; i > 0; --i) values.push_back(i);
  const auto times = times_of(values);
  ASSERT_TRUE(times);
  EXPECT_EQ(times->p50, 50);
  EXPECT_EQ(times->p95, 95);
  EXPECT_EQ(times->max, 100);
  EXPECT_EQ(times->count, 100U);
}

TEST(BenchFigures, OfOneValueAllPercentilesAreThatValue) {
  const auto times = times_of({7});
  EXPECT_EQ(times->p50, 7);
  EXPECT_EQ(times->p95, 7);
}

TEST(BenchFigures, OfNothingThereAreNone) { EXPECT_FALSE(times_of({})); }

std::string line_with(const std::string& text, std::string_view begin) {
  const auto at = text.find(begin);
  return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
}

TEST(BenchFigures, EachAimHasItsVerdict) {
  const auto text = verdicts({figures(10)});
  EXPECT_THAT(line_with(text, "idle worker"), HasSubstr("met"));
  EXPECT_THAT(line_with(text, "own reply"), HasSubstr("met"));
  EXPECT_THAT(line_with(text, "barge-in"), HasSubstr("MISSED"));
  EXPECT_THAT(line_with(text, "late frames"), HasSubstr("reported"));
}

TEST(BenchFigures, WhatWasNotMeasuredIsNotMet) {
  auto without = figures(1);
  without.own_reply.reset();
  EXPECT_THAT(line_with(verdicts({without}), "own reply"), HasSubstr("not measured"));
}

TEST(BenchFigures, RoomsHaveAimsOfTheirOwn_AndNoneOfABrowsers) {
  auto rooms = figures(10);
  rooms.rooms = true;
  rooms.first_audio = Times{150, 190, 199, 20};
  rooms.subscribed = Times{100, 121, 130, 20};
  rooms.resume = Times{10, 20, 30, 10};
  const auto text = verdicts({rooms});
  EXPECT_THAT(line_with(text, "first audio"), testing::AllOf(HasSubstr("200 ms"), HasSubstr("met")));
  EXPECT_THAT(line_with(text, "agent's track"), testing::AllOf(HasSubstr("10 rooms"), HasSubstr("MISSED")));
  EXPECT_THAT(line_with(text, "missing frames"), HasSubstr("met"));
  EXPECT_THAT(text, testing::Not(HasSubstr("own reply")));
  rooms.missing_frames = 1;
  EXPECT_THAT(line_with(verdicts({rooms}), "missing frames"), HasSubstr("MISSED"));
  rooms.resume.reset();
  EXPECT_THAT(line_with(verdicts({rooms}), "missing frames"), HasSubstr("not measured"));
}

TEST(BenchFigures, RowsOfRoomsAreToldFromThoseOfABrowser) {
  auto rooms = figures(10);
  rooms.rooms = true;
  std::vector<std::string> names;
  for (const auto& row : to_json({figures(10), rooms}, {})) names.emplace_back(row.at("name").as_string());
  EXPECT_THAT(names, testing::ElementsAre("calls-10", "rooms-10", "idle", "rooms-idle", "control", "setting"));
}

TEST(BenchFigures, MoreLateFramesThanTheControl_AreMissedAtTwentyCallsAndReportedAtFifty) {
  auto late = figures(20);
  late.late_frames.late = 30;
  EXPECT_THAT(line_with(verdicts({late}), "late frames"), HasSubstr("MISSED"));
  late.calls = 50;
  EXPECT_THAT(line_with(verdicts({late}), "late frames"), HasSubstr("reported"));
}

}  // namespace
}  // namespace parley::bench
