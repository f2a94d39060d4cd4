// The records of a journal and how they lie in the file: pure functions.
//
//   J1 0000004b 1c291ca3 {"type":"call.started","time":"2026-11-21T13:05:07.123Z","seq":1,"call":"CA_x","data":{}}\n
//
// Length and CRC-32C, as eight hexadecimal digits each, cover the JSON text. A line that is torn or damaged is skipped
// and counted; the next line is read as if nothing had happened. Every writer begins on a new line.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley::job {

struct JournalRecord {
  std::string type;
  WallTime time{};
  std::uint64_t sequence = 0;  // 1, 2, ... over all writers of the call; 0: the writer's own remark (gap)
  std::string call_id;
  std::string attempt_id;  // empty: written by a supervisor
  boost::json::object data;
};

// Types that are the journal's own. A program's events have names without a dot and may not use these.
namespace record_type {
inline constexpr std::string_view kCallStarted = "call.started";        // what the call is; see CallStarted
inline constexpr std::string_view kCaller = "call.caller";              // {participant, sip}: who calls, once that is known
inline constexpr std::string_view kAttemptStarted = "attempt.started";  // a process serves it, or {kind: after_call}
inline constexpr std::string_view kAttemptEnding = "attempt.ending";    // {cause, detail}: the end began, and why
inline constexpr std::string_view kAttemptEnded = "attempt.ended";      // {teardown}: session closed, room left
inline constexpr std::string_view kAttemptExited = "attempt.exited";    // {code | signal, detail}: seen by a supervisor
inline constexpr std::string_view kRemember = "call.remember";          // {key, value}: for the hooks; never redacted
inline constexpr std::string_view kSummary = "call.summary";            // {transcript, tools, usage, latency, ...}
inline constexpr std::string_view kHooksDue = "hooks.due";              // {hooks: [key]}
inline constexpr std::string_view kHookStarted = "hook.started";        // {key, try}
inline constexpr std::string_view kHookDone = "hook.done";              // {key, took_ms}
inline constexpr std::string_view kHookFailed = "hook.failed";          // {key, error, took_ms}
inline constexpr std::string_view kHookGivenUp = "hook.given_up";       // {key, error}
inline constexpr std::string_view kGap = "journal.gap";         // {lost, why}: records that could not be written
inline constexpr std::string_view kTerminal = "call.terminal";  // the terminal record
}  // namespace record_type

// attempt.started of a process that only does the work after the call.
inline constexpr std::string_view kAfterCallKind = "after_call";

// True for names that only the runtime may write: those with a dot.
bool is_reserved_type(std::string_view type) noexcept;

inline constexpr std::size_t kMaxRecordBytes = 2 * MiB;    // JSON text of one record
inline constexpr std::size_t kMaxJournalBytes = 16 * MiB;  // events of one call; what ends the call is written past it
inline constexpr std::size_t kMaxReadBytes = 64 * MiB;     // a reader looks at no more of a file

// One line, with its end. Errc::invalid_argument: longer than kMaxRecordBytes.
Result<std::string> encode_record(const JournalRecord& record);
// The JSON text in such a line.
std::string_view text_of_line(std::string_view line) noexcept;

// What a file holds, as far as it can be read.
struct JournalContents {
  std::vector<JournalRecord> records;  // in the order of the file
  std::size_t damaged = 0;             // lines that are no record: torn, bit rot, garbage
  std::size_t foreign = 0;             // records of another call
  std::uint64_t missing = 0;           // sequence numbers that were skipped
  bool torn_tail = false;              // the last line has no end: a writer was killed, or is writing just now
  bool cut_off = false;                // longer than a reader looks

  std::uint64_t next_sequence() const noexcept { return last_sequence + 1; }
  std::uint64_t last_sequence = 0;
};

// Never fails: bytes from a disk may be anything. `call_id` empty: the first record's call is the call.
JournalContents parse_journal(std::string_view bytes, std::string_view call_id = {});

// "2026-11-21T13:05:07.123Z" and nothing else.
std::optional<WallTime> parse_iso8601(std::string_view text) noexcept;

}  // namespace parley::job
