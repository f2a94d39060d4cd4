// A journal as an operator reads it: what happened, by whom, in words. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "job/journal_record.hpp"

namespace parley::job {

struct ToldLine {
  double at = 0;         // seconds since the journal's first record
  std::string_view who;  // call, caller, agent, tool, error, program, ending, hook, job, supervisor, journal
  std::string text;      // printable, one line
};

// In the order of time. What says nothing to a reader (a record's copy of what was told already) has no line, and the end of
// a call has one for each of its steps.
std::vector<ToldLine> tell(const JournalContents& contents);

// "the caller hung up" for caller_hung_up; what is unknown stays as it is.
std::string cause_in_words(std::string_view cause);

// Bytes of a disk go to a terminal: no control characters, valid UTF-8, at most `max_bytes` and three dots.
std::string printable(std::string_view text, std::size_t max_bytes);

}  // namespace parley::job
