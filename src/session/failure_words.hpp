// What the caller hears when the agent cannot go on: synthesised when the call begins, kept in memory, and so independent
// of every provider when it is wanted. Where it could not be synthesised, the three rising tones that telephone networks
// play before their announcements (ITU-T E.180 section 7, the special information tone).
//
// Thread: the loop's only. Bound: kMaxWords of sound.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <parley/async/scope.hpp>

#include "session/chains.hpp"

namespace parley {

class FailureWords {
 public:
  static constexpr Duration kMaxWords = 15s;
  static constexpr Duration kPatience = 30s;  // to synthesise them

  // Tries the chain's providers in order, without haste. Replaces what is there once it is whole.
  Task<void> synthesise(Scope& scope, std::shared_ptr<Chain<Tts>> chain, std::string text);

  // At 48 kHz; made when it is wanted, from less. The words, or the tones.
  std::vector<std::int16_t> sound() const;
  bool spoken() const noexcept { return !words_.empty(); }
  // Set when they are made, or cannot be.
  Event& settled() noexcept { return settled_; }

 private:
  std::vector<std::int16_t> words_;  // as the provider made them
  int sample_rate_ = 0;
  Event settled_;
};

}  // namespace parley
