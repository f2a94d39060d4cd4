#include "async/real_loop.hpp"

#include <algorithm>

#include <sys/eventfd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>
#include <parley/async/within.hpp>

namespace parley {
namespace {

Task<void> run_then_stop(RealLoop& loop, Task<void> task) {
  co_await std::move(task);
  loop.stop();
}

TEST(RealLoop, SleepsForAsLongAsItSays) {
  RealLoop loop("test");
  Duration slept{};
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("main", run_then_stop(loop, [](Loop& l, Duration& s) -> Task<void> {
                                    const auto began = l.now();
                                    co_await sleep_for(20ms);
                                    s = l.now() - began;
                                  }(loop, slept))));
  loop.run();
  EXPECT_GE(slept, 20ms);
  EXPECT_LT(slept, 2s);
}

TEST(RealLoop, SleepIsNotRoundedUpToAMillisecond_BesideADescriptor) {
  RealLoop loop("test");
  // With a descriptor Asio waits in epoll, which counts in milliseconds.
  boost::asio::posix::stream_descriptor descriptor(loop.io(), ::eventfd(0, EFD_CLOEXEC));
  descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read, [](const boost::system::error_code&) {});
  Duration shortest = 1h;  // of many: a busy machine can only make a sleep longer
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("main", run_then_stop(loop, [](Loop& l, Duration& s) -> Task<void> {
                            for (int i = 0; i < 50; ++i) {
                              const auto began = l.now();
                              co_await sleep_for(200us);
                              s = std::min(s, l.now() - began);
                            }
                          }(loop, shortest))));
  loop.run();
  EXPECT_GE(shortest, 200us);
  EXPECT_LT(shortest, 900us);
}

TEST(RealLoop, CloseFromATaskOfAnotherScope_ForcesWhatIsDeaf) {
  RealLoop loop("test");
  CloseReport report;
  Scope call(loop, "call");
  ASSERT_TRUE(call.spawn("deaf", []() -> Task<void> {
    for (;;) {
      try {
        co_await sleep_for(1h);
      } catch (...) {
      }
    }
  }()));
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("main", run_then_stop(loop, [](Scope& c, CloseReport& r) -> Task<void> {
                                    r = co_await c.close(c.loop().in(20ms));
                                  }(call, report))));
  loop.run();
  EXPECT_EQ(report.forced, 1u);
}

TEST(RealLoop, TaskWhoseTimerIsAlwaysDue_DoesNotKeepTheDescriptorsFromTheirTurn) {
  RealLoop loop("test");
  bool handled = false;
  int turns = 0;
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("behind", run_then_stop(loop, [](bool& h, int& t) -> Task<void> {
                            for (; !h && t < 1000; ++t) co_await sleep_for(0ms);
                          }(handled, turns))));
  boost::asio::post(loop.io(), [&] { handled = true; });
  loop.run();
  EXPECT_TRUE(handled);
}

struct Reposts {
  RealLoop& loop;
  int& count;
  bool& ended;
  void operator()() const {
    if (ended || ++count == 100'000) return;
    boost::asio::post(loop.io(), *this);
  }
};

TEST(RealLoop, HandlersThatBreedHandlers_DoNotKeepTimersAndTasksFromTheirTurn) {
  RealLoop loop("test");
  int count = 0;
  bool ended = false;
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("main", run_then_stop(loop, [](bool& e) -> Task<void> {
                            for (int i = 0; i < 10; ++i) co_await yield();
                            e = true;
                          }(ended))));
  boost::asio::post(loop.io(), Reposts{loop, count, ended});
  loop.run();
  EXPECT_LT(count, 10'000);
}

TEST(RealLoop, TurnHook_RunsEvenWhenNothingHappens) {
  RealLoop loop("test");
  int turns = 0;
  loop.set_turn_hook([&] {
    if (++turns == 3) loop.stop();
  });
  loop.run();  // with no task and no timer: it turns all the same, so that a dead-man switch sees it alive
  EXPECT_EQ(turns, 3);
}

}  // namespace
}  // namespace parley
