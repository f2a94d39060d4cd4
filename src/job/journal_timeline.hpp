// `parley inspect`: a journal as people read it, second by second, and as other programs do.
#pragma once

#include <string>

#include <boost/json/array.hpp>

#include "job/journal_record.hpp"

namespace parley::job {

// One line a record, after a headline with the call, its outcome, and what the journal lacks:
//   CA_x7Kd  2026-11-21 13:05:07.123Z  42.1 s  completed: the caller hung up
//      0.000  call.started           agent=reception
//      1.204  user_input_transcribed "I would like to book a table."
std::string timeline_text(const JournalContents& contents);

// {call, record, lines: [{at, type, attempt, data}], journal: {damaged, missing, ...}}
boost::json::object timeline_json(const JournalContents& contents);

}  // namespace parley::job
