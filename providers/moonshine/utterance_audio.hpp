// Cutting an utterance the way the recogniser likes it.
#pragma once

#include <span>

#include <parley/base/time.hpp>

namespace parley {

// What to leave of the silence around speech. Moonshine answers long silence with an empty text (26 of 100 clips with a
// second on both sides). In noise, where this finds nothing to cut, the half second that the VAD waits for does no harm: 40
// prompts in noise of -35 dB have 5.4 % of word errors with it, and 6.9 % when they are cut to this tail.
inline constexpr Duration kUtteranceLead = 100ms;
inline constexpr Duration kUtteranceTail = 200ms;

// The part of 16 kHz audio between the first and the last sound in it, with that lead and tail; empty when there is no
// sound. A rough net by loudness under the VAD's cut: in noise it leaves everything.
std::span<const float> without_silence(std::span<const float> samples);

}  // namespace parley
