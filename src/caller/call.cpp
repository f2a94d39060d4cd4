#include "caller/call.hpp"

#include <fmt/format.h>

namespace parley::caller {

namespace {

rtc::WebRtcSettings transport_settings(const CallSettings& settings) {
  return {.connection = settings.connection, .opus = {}, .rejoin_window = Duration::zero()};
}

// For progress: what the agent said, or how it understood the caller.
std::string words(const boost::json::object& line) {
  const std::string_view text = line.at("text").as_string();
  if (line.at("role").as_string() != "assistant") return fmt::format("understood: {}", text);
  return fmt::format("agent: {}{}", text, line.contains("interrupted") ? " (interrupted)" : "");
}

}  // namespace

Call::Call(Scope& parent, rtc::Engine& engine, CallServer& server, CallSettings settings, Logger logger)
    : loop_(parent.loop()),
      server_(server),
      settings_(std::move(settings)),
      logger_(std::move(logger)),
      transport_(parent, engine, transport_settings(settings_), logger_),
      close_(parent, "call"),
      scope_(parent, "call") {}

Call::~Call() { kill(); }

Task<Result<CallReport>> Call::run(Script script) {
  if (auto usable = check(script); !usable) co_return fail(usable.error());
  began_ = loop_.now();
  if (auto connected = co_await connect(); !connected) co_return fail(connected.error());
  if (auto watching = scope_.spawn("events", watch()); !watching) co_return fail(watching.error());
  began_ = loop_.now();
  tell("connected");
  ScriptRun run(std::move(script), began_);
  co_await play(run);
  report_.lasted = loop_.now() - began_;
  report_.script = run.report();
  co_await leave();
  co_return std::move(report_);
}

Task<Result<void>> Call::connect() {
  const auto deadline = loop_.in(settings_.connect_within);
  auto offer = co_await transport_.offer(deadline);
  if (!offer) co_return fail(offer.error());
  const auto asked = loop_.now();
  auto answer = co_await server_.offer(std::move(*offer), deadline);
  if (!answer) co_return fail(answer.error());
  report_.answered = loop_.now() - asked;
  report_.call_id = server_.call_id();
  if (auto accepted = co_await transport_.accept(std::move(*answer), deadline); !accepted) co_return accepted;
  const auto event = co_await transport_.events().pop(deadline);
  if (!event || event->type != TransportEvent::Type::connected) {
    co_return fail(Errc::unavailable, fmt::format("the agent answered, but no connection was made within {:.0f} s: is UDP blocked?",
                                                  to_seconds(settings_.connect_within)));
  }
  report_.connected = transport_.connect_time();
  co_return Result<void>{};
}

Task<void> Call::play(ScriptRun& run) {
  constexpr Duration kFarBehind = 5 * kFrameDuration;  // rather skip than burst
  std::string doing;
  for (auto tick = loop_.now(); !run.done(); tick += kFrameDuration) {
    co_await sleep_until(tick);
    if (loop_.now() - tick > kFarBehind) tick = skip_to_now(tick);
    const auto heard = transport_.receive(tick);
    const auto step = run.tick(heard ? Samples(heard->samples) : Samples{}, tick);
    transport_.send(step.say, tick);
    record(step.say.samples, heard ? Samples(heard->samples) : Samples{});
    // Figures of a connection that has ended are gone with it.
    if (auto media = transport_.stats(); media.sent.packets > 0) report_.media = media;
    look_at_transport(run);
    if (stopping_) run.broke("the call was stopped");
    if (doing != run.doing()) tell(doing = run.doing());
  }
}

// What was missed is silence in the recording, so that its times stay those of the call.
TimePoint Call::skip_to_now(TimePoint tick) {
  for (; loop_.now() - tick >= kFrameDuration; tick += kFrameDuration) record({}, {});
  return tick;
}

void Call::look_at_transport(ScriptRun& run) {
  using Type = TransportEvent::Type;
  while (const auto event = transport_.events().try_pop()) {
    if (event->type != Type::caller_left) continue;
    // The other end of ours: the agent.
    if (event->reason.cause == StopCause::caller_vanished) {
      run.broke(fmt::format("the agent vanished: {}", event->reason.detail));
    } else {
      run.agent_left(loop_.now());
    }
  }
  if (server_ended_) run.agent_left(loop_.now());
}

void Call::record(Samples said, Samples heard) {
  if (!recording_) return;
  auto both = interleave(said, heard);
  both.resize(2 * kTransportFrameSamples);
  if (auto written = recording_->write(both); !written) {
    tell("the recording stopped: " + written.error().message());
    recording_.reset();
  }
}

Task<void> Call::watch() {
  for (;;) {
    auto event = co_await server_.next_event(Deadline::bounded_by_scope());
    if (!event) {
      if (event.error().code() != Errc::closing) tell(event.error().message());
      break;
    }
    // The session's last event, and the supervisor's, behind which the stream ends.
    if (event->type == "close" || event->type == "call_ended") server_ended_ = true;
    ToldEvent told{loop_.now() - began_, std::move(*event)};
    if (const auto line = spoken_line(told)) tell(words(*line));
    if (report_.events.size() < kMaxEvents) {
      report_.events.push_back(std::move(told));
    } else {
      ++report_.events_dropped;
    }
  }
  watched_.set();
}

// Goodbye on HTTP first: then the server knows that the connection's end was meant.
Task<void> Call::leave() {
  if (!server_ended_ && !report_.script.agent_hung_up) {
    if (auto hung_up = co_await server_.hang_up(loop_.in(settings_.hang_up_within)); !hung_up) tell(hung_up.error().message());
  }
  co_await transport_.close(loop_.in(settings_.hang_up_within));
  (void)co_await watched_.wait(loop_.in(settings_.last_events_within));
  if (recording_) {
    if (auto closed = recording_->close(); !closed) tell("the recording is not whole: " + closed.error().message());
  }
  tell("hung up");
}

void Call::tell(std::string what) {
  Moment moment{loop_.now() - began_, std::move(what)};
  if (told_) told_(moment);
  if (report_.moments.size() < kMaxMoments) report_.moments.push_back(std::move(moment));
}

void Call::request_stop(StopReason) noexcept { stopping_ = true; }

Task<CloseReport> Call::close(Deadline deadline) {
  return close_.run(deadline, [this](Deadline d) { return close_body(d); });
}

Task<CloseReport> Call::close_body(Deadline deadline) {
  stopping_ = true;
  // A server that does not answer takes at most half: the connection's end needs time of its own.
  const auto hang_up_by = loop_.in(std::min(settings_.hang_up_within, deadline.left(loop_.now()) / 2));
  CloseReport report;
  const bool said = (co_await server_.hang_up(hang_up_by)).has_value();
  report.add({"hang up", said ? CloseOutcome::closed : CloseOutcome::failed, {}, said ? "" : "the server was not told"});
  report.add("call", co_await transport_.close(deadline));
  report.add("call", co_await scope_.close(deadline));
  co_return report;
}

void Call::kill() noexcept {
  stopping_ = true;
  scope_.kill();
  transport_.kill();
}

}  // namespace parley::caller
