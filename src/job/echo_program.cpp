#include "job/echo_program.hpp"

namespace parley::job {

EchoProgram::EchoProgram(JobContext& context, rtc::WebRtcSettings settings)
    : context_(context),
      engine_(context.logger()),
      transport_(context.scope(), engine_, std::move(settings), context.logger()),
      scope_(context.scope(), "echo") {
  (void)scope_.spawn("echo", echo());
  (void)scope_.spawn("watch", watch());
}

EchoProgram::~EchoProgram() { kill(); }

Task<Result<std::string>> EchoProgram::answer(std::string offer, Deadline deadline) {
  co_return co_await transport_.answer(std::move(offer), deadline);
}

Task<void> EchoProgram::echo() {
  constexpr Duration kFarBehind = 3 * kFrameDuration;  // rather skip than burst
  auto& loop = scope_.loop();
  for (auto tick = loop.now();; tick += kFrameDuration) {
    co_await sleep_until(tick);
    if (loop.now() - tick > kFarBehind) tick = loop.now();
    if (const auto frame = transport_.receive(tick)) {
      transport_.send(*frame, tick);
      ++frames_;
    }
  }
}

Task<void> EchoProgram::watch() {
  using Type = TransportEvent::Type;
  for (;;) {
    auto event = co_await transport_.events().pop(Deadline::bounded_by_scope());
    if (!event) co_return;
    if (event->type == Type::connected) {
      context_.emit("agent_state_changed", {{"old_state", "initializing"}, {"new_state", "listening"}});
    } else if (event->type == Type::caller_left) {
      context_.end_call(std::move(event->reason));
    }
  }
}

void EchoProgram::request_stop(StopReason reason, bool) noexcept {
  scope_.request_stop(reason);
  transport_.request_stop(std::move(reason));
}

Task<CloseReport> EchoProgram::close(Deadline, Deadline deadline) {
  CloseReport report;
  report.add("echo", co_await scope_.close(deadline));
  report.add("echo", co_await transport_.close(deadline));
  co_return report;
}

Task<CloseReport> EchoProgram::dispose(Deadline deadline) { co_return co_await engine_.close(deadline); }

void EchoProgram::kill() noexcept {
  scope_.kill();
  transport_.kill();
}

boost::json::object EchoProgram::summary() { return {{"echoed_seconds", to_seconds(frames_ * kFrameDuration)}}; }

}  // namespace parley::job
