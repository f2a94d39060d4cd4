// What must not reach the disk: agent.yaml's privacy.journal.redact, as a pure function over a record's data.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include <parley/base/result.hpp>

namespace parley::job {

struct Redaction {
  bool digits = true;  // every digit of what was said or passed to tools becomes '*'
  bool dtmf = true;    // keys that the caller pressed become "redacted"

  // From the file's list: ["digits", "dtmf"]. Errc::invalid_argument names the one that is unknown.
  static Result<Redaction> from_names(std::span<const std::string> names);
};

// `data` of an event of the given type, with what must go gone. Structure stays: keys, ids, names, times, states and
// measured numbers; what people said, and arguments and results of tools, lose their digits wherever they stand.
boost::json::object redact(std::string_view type, boost::json::object data, const Redaction& redaction);

}  // namespace parley::job
