// `parley inspect`: a journal as people read it, second by second, and as other programs do.
#pragma once

#include <string>

#include <boost/json/array.hpp>

#include "job/journal_record.hpp"

namespace parley::job {

// What became of the call and what it was like, what the journal lacks, then a line for each thing that happened:
//   CA_x7Kd  2026-11-21T12:00:00.000Z  42.1 s  completed: the caller hung up
//   3 turns, heard after 676 ms (median) and 1210 ms at most; 1 tool call
//      0.000  call        begins: agent=reception
//      1.204  caller      "I would like to book a table."
std::string timeline_text(const JournalContents& contents);

// {call, summary, record, timeline: [{at, who, text}], lines: [{at, time, type, attempt, data}], journal: {damaged, ...}}
boost::json::object timeline_json(const JournalContents& contents);

// A call in the list of calls: {call, started_at, duration_s, outcome, reason, turns, tools, interruptions, errors,
// heard_after_ms: {median, most}, hooks: [{name, state, tries, error}]}.
boost::json::object call_summary(const JournalContents& contents);

// The end of that call in words: "completed: the caller hung up", "failed: its process died (killed by signal 9)", "going on".
std::string outcome_in_words(const boost::json::object& summary);

}  // namespace parley::job
