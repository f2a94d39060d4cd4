// How long journals are kept, and how many; the stacks that killed jobs left beside them (<call>.<attempt>.stack) go with
// them. The supervisor keeps to it (worker::CallRecords).
#pragma once

#include <string>
#include <vector>

#include <parley/base/bytes.hpp>

#include "job/journal.hpp"

namespace parley::job {

struct RetentionPolicy {
  Duration keep = std::chrono::hours(7 * 24);
  std::uint64_t max_bytes = 1000 * 1000 * 1000;  // of the directory
};

struct RetentionPlan {
  std::vector<std::string> remove;  // call ids, oldest first
  std::uint64_t bytes_after = 0;
  std::size_t unfinished = 0;  // older than `keep`, kept because they are not settled: worth a word to the operator
  bool over_limit = false;     // what may be removed is not enough for max_bytes
};

// Pure. Settled ones go by age, then oldest first until the rest fits. A journal with work left, or in use, never goes.
RetentionPlan plan_retention(std::vector<JournalEntry> journals, const RetentionPolicy& policy, WallTime now);

// Of these names of files, the stacks of calls that are removed, and those older than `keep` whose call has no journal. Pure.
std::vector<std::string> plan_stacks(const std::vector<DiskEntry>& files, const RetentionPlan& plan,
                                     const RetentionPolicy& policy, WallTime now);

// Lists, plans, removes. Blocks.
Result<RetentionPlan> apply_retention(Disk& disk, const std::string& directory, const RetentionPolicy& policy,
                                      WallTime now);

}  // namespace parley::job
