#include <filesystem>

#include "fixture.hpp"

namespace parley::rtc {
namespace {

using Type = TransportEvent::Type;

std::size_t entries(const char* folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}
std::size_t descriptors() { return entries("/proc/self/fd"); }
std::size_t threads() { return entries("/proc/self/task"); }

// The library closes sockets on threads of its own, shortly after it has let go of a connection.
Task<std::size_t> settled(Loop& loop, std::size_t (*count)(), std::size_t expected) {
  const auto until = loop.in(5s);
  while (count() > expected && !until.passed(loop.now())) co_await sleep_for(1ms);
  co_return count();
}

TEST_F(OnLoopback, FiftyConnectionsMadeAndClosed_NoDescriptorAndNoThreadIsLeft) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    constexpr int kPairs = 25, kAtOnce = 5;
    // What the library and the helper pool keep, however many connections there were.
    constexpr std::size_t kOfTheLibrary = 5, kHelpers = ThreadPool::kMaxThreads, kPipes = 4;
    const auto fds = descriptors();
    const auto tasks = threads();
    for (int made = 0; made < kPairs; made += kAtOnce) {
      std::vector<Ends> together;
      for (int i = 0; i < kAtOnce; ++i) together.push_back(co_await connect(self, s, s));
      for (auto& ends : together) {
        const auto report = co_await ends.caller->close(self.loop.in(5s));
        EXPECT_TRUE(report.clean()) << to_string(report);
        EXPECT_TRUE((co_await ends.agent->close(self.loop.in(5s))).clean());
      }
      together.clear();
      EXPECT_EQ(self.engine->counts().connections, 0u);
    }
    EXPECT_LE(co_await settled(self.loop, descriptors, fds + kPipes), fds + kPipes);
    EXPECT_LE(co_await settled(self.loop, threads, tasks + kOfTheLibrary + kHelpers), tasks + kOfTheLibrary + kHelpers);
  }(*this, settings()));
}

TEST_F(OnLoopback, ClosedWhileConnecting_EndsCleanly) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    const auto agent = self.make_transport(s);
    const auto caller = self.make_transport(s);
    auto offer = co_await caller->offer(self.loop.in(5s));
    EXPECT_TRUE(co_await agent->answer(offer.value_or(""), self.loop.in(5s)));
    for (auto* end : {agent.get(), caller.get()}) {
      const auto began = self.loop.now();
      EXPECT_TRUE((co_await end->close(self.loop.in(5s))).clean());
      EXPECT_LT(self.loop.now() - began, 2s);
      EXPECT_FALSE(co_await end->offer(self.loop.in(1s))) << "closed";
    }
    EXPECT_EQ(self.engine->counts().connections, 0u);
  }(*this, settings()));
}

TEST_F(OnLoopback, ManyWhoClose_ShareOneEnding) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    auto ends = co_await connect(self, s, s);
    const auto first = co_await ends.agent->close(self.loop.in(5s));
    const auto second = co_await ends.agent->close(self.loop.in(5s));
    EXPECT_TRUE(first.clean());
    EXPECT_EQ(first.closed, second.closed);
    EXPECT_EQ(first.took, second.took);
  }(*this, settings()));
}

// The cut sweep on real threads: a call is made, and killed one millisecond later each time.
TEST_F(OnLoopback, KilledInEveryState_NothingIsLeft) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    for (Duration cut = 0ms; cut < 60ms; cut += 1ms) {
      auto agent = self.make_transport(s);
      auto caller = self.make_transport(s);
      {
        Scope making(*self.scope, "making");
        EXPECT_TRUE(making.spawn("signal", [](OnLoopback& t, WebRtcTransport& from, WebRtcTransport& to) -> Task<void> {
          auto offer = co_await from.offer(t.loop.in(5s));
          if (!offer) co_return;
          auto answer = co_await to.answer(*offer, t.loop.in(5s));
          if (answer) (void)co_await from.accept(*answer, t.loop.in(5s));
          for (std::size_t n = 0;; ++n) {
            from.send(tone(440, n), t.loop.now());
            co_await sleep_for(1ms);
          }
        }(self, *caller, *agent)));
        co_await sleep_for(cut);
        agent->kill();
        EXPECT_FALSE(agent->can_deliver());
      }
      caller.reset();
      agent.reset();
    }
    const auto until = self.loop.in(5s);
    while (self.engine->counts().connections > 0 && !until.passed(self.loop.now())) co_await sleep_for(1ms);
    EXPECT_EQ(self.engine->counts().connections, 0u);
  }(*this, settings()));
}

TEST_F(OnLoopback, ManyOffersForOneCall_AreBoundedAndTheLastOneIsServed) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    const auto agent = self.make_transport(s);
    for (int i = 0; i < 40; ++i) {
      const auto passing = self.make_transport(s);
      auto offer = co_await passing->offer(self.loop.in(5s));
      const auto answer = co_await agent->answer(offer.value_or(""), self.loop.in(5s));
      if (!answer) EXPECT_EQ(answer.error().code(), Errc::overloaded);
      EXPECT_LE(self.engine->counts().connections, WebRtcTransport::kMaxLeaving + 4);
      passing->kill();
    }
    const auto until = self.loop.in(5s);
    while (self.engine->counts().connections > 2 && !until.passed(self.loop.now())) co_await sleep_for(1ms);
    const auto last = self.make_transport(s);
    co_await signal(self, *last, *agent);
    EXPECT_TRUE(co_await wait_for(self.loop, *agent, Type::connected));
  }(*this, settings()));
}

}  // namespace
}  // namespace parley::rtc
