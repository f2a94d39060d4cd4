#include <parley/async/blocking.hpp>

#include <future>
#include <thread>

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "async/real_loop.hpp"

namespace parley {
namespace {

TEST(RunBlocking, RunsOnAnotherThread_AndItsExceptionIsAnError) {
  RealLoop loop("test");
  std::thread::id worker;
  std::string why;
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("main", [](RealLoop& l, std::thread::id& w, std::string& y) -> Task<void> {
    auto id = co_await run_blocking<std::thread::id>(l.in(20s), [] { return std::this_thread::get_id(); });
    if (id) w = *id;
    auto odd = co_await run_blocking<int>(l.in(20s), []() -> int { throw 7; });
    EXPECT_FALSE(odd);
    auto broken = co_await run_blocking<int>(l.in(20s), []() -> int { throw std::runtime_error("disk on fire"); });
    if (!broken) y = broken.error().message();
    l.stop();
  }(loop, worker, why)));
  loop.run();
  EXPECT_NE(worker, std::this_thread::get_id());
  EXPECT_NE(worker, std::thread::id());
  EXPECT_EQ(why, "disk on fire");
}

TEST(RunBlocking, CallThatDoesNotReturn_IsAbandonedAtTheDeadline_AndThePoolSaysSo) {
  auto gate = std::make_shared<std::promise<void>>();
  std::shared_future<void> opened = gate->get_future().share();
  RealLoop loop("test");
  Errc code{};
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("main", [](RealLoop& l, std::shared_future<void> o, Errc& c) -> Task<void> {
    auto stuck = co_await run_blocking<int>(l.in(10ms), [o] {
      o.wait();
      return 1;
    });
    c = stuck ? Errc::internal : stuck.error().code();
    l.stop();
  }(loop, opened, code)));
  loop.run();
  EXPECT_EQ(code, Errc::timeout);
  EXPECT_EQ(loop.counters().abandoned, 1u);
  EXPECT_EQ(loop.blocking().close(1ms), 1u);
  gate->set_value();
  EXPECT_EQ(loop.blocking().close(20s), 0u);
}

TEST(RunBlocking, MoreCallsThanTheQueueHolds_AreRefused) {
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();
  ThreadPool pool;
  std::size_t accepted = 0;
  Result<void> last;
  for (std::size_t i = 0; i < 2 * ThreadPool::kMaxQueued; ++i) {
    last = pool.submit([opened] { opened.wait(); });
    if (last) ++accepted;
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code(), Errc::overloaded);
  EXPECT_GE(accepted, ThreadPool::kMaxQueued);
  EXPECT_LE(accepted, ThreadPool::kMaxQueued + ThreadPool::kMaxThreads);
  gate.set_value();
  EXPECT_EQ(pool.close(20s), 0u);
}

}  // namespace
}  // namespace parley
