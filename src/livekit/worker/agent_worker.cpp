#include "livekit/worker/agent_worker.hpp"

#include "livekit/worker/agent_worker_state.hpp"

namespace parley::livekit {

AgentWorker::AgentWorker(Scope& parent, net::WebSocketClient& sockets, AgentWorkerSettings settings, JobHost& host, Logger logger)
    : state_(std::make_unique<State>(parent, sockets, std::move(settings), host, std::move(logger))) {}

AgentWorker::~AgentWorker() = default;

void AgentWorker::start() { (void)state_->scope.spawn("dial", state_->run()); }

void AgentWorker::status(const std::string& job_id, JobStatus status, std::string error) {
  auto& table = state_->desk.table();
  table.status(job_id, status, std::move(error));
  state_->counters.statuses_dropped = table.dropped();
  if (state_->registration) state_->registration->tell();
}

void AgentWorker::load_changed() {
  if (state_->registration) state_->registration->state_changed();
}

void AgentWorker::drain() { state_->drain(); }

bool AgentWorker::registered() const noexcept { return !state_->worker_id.empty(); }
const std::string& AgentWorker::worker_id() const noexcept { return state_->worker_id; }
const AgentWorker::Counters& AgentWorker::counters() const noexcept { return state_->counters; }
const std::string& AgentWorker::trouble() const noexcept { return state_->trouble; }

void AgentWorker::request_stop(StopReason) noexcept { state_->drain(); }

Task<CloseReport> AgentWorker::close(Deadline deadline) {
  return state_->close.run(deadline, [state = state_.get()](Deadline d) { return state->close_body(d); });
}

void AgentWorker::kill() noexcept { state_->scope.kill(); }

}  // namespace parley::livekit
