#include "worker/livekit_worker.hpp"

#include <utility>

#include "async/real_loop.hpp"
#include "net/url.hpp"

namespace parley::worker {

namespace {

livekit::AgentWorkerSettings versioned(livekit::AgentWorkerSettings settings) {
  if (settings.version.empty()) settings.version = PARLEY_VERSION;
  return settings;
}

std::string shown(const std::string& url) {
  const auto parsed = net::parse_url(url);
  return parsed ? parsed->shown() : std::string();
}

constexpr Duration kLook = 1s;
constexpr Duration kGoodbye = 1s;

}  // namespace

LiveKitWorker::LiveKitWorker(RealLoop& loop, Scope& parent, Supervisor& supervisor, const LiveKitConfig& config)
    : loop_(loop),
      supervisor_(supervisor),
      url_(shown(config.registration.credentials.url)),
      agent_name_(config.registration.agent_name),
      http_(config.http(loop, parent)),
      sockets_(config.sockets(loop, parent)),
      jobs_(parent, supervisor, *http_, *this, {.credentials = config.registration.credentials, .agent_name = config.agent_name}),
      worker_(parent, *sockets_, versioned(config.registration), jobs_, loop.logger().with(log_field::kComponent, "livekit")),
      close_once_(parent, "livekit"),
      scope_(parent, "livekit_worker") {}

LiveKitWorker::~LiveKitWorker() { supervisor_.set_room_server(nullptr); }

void LiveKitWorker::start() {
  supervisor_.set_room_server(this);
  jobs_.start();
  (void)scope_.spawn("serve", serve());
}

// A worker that is known before it can begin a call would be passed over, and the job lost.
Task<void> LiveKitWorker::serve() {
  (void)co_await supervisor_.wait_warm(Deadline::bounded_by_scope());
  worker_.start();
  for (bool available = supervisor_.available();; co_await sleep_for(kLook)) {
    if (worker_.registered()) registered_at_ = loop_.now();
    if (std::exchange(available, supervisor_.available()) != supervisor_.available()) worker_.load_changed();
  }
}

void LiveKitWorker::status(const std::string& job_id, livekit::JobStatus status, std::string error) {
  worker_.status(job_id, status, std::move(error));
}

bool LiveKitWorker::healthy() const noexcept {
  return worker_.registered() || (registered_at_ && loop_.now() - *registered_at_ < kUnregisteredPatience);
}

boost::json::object LiveKitWorker::status() const {
  return {{"url", url_},
          {"agent_name", agent_name_},
          {"registered", worker_.registered()},
          {"worker_id", worker_.worker_id()},
          {"trouble", worker_.trouble()},
          {"jobs", jobs_.job_count()},
          {"reserved", jobs_.reservations()}};
}

std::vector<WorkerMetrics::Sample> LiveKitWorker::samples() const {
  using Kind = WorkerMetrics::Sample::Kind;
  const auto& c = worker_.counters();
  const auto& j = jobs_.counters();
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  return {
      {Kind::gauge, "parley_livekit_registered", "1 while the LiveKit server knows this worker.", worker_.registered() ? 1.0 : 0.0},
      {Kind::counter, "parley_livekit_offers_total", "Jobs that the server offered.", number(c.offers)},
      {Kind::counter, "parley_livekit_accepted_total", "Of them, those that were accepted.", number(c.accepted)},
      {Kind::counter, "parley_livekit_declined_total", "Of them, those that were declined.", number(c.declined)},
      {Kind::counter, "parley_livekit_unassigned_total", "Jobs that were accepted, and went to nobody or another worker.", number(c.unassigned)},
      {Kind::counter, "parley_livekit_terminations_total", "Jobs that the server took back.", number(c.terminations)},
      {Kind::counter, "parley_livekit_reconnects_total", "Times that the socket to the server was dialled again.", number(c.dials > 0 ? c.dials - 1 : 0)},
      {Kind::counter, "parley_livekit_statuses_dropped_total", "Ends of jobs that the server was never told.", number(c.statuses_dropped)},
      {Kind::counter, "parley_livekit_protocol_errors_total", "What the server said and nobody understood.", number(c.protocol_errors)},
      {Kind::counter, "parley_livekit_removed_total", "Participants removed from rooms because their job had died.", number(j.removed)},
      {Kind::counter, "parley_livekit_not_removed_total", "Of them, those that could not be.", number(j.not_removed)},
  };
}

Task<CloseReport> LiveKitWorker::close(Deadline deadline) {
  return close_once_.run(deadline, [this](Deadline d) { return close_body(d); });
}

// A goodbye is kept time for, whatever the removals take.
Task<CloseReport> LiveKitWorker::close_body(Deadline deadline) {
  CloseReport report;
  report.add("jobs", co_await jobs_.close(Deadline(std::max(loop_.now(), deadline.at() - kGoodbye))));
  report.add("socket", co_await worker_.close(deadline));
  co_return report;
}

void LiveKitWorker::kill() noexcept {
  jobs_.kill();
  worker_.kill();
}

}  // namespace parley::worker
