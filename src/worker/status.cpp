// What operators and their tools read.
#include "worker/supervisor_call.hpp"

namespace parley::worker {

bool Supervisor::healthy() const noexcept {
  const bool can_hear = !inference_.is_unusable() && !inference_.is_away();
  const bool known = !room_server_ || room_server_->healthy();
  return serving_ && !draining_ && zygote_.ready() && can_hear && known && !records_.disk_health().trouble;
}

boost::json::object Supervisor::status() const {
  boost::json::array calls;
  for (const auto& [id, call] : calls_) {
    if (call->gone_at) continue;
    boost::json::object one{{"call_id", id},
                            {"attempt_id", call->attempt.job().attempt_id},
                            {"pid", call->attempt.pid()},
                            {"phase", to_string(call->attempt.phase())},
                            {"adopting", call->awaited}};
    if (call->room) {
      one["room"] = call->room->room_name;
      one["livekit_job_id"] = call->room->job_id;
    }
    calls.push_back(std::move(one));
  }
  const auto disk = records_.disk_health();
  const auto state = !serving_ ? "starting" : draining_ ? "draining" : "serving";
  boost::json::object told{{"agent_name", config_.agent_name},
          {"worker_type", "JT_ROOM"},
          {"active_jobs", active_},
          {"sdk_version", PARLEY_VERSION},
          {"project_type", "cpp"},
          {"worker_load", load()},
          {"state", state},
          {"healthy", healthy()},
          {"slots", boost::json::object{{"capacity", slots_.capacity()},
                                        {"admitted_now", slots_.limit(loop_.now())},
                                        {"in_use", slots_.in_use()}}},
          {"calls", std::move(calls)},
          {"zygote", boost::json::object{{"pid", zygote_.pid()}, {"ready", zygote_.ready()}, {"restarts", zygote_.restarts()}}},
          {"inference", boost::json::object{{"pid", inference_.pid()}, {"restarts", inference_.restarts()}}},
          {"after_call", boost::json::object{{"calls", aftermath_.calls()}, {"processes", aftermath_.processes()}}},
          {"disk", boost::json::object{{"healthy", !disk.trouble}, {"full", disk.disk_full}, {"last_error", disk.last_error}}}};
  if (room_server_) told["livekit"] = room_server_->status();
  return told;
}

std::string Supervisor::metrics() const {
  using Sample = WorkerMetrics::Sample;
  std::vector<Sample> samples;
  const auto counter = [&](const char* name, const char* help, double value) { samples.push_back({Sample::Kind::counter, name, help, value}); };
  const auto gauge = [&](const char* name, const char* help, double value) { samples.push_back({Sample::Kind::gauge, name, help, value}); };
  const auto livekit = [&](const char* name, const char* help, double value) {
    samples.push_back({Sample::Kind::gauge, name, help, value, true});
  };
  const auto number = [](auto value) { return static_cast<double>(value); };
  const auto processes = active_ + aftermath_.processes() + (zygote_.pid() > 0 ? 1 : 0) + (inference_.pid() > 0 ? 1 : 0);
  livekit("lk_agents_active_job_count", "Active jobs", number(active_));
  livekit("lk_agents_child_process_count", "Total number of child processes", number(processes));
  livekit("lk_agents_worker_load", "Slots or memory in use, of all: whichever is more", load());
  gauge("parley_healthy", "1 while / on the health port answers 200.", healthy() ? 1 : 0);
  gauge("parley_draining", "1 since the worker was told to stop.", draining_ ? 1 : 0);
  gauge("parley_slots", "Calls this worker serves at a time.", number(slots_.capacity()));
  gauge("parley_slots_in_use", "Slots taken.", number(slots_.in_use()));
  gauge("parley_slots_limit", "Slots given out just now: fewer while jobs are starved.", number(slots_.limit(loop_.now())));
  gauge("parley_calls", "Calls whose process lives.", number(active_));
  std::size_t all_bytes = 0, most_bytes = 0;
  for (const auto& [id, call] : calls_) {
    if (call->gone_at) continue;
    all_bytes += call->attempt.private_bytes();
    most_bytes = std::max(most_bytes, call->attempt.private_bytes());
  }
  gauge("parley_jobs_private_bytes", "Memory of their own of all jobs that serve calls; looked at every five seconds.", number(all_bytes));
  gauge("parley_job_private_bytes_max", "Of the largest of them.", number(most_bytes));
  const auto disk = records_.disk_health();
  gauge("parley_journal_disk_full", "1 while no space is left under the journals.", disk.disk_full ? 1 : 0);
  gauge("parley_journal_disk_trouble", "1 while journals cannot be written.", disk.trouble ? 1 : 0);
  gauge("parley_after_call", "Ended calls that wait for their record or the work after them.", number(aftermath_.calls()));
  counter("parley_calls_admitted_total", "Calls admitted.", number(counters_.admitted));
  counter("parley_calls_refused_total", "Calls refused because all slots were taken.", number(counters_.refused));
  counter("parley_calls_unanswered_total", "Calls admitted whose offer got no answer.", number(counters_.unanswered));
  counter("parley_calls_ended_total", "Calls whose process is gone.", number(counters_.ended));
  counter("parley_calls_crashed_total", "Calls whose process did not end in order.", number(counters_.crashed));
  counter("parley_jobs_adopted_total", "Jobs taken over from an earlier supervisor.", number(counters_.adopted));
  counter("parley_terminal_records_total", "Terminal records written.", number(aftermath_.terminal_records()));
  counter("parley_jobs_asked_total", "Jobs told to end because they were late.", number(attempt_counters_.asked));
  counter("parley_jobs_terminated_total", "Jobs that got SIGTERM.", number(attempt_counters_.terminated));
  counter("parley_jobs_killed_total", "Jobs that got SIGKILL.", number(attempt_counters_.killed));
  counter("parley_jobs_extended_total", "Jobs given more time because they were starved.", number(attempt_counters_.extended));
  counter("parley_job_protocol_errors_total", "Jobs that broke the protocol.", number(attempt_counters_.protocol_errors));
  if (const auto own = records_.mirror_health()) {
    const auto& jobs = attempt_counters_.mirror;
    counter("parley_mirror_records_total", "Records of journals that the mirror took.", number(own->records + jobs.records));
    counter("parley_mirror_records_lost_total", "Records of journals that the mirror never got.", number(own->lost + jobs.lost));
    counter("parley_mirror_failures_total", "Requests to the mirror that failed.", number(own->failures + jobs.failures));
    gauge("parley_mirror_trouble", "1 while the mirror cannot be reached.", own->trouble ? 1 : 0);
  }
  if (room_server_) {
    for (const auto& sample : room_server_->samples()) samples.push_back(sample);
  }
  counter("parley_zygote_restarts_total", "Zygotes that died.", number(zygote_.restarts()));
  counter("parley_inference_restarts_total", "Inference processes that died.", number(inference_.restarts()));
  return metrics_.text(samples);
}

}  // namespace parley::worker
