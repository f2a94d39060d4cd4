// What of a text has been heard: samples played, mapped back to words.
//
// A text is spoken in segments (sentences). Of the segments before the one that plays everything was heard; within it, the
// share of its words is the share of its samples, or what the TTS itself told about its audio. A word that was not heard
// to its end does not count.
//
// Pure. Bound: one entry a segment, one mark a chunk of audio that carries text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

class SpokenText {
 public:
  static constexpr double kCharactersPerSecond = 15;  // assumed of a segment whose end is not known yet

  explicit SpokenText(int sample_rate) : rate_(sample_rate) {}

  // A segment, to be spoken after all others.
  void add(std::string text);
  // Audio of the first segment that has not ended; `says`: its words, where the TTS tells.
  void audio(std::uint64_t samples, std::string_view says = {});
  // The first segment that has not ended has all its audio.
  void end_segment();

  // What was heard after this many samples.
  std::string heard(std::uint64_t samples) const;
  // All of it, heard or not.
  std::string text() const;

  bool empty() const noexcept { return segments_.empty(); }
  std::uint64_t samples() const noexcept;
  std::size_t segments() const noexcept { return segments_.size(); }
  std::size_t segments_ended() const noexcept { return ended_; }

 private:
  struct Mark {
    std::uint64_t sample;   // within the segment: by then
    std::size_t characters;  // so many of its characters are said
  };
  struct Segment {
    std::string text;
    std::uint64_t samples = 0;
    std::vector<Mark> marks{};
  };
  std::size_t characters_heard(const Segment& segment, std::uint64_t samples, bool ended) const;

  int rate_;
  std::vector<Segment> segments_;
  std::size_t ended_ = 0;
};

}  // namespace parley
