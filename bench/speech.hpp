// What the callers say: sentences by Flite's voices, with pauses, as Opus packets that are made once and replayed.
#pragma once

#include <cstdint>
#include <vector>

#include <parley/base/bytes.hpp>
#include <parley/base/random.hpp>
#include <parley/base/result.hpp>

#include "audio/samples.hpp"

namespace parley::bench {

inline constexpr float kLoud = -50.0F;  // dBFS: from here on a frame is heard

struct SpeechFrame {
  Bytes opus;                // 20 ms at 48 kHz
  std::uint8_t level = 127;  // -dBov (RFC 6464)
};

struct Utterance {
  std::vector<SpeechFrame> frames;
  std::size_t first_voiced = 0;
  std::size_t last_voiced = 0;
};

struct Speech {
  std::vector<Utterance> utterances;
  std::vector<SpeechFrame> room;  // what a microphone hears while nobody speaks: a second of it, again and again
};

// Before the process starts threads (Flite registers its voices in globals).
Result<Speech> make_speech(Random random);

// The same from sound at 48 kHz: room tone is added, the rest of the last frame is silence.
Result<Utterance> encode_utterance(Samples sound, Random& random);

}  // namespace parley::bench
