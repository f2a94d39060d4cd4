// A call's memory: what happened, appended record by record to one file, so that whatever dies, the call's end and its
// work afterwards can be made from it.
//
//   auto opened = open_journal(*disk, directory, call_id);        // blocks; takes the lock, reads what is there
//   Journal journal(loop, thread.writer(), std::move(*opened), {.call_id = ..., .attempt_id = ..., .redaction = ...});
//   journal.append("user_input_transcribed", {{"transcript", "hello"}, {"is_final", true}});
//   journal.request_sync();                                       // the end of a turn
//
// Thread: the loop's only.
// Bound:  events of one call stop being written at `max_bytes`, which is marked by a gap; what ends the call, and the
//         hooks' records, are written past it. One record has at most kMaxRecordBytes.
// Ending: destroying it lets go of the file; the writer finishes what is queued, then the lock falls.
// Disk:   nothing here waits for it but sync(). A journal without a file (the disk refused) still builds the record.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include <parley/async/task.hpp>

#include "job/disk.hpp"
#include "job/journal_mirror.hpp"
#include "job/journal_record.hpp"
#include "job/journal_redaction.hpp"
#include "job/journal_writer.hpp"
#include "job/record.hpp"

namespace parley::job {

// A journal's file with its lock, and what it held.
struct OpenJournal {
  std::unique_ptr<DiskFile> file;  // null: the call goes on without one
  std::string path;
  JournalContents contents;
};

struct JournalConfig {
  std::string call_id;
  std::string attempt_id;  // empty for a supervisor
  Redaction redaction;
  std::size_t max_bytes = kMaxJournalBytes;
  JournalMirror* mirror = nullptr;  // gets each record as it is written, redacted; must outlive the journal; null: none
};

class Journal {
 public:
  Journal(Loop& loop, JournalWriter writer, OpenJournal opened, JournalConfig config);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Never waits and never fails: what cannot be written is counted and marked.
  void append(std::string_view type, boost::json::object data = {});
  // User data for the record that hooks get.
  void remember(std::string_view key, boost::json::value value);

  // Everything appended so far is on the disk. Errc::timeout, Errc::overloaded (disk full), Errc::io.
  Task<Result<void>> sync(Deadline deadline);
  void request_sync();

  // Gives the file up and waits until its lock is free, for whoever takes it over. What is appended later is lost.
  // Errc::timeout: the disk hangs.
  Task<Result<void>> let_go(Deadline deadline);

  // Writes the terminal record unless there is one. Only with the lock, by a supervisor, when the call is over; true: it
  // was written now. An attempt whose end nobody has recorded is a crash.
  bool append_terminal();

  // The call so far, over all attempts: for hooks, takeover, pending work. Complete even when the disk is not.
  const RecordBuilder& so_far() const noexcept { return builder_; }
  const std::string& call_id() const noexcept { return config_.call_id; }
  const std::string& path() const noexcept { return path_; }
  Loop& loop() const noexcept { return loop_; }
  // False: nothing of it is on a disk, and what earlier processes wrote is not known.
  bool has_file() const noexcept { return has_file_; }
  std::uint64_t lost() const noexcept { return lost_; }

 private:
  void write(const JournalRecord& record, bool reserved);
  void reach_limit();

  Loop& loop_;
  JournalWriter writer_;
  JournalConfig config_;
  std::string path_;
  bool has_file_;
  JournalWriter::FileRef file_;  // null after let_go()
  RecordBuilder builder_;
  std::uint64_t next_sequence_;
  std::size_t bytes_ = 0;
  bool limit_reached_ = false;
  std::uint64_t lost_ = 0;
};

// Opening, listing, removing. All of these block: before the loop serves anybody, or through run_blocking().

// <directory>/<call id>.journal while there is work left, .done when there is none: recovery looks at the first kind
// only.
std::string journal_path(std::string_view directory, std::string_view call_id);
std::string settled_path(std::string_view directory, std::string_view call_id);

// A new call's: made, locked, its name synced. Errc::refused: there is one. Errc::overloaded: the disk is full.
// Its descriptor may be handed to the job, which takes it over with adopt_journal: the lock then never has a gap.
Result<OpenJournal> create_journal(Disk& disk, const std::string& directory, std::string_view call_id);
// An existing call's, for a supervisor or a new attempt. Errc::refused: another process holds it, so its job lives.
Result<OpenJournal> open_journal(Disk& disk, const std::string& directory, std::string_view call_id);
// From an inherited descriptor, which it takes over.
Result<OpenJournal> adopt_journal(int descriptor, std::string_view directory, std::string_view call_id);
// To look at, without lock: .journal or .done. Errc::not_found.
Result<JournalContents> read_journal(Disk& disk, const std::string& directory, std::string_view call_id);

struct JournalEntry {
  std::string call_id;
  bool settled = false;
  bool locked = false;  // asked for unsettled ones only
  std::uint64_t bytes = 0;
  WallTime modified{};
};
Result<std::vector<JournalEntry>> list_journals(Disk& disk, const std::string& directory);

// Nothing is left to do for the call: its file becomes a .done. Only with the lock.
Result<void> settle_journal(Disk& disk, const std::string& directory, std::string_view call_id);

}  // namespace parley::job
