// The endings of a connection to an SFU.
#include <filesystem>

#include "sfu_fixture.hpp"

namespace parley::rtc {
namespace {

std::size_t entries(const char* folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}
std::size_t descriptors() { return entries("/proc/self/fd"); }
std::size_t threads() { return entries("/proc/self/task"); }

Task<bool> none_left(OnLoopback& self) {
  co_return co_await ToSfu::aside(self.loop, [&] { return self.engine->counts().connections == 0; });
}

TEST_F(ToSfu, FiftyConnectionsMadeAndClosed_LeaveThreadsAndDescriptorsAsTheFirstFive) {
  run([](ToSfu& self) -> Task<void> {
    constexpr int kRounds = 10, kAtOnce = 5;
    std::size_t fds = 0, tasks = 0;
    for (int round = 0; round < kRounds; ++round) {
      std::vector<std::unique_ptr<Link>> together;
      for (int i = 0; i < kAtOnce; ++i) together.push_back(co_await join(self, self.sfu_settings()));
      for (const auto& link : together) co_await end(*link);
      together.clear();
      EXPECT_TRUE(co_await none_left(self));
      if (round == 0) {
        // The library closes sockets on threads of its own, shortly after it has let go of a connection.
        (void)co_await aside(self.loop, [&, last = descriptors()]() mutable { return std::exchange(last, descriptors()) == last; });
        co_await sleep_for(200ms);
        fds = descriptors();
        tasks = threads() + ThreadPool::kMaxThreads;  // the helpers are started when they are needed
      }
    }
    EXPECT_TRUE(co_await aside(self.loop, [&] { return descriptors() <= fds && threads() <= tasks; }))
        << descriptors() << " of " << fds << " descriptors, " << threads() << " of " << tasks << " threads";
  }(*this));
}

// The cut sweep on real threads: a connection is made, used in every way, and killed a little later each time.
TEST_F(ToSfu, KilledInEveryState_NothingIsLeft) {
  run([](ToSfu& self) -> Task<void> {
    for (Duration cut = 0ms; cut < 120ms; cut += 3ms) {
      Link link(self, self.sfu_settings());
      EXPECT_TRUE(link.ours.add_sender(microphone()));
      EXPECT_TRUE(link.ours.add_receiver());
      Scope busy(*self.scope, "busy");
      EXPECT_TRUE(busy.spawn("use", [](Link& l) -> Task<void> {
        const auto offer = co_await l.ours.offer(l.loop.in(kSoon));
        if (!offer) co_return;
        (void)co_await l.ours.accept(l.sfu.answer(*offer), l.loop.in(kSoon));
        (void)co_await until(l, [&] {
          l.ours.send("0", rtp(77, 1));
          l.sfu.send_packet("1", rtp(test::SfuAnswerer::ssrc_of("1"), 1));
          (void)l.ours.send_data(DataKind::reliable, Bytes(5'000));
          l.sfu.send_data("_reliable", Bytes(5'000));
          l.sfu.send_data("_lossy", Bytes(500));
          return false;
        });
      }(link)));
      co_await sleep_for(cut);
      link.ours.kill();
      EXPECT_TRUE(link.ours.down());
      EXPECT_FALSE(link.ours.send("0", rtp(77, 1)));
    }
    EXPECT_TRUE(co_await none_left(self)) << self.engine->counts().connections;
  }(*this));
}

TEST_F(ToSfu, KilledWhileItsFirstOfferIsMade_NothingComesOfIt) {
  run([](ToSfu& self) -> Task<void> {
    SfuConnection connection(self.loop, *self.engine, self.sfu_settings());
    EXPECT_TRUE(connection.add_receiver());
    Scope making(*self.scope, "making");
    std::optional<Result<std::string>> offer;
    EXPECT_TRUE(making.spawn("offer", [](SfuConnection& c, Loop& loop, std::optional<Result<std::string>>& out) -> Task<void> {
      out = co_await c.offer(loop.in(kSoon));
    }(connection, self.loop, offer)));
    co_await sleep_for(0ms);
    connection.kill();
    EXPECT_TRUE(co_await aside(self.loop, [&] { return offer.has_value(); }));
    EXPECT_EQ(offer->error().code(), Errc::closing);
    const auto report = co_await connection.close(self.loop.in(kSoon));
    EXPECT_TRUE(report.clean()) << to_string(report);
    EXPECT_TRUE(co_await none_left(self));
  }(*this));
}

TEST_F(ToSfu, ClosedBeforeAnythingWasOffered_HasNothingToClose) {
  run([](ToSfu& self) -> Task<void> {
    SfuConnection connection(self.loop, *self.engine, self.sfu_settings());
    EXPECT_EQ((co_await connection.accept("v=0", self.loop.in(kSoon))).error().code(), Errc::closing);
    EXPECT_EQ(connection.send_data(DataKind::lossy, Bytes(1)).error().code(), Errc::unavailable);
    EXPECT_TRUE((co_await connection.close(self.loop.in(kSoon))).clean());
    EXPECT_EQ((co_await connection.offer(self.loop.in(kSoon))).error().code(), Errc::unavailable);
  }(*this));
}

TEST_F(ToSfu, WhoWaitsForTheNextEvent_IsToldOfTheEnd) {
  run([](ToSfu& self) -> Task<void> {
    SfuConnection connection(self.loop, *self.engine, self.sfu_settings());
    Scope waiting(*self.scope, "waiting");
    bool told = false;
    EXPECT_TRUE(waiting.spawn("next", [](SfuConnection& c, Loop& loop, bool& out) -> Task<void> {
      out = (co_await c.next(loop.in(kSoon))).has_value();
    }(connection, self.loop, told)));
    co_await sleep_for(1ms);
    connection.kill();
    EXPECT_TRUE(co_await aside(self.loop, [&] { return told; }, 1s));
  }(*this));
}

TEST_F(ToSfu, TwoNegotiationsAtOnce_SecondIsRefused) {
  run([](ToSfu& self) -> Task<void> {
    SfuConnection connection(self.loop, *self.engine, self.sfu_settings());
    EXPECT_TRUE(connection.add_receiver());
    Scope making(*self.scope, "making");
    std::optional<Result<std::string>> first;
    EXPECT_TRUE(making.spawn("offer", [](SfuConnection& c, Loop& loop, std::optional<Result<std::string>>& out) -> Task<void> {
      out = co_await c.offer(loop.in(kSoon));
    }(connection, self.loop, first)));
    co_await sleep_for(0ms);
    EXPECT_EQ((co_await connection.offer(self.loop.in(kSoon))).error().code(), Errc::overloaded);
    EXPECT_TRUE(co_await aside(self.loop, [&] { return first.has_value(); }));
    EXPECT_TRUE(first->has_value());
  }(*this));
}

}  // namespace
}  // namespace parley::rtc
