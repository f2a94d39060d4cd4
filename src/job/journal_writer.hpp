// What a process writes to its disk and its log, in one place and in order: journals first, then log lines.
//
// The loop hands over and never waits. Who does the work is a driver: a thread in a real process (WriterThread),
// virtual time in the simulated world (sim::SimWriter).
//
// Thread: every function from any thread; `done` of a sync is called on the driver's.
// Bound:  kMaxQueuedBytes of records and kMaxLogLines of log lines wait. A record beyond is lost, counted, and marked
//         in its journal by a gap; a log line beyond is dropped and counted.
// Disk full: up to kMaxHeldBytes of a file wait in memory for space to come back, tried every kRetryPeriod; then as
//         above. The operator is told once when it begins and once when it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <parley/base/bytes.hpp>
#include <parley/base/log.hpp>
#include <parley/base/time.hpp>

#include "job/disk.hpp"

namespace parley::job {

struct WriterHealth {
  bool trouble = false;    // now: the disk refuses to write or to sync
  bool disk_full = false;  // now: because no space is left
  std::string last_error;  // the latest failure, for the operator; empty: none so far
  std::uint64_t records_written = 0;
  std::uint64_t records_lost = 0;
  std::uint64_t syncs = 0;
  std::uint64_t failed_syncs = 0;
  Duration slowest_sync{};
  std::uint64_t log_lines_lost = 0;
  std::size_t queued_bytes = 0;
};

class WriterCore;

class JournalWriter {
 public:
  static constexpr std::size_t kMaxQueuedBytes = 8 * MiB;
  static constexpr std::size_t kMaxQueuedOperations = 65'536;
  static constexpr std::size_t kMaxHeldBytes = 256 * KiB;
  static constexpr std::size_t kMaxLogLines = 4096;
  static constexpr Duration kRetryPeriod = 1s;

  // A file in the writer's hands.
  class File;
  using FileRef = std::shared_ptr<File>;
  using Done = std::move_only_function<void(Result<void>)>;

  explicit JournalWriter(std::shared_ptr<WriterCore> core) : core_(std::move(core)) {}

  // `call_id` and `name` are for the marks and messages of this file. A null `file` loses every record, and says so.
  FileRef attach(std::unique_ptr<DiskFile> file, std::string call_id, std::string name) const;
  // One encoded record. False: lost.
  bool append(const FileRef& file, std::string line) const;
  // Everything appended before is on the disk when `done` says success.
  void sync(const FileRef& file, Done done) const;
  // A sync that nobody waits for.
  void request_sync(const FileRef& file) const;
  // Closes the file, on the driver's thread, after everything that was queued for it; then its lock is free.
  void let_go(FileRef file, Done done = {}) const;

  WriterHealth health() const;
  // A sink that hands lines to the writer. After the writer's end it writes them itself.
  std::shared_ptr<LogSink> log_sink() const;

 private:
  std::shared_ptr<WriterCore> core_;
};

}  // namespace parley::job
