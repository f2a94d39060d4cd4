// An LLM's words as they come, cut into sentences for the TTS.
//
// A full stop ends a sentence only when what follows shows it: a blank and then something that can begin one. So
// "Dr. Roma", "3.5", "e.g. pasta", "7 p.m. on Friday", "J. S. Bach" and "Wait... what" stay whole.
//
// Pure. Bound: holds at most kMaxSentence characters and a little; longer sentences are broken at a clause or a blank.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

class SentenceSplitter {
 public:
  static constexpr std::size_t kMinSentence = 8;    // characters; shorter ones wait for the next
  static constexpr std::size_t kMaxSentence = 400;  // what the strictest TTS takes in one piece

  // The sentences that are complete now, without the blanks around them.
  std::vector<std::string> push(std::string_view text);
  // The rest, when no more text comes.
  std::optional<std::string> finish();

 private:
  // Where the first sentence of rest_ ends; npos: not yet known, or not yet there.
  std::size_t find_end() const;

  std::string rest_;
};

}  // namespace parley
