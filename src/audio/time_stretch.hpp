// Makes a frame of speech a little shorter or longer without changing its pitch.
#pragma once

#include <cstdint>
#include <vector>

namespace parley {

// Removes or repeats one period of what is most alike within the frame (2.5 to 10 ms at 48 kHz), cross-faded over 10
// ms. Both ends of the frame stay as they are, so it still joins its neighbours. Frames under 20 ms, and frames in
// which nothing is alike (unless `force`), stay unchanged.
//
// Returns by how many samples the frame became shorter or longer.
std::size_t shorten(std::vector<std::int16_t>& frame, bool force = false);
std::size_t lengthen(std::vector<std::int16_t>& frame, bool force = false);

}  // namespace parley
