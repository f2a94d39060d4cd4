#include "providers/flite/speakable_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace parley {
namespace {

constexpr char32_t kInvalid = 0xFFFD;

// Takes one code point off the front. Broken sequences cost one byte and give kInvalid.
char32_t take_code_point(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t size = lead < 0x80 ? 1 : (lead >> 5) == 6 ? 2 : (lead >> 4) == 14 ? 3 : (lead >> 3) == 30 ? 4 : 0;
  char32_t point = size == 1 ? lead : lead & (0xFFU >> (size + 1));
  bool valid = size != 0 && size <= text.size();
  for (std::size_t i = 1; valid && i < size; ++i) {
    valid = (byte(i) & 0xC0U) == 0x80;
    point = (point << 6) | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  valid = valid && point >= kLeast[size] && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
  text.remove_prefix(valid ? size : 1);
  return valid ? point : kInvalid;
}

// U+00C0 to U+017F without their accents; a space where there is no such letter. Two-letter ones are in kNamed.
constexpr std::string_view kLatin =
    "AAAAAAACEEEEIIIIDNOOOOO OUUUUYTsaaaaaaaceeeeiiiidnooooo ouuuuyty"
    "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTt"
    "UuUuUuUuUuUuWwYyYZzZzZzs";
static_assert(kLatin.size() == 0x180 - 0xC0);

struct Named {
  char32_t point;
  std::string_view text;
};
constexpr Named kNamed[] = {
    {0x00A0, " "},
    {0x00A2, " cents "},
    {0x00A9, " "},
    {0x00AB, "\""},
    {0x00AD, ""},
    {0x00AE, " "},
    {0x00B0, " degrees "},
    {0x00B1, " plus or minus "},
    {0x00B4, "'"},
    {0x00B7, " "},
    {0x00BB, "\""},
    {0x00BC, " one quarter "},
    {0x00BD, " one half "},
    {0x00BE, " three quarters "},
    {0x00C6, "AE"},
    {0x00D7, " times "},
    {0x00DF, "ss"},
    {0x00E6, "ae"},
    {0x00F7, " divided by "},
    {0x0152, "OE"},
    {0x0153, "oe"},
    {0x2010, "-"},
    {0x2011, "-"},
    {0x2012, "-"},
    {0x2018, "'"},
    {0x2019, "'"},
    {0x201A, "'"},
    {0x201B, "'"},
    {0x201C, "\""},
    {0x201D, "\""},
    {0x201E, "\""},
    {0x2022, ", "},
    {0x2026, ", "},
    {0x2032, "'"},
    {0x2033, "\""},
    {0x2116, " number "},
    {0x2212, " minus "},
};

// True for marks that join the sign before them: combining accents, joiners, variation selectors.
bool joins(char32_t point) {
  return (point >= 0x0300 && point <= 0x036F) || (point >= 0x200B && point <= 0x200D) ||
         (point >= 0xFE00 && point <= 0xFE0F) || point == 0x2060 || point == 0xFEFF;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::optional<std::string_view> currency(char32_t point) {
  switch (point) {
    case U'€': return " euros ";
    case U'£': return " pounds ";
    case U'¥': return " yen ";
    default: return std::nullopt;
  }
}

// The plain form of the spoken text as it grows: single spaces, words of bounded length.
class Writer {
 public:
  void put(char c) {
    if (c == ' ') {
      if (!text_.empty() && text_.back() != ' ') text_ += ' ';
      word_ = 0;
      return;
    }
    if (word_++ == kMaxWord) {
      text_ += ' ';
      word_ = 1;
    }
    text_ += c;
  }
  void put(std::string_view all) {
    for (const char c : all) put(c);
  }
  // A comma in speech: never two in a row, none before the first word.
  void pause() {
    while (!text_.empty() && text_.back() == ' ') text_.pop_back();
    if (!text_.empty() && (is_letter(text_.back()) || is_digit(text_.back()))) text_ += ',';
    put(' ');
  }
  bool after_digit() const {
    const auto at = text_.find_last_not_of(' ');
    return at != std::string::npos && is_digit(text_[at]);
  }
  std::string take() {
    while (!text_.empty() && text_.back() == ' ') text_.pop_back();
    return std::ranges::any_of(text_, [](char c) { return is_letter(c) || is_digit(c); }) ? std::move(text_)
                                                                                          : std::string();
  }

 private:
  std::string text_;
  std::size_t word_ = 0;
};

char plain(char c) {
  constexpr std::string_view kSpoken = ".,?!;:'\"-%$&@+/()";
  return is_letter(c) || is_digit(c) || kSpoken.find(c) != std::string_view::npos ? c : ' ';
}

// The number at the front of `text`, digits with dots and commas between them.
std::string_view leading_number(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && (is_digit(text[size]) || ((text[size] == '.' || text[size] == ',') &&
                                                         size + 1 < text.size() && is_digit(text[size + 1])))) {
    ++size;
  }
  return text.substr(0, size);
}

bool digit_follows(std::string_view rest) {
  const auto at = rest.find_first_not_of(' ');
  return at != std::string_view::npos && is_digit(rest[at]);
}

void write_other(Writer& out, char32_t point) {
  if (point >= 0xC0 && point < 0x180) {
    const char letter = kLatin[point - 0xC0];
    const bool whole = point != 0xC6 && point != 0xE6 && point != 0xDF && point != 0x152 && point != 0x153;
    if (letter != ' ' && whole) return out.put(letter);
  }
  const auto* named = std::ranges::find(kNamed, point, &Named::point);
  out.put(named != std::end(kNamed) ? named->text : " ");
}

}  // namespace

std::string speakable_text(std::string_view utf8) {
  Writer out;
  while (!utf8.empty()) {
    const char32_t point = take_code_point(utf8);
    if (point < 0x80) {
      out.put(plain(static_cast<char>(point)));
    } else if (point == U'–' || point == U'—' || point == U'―') {
      if (out.after_digit() && digit_follows(utf8)) {
        out.put(" to ");
      } else {
        out.pause();
      }
    } else if (const auto name = currency(point)) {
      const auto number = leading_number(utf8);
      out.put(number);
      out.put(*name);
      utf8.remove_prefix(number.size());
    } else if (!joins(point)) {
      write_other(out, point);
    }
  }
  return out.take();
}

std::vector<std::string_view> speakable_pieces(std::string_view text, std::size_t most) {
  std::vector<std::string_view> pieces;
  while (text.size() > most) {
    const auto front = text.substr(0, most);
    // A cut in the first half would leave scraps; better a space later on.
    const auto cut_after = [&](std::string_view marks) -> std::size_t {
      for (std::size_t at = front.size(); at-- > most / 2;) {
        if (marks.find(front[at]) != std::string_view::npos && text[at + 1] == ' ') return at + 1;
      }
      return 0;
    };
    std::size_t cut = cut_after(".?!");
    if (cut == 0) cut = cut_after(",;:");
    if (cut == 0 && front.rfind(' ') != std::string_view::npos) cut = front.rfind(' ');
    if (cut == 0) cut = most;
    pieces.push_back(text.substr(0, cut));
    text.remove_prefix(cut);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  if (!text.empty()) pieces.push_back(text);
  return pieces;
}

}  // namespace parley
