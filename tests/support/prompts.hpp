// Real speech with its text, for tests: the prompts of Debian's asterisk-core-sounds-en-g722 (one speaker, 16 kHz; texts in
// asterisk-core-sounds-en) and the hold music of asterisk-moh-opsound-wav. Decoded by ffmpeg.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <parley/base/result.hpp>

namespace parley::test {

struct Prompt {
  std::string name;
  std::string text;
  std::string path;
};

// All prompts with a sound file and a spoken text (none of the tones), sorted by name.
Result<std::vector<Prompt>> all_prompts();

// `count` prompts of at least five words that sound like a caller's sentence, spread evenly over the corpus: the same ones
// every time.
Result<std::vector<Prompt>> sentence_prompts(std::size_t count = 40);

// A prompt by its name.
Result<Prompt> prompt(const std::string& name);

// Mono samples in [-1, 1] of any file that ffmpeg knows.
Result<std::vector<float>> decode_audio(const std::string& path, int sample_rate = 16000);

// The files of the hold music, sorted.
Result<std::vector<std::string>> hold_music();

}  // namespace parley::test
