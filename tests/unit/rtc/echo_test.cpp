#include "job/echo_program.hpp"

#include "fixture.hpp"

namespace parley::rtc {
namespace {

class Context final : public job::JobContext {
 public:
  explicit Context(Scope& scope) : scope_(scope) {}
  const job::CallInfo& call() const noexcept override { return info_; }
  const Logger& logger() const noexcept override { return logger_; }
  Scope& scope() noexcept override { return scope_; }
  void emit(std::string_view type, boost::json::object) override { events.emplace_back(type); }
  void remember(std::string_view, boost::json::value) override {}
  void sync() override {}
  void end_call(StopReason reason) override {
    reason_ = std::move(reason);
    ended.set();
  }

  std::vector<std::string> events;
  StopReason reason_;
  Event ended;

 private:
  Scope& scope_;
  job::CallInfo info_{.call_id = "CA_x", .attempt_id = "AJ_x"};
  Logger logger_;
};

TEST_F(OnLoopback, EchoProgram_CallerHearsTheirOwnVoice_AndTheCallEndsWhenTheyLeave) {
  run([](OnLoopback& self, WebRtcSettings s) -> Task<void> {
    s.rejoin_window = 0ms;
    Context context(*self.scope);
    job::EchoProgram program(context, s);
    const auto caller = self.make_transport(s);
    auto offer = co_await caller->offer(self.loop.in(5s));
    auto answer = co_await program.answer(offer.value_or(""), self.loop.in(5s));
    EXPECT_TRUE(answer);
    EXPECT_TRUE(co_await caller->accept(answer.value_or(""), self.loop.in(5s)));
    EXPECT_TRUE(co_await wait_for(self.loop, *caller, TransportEvent::Type::connected));
    const auto heard = co_await listen(self.loop, *caller, *caller, 100, [](std::size_t n) { return tone(440, n); });
    EXPECT_GT(heard.size(), kTransportRate / 2u);
    EXPECT_GT(share_at(440, Samples(heard).last(kTransportRate / 4)), 0.95);
    EXPECT_EQ(context.events, std::vector<std::string>{"agent_state_changed"});

    co_await caller->close(self.loop.in(5s));
    EXPECT_TRUE(co_await context.ended.wait(self.loop.in(5s)));
    EXPECT_EQ(context.reason_.cause, StopCause::caller_hung_up);
    program.request_stop(context.reason_, true);
    EXPECT_TRUE((co_await program.close(self.loop.in(1s), self.loop.in(2s))).clean());
    EXPECT_GT(program.summary().at("echoed_seconds").as_double(), 1.0);
    EXPECT_TRUE((co_await program.dispose(self.loop.in(2s))).clean());
  }(*this, settings()));
}

}  // namespace
}  // namespace parley::rtc
