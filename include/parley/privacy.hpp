// What is kept of calls, and for how long: the `privacy` part of an agent file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <parley/base/time.hpp>

namespace parley {

// The journals of all calls of a worker (docs/journal.md).
struct JournalOptions {
  Duration keep = std::chrono::hours(7 * 24);           // of calls with nothing left to do
  std::uint64_t max_bytes = std::uint64_t{1000} * 1000 * 1000;  // of all of them together; then the oldest go
  bool redact_digits = true;  // digits of what was said, and of tools' arguments and results, become '*'
  bool redact_dtmf = true;    // keys that the caller pressed become "redacted"
  std::string mirror;         // http:// or https://: gets each record as it is written; empty: none
};

enum class RecordingChannels {
  mono,    // both mixed
  stereo,  // left: caller, right: agent
};
enum class RecordingConsent {
  none,      // from the first moment of the call
  greeting,  // from the moment at which the caller has heard the greeting, which says so, to its end
};

// One call's sound, as a file.
struct RecordingOptions {
  std::string path;  // of an Ogg Opus file that does not exist yet
  RecordingChannels channels = RecordingChannels::stereo;
  RecordingConsent consent = RecordingConsent::greeting;
};

struct PrivacyOptions {
  JournalOptions journal{};
  bool transcripts = true;  // false: hooks get none, and the record says so
};

}  // namespace parley
