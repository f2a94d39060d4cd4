// The fixed times of the fakes, and what they draw their contents from.
#pragma once

#include <cstdint>
#include <string>

#include <parley/base/time.hpp>

namespace parley::fakes {

struct Options {
  std::uint64_t seed = 1;
  std::string api_key;               // empty: any, or none
  Duration first_token = 200ms;      // request read to the first word of the answer
  Duration token = 15ms;             // from word to word
  Duration stt_final = 150ms;        // end of sound to its final transcript
  Duration stt_interim = 300ms;      // of sound, between interim transcripts
  Duration tts_first = 100ms;        // Flush to the first audio
  double tts_speed = 10;             // audio is sent so many times faster than it plays
  double characters_a_second = 14;   // of speech
};

}  // namespace parley::fakes
