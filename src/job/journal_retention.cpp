#include "job/journal_retention.hpp"

#include <algorithm>
#include <set>

#include <parley/base/ids.hpp>

namespace parley::job {

namespace {
constexpr std::string_view kStackSuffix = ".stack";
}

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

std::vector<std::string> plan_stacks(const std::vector<DiskEntry>& files, const RetentionPlan& plan,
                                     const RetentionPolicy& policy, WallTime now) {
  std::set<std::string_view> calls;
  for (const auto& file : files) {
    const std::string_view name = file.name;
    if (!name.ends_with(kStackSuffix)) calls.insert(name.substr(0, name.find('.')));
  }
  for (const auto& call_id : plan.remove) calls.erase(call_id);
  std::vector<std::string> stacks;
  for (const auto& file : files) {
    const std::string_view name = file.name;
    const auto call = name.substr(0, name.find('.'));
    if (!name.ends_with(kStackSuffix) || !is_id(call) || calls.contains(call)) continue;
    const bool removed = std::ranges::find(plan.remove, call) != plan.remove.end();
    if (removed || now - file.modified > policy.keep) stacks.push_back(file.name);
  }
  return stacks;
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
  const auto files = disk.list(directory);
  if (!files) return fail(files.error());
  for (const auto& name : plan_stacks(*files, plan, policy, now)) {
    if (auto removed = disk.remove(directory + "/" + name); !removed && removed.error().code() != Errc::not_found) {
      return fail(removed.error());
    }
  }
  return plan;
}

}  // namespace parley::job
