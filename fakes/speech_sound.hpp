// Sound that is like speech to whatever measures it: syllables with pitch and formants, words, short pauses. It means
// nothing. RMS about -18 dBFS.
//
// The syllables of a rate are made once and shared; a talker only joins them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <parley/base/random.hpp>

namespace parley::fakes {

class Syllables {
 public:
  static constexpr std::size_t kCount = 24;

  explicit Syllables(int sample_rate);

  int sample_rate() const noexcept { return sample_rate_; }
  std::span<const std::int16_t> at(std::size_t index) const noexcept { return sounds_[index % kCount]; }

 private:
  int sample_rate_;
  std::vector<std::vector<std::int16_t>> sounds_;
};

// The sound of one text: as long as the text takes to say, always the same for the same text and seed.
class Talker {
 public:
  Talker(std::shared_ptr<const Syllables> syllables, std::string_view text, std::uint64_t seed, double characters_a_second);

  std::size_t left() const noexcept { return left_; }  // samples
  // Up to `count` more, as bytes (s16le).
  std::string next(std::size_t count);

 private:
  void choose();

  std::shared_ptr<const Syllables> syllables_;
  Random random_;
  std::size_t left_;
  std::span<const std::int16_t> piece_{};  // of the present syllable
  std::size_t pause_ = 0;                  // samples of silence before the next one
  int syllables_left_ = 0;                 // of the present word
  int words_left_ = 0;                     // before a longer pause
};

}  // namespace parley::fakes
