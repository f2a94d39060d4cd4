// What an LLM writes: its words as sentences, and the arguments of its tool calls.
//
// The first byte decides how the text is cut into pieces; whatever the pieces, no character but blanks is lost and no
// sentence is longer than its bound.
#include <cctype>
#include <cstdlib>
#include <string>

#include <parley/tools.hpp>

#include "session/sentence_splitter.hpp"

using namespace parley;

namespace {

std::string without_blanks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!std::isspace(static_cast<unsigned char>(c))) out += c;
  }
  return out;
}

void check_sentences(std::string_view text, std::size_t piece) {
  SentenceSplitter splitter;
  std::string out;
  const auto take = [&out](const std::string& sentence) {
    if (sentence.empty() || sentence.size() > SentenceSplitter::kMaxSentence) std::abort();
    out += sentence;
  };
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
    for (const auto& sentence : splitter.push(rest.substr(0, piece))) take(sentence);
  }
  if (const auto last = splitter.finish()) take(*last);
  if (without_blanks(out) != without_blanks(text)) std::abort();
}

void check_arguments(std::string_view text) {
  static const auto checker = ArgumentChecker::create(boost::json::parse(R"({
    "type": "object", "required": ["day", "people"], "additionalProperties": false,
    "properties": {"day": {"type": "string", "maxLength": 20, "enum": ["Monday", "Friday"]},
                   "people": {"type": "integer", "minimum": 1, "maximum": 12},
                   "wishes": {"type": "array", "items": {"type": "string"}, "maxItems": 3}}})").as_object());
  const auto arguments = checker->check(text);
  if (!arguments) {
    if (arguments.error().message().empty()) std::abort();
    return;
  }
  const auto people = boost::json::value_to<std::int64_t>(arguments->at("people"));
  if (people < 1 || people > 12) std::abort();
  const auto& day = arguments->at("day").as_string();
  if (day != "Monday" && day != "Friday") std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_sentences(text, data[0] % 32U + 1U);
  check_arguments(text);
  return 0;
}
