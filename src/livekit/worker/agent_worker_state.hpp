// The insides of AgentWorker: who dials, how long it waits, what it says to the operator.
#pragma once

#include <parley/async/close.hpp>
#include <parley/async/event.hpp>
#include <parley/async/scope.hpp>

#include "livekit/worker/agent_worker.hpp"
#include "livekit/worker/backoff.hpp"
#include "livekit/worker/job_desk.hpp"
#include "livekit/worker/registration.hpp"

namespace parley::livekit {

struct AgentWorker::State final : Registration::Owner {
  State(Scope& parent, net::WebSocketClient& sockets, AgentWorkerSettings settings, JobHost& host, Logger logger);
  ~State() override;

  Task<void> run();
  Task<RegistrationEnd> attempt();
  Result<net::WebSocketRequest> request() const;
  Duration pause_after(const RegistrationEnd& end);

  void on_registered(const wire::Registered& as) override;
  void on_healthy() override;
  void on_flushed() override;
  void note(const RegistrationEnd& end);
  std::string registered_line() const;

  void drain();
  Task<CloseReport> close_body(Deadline deadline);

  Loop& loop;
  net::WebSocketClient& sockets;
  const AgentWorkerSettings settings;
  const std::string server;  // its address as people may see it
  Logger logger;
  Counters counters;
  JobDesk desk;
  Backoff backoff;
  Registration* registration = nullptr;  // the present one, or attempt at one

  std::string worker_id;
  std::string server_version;
  std::string trouble;
  // One line for each change of state, not for each try: the kind of trouble that was said last, and how many registrations in
  // a row were lost before they were healthy. From the second on they are not worth a line.
  std::optional<Errc> said;
  int short_lived = 0;
  bool healthy = false;
  bool shaky() const noexcept { return short_lived >= 2; }

  bool leaving = false;
  bool flushed = false;
  Event again;    // dial now
  Event changed;  // for close(): registered, flushed, lost

  CloseOnce close;
  Scope scope;  // last: its tasks use all of this
};

}  // namespace parley::livekit
