// A sound that repeats beneath the conversation: ambience, the noise of thinking.
#pragma once

#include <cstdint>
#include <memory>
#include <parley/base/time.hpp>
#include <vector>

#include "audio/samples.hpp"

namespace parley {

using Clip = std::shared_ptr<const std::vector<std::int16_t>>;  // 48 kHz mono, shared by all calls

// Plays a clip round and round at a gain that moves in fades. Where the end meets the beginning the two are
// cross-faded, so that any clip loops without a click.
//
// Thread: the owner's only. Bound: a few words; the clip is shared.
class LoopSource {
 public:
  // The clip is not empty.
  LoopSource(Clip clip, float gain, Duration fade_in);

  void set_gain(float gain, Duration fade);
  // Fades out; done() is true from then on.
  void stop(Duration fade);
  bool done() const noexcept { return stopping_ && gain_ <= 0.0F; }

  // Adds the next samples to `out`.
  void render(MutableSamples out);

 private:
  std::int16_t next() noexcept;

  Clip clip_;
  std::size_t seam_;    // samples of the cross-fade
  std::size_t at_ = 0;  // in the clip
  float gain_ = 0.0F;
  float target_ = 0.0F;
  float step_ = 0.0F;  // per sample, towards the target
  bool stopping_ = false;
};

}  // namespace parley
