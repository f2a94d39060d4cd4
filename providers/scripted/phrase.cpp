#include "providers/scripted/phrase.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace parley::scripted {
namespace {

constexpr std::size_t kLeastForgiven = 6;  // letters: shorter words are too close to each other

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// At most one letter missing, too many, or another.
bool nearly_equal(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  const auto [at_a, at_b] = std::ranges::mismatch(a, b);
  const auto rest_a = std::string_view(at_a, a.end());
  const auto rest_b = std::string_view(at_b, b.end());
  if (rest_b.empty()) return true;
  return a.size() == b.size() ? rest_a.substr(1) == rest_b.substr(1) : rest_a == rest_b.substr(1);
}

bool fits(const std::string& said, std::string_view wanted) {
  if (said == wanted) return true;
  if (said.size() == wanted.size() + 1 && said.starts_with(wanted) && said.back() == 's' && wanted.size() > 2)
    return true;
  return wanted.size() >= kLeastForgiven && said.size() + 1 >= kLeastForgiven && nearly_equal(said, wanted);
}

bool fits_at(const Words& words, std::size_t at, std::string_view choice) {
  for (const auto wanted : split(choice, ' ')) {
    if (at >= words.size() || !fits(words[at].text, wanted)) return false;
    ++at;
  }
  return true;
}

// The number of words of the best choice that occurs; 0 if none does.
std::size_t matched(const Words& words, const std::vector<std::string>& choices) {
  std::size_t best = 0;
  for (const auto& choice : choices) {
    const auto count = static_cast<std::size_t>(std::ranges::count(choice, ' ')) + 1;
    if (count <= best) continue;
    for (std::size_t at = 0; at < words.size(); ++at) {
      if (!fits_at(words, at, choice)) continue;
      best = count;
      break;
    }
  }
  return best;
}

}  // namespace

Result<Phrase> Phrase::parse(std::string_view text) {
  if (text.size() > kMaxBytes)
    return fail(Errc::invalid_argument, fmt::format("a phrase of at most {} bytes", kMaxBytes));
  Phrase phrase;
  phrase.alone_ = text.starts_with('=');
  if (phrase.alone_) text.remove_prefix(1);
  for (auto part : split(text, ' ')) {
    if (part.empty()) continue;
    Term term;
    term.forbidden = part.starts_with('-');
    if (term.forbidden) part.remove_prefix(1);
    for (const auto choice : split(part, '|')) {
      std::string words;
      for (const auto piece : split(choice, '_')) {
        for (const Word& word : spoken_words(piece)) words += (words.empty() ? "" : " ") + word.text;
      }
      if (words.empty()) return fail(Errc::invalid_argument, fmt::format("a word in every place of \"{}\"", text));
      term.choices.push_back(std::move(words));
    }
    phrase.terms_.push_back(std::move(term));
  }
  if (std::ranges::all_of(phrase.terms_, &Term::forbidden)) {
    return fail(Errc::invalid_argument, fmt::format("a phrase with a word that must occur, not \"{}\"", text));
  }
  return phrase;
}

double Phrase::score(const Words& words) const {
  std::size_t total = 0;
  for (const Term& term : terms_) {
    const std::size_t count = matched(words, term.choices);
    if ((count == 0) != term.forbidden) return 0;
    if (!term.forbidden) total += count;
  }
  if (alone_ && total != words.size()) return 0;
  const auto said = static_cast<double>(std::max<std::size_t>(words.size(), 1));
  return static_cast<double>(total) + std::min(1.0, static_cast<double>(total) / said) * 0.5;
}

}  // namespace parley::scripted
