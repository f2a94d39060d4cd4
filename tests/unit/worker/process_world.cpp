#include "process_world.hpp"

#include <csignal>

#include <fmt/format.h>

namespace parley {

namespace json = boost::json;

namespace {

class ScriptedProgram final : public job::JobProgram {
 public:
  ScriptedProgram(job::JobContext& job, sim::SimSelf self) : job_(job), self_(self), scope_(job.scope(), "program") {
    if (asked("on_start", "throw")) throw std::runtime_error("told to");
    (void)scope_.spawn("talk", talk());
  }

  Task<Result<std::string>> answer(std::string offer, Deadline) override {
    co_await sleep_for(2ms);
    if (asked("on_answer", "refuse")) co_return fail(Errc::invalid_argument, "told to");
    co_await misbehave("on_answer");
    co_return "answer to " + offer;
  }
  Task<Result<void>> join(Deadline) override {
    co_await sleep_for(5ms);
    if (asked("on_join", "gone")) co_return fail(Errc::not_found, "nobody is in the room");
    if (asked("on_join", "fail")) co_return fail(Errc::unavailable, "the server is away");
    co_await misbehave("on_join");
    job_.linked("sip_15550100", asked("caller", "browser") ? "standard" : "sip");
    if (asked("in_call", "rejoin")) (void)scope_.spawn("rejoin", rejoin());
    co_return Result<void>{};
  }
  void request_stop(StopReason, bool forced) noexcept override {
    if (forced) scope_.request_stop({StopCause::owner_closed, {}});
  }
  Task<CloseReport> close(Deadline, Deadline deadline) override {
    co_await misbehave("on_close");
    if (asked("on_close", "throw")) throw 42;
    if (asked("on_close", "leave much")) {
      CloseReport report;
      for (int i = 0; i < 64; ++i) report.add({.name = "part", .outcome = CloseOutcome::failed, .took = {}, .detail = std::string(500, 'x')});
      co_return report;
    }
    co_return co_await scope_.close(deadline);
  }
  Task<CloseReport> dispose(Deadline) override {
    co_await misbehave("on_dispose");
    co_return CloseReport{};
  }
  void kill() noexcept override { scope_.kill(); }
  json::object summary() override { return {}; }

 private:
  bool asked(std::string_view when, std::string_view what) const {
    const auto* value = job_.call().metadata.if_contains(when);
    return value && value->is_string() && value->get_string() == what;
  }
  Task<void> misbehave(std::string_view when) {
    if (asked(when, "block")) {
      self_.os.freeze(self_.pid);
      co_await yield();
    }
    while (asked(when, "hang")) co_await sleep_for(1s);
  }
  Task<void> rejoin() {
    job_.rejoining(true);
    co_await sleep_for(1s);
    job_.rejoining(false);
  }
  Task<void> talk() {
    co_await sleep_for(100ms);
    co_await misbehave("in_call");
    for (int n = 0; n < 20; ++n) {
      co_await sleep_for(50ms);
      job_.emit("said", {{"n", n}});
    }
    if (asked("in_call", "finish")) job_.end_call({StopCause::agent_hung_up, {}});
  }

