#include "yaml/mistakes.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace parley::yaml {

void Mistakes::add(Mistake mistake) {
  if (all_.size() == kMaxMistakes) {
    ++more_;
    return;
  }
  const auto order = [](const Mistake& one) { return std::tuple(one.place.line, one.place.column); };
  all_.insert(std::ranges::upper_bound(all_, order(mistake), {}, order), std::move(mistake));
}

std::string Mistakes::to_text(const Mistake& mistake) const {
  const bool elsewhere = !mistake.file.empty();
  const Place& place = elsewhere ? mistake.there : mistake.place;
  std::string text = elsewhere ? mistake.file : file_;
  if (place.line > 0) text += fmt::format("{}{}:{}", text.empty() ? "" : ":", place.line, place.column);
  if (!elsewhere && place.line == 0) text.clear();  // not in a file at all
  if (!text.empty()) text += ": ";
  if (!elsewhere && !mistake.path.empty()) text += mistake.path + ": ";
  return text + mistake.message;
}

std::string Mistakes::text() const {
  std::string text;
  for (const auto& mistake : all()) text += (text.empty() ? "" : "\n") + to_text(mistake);
  if (more_ > 0) text += fmt::format("\nand {} more", more_);
  return text;
}

}  // namespace parley::yaml
