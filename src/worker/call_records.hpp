// What the supervisor writes of a call: how its process ended, and the one terminal record.
//
// Thread: the loop's only; the disk is touched on helper threads and by the writer.
// Bound:  one call at a time each; a disk that hangs costs the deadline, and the next try finds things as they are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "job/hooks.hpp"
#include "job/journal.hpp"
#include "ipc/room_job.hpp"
#include "job/journal_retention.hpp"
#include "worker/worker_metrics.hpp"

namespace parley::worker {

class CallRecords {
 public:
  static constexpr Duration kSyncPatience = 2s;
  static constexpr std::uint64_t kLeastSpace = 64 * KiB;  // less is a full disk

  struct Config {
    std::string directory;
    std::shared_ptr<const job::HookRegistry> hooks{};  // null: this worker has none
    job::RetentionPolicy retention{};
    job::JournalMirror* mirror = nullptr;  // must outlive it; null: none
  };
  CallRecords(Loop& loop, std::shared_ptr<job::Disk> disk, job::JournalWriter writer, Config config);

  struct End {
    std::string call_id;
    std::string attempt_id;             // empty: no process ended, only what is missing is written
    job::ProcessExit exit;
    bool create = true;                 // a journal, where there is none
  };
  struct State {
    bool terminal_written = false;      // now, by this call
    CallFigures figures;                // if so
    std::optional<ipc::RoomPlace> room;  // if so: it was in this one
    bool crashed = false;               // its process died in it
    bool failed = false;
    HookCounts hooks;                   // of the whole call, so far
    bool work_left = false;             // hooks that are not done
  };

  // Idempotent. Errc::refused: a process holds the journal's lock; Errc::not_found: no journal, and none was to be made.
  Task<Result<State>> finish(End end, Deadline deadline);

  // Calls of earlier supervisors that are not settled and in no process's hands. Blocks.
  Result<std::vector<std::string>> unfinished() const;

  // Looks whether there is space under the journals, for jobs write them with writers of their own. False: the disk did
  // not say in time, and should not be asked again soon.
  Task<bool> look_at_disk(Deadline deadline);
  // Removes what is kept of settled calls where it is too old or too much (Config::retention), and says
  // what became of it. Errc::timeout, Errc::overloaded: no helper thread is free, Errc::io: the next try goes on with it.
  Task<Result<job::RetentionPlan>> keep_within_bounds(Deadline deadline);
  // What this process's own writes met, and what look_at_disk() saw.
  job::WriterHealth disk_health() const;
  // What became of this process's own records; nullopt: there is no mirror.
  std::optional<job::MirrorHealth> mirror_health() const;

 private:
  Loop& loop_;
  std::shared_ptr<job::Disk> disk_;
  job::JournalWriter writer_;
  Config config_;
  bool disk_full_ = false;
};

}  // namespace parley::worker
