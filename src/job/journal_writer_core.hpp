// The queue and the rules of a JournalWriter; drivers call work() until there is nothing left.
//
// Thread: queue functions from any; work() and retry() from one at a time, without the queue's lock while the disk is
//         asked.
#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <vector>

#include "job/journal_writer.hpp"

namespace parley::job {

// What of a file waits to be written. Thread: the driver's only, but for the constants and `refused`.
class JournalWriter::File {
 public:
  File(std::unique_ptr<DiskFile> file, std::string call_id, std::string name)
      : disk(std::move(file)), call_id(std::move(call_id)), name(std::move(name)) {}

  std::unique_ptr<DiskFile> disk;
  const std::string call_id;
  const std::string name;
  bool begun = false;  // this writer has written to it: it stands at a known place
  std::string held;    // whole lines, the first perhaps begun
  std::uint64_t held_lines = 0;
  std::uint64_t lost = 0;                  // since the last gap mark
  std::uint64_t marked = 0;                // what a gap mark in `held` says was lost
  std::string lost_why;                    // not empty: a gap is to be marked
  std::atomic<std::uint64_t> refused = 0;  // lost before they came into the queue
};

class WriterCore {
 public:
  // `work_came` is called, from any thread and without a lock, when the queue was empty and no longer is.
  // `log` gets log lines and the core's own words to the operator, on the driver's thread. `log_ready`, if there is
  // one, is asked before each line; the line is dropped when it says no.
  WriterCore(const Clock& clock, std::shared_ptr<LogSink> log, std::function<void()> work_came,
             std::function<bool()> log_ready = {});

  using File = JournalWriter::File;
  using FileRef = JournalWriter::FileRef;
  using Done = JournalWriter::Done;

  FileRef attach(std::unique_ptr<DiskFile> file, std::string call_id, std::string name);
  bool append(const FileRef& file, std::string line);
  void sync(const FileRef& file, Done done);
  void request_sync(const FileRef& file);
  void let_go(FileRef file, Done done);
  void write_log(const LogLine& line) noexcept;
  void flush_log() noexcept;
  WriterHealth health() const;

  // ---- drivers

  enum class Kind { nothing, append, sync, close, log };
  // What work() would do next; the simulated driver asks, to know how long it takes.
  Kind next() const;
  // Does one thing. False: there was nothing to do.
  bool work();
  // Something waits for space: retry() after kRetryPeriod.
  bool holding() const;
  void retry();
  // Writes and syncs all there is, then refuse().
  void finish();
  // Nothing comes in any more; log lines are written where they come from, from now on.
  void refuse();

 private:
  struct Operation {
    Kind kind;
    FileRef file;
    std::string bytes;
    std::uint64_t lines = 0;
    Done done;
  };
  struct OwnedLine {
    LogLevel level;
    std::string message;
    std::vector<LogField> fields;
  };

  enum class Taken { queued, full, finished };
  Taken enqueue(Operation operation);
  std::optional<Operation> take();
  std::vector<Done> take_same_syncs(const FileRef& file);
  void perform_append(File& file, Operation operation);
  void perform_sync(File& file, Operation operation);
  void perform_close(Operation operation);
  Result<void> sync_now(File& file);
  bool write_one_log_line();
  std::vector<FileRef> open_files();

  // True when nothing of the file is left in memory.
  bool write_held(File& file);
  bool write_failed(File& file, const Error& error);
  void begin(File& file);
  void mark_gap(File& file);
  void lose(File& file, std::uint64_t lines, std::string_view why);
  enum class Trouble { none, write, sync };
  void disk_failed(const File& file, const Error& error, Trouble trouble);
  void disk_works(const File& file, Trouble overcome);
  void tell(LogLevel level, std::string_view message) noexcept;

  const Clock& clock_;
  const std::shared_ptr<LogSink> log_;
  const std::function<void()> work_came_;
  const std::function<bool()> log_ready_;

  mutable std::mutex mutex_;
  std::deque<Operation> queue_;
  std::size_t queued_bytes_ = 0;
  std::deque<OwnedLine> log_lines_;
  bool finished_ = false;
  std::uint64_t lost_log_lines_untold_ = 0;
  std::vector<std::weak_ptr<File>> files_;
  // The driver's only:
  Trouble trouble_ = Trouble::none;
  std::uint64_t lost_in_trouble_ = 0;
  WriterHealth health_;
};

}  // namespace parley::job
