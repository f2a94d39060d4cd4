#include "providers/deepgram/speak_protocol.hpp"

#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "providers/deepgram/connect.hpp"
#include "providers/deepgram/messages.hpp"

namespace parley::deepgram {

namespace json = boost::json;

namespace {

constexpr std::string_view kSpaces = " \t\r\n";

// Where to cut a text that is too long: after a space, or else between two characters.
std::size_t cut_of(std::string_view text) {
  if (text.size() <= kMaxSpeakBytes) return text.size();
  const auto space = text.find_last_of(kSpaces, kMaxSpeakBytes - 1);
  if (space != std::string_view::npos && space > 0) return space + 1;
  auto cut = kMaxSpeakBytes;
  while (cut > 1 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return cut;
}

}  // namespace

bool can_speak_at(int sample_rate) noexcept {
  constexpr std::array kRates = {8000, 16000, 24000, 32000, 48000};
  return std::ranges::find(kRates, sample_rate) != kRates.end();
}

std::string speak_target(const SpeakOptions& options) {
  return fmt::format("/speak?encoding=linear16&model={}&sample_rate={}&mip_opt_out={}", query_value(options.model), options.sample_rate,
                     options.mip_opt_out);
}

std::vector<std::string> speak_messages(std::string_view text) {
  std::vector<std::string> messages;
  if (text.find_first_not_of(kSpaces) == std::string_view::npos) return messages;
  while (!text.empty()) {
    const auto part = text.substr(0, cut_of(text));
    text.remove_prefix(part.size());
    messages.push_back(json::serialize(json::object{{"type", "Speak"}, {"text", part}}));
  }
  return messages;
}

Result<Said> read_said(std::string_view message) {
  const auto object = read_message(message);
  if (!object) return fail(object.error());
  const auto type = text_at(*object, "type");
  Said said;
  if (type == "Flushed") said.type = Said::Type::flushed;
  if (type == "Cleared") said.type = Said::Type::cleared;
  if (type == "Warning") said.type = Said::Type::warning;
  if (type == "Error") said.type = Said::Type::error;
  said.text = text_at(*object, "description");
  if (said.text.empty()) said.text = text_at(*object, "err_msg");
  said.code = text_at(*object, "code");
  if (said.code.empty()) said.code = text_at(*object, "err_code");
  return said;
}

}  // namespace parley::deepgram
