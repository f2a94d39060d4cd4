// Durations and sizes as people write them: "200ms", "1.5s", "7d"; "500MB", "64KiB".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley {

// A number and one unit (ms, s, m, h, d), from 0 to a hundred years. Errc::invalid_argument says what it wants: the sentence
// begins with "expected".
Result<Duration> parse_duration(std::string_view text);
// The shortest such text: "200ms", "90s", "1h", "7d". What is finer than a millisecond is rounded.
std::string to_text(Duration duration);

// A number and one unit (B, kB or KB, MB, GB, TB of a thousand; KiB, MiB, GiB, TiB of 1024), up to 2^53 bytes.
Result<std::uint64_t> parse_size(std::string_view text);

}  // namespace parley
