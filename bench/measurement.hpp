// One number of calls against one worker, from its first moment to its last: what it takes, and what the callers met.
//
// Thread: blocks the one that calls it; the readings of /proc and the decoding are done elsewhere or when all is over.
// Ending: at an interruption everything that was started is ended and Errc::closing comes back.
#pragma once

#include <csignal>

#include "bench/figures.hpp"
#include "bench/progress.hpp"
#include "bench/site.hpp"
#include "bench/speech.hpp"

namespace parley::bench {

// An error: it could not be measured. What went wrong in a call is in the figures.
Result<Figures> measure(const Programs& programs, const Load& load, const FixedTimes& fixed, const Speech& speech,
                        Progress& progress, const volatile std::sig_atomic_t& interrupted);

}  // namespace parley::bench
