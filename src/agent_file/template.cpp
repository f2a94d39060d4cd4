#include "agent_file/template.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace parley::agent_file {
namespace {

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";
constexpr std::string_view kDefault = "default:";
// Ours: to_text() writes them where a value is to be encoded.
constexpr std::string_view kPartOfUrl = "part_of_url";
constexpr std::string_view kPartOfTarget = "part_of_target";

// What stands between {{ and }}.
class Expression {
 public:
  explicit Expression(std::string_view text) : rest_(text) {}

  // Up to and with }}.
  Result<Piece> read() {
    Piece piece;
    skip_blanks();
    if (at_quote()) {
      auto text = quoted();
      if (!text) return fail(text.error());
      piece.text = std::move(*text);
      return close(std::move(piece), "the text");
    }
    const auto end = std::min(rest_.find_first_not_of(kNameLetters), rest_.size());
    piece.variable = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (piece.variable.empty()) return wrong("expected the name of a variable behind {{");
    return filters(std::move(piece));
  }

  std::string_view rest() const { return rest_; }

 private:
  static constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-";

  Result<Piece> filters(Piece piece) {
    skip_blanks();
    while (rest_.starts_with('|')) {
      rest_.remove_prefix(1);
      skip_blanks();
      if (rest_.starts_with(kPartOfUrl)) {
        rest_.remove_prefix(kPartOfUrl.size());
        piece.encoding = Encoding::part_of_url;
      } else if (rest_.starts_with(kPartOfTarget)) {
        rest_.remove_prefix(kPartOfTarget.size());
        piece.encoding = Encoding::part_of_target;
      } else if (rest_.starts_with(kDefault)) {
        rest_.remove_prefix(kDefault.size());
        skip_blanks();
        if (!at_quote())
          return wrong(fmt::format("expected {{{{{} | default: '...'}}}}, with the text in quotes", piece.variable));
        auto text = quoted();
        if (!text) return fail(text.error());
        piece.otherwise = std::move(*text);
      } else {
        const auto filter =
            rest_.substr(0, std::min(rest_.find_first_of(" :|}"), std::min<std::size_t>(rest_.size(), 20)));
        return wrong(fmt::format("unknown filter \"{}\" of {}; there is only default: {{{{{} | default: '...'}}}}",
                                 filter, piece.variable, piece.variable));
      }
      skip_blanks();
    }
    const std::string after = piece.variable;
    return close(std::move(piece), after);
  }

  Result<Piece> close(Piece piece, std::string_view after) {
    skip_blanks();
    if (!rest_.starts_with(kClose)) return wrong(fmt::format("expected }}}} after {{{{ and {}", after));
    rest_.remove_prefix(kClose.size());
    return piece;
  }

  bool at_quote() const { return rest_.starts_with('"') || rest_.starts_with('\''); }

  // "..." or '...', in which a backslash lets the next character stand for itself.
  Result<std::string> quoted() {
    std::string text;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == rest_.front()) {
        rest_.remove_prefix(i + 1);
        return text;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      text += rest_[i];
    }
    return fail(Errc::invalid_argument, "expected a second quote between {{ and }}");
  }

  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

  static std::unexpected<Error> wrong(std::string message) { return fail(Errc::invalid_argument, std::move(message)); }

  std::string_view rest_;
};

std::string filter_of(Encoding encoding) {
  if (encoding == Encoding::none) return {};
  return fmt::format(" | {}", encoding == Encoding::part_of_url ? kPartOfUrl : kPartOfTarget);
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

// RFC 3986, 2.3; a '+' begins the number of a telephone. Names that are nothing but dots lead out of a folder.
std::string encoded(std::string_view text, Encoding encoding) {
  constexpr std::string_view kOfUrl = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  constexpr std::string_view kOfTarget = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._+";
  if (encoding == Encoding::none) return std::string(text);
  const auto plain = encoding == Encoding::part_of_url ? kOfUrl : kOfTarget;
  const bool only_dots = text.find_first_not_of('.') == std::string_view::npos;
  std::string result;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos && !only_dots) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

}  // namespace

Result<Template> Template::parse(std::string_view text) {
  Template result;
  while (!text.empty()) {
    const auto open = std::min(text.find(kOpen), text.size());
    if (open > 0) result.pieces_.push_back({.text = std::string(text.substr(0, open))});
    text.remove_prefix(open);
    if (text.empty()) break;
    Expression expression(text.substr(kOpen.size()));
    auto piece = expression.read();
    if (!piece) return fail(piece.error());
    result.pieces_.push_back(std::move(*piece));
    text = expression.rest();
  }
  return result;
}

bool Template::has_variables() const noexcept {
  return std::ranges::any_of(pieces_, [](const Piece& piece) { return !piece.variable.empty(); });
}

std::string Template::to_text() const {
  std::string text;
  for (const Piece& piece : pieces_) {
    if (!piece.variable.empty()) {
      text += fmt::format("{{{{{}{}{}}}}}", piece.variable, filter_of(piece.encoding),
                          piece.otherwise ? fmt::format(" | default: {}", quoted(*piece.otherwise)) : "");
    } else if (piece.text.find('{') == std::string::npos) {
      text += piece.text;
    } else {
      text += fmt::format("{{{{{}}}}}", quoted(piece.text));
    }
  }
  return text;
}

std::string Template::fill(const Lookup& lookup, std::vector<std::string>& missing) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    if (piece.variable.empty()) {
      text += piece.text;
    } else if (const auto value = lookup(piece.variable); value && !value->empty()) {
      text += encoded(*value, piece.encoding);
    } else if (piece.otherwise) {
      text += *piece.otherwise;
    } else if (std::ranges::find(missing, piece.variable) == missing.end()) {
      missing.push_back(piece.variable);
    }
  }
  return text;
}

void Template::fill_known(const Lookup& lookup) {
  for (Piece& piece : pieces_) {
    if (piece.variable.empty()) continue;
    if (auto value = lookup(piece.variable); value && !value->empty()) piece = {.text = std::move(*value)};
  }
}

}  // namespace parley::agent_file
