#include "livekit/worker/agent_worker_state.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <parley/base/utf8.hpp>

#include "livekit/api/server_url.hpp"

namespace parley::livekit {

namespace {

// What an operator would do about it: look at the settings, at the address, or wait.
Errc kind_of(Errc code) {
  const bool own = code == Errc::refused || code == Errc::invalid_argument || code == Errc::protocol;
  return own ? code : Errc::unavailable;
}

}  // namespace

AgentWorker::State::State(Scope& parent, net::WebSocketClient& s, AgentWorkerSettings given, JobHost& host, Logger l)
    : loop(parent.loop()),
      sockets(s),
      settings(std::move(given)),
      server(socket_base(settings.credentials.url).value_or(settings.credentials.url)),
      logger(std::move(l)),
      desk(settings, host, counters, logger),
      trouble("not registered yet"),
      close(parent, "worker"),
      scope(parent, "worker") {}

AgentWorker::State::~State() = default;

// ---- dialling, for ever ----

Task<void> AgentWorker::State::run() {
  for (;;) {
    const auto end = co_await attempt();
    desk.release_all();
    if (leaving) co_return;
    note(end);
    const auto pause = pause_after(end);
    changed.set();
    (void)co_await again.wait(loop.in(pause));
    again.reset();
  }
}

Task<RegistrationEnd> AgentWorker::State::attempt() {
  auto asked = request();
  if (!asked) co_return RegistrationEnd{.why = asked.error()};
  healthy = false;
  Registration here(scope, server, settings, desk, counters, *this);
  const struct Known {  // however the attempt ends
    State& state;
    ~Known() {
      state.registration = nullptr;
      state.worker_id.clear();
    }
  } known{*this};
  registration = &here;
  co_return co_await here.run(sockets, std::move(*asked));
}

Result<net::WebSocketRequest> AgentWorker::State::request() const {
  const auto base = socket_base(settings.credentials.url);
  if (!base) return fail(base.error());
  TokenClaims claims;
  claims.video.agent = true;
  claims.valid_for = kTokenLife;
  const auto token = make_token(settings.credentials, claims, loop.clock().wall());
  if (!token) return fail(token.error());
  return net::WebSocketRequest{.url = *base + "/agent?protocol=1", .fields = {{"Authorization", "Bearer " + *token}}};
}

Duration AgentWorker::State::pause_after(const RegistrationEnd& end) {
  constexpr Duration kLongestRetryAfter = 60s;
  const auto kind = end.why.code();
  const bool refused = kind == Errc::refused || kind == Errc::invalid_argument;
  const auto pause = refused ? Backoff::refused(loop.random()) : backoff.next(loop.random());
  return std::max(pause, std::min(end.retry_after, kLongestRetryAfter));
}

// ---- what the operator is told ----

std::string AgentWorker::State::registered_line() const {
  return fmt::format("registered worker {} for {} at {}, LiveKit {}", worker_id,
                     settings.agent_name.empty() ? "every room" : fmt::format("agent \"{}\"", settings.agent_name), server, server_version);
}

void AgentWorker::State::on_registered(const wire::Registered& as) {
  constexpr std::size_t kMaxShown = 100;
  worker_id = valid_utf8(as.worker_id.substr(0, kMaxShown));
  server_version = valid_utf8(as.server_version.substr(0, kMaxShown));
  trouble.clear();
  logger.line(shaky() ? LogLevel::debug : LogLevel::info, registered_line());
  if (!shaky()) said.reset();
  changed.set();
}

void AgentWorker::State::on_healthy() {
  healthy = true;
  backoff.reset();
  said.reset();
  if (shaky()) logger.line(LogLevel::info, registered_line() + " (and it holds)");
  short_lived = 0;
}

void AgentWorker::State::on_flushed() {
  flushed = true;
  changed.set();
}

void AgentWorker::State::note(const RegistrationEnd& end) {
  trouble = end.why.message();
  if (end.registered) {
    logger.line(shaky() ? LogLevel::debug : LogLevel::warn,
                fmt::format("lost the LiveKit server at {}: {}; calls go on, and it is dialled again until it answers", server, trouble));
    if (!healthy) short_lived = std::min(short_lived + 1, 2);
    return;
  }
  const auto kind = kind_of(end.why.code());
  const auto level = kind == Errc::unavailable ? LogLevel::warn : LogLevel::error;
  logger.line(said == kind ? LogLevel::debug : level, fmt::format("no registration at {}: {}; it is tried again for ever", server, trouble));
  said = kind;
}

// ---- endings ----

void AgentWorker::State::drain() {
  desk.drain();
  if (registration) registration->state_changed();
}

Task<CloseReport> AgentWorker::State::close_body(Deadline deadline) {
  const auto began = loop.now();
  const auto last_try = deadline.within(loop.in(kLastTry));
  desk.drain();
  again.set();
  for (bool asked = false; !flushed;) {
    const bool here = registration && registration->registered();
    if (!here && desk.table().unconfirmed_ends() == 0) break;
    if (here && !asked) registration->flush();
    asked = here;
    if (!co_await changed.wait(here ? deadline : last_try)) break;
    changed.reset();
  }
  leaving = true;
  if (registration && registration->registered()) {
    registration->leave();
    (void)co_await scope.wait_idle(deadline);
  }
  auto report = co_await scope.close(deadline);
  if (const auto untold = desk.table().unconfirmed_ends(); untold > 0) {
    report.add({.name = "worker/statuses",
                .outcome = CloseOutcome::failed,
                .took = loop.now() - began,
                .detail = fmt::format("the ends of {} jobs may not have reached the LiveKit server: {}", untold,
                                      trouble.empty() ? "it did not confirm them" : trouble)});
  }
  co_return report;
}

}  // namespace parley::livekit
