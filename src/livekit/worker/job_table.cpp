#include "livekit/worker/job_table.hpp"

#include <algorithm>

namespace parley::livekit {

bool JobTable::accept(const std::string& job_id, std::string identity, TimePoint assigned_by) {
  if (jobs_.contains(job_id) || !make_room()) return false;
  jobs_[job_id] = {.stage = Stage::accepted, .identity = std::move(identity), .assigned_by = assigned_by};
  return true;
}

std::optional<std::string> JobTable::assigned(const std::string& job_id) {
  const auto found = jobs_.find(job_id);
  if (found == jobs_.end() || found->second.stage != Stage::accepted) return std::nullopt;
  change(found->second, Stage::running);
  return std::move(found->second.identity);
}

bool JobTable::running(const std::string& job_id) const {
  const auto found = jobs_.find(job_id);
  return found != jobs_.end() && found->second.stage == Stage::running;
}

bool JobTable::full() const {
  return jobs_.size() >= max_jobs_ && std::ranges::none_of(jobs_, [](const auto& entry) { return entry.second.stage == Stage::ended; });
}

bool JobTable::release(const std::string& job_id) {
  const auto found = jobs_.find(job_id);
  if (found == jobs_.end() || found->second.stage != Stage::accepted) return false;
  jobs_.erase(found);
  return true;
}

std::vector<std::string> JobTable::take(bool (*which)(const Job&, TimePoint), TimePoint now) {
  std::vector<std::string> ids;
  for (auto it = jobs_.begin(); it != jobs_.end();) {
    const bool taken = it->second.stage == Stage::accepted && which(it->second, now);
    if (taken) ids.push_back(it->first);
    it = taken ? jobs_.erase(it) : std::next(it);
  }
  return ids;
}

std::vector<std::string> JobTable::take_expired(TimePoint now) {
  return take([](const Job& job, TimePoint at) { return job.assigned_by <= at; }, now);
}

std::vector<std::string> JobTable::take_accepted() {
  return take([](const Job&, TimePoint) { return true; }, {});
}

std::optional<TimePoint> JobTable::next_expiry() const {
  std::optional<TimePoint> next;
  for (const auto& [id, job] : jobs_) {
    if (job.stage == Stage::accepted) next = std::min(next.value_or(job.assigned_by), job.assigned_by);
  }
  return next;
}

void JobTable::status(const std::string& job_id, JobStatus status, std::string error) {
  auto found = jobs_.find(job_id);
  if (found == jobs_.end()) {
    if (!make_room()) {
      ++dropped_;
      return;
    }
    found = jobs_.emplace(job_id, Job{}).first;
  }
  auto& job = found->second;
  if (job.stage == Stage::ended || (job.stage == Stage::running && status == JobStatus::running)) return;
  job.success = status == JobStatus::success;
  job.error = std::move(error);
  change(job, status == JobStatus::running ? Stage::running : Stage::ended);
}

std::vector<JobTable::Update> JobTable::take_untold(std::int64_t mark) {
  std::vector<std::pair<std::uint64_t, Update>> ordered;
  for (auto& [id, job] : jobs_) {
    if (!job.untold) continue;
    job.untold = false;
    job.mark = mark;
    const auto ended = job.success ? JobStatus::success : JobStatus::failed;
    ordered.push_back({job.order, {id, job.stage == Stage::running ? JobStatus::running : ended, job.error}});
  }
  std::ranges::sort(ordered, {}, [](const auto& entry) { return entry.first; });
  std::vector<Update> updates;
  for (auto& [order, update] : ordered) updates.push_back(std::move(update));
  return updates;
}

void JobTable::confirmed(std::int64_t mark) {
  std::erase_if(jobs_, [mark](const auto& entry) {
    const auto& job = entry.second;
    return job.stage == Stage::ended && !job.untold && job.mark <= mark;
  });
}

void JobTable::tell_again() {
  for (auto& [id, job] : jobs_) job.untold = job.stage != Stage::accepted;
}

bool JobTable::anything_untold() const {
  return std::ranges::any_of(jobs_, [](const auto& entry) { return entry.second.untold; });
}

std::size_t JobTable::unconfirmed_ends() const {
  return static_cast<std::size_t>(std::ranges::count_if(jobs_, [](const auto& entry) { return entry.second.stage == Stage::ended; }));
}

void JobTable::change(Job& job, Stage stage) {
  job.stage = stage;
  job.untold = true;
  job.order = ++changes_;
}

// False: every place is taken by a job that goes on.
bool JobTable::make_room() {
  if (jobs_.size() < max_jobs_) return true;
  auto oldest = jobs_.end();
  for (auto it = jobs_.begin(); it != jobs_.end(); ++it) {
    if (it->second.stage == Stage::ended && (oldest == jobs_.end() || it->second.order < oldest->second.order)) oldest = it;
  }
  if (oldest == jobs_.end()) return false;
  jobs_.erase(oldest);
  ++dropped_;
  return true;
}

}  // namespace parley::livekit
