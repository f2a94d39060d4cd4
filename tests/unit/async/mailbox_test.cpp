#include <parley/async/mailbox.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <parley/async/callback.hpp>
#include <parley/async/scope.hpp>

#include "async/real_loop.hpp"

namespace parley {
namespace {

TEST(MailboxThreads, ManyThreadsPush_EachOneInItsOrder_NothingLostThatWasTaken) {
  constexpr int kThreads = 4, kEach = 5000;
  RealLoop loop("test");
  Mailbox<std::pair<int, int>> mailbox(loop, 64);
  std::vector<int> next(kThreads, 0);
  int received = 0;
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("pop", [](RealLoop& l, Mailbox<std::pair<int, int>>& m, std::vector<int>& n, int& count) -> Task<void> {
    while (count < kThreads * kEach) {
      auto value = co_await m.pop(l.in(20s));
      if (!value) break;
      EXPECT_EQ(n[static_cast<std::size_t>(value->first)]++, value->second);
      ++count;
    }
    l.stop();
  }(loop, mailbox, next, received)));
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([sender = mailbox.sender(), t](const std::stop_token& stop) {
      for (int i = 0; i < kEach; ++i) {
        while (!sender.try_push({t, i}) && !stop.stop_requested()) std::this_thread::yield();
      }
    });
  }
  loop.run();
  EXPECT_EQ(received, kThreads * kEach);
}

TEST(MailboxThreads, KnockForAValueThatWasTakenBefore_DoesNotEndTheNextWait) {
  RealLoop loop("test");
  Mailbox<int> mailbox(loop, 4);
  int first = 0;
  Errc second{};
  Duration waited{};
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("pop", [](RealLoop& l, Mailbox<int>& m, int& one, Errc& code, Duration& w) -> Task<void> {
    EXPECT_TRUE(m.sender().try_push(1));  // knocks; the loop looks at its door in the next turn
    if (const auto value = co_await m.pop(l.in(20s))) one = *value;
    const auto began = l.now();
    const auto nothing = co_await m.pop(l.in(20ms));
    w = l.now() - began;
    code = nothing ? Errc::internal : nothing.error().code();
    l.stop();
  }(loop, mailbox, first, second, waited)));
  loop.run();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, Errc::timeout);
  EXPECT_GE(waited, 20ms) << "it gave up before its deadline";
}

// What a source shows of its notifications: how much had been written when deliver() looked for the last time.
struct Written final : ExternalSource {
  using ExternalSource::ExternalSource;
  void deliver() noexcept override {
    seen = written;
    ++deliveries;
    if (seen == enough) loop->stop();
  }
  std::atomic<int> written = 0;
  int seen = 0;
  int deliveries = 0;
  int enough = 0;
  RealLoop* loop = nullptr;
};

TEST(ExternalSources, ManyThreadsNotifyOne_TheLastNotificationIsNeverLost) {
  constexpr int kThreads = 4, kEach = 5000;
  RealLoop loop("test");
  const auto source = std::make_shared<Written>(loop.remote());
  source->enough = kThreads * kEach;
  source->loop = &loop;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([source] {
      for (int i = 0; i < kEach; ++i) {
        ++source->written;
        EXPECT_TRUE(ExternalSource::notify(source));
      }
    });
  }
  loop.run();
  EXPECT_EQ(source->seen, kThreads * kEach);
  EXPECT_LE(source->deliveries, kThreads * kEach);
}

TEST(ExternalSources, NotifiedTwiceBeforeItsTurn_IsDeliveredOnce_AndAgainAfterwards) {
  RealLoop loop("test");
  const auto source = std::make_shared<Written>(loop.remote());
  source->loop = &loop;
  for (int round = 1; round <= 2; ++round) {
    EXPECT_TRUE(ExternalSource::notify(source));
    EXPECT_TRUE(ExternalSource::notify(source));
    loop.run();
    EXPECT_EQ(source->deliveries, round);
  }
}

TEST(MailboxThreads, SenderOutlivesMailboxAndLoop_AndIsRefused) {
  std::optional<Mailbox<int>::Sender> sender;
  {
    RealLoop loop("test");
    Mailbox<int> mailbox(loop, 4);
    sender = mailbox.sender();
    EXPECT_TRUE(sender->try_push(1));
  }
  EXPECT_FALSE(sender->try_push(2));
}

TEST(MailboxThreads, Full_RefusesAndCounts) {
  RealLoop loop("test");
  Mailbox<int> mailbox(loop, 2);
  const auto sender = mailbox.sender();
  EXPECT_TRUE(sender.try_push(1));
  EXPECT_TRUE(sender.try_push(2));
  EXPECT_FALSE(sender.try_push(3));
  EXPECT_EQ(mailbox.dropped(), 1u);
}

TEST(FromCallback, CalledTwiceFromTwoThreads_TheFirstCounts) {
  RealLoop loop("test");
  Result<int> answer;
  std::vector<std::jthread> threads;
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("ask", [](RealLoop& l, std::vector<std::jthread>& t, Result<int>& a) -> Task<void> {
    a = co_await from_callback<int>(l.in(20s), [&](Callback<int> done) {
      t.emplace_back([done] { done(1); });
      t.emplace_back([done] { done(1); });
    });
    l.stop();
  }(loop, threads, answer)));
  loop.run();
  EXPECT_EQ(answer, 1);
}

TEST(FromCallback, AnswerAfterTheDeadline_IsDroppedAndCounted) {
  RealLoop loop("test");
  Errc code{};
  std::optional<Callback<int>> late;
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("ask", [](RealLoop& l, std::optional<Callback<int>>& kept, Errc& c) -> Task<void> {
    const auto answer = co_await from_callback<int>(l.in(1ms), [&](Callback<int> done) { kept.emplace(done); });
    c = answer ? Errc::internal : answer.error().code();
    (*kept)(5);
    co_await sleep_for(1ms);
    l.stop();
  }(loop, late, code)));
  loop.run();
  EXPECT_EQ(code, Errc::timeout);
  EXPECT_EQ(loop.counters().late_events, 1u);
}

}  // namespace
}  // namespace parley
