#include "worker/call_records.hpp"

#include <parley/async/blocking.hpp>

namespace parley::worker {

namespace {

Result<job::OpenJournal> open_or_create(job::Disk& disk, const std::string& directory, const std::string& call_id, bool create) {
  auto opened = job::open_journal(disk, directory, call_id);
  if (opened || opened.error().code() != Errc::not_found || !create) return opened;
  return job::create_journal(disk, directory, call_id);
}

// A try that was begun and is not the one that succeeded has failed, however it ended.
HookCounts count(const std::vector<job::HookState>& hooks) {
  HookCounts counts;
  for (const auto& hook : hooks) {
    counts.done += hook.done ? 1 : 0;
    counts.failed += hook.tries - (hook.done && hook.tries > 0 ? 1 : 0);
    counts.given_up += hook.given_up ? 1 : 0;
  }
  return counts;
}

// Which room a call was in, as its journal's first record says.
std::optional<ipc::RoomPlace> place_in(const boost::json::object& record) {
  const auto text = [](const boost::json::object* in, std::string_view name) {
    const auto* value = in ? in->if_contains(name) : nullptr;
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  const auto* call = record.if_contains("call");
  const auto* about = call && call->is_object() ? call->get_object().if_contains("livekit") : nullptr;
  if (!about || !about->is_object()) return std::nullopt;
  const auto* livekit = &about->get_object();
  return ipc::RoomPlace{.job_id = text(livekit, "job_id"), .room_name = text(&call->get_object(), "room"),
                        .room_sid = text(livekit, "room_sid"), .agent_identity = text(livekit, "agent_identity")};
}

}  // namespace

CallRecords::CallRecords(Loop& loop, std::shared_ptr<job::Disk> disk, job::JournalWriter writer, Config config)
    : loop_(loop), disk_(std::move(disk)), writer_(std::move(writer)), config_(std::move(config)) {}

Task<Result<CallRecords::State>> CallRecords::finish(End end, Deadline deadline) {
  auto opened = co_await run_blocking<job::OpenJournal>(deadline, [disk = disk_, directory = config_.directory, id = end.call_id, create = end.create] {
    return open_or_create(*disk, directory, id, create);
  });
  if (!opened) co_return fail(opened.error());
  job::Journal journal(loop_, writer_, std::move(*opened), {.call_id = end.call_id, .mirror = config_.mirror});
  State state;
  if (!end.attempt_id.empty()) {
    auto data = job::to_json(end.exit);
    data["attempt"] = end.attempt_id;
    journal.append(job::record_type::kAttemptExited, std::move(data));
  }
  state.terminal_written = journal.append_terminal();
  if (state.terminal_written) {
    const auto record = journal.so_far().record();
    state.figures = figures_of(record);
    state.room = place_in(record);
    state.crashed = state.figures.reason == "crash";
    state.failed = record.at("outcome") == "failed";
  }
  state.hooks = count(journal.so_far().hooks());
  auto synced = co_await journal.sync(deadline.within(loop_.in(kSyncPatience)));
  if (!synced) co_return fail(synced.error().within("the journal of " + end.call_id));
  state.work_left = config_.hooks && !job::pending_hooks(journal.so_far(), *config_.hooks, end.call_id).empty();
  if (!state.work_left) {
    auto settled = co_await run_blocking<bool>(deadline, [disk = disk_, directory = config_.directory, id = end.call_id]() -> Result<bool> {
      if (auto done = job::settle_journal(*disk, directory, id); !done) return fail(done.error());
      return true;
    });
    if (!settled) co_return fail(settled.error());
  }
  // A fresh process may need the lock now.
  if (auto gone = co_await journal.let_go(deadline.within(loop_.in(kSyncPatience))); !gone) co_return fail(gone.error());
  co_return state;
}

Task<bool> CallRecords::look_at_disk(Deadline deadline) {
  const auto space = co_await run_blocking<std::uint64_t>(deadline, [disk = disk_, directory = config_.directory] { return disk->free_bytes(directory); });
  if (!space) co_return space.error().code() != Errc::timeout;
  const bool full = *space < kLeastSpace;
  if (full && !disk_full_) loop_.logger().error("the disk under {} is full: calls go on, their journals get gaps; free space there", config_.directory);
  if (!full && disk_full_) loop_.logger().info("there is space under {} again", config_.directory);
  disk_full_ = full;
  co_return true;
}

Task<Result<job::RetentionPlan>> CallRecords::keep_within_bounds(Deadline deadline) {
  const auto& policy = config_.retention;
  auto plan = co_await run_blocking<job::RetentionPlan>(
      deadline, [disk = disk_, directory = config_.directory, policy, now = loop_.clock().wall()] { return job::apply_retention(*disk, directory, policy, now); });
  if (!plan) {
    loop_.logger().warn("old journals under {} are not removed yet: {}", config_.directory, plan.error().message());
    co_return fail(plan.error());
  }
  if (!plan->remove.empty()) loop_.logger().info("the journals of {} calls were removed: too old, or too many", plan->remove.size());
  if (plan->unfinished > 0) loop_.logger().warn("{} journals are old, and kept because work is left for their calls", plan->unfinished);
  if (plan->over_limit) {
    loop_.logger().warn("the journals under {} have {} MB, more than {}: those of calls that are not settled are kept", config_.directory,
                        plan->bytes_after / 1'000'000, policy.max_bytes / 1'000'000);
  }
  co_return plan;
}

job::WriterHealth CallRecords::disk_health() const {
  auto health = writer_.health();
  health.disk_full = health.disk_full || disk_full_;
  health.trouble = health.trouble || disk_full_;
  if (disk_full_ && health.last_error.empty()) health.last_error = "no space is left";
  return health;
}

std::optional<job::MirrorHealth> CallRecords::mirror_health() const {
  if (!config_.mirror) return std::nullopt;
  return config_.mirror->health();
}

Result<std::vector<std::string>> CallRecords::unfinished() const {
  auto journals = job::list_journals(*disk_, config_.directory);
  if (!journals) return fail(journals.error());
  std::vector<std::string> calls;
  for (const auto& journal : *journals) {
    if (!journal.settled && !journal.locked) calls.push_back(journal.call_id);
  }
  return calls;
}

}  // namespace parley::worker
