// What an operator reads of an ordinary call: nothing of the library's troubles that are none.
#include <mutex>

#include <fmt/format.h>

#include "fixture.hpp"

namespace parley::rtc {
namespace {

using Type = TransportEvent::Type;

class KeptLines final : public LogSink {
 public:
  void write(const LogLine& line) noexcept override {
    const std::lock_guard lock(mutex_);
    lines_.push_back({line.level, std::string(line.message)});
  }
  std::size_t count(LogLevel least, std::string_view part) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::ranges::count_if(lines_, [&](const auto& l) { return l.first >= least && l.second.find(part) != std::string::npos; }));
  }
  std::string all(LogLevel least) const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& [level, message] : lines_) {
      if (level >= least) text += message + "\n";
    }
    return text;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<LogLevel, std::string>> lines_;
};

// As a browser's offer: addresses of its machine that a socket on loopback cannot send to.
std::string with_addresses_out_of_reach(const std::string& offer) {
  return offer +
         "a=candidate:901 1 UDP 2122317823 192.0.2.77 40001 typ host\r\n"
         "a=candidate:902 1 UDP 2122252543 2001:db8::77 40002 typ host\r\n";
}

TEST_F(OnLoopback, CallerWithAddressesOutOfReach_ConnectsAndEnds_WithoutAWarning) {
  const auto log = std::make_shared<KeptLines>();
  engine = std::make_unique<Engine>(Logger(log, LogLevel::debug));
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    const auto caller = self.make_transport(s);
    const auto agent = self.make_transport(s);
    auto offer = co_await caller->offer(self.loop.in(5s));
    EXPECT_TRUE(offer);
    if (!offer) co_return;
    auto answer = co_await agent->answer(with_addresses_out_of_reach(*offer), self.loop.in(5s));
    EXPECT_TRUE(answer && co_await caller->accept(*answer, self.loop.in(5s)));
    EXPECT_TRUE(co_await wait_for(self.loop, *agent, Type::connected));
    co_await listen(self.loop, *caller, *agent, 50, [](std::size_t n) { return tone(440, n); });
    EXPECT_TRUE((co_await caller->close(self.loop.in(5s))).clean());
    EXPECT_TRUE((co_await agent->close(self.loop.in(5s))).clean());
  }(*this, settings()));
  EXPECT_GT(log->count(LogLevel::debug, "STUN message send failed"), 0u) << "the test has lost its point:\n" << log->all(LogLevel::debug);
  EXPECT_EQ(log->count(LogLevel::warn, ""), 0u) << log->all(LogLevel::warn);
}

}  // namespace
}  // namespace parley::rtc
