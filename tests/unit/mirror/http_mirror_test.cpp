// A journal's mirror on virtual time: order, tries, bounds, the end of its process.
#include "job/http_mirror.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "mirror_test/receiver.hpp"
#include "sim/world.hpp"

namespace parley::job {
namespace {

// What the log says.
struct Lines final : LogSink {
  void write(const LogLine& line) noexcept override { text.emplace_back(line.message); }
  std::vector<std::string> text;
};

class Mirrors : public ::testing::Test {
 protected:
  void add(int from, int to) {
    for (int n = from; n <= to; ++n) mirror.add(fmt::format("{{\"seq\":{}}}", n));
  }
  std::vector<std::string> expected(int from, int to) {
    std::vector<std::string> records;
    for (int n = from; n <= to; ++n) records.push_back(fmt::format("{{\"seq\":{}}}", n));
    return records;
  }
  void flush(Duration patience) {
    bool over = false;
    ASSERT_TRUE(scope.spawn("flush", [](HttpMirror& m, Deadline until, bool& done) -> Task<void> {
      co_await m.flush(until);
      done = true;
    }(mirror, loop.in(patience), over)));
    ASSERT_TRUE(world.run_until([&] { return over; }, patience + 1s)) << world.describe();
  }

  sim::World world{11};
  std::shared_ptr<Lines> log = std::make_shared<Lines>();
  sim::SimLoop& loop = world.add_loop("job", Logger(log));
  Receiver receiver;
  Scope scope{loop, "test"};
  HttpMirror mirror{scope, std::make_shared<ReceiverClient>(receiver), "http://user:word@mirror.test/journals?key=secret"};
};

TEST_F(Mirrors, Records_ArriveInOrder_WhatComesMeanwhileGoesTogether) {
  add(1, 1);
  world.run_for(1ms);
  add(2, 50);
  world.run_for(1s);
  EXPECT_EQ(receiver.records, expected(1, 50));
  EXPECT_EQ(receiver.asked, 2);
  EXPECT_EQ(receiver.most_at_once, 1);
  EXPECT_EQ(mirror.health().records, 50u);
  EXPECT_TRUE(log->text.empty());
}

TEST_F(Mirrors, ServerThatFailsForAWhile_GetsEverythingLater_UnderTheSameKey_AndTheLogIsToldTwice) {
  receiver.status = 503;
  add(1, 3);
  world.run_for(10s);
  EXPECT_TRUE(mirror.health().trouble);
  EXPECT_GE(receiver.asked, 4);
  EXPECT_EQ(std::ranges::count(receiver.keys, receiver.keys.front()), std::ssize(receiver.keys));
  add(4, 5);
  receiver.status = 200;
  world.run_for(40s);
  EXPECT_EQ(receiver.records, expected(1, 5));
  EXPECT_FALSE(mirror.health().trouble);
  EXPECT_EQ(mirror.health().lost, 0u);
  ASSERT_EQ(log->text.size(), 2u);
  for (const auto& line : log->text) {
    EXPECT_EQ(line.find("word"), std::string::npos) << line;
    EXPECT_EQ(line.find("secret"), std::string::npos) << line;
  }
}

TEST_F(Mirrors, ServerThatRefuses_IsNotAskedAgainForTheSameRecords) {
  receiver.status = 403;
  add(1, 2);
  world.run_for(1min);
  EXPECT_EQ(receiver.asked, 1);
  EXPECT_EQ(mirror.health().lost, 2u);
  receiver.status = 200;
  add(3, 3);
  world.run_for(1s);
  EXPECT_EQ(receiver.records, expected(3, 3));
}

TEST_F(Mirrors, ServerThatIsAwayForLong_CostsTheOldestBatch_NotTheOrder) {
  receiver.unreachable = true;
  add(1, 2);
  world.run_for(HttpMirror::kKeepTrying + 1s);
  EXPECT_EQ(mirror.health().lost, 2u);
  add(3, 4);
  receiver.unreachable = false;
  world.run_for(HttpMirror::kLongestPause * 2);
  EXPECT_EQ(receiver.records, expected(3, 4));
}

TEST_F(Mirrors, MoreThanIsKept_IsLostAndCounted_AndToldOnce) {
  receiver.hangs = true;
  const std::string record(1 * MiB, 'x');
  for (int i = 0; i < 12; ++i) {
    mirror.add(record);
    world.run_for(10ms);
  }
  EXPECT_EQ(mirror.health().lost, 12 - HttpMirror::kMaxQueuedBytes / MiB - 1) << "one is on its way";
  EXPECT_EQ(std::ranges::count_if(log->text, [](const auto& line) { return line.find("more waits") != std::string::npos; }), 1);
  EXPECT_LE(receiver.largest_body, 1 * MiB + 1);
}

TEST_F(Mirrors, ManyRecords_GoInBatchesOfABoundedSize) {
  const std::string record(10 * KiB, 'x');
  for (int i = 0; i < 100; ++i) mirror.add(record);
  world.run_for(1s);
  EXPECT_EQ(receiver.records.size(), 100u);
  EXPECT_LE(receiver.largest_body, HttpMirror::kMaxBatchBytes);
}

TEST_F(Mirrors, EndOfAProcess_WaitsForWhatIsLeft) {
  receiver.takes = 200ms;
  add(1, 3);
  world.run_for(1ms);
  add(4, 9);
  const auto began = world.now();
  flush(1s);
  EXPECT_EQ(receiver.records, expected(1, 9));
  EXPECT_LT(world.now() - began, 500ms);
}

TEST_F(Mirrors, EndOfAProcess_DoesNotWaitLongerThanItsDeadline_AndCountsWhatIsLost) {
  receiver.hangs = true;
  add(1, 7);
  world.run_for(1ms);
  const auto began = world.now();
  flush(1s);
  EXPECT_LE(world.now() - began, 1001ms);
  EXPECT_EQ(mirror.health().lost, 7u);
  add(8, 8);
  world.run_for(1min);
  EXPECT_EQ(mirror.health().lost, 8u);
  EXPECT_EQ(receiver.asked, 1);
}

TEST_F(Mirrors, EndOfAProcess_BetweenTwoTries_TriesAtOnce) {
  receiver.unreachable = true;
  add(1, 2);
  world.run_for(1min);  // the next try is many seconds away
  receiver.unreachable = false;
  flush(1s);
  EXPECT_EQ(receiver.records, expected(1, 2));
}

}  // namespace
}  // namespace parley::job
