// The caller's ear: everything that is said goes through one mixer, and what came of it is told to whoever said it.
//
// Thread: the loop's only.
// Bound:  the mixer's (audio/mixer.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include <parley/transport.hpp>

#include "audio/mixer.hpp"

namespace parley {

class Playout {
 public:
  using Listener = std::function<void(const MixerEvent&)>;

  // A new utterance behind all others. The listener is called from tick() and cut(), the last time with finished or cut.
  Result<UtteranceId> begin(Listener listener);
  std::size_t write(UtteranceId id, Samples samples) { return mixer_.speech().write(id, samples); }
  void end(UtteranceId id) { mixer_.speech().end(id); }
  void cut(UtteranceId id, TimePoint now);
  void cut_all(TimePoint now);

  void pause() { mixer_.speech().pause(); }
  void resume() { mixer_.speech().resume(); }

  // Sends what is due. To be called every frame, and at next_tick() at the latest.
  void tick(Transport& transport, TimePoint now);
  TimePoint next_tick() const noexcept { return mixer_.next_tick(); }

  // Something waits to be heard or is being heard.
  bool speaking() const noexcept { return mixer_.speech().utterances() > 0; }
  // Grows while speech is heard.
  std::uint64_t progress() const noexcept { return progress_; }
  std::optional<std::uint64_t> played(UtteranceId id) const noexcept { return mixer_.speech().played(id); }

 private:
  void tell(const MixerEvent& event);

  Mixer mixer_;
  std::map<UtteranceId, Listener> listeners_;
  std::uint64_t progress_ = 0;
};

}  // namespace parley
