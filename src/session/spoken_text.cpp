#include "session/spoken_text.hpp"

#include <algorithm>

namespace parley {
namespace {

void append(std::string& text, std::string_view more) {
  if (more.empty()) return;
  if (!text.empty()) text += ' ';
  text += more;
}

// Whole words of the first `characters` bytes of `text`.
std::string_view whole_words(std::string_view text, std::size_t characters) {
  if (characters >= text.size()) return text;
  if (text[characters] != ' ') {
    const auto blank = text.substr(0, characters).rfind(' ');
    characters = blank == std::string_view::npos ? 0 : blank;
  }
  auto words = text.substr(0, characters);
  while (!words.empty() && words.back() == ' ') words.remove_suffix(1);
  return words;
}

}  // namespace

void SpokenText::add(std::string text) { segments_.push_back({std::move(text)}); }

void SpokenText::audio(std::uint64_t samples, std::string_view says) {
  if (ended_ >= segments_.size()) return;
  auto& segment = segments_[ended_];
  segment.samples += samples;
  if (says.empty()) return;
  const auto before = segment.marks.empty() ? 0 : segment.marks.back().characters;
  const auto at = segment.text.find(says, before);
  const auto characters = at == std::string::npos ? before + says.size() : at + says.size();
  segment.marks.push_back({segment.samples, std::min(characters, segment.text.size())});
}

void SpokenText::end_segment() {
  if (ended_ < segments_.size()) ++ended_;
}

std::size_t SpokenText::characters_heard(const Segment& segment, std::uint64_t samples, bool ended) const {
  if (ended && samples >= segment.samples) return segment.text.size();
  if (!segment.marks.empty()) {
    std::size_t characters = 0;
    for (const auto& mark : segment.marks) {
      if (mark.sample <= samples) characters = mark.characters;
    }
    return characters;
  }
  const auto size = static_cast<double>(segment.text.size());
  const auto expected = size / kCharactersPerSecond * rate_;
  const auto total = ended ? static_cast<double>(segment.samples) : std::max(expected, static_cast<double>(segment.samples));
  return total <= 0 ? 0 : static_cast<std::size_t>(size * static_cast<double>(samples) / total);
}

std::string SpokenText::heard(std::uint64_t samples) const {
  std::string text;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const auto& segment = segments_[i];
    const bool ended = i < ended_;
    append(text, whole_words(segment.text, characters_heard(segment, std::min(samples, segment.samples), ended)));
    if (!ended || samples <= segment.samples) break;
    samples -= segment.samples;
  }
  return text;
}

std::string SpokenText::text() const {
  std::string text;
  for (const auto& segment : segments_) append(text, segment.text);
  return text;
}

std::uint64_t SpokenText::samples() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& segment : segments_) sum += segment.samples;
  return sum;
}

}  // namespace parley
