// The writer of a real process: one thread, all signals blocked. Started after the fork, never before.
//
// Ending: close(budget) writes what is queued, syncs every file and joins the thread, or abandons it when the disk
//         hangs: what it uses is shared with it. The destructor is close with no budget.
#pragma once

#include <memory>

#include "job/journal_writer.hpp"

namespace parley::job {

struct WriterOptions {
  std::shared_ptr<LogSink> log;  // where log lines go in the end; null: nowhere
  int log_descriptor = 2;        // waited for, kLogPatience at most, before a line is written; -1: not
};

class WriterThread {
 public:
  static constexpr Duration kLogPatience = 200ms;

  explicit WriterThread(WriterOptions options);
  ~WriterThread();
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  JournalWriter& writer() noexcept { return writer_; }

  // Blocks the calling thread, at most for `budget`; called by finish_process when the loop has ended. True: everything
  // is on the disk, or is known to be lost; false: the thread was abandoned.
  bool close(Duration budget);

 private:
  struct Shared;
  static void serve(std::shared_ptr<Shared> shared);

  std::shared_ptr<Shared> shared_;
  JournalWriter writer_;
};

}  // namespace parley::job
