#include "job/journal_retention.hpp"

#include <algorithm>

namespace parley::job {

RetentionPlan plan_retention(std::vector<JournalEntry> journals, const RetentionPolicy& policy, WallTime now) {
  RetentionPlan plan;
  std::ranges::sort(journals, {}, [](const JournalEntry& j) { return std::pair(j.modified, j.call_id); });
  for (const auto& journal : journals) plan.bytes_after += journal.bytes;
  for (const auto& journal : journals) {
    const bool old = now - journal.modified > policy.keep;
    if (!journal.settled) {
      if (old && !journal.locked) ++plan.unfinished;
    } else if (old || plan.bytes_after > policy.max_bytes) {
      plan.remove.push_back(journal.call_id);
      plan.bytes_after -= journal.bytes;
    }
  }
  plan.over_limit = plan.bytes_after > policy.max_bytes;
  return plan;
}

Result<RetentionPlan> apply_retention(Disk& disk, const std::string& directory, const RetentionPolicy& policy,
                                      WallTime now) {
  auto journals = list_journals(disk, directory);
  if (!journals) return fail(journals.error());
  auto plan = plan_retention(*std::move(journals), policy, now);
  for (const auto& call_id : plan.remove) {
    if (auto removed = disk.remove(settled_path(directory, call_id));
        !removed && removed.error().code() != Errc::not_found) {
      return fail(removed.error());
    }
  }
  return plan;
}

}  // namespace parley::job
