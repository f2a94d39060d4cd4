// Where a copy of each journal record goes as it is written: privacy.journal.mirror. The seam behind which there is a network
// (http_mirror.hpp), so that whoever writes journals sees none.
//
// Thread: the loop's only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <parley/async/task.hpp>
#include <parley/base/time.hpp>

namespace parley::job {

struct MirrorHealth {
  bool trouble = false;          // now: the latest request failed
  std::uint64_t records = 0;     // taken by the other side
  std::uint64_t lost = 0;        // never taken: no room, refused, or no time was left for them
  std::uint64_t failures = 0;    // requests that failed, each try counted
  std::string last_error;        // empty: none so far
};

class JournalMirror {
 public:
  virtual ~JournalMirror() = default;
  // A record's JSON text, redacted, as it lies in the journal. Never waits and never fails: what cannot be kept is counted.
  virtual void add(std::string_view record) = 0;
  // Until everything added so far was taken or given up; what is left at the deadline is lost and counted. For a process's
  // end: what waits between two tries is tried at once.
  virtual Task<void> flush(Deadline deadline) = 0;
  virtual MirrorHealth health() const = 0;
};

}  // namespace parley::job