  job::JobContext& job_;
  sim::SimSelf self_;
  Scope scope_;
};

}  // namespace

ProcessWorld::ProcessWorld(std::uint64_t seed, worker::SupervisorConfig config)
    : world(seed),
      os(world, [](job::JobContext& job, sim::SimSelf self) { return std::make_unique<ScriptedProgram>(job, self); }, hooks, config) {
  os.attach_to_supervisors([this](worker::Supervisor& supervisor, Scope& scope) { return rooms.attach(supervisor, scope); });
  (void)hooks->add("first", [this](json::object, job::HookContext context) -> Task<Result<void>> {
    const auto key = context.key;  // the closure lives in the registry
    ++hook_runs[key];
    co_await sleep_for(5ms);
    ++hooks_done[key];
    co_return Result<void>{};
  });
  (void)hooks->add("second", [this](json::object, job::HookContext context) -> Task<Result<void>> {
    ++hook_runs[context.key];
    ++hooks_done[context.key];
    co_return Result<void>{};
  });
}

void ProcessWorld::start() {
  os.start_supervisor();
  ASSERT_TRUE(world.run_until([&] { return os.supervisor() && os.supervisor()->healthy(); }, 10s)) << world.describe();
}

void ProcessWorld::offer(json::object metadata) {
  auto* scope = os.supervisor_scope();
  if (!scope) return;
  (void)scope->spawn("offer", [](ProcessWorld& self, json::object given) -> Task<void> {
    auto* desk = self.os.supervisor();
    if (!desk) co_return;  // it is about to die
    auto& loop = co_await this_loop();
    auto answer = co_await desk->offer("offer", std::move(given), loop.in(20s));
    if (answer) self.calls.push_back(answer->call_id);
    self.answers.push_back(std::move(answer));
  }(*this, std::move(metadata)));
}

void ProcessWorld::supervise() {
  if (!restart_after_ || os.supervisor()) return;
  if (!restart_at_) restart_at_ = world.now() + *restart_after_;
  if (world.now() < *restart_at_) return;
  restart_at_.reset();
  os.start_supervisor();
}

bool ProcessWorld::run_until_answered(std::size_t count, Duration limit) {
  const auto end = world.now() + limit;
  while (calls.size() < count && world.now() < end) {
    supervise();
    const auto before = answers.size();
    if (os.supervisor() && os.supervisor()->healthy()) offer();
    world.run_until([&] { return answers.size() > before || !os.supervisor(); }, 1s);
    world.run_for(50ms);
  }
  return calls.size() >= count;
}

bool ProcessWorld::assign(const std::string& job_id, json::object metadata) {
  if (!os.supervisor() || !livekit()) return false;
  if (!livekit()->offered({.id = job_id, .room_name = "table 4"}).available) return false;
  livekit()->start({.job = {.id = job_id, .room_sid = "RM_1", .room_name = "table 4", .metadata = json::serialize(metadata)},
                    .token = "a.b.c",
                    .participant_identity = "agent-" + job_id});
  rooms.assigned.push_back(job_id);
  return true;
}

std::vector<livekit::JobStatus> ProcessWorld::statuses(const std::string& job_id) const {
  std::vector<livekit::JobStatus> told;
  for (const auto& status : rooms.statuses) {
    if (status.job_id == job_id) told.push_back(status.status);
  }
  return told;
}

void ProcessWorld::hang_up_all() {
  if (!os.supervisor()) return;
  for (const auto& id : rooms.assigned) {
    if (livekit()) livekit()->terminate(id);
  }
  for (const auto& id : calls) (void)os.supervisor()->hang_up(id);
}

std::string ProcessWorld::describe() const {
  auto text = world.describe();
  for (const auto& id : os.calls()) text += fmt::format("; {} {}", id, os.settled(id) ? "settled" : "open");
  return text + fmt::format("; {} marks, {} processes", os.marks(), os.processes());
}

bool ProcessWorld::end_told(const std::string& job_id) const {
  const auto told = statuses(job_id);
  return !os.has_room_call(job_id) || (!told.empty() && told.back() != livekit::JobStatus::running);
}

bool ProcessWorld::settled() {
  using Kind = sim::SimOs::Kind;
  if (!os.supervisor() || !os.alive(Kind::job).empty() || !os.alive(Kind::after_call).empty() || os.marks() > 0) return false;
  if (os.supervisor()->slots_in_use() > 0 || os.supervisor()->calls() > 0) return false;
  return std::ranges::all_of(os.calls(), [&](const auto& id) { return os.settled(id); }) &&
         std::ranges::all_of(rooms.assigned, [&](const auto& id) { return end_told(id); });
}

bool ProcessWorld::run_until_settled(Duration limit) {
  const auto end = world.now() + limit;
  while (!settled()) {
    if (world.now() > end) return false;
    supervise();
    hang_up_all();
    world.run_for(200ms);
  }
  return true;
}

void ProcessWorld::expect_the_law(const std::string& what) {
  for (const auto& id : os.calls()) {
    EXPECT_EQ(os.count_records(id, job::record_type::kTerminal), 1u) << what << ": terminal records of " << id << "; " << world.describe();
    EXPECT_TRUE(os.settled(id)) << what << ": " << id << " is not settled; " << world.describe();
    for (const auto& key : hooks->keys(id)) {
      EXPECT_GE(hooks_done[key], 1) << what << ": hook " << key << " was not done; " << world.describe();
    }
  }
  // A supervisor that died may have told nothing of a job that was not born; and the next one may say an end again.
  for (const auto& id : rooms.assigned) {
    EXPECT_TRUE(end_told(id)) << what << ": the end of " << id << " was not told; " << world.describe();
  }
  for (const auto& id : calls) {
    EXPECT_TRUE(os.settled(id)) << what << ": answered call " << id << " has no journal; " << world.describe();
  }
}

}  // namespace parley
