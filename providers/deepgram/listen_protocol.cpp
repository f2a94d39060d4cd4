#include "providers/deepgram/listen_protocol.hpp"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include <parley/audio/frame.hpp>

#include "providers/deepgram/connect.hpp"
#include "providers/deepgram/messages.hpp"

namespace parley::deepgram {

namespace json = boost::json;

namespace {

bool true_at(const json::object& object, std::string_view key) noexcept {
  const auto* value = object.if_contains(key);
  return value && value->is_bool() && value->get_bool();
}

const json::object* first_alternative(const json::object& results) noexcept {
  const auto* channel = results.if_contains("channel");
  if (!channel || !channel->is_object()) return nullptr;
  const auto* list = channel->get_object().if_contains("alternatives");
  if (!list || !list->is_array() || list->get_array().empty()) return nullptr;
  return list->get_array().front().if_object();
}

Result<Heard> read_results(const json::object& object) {
  const auto* best = first_alternative(object);
  if (!best) return fail(Errc::protocol, "results without a transcript");
  Heard heard;
  heard.type = Heard::Type::results;
  heard.text = text_at(*best, "transcript");
  heard.is_final = true_at(object, "is_final");
  heard.speech_final = true_at(object, "speech_final");
  heard.from_finalize = true_at(object, "from_finalize");
  if (const auto* confidence = best->if_contains("confidence"); confidence && confidence->is_number()) {
    heard.confidence = std::clamp(confidence->to_number<double>(), 0.0, 1.0);
  }
  if (const auto* languages = best->if_contains("languages"); languages && languages->is_array() && !languages->get_array().empty()) {
    if (const auto* first = languages->get_array().front().if_string()) heard.language = std::string(*first);
  }
  return heard;
}

}  // namespace

std::string listen_target(const ListenOptions& options, std::string_view language) {
  std::string target = "/listen?encoding=linear16&channels=1&interim_results=true&vad_events=true&no_delay=true";
  const auto add = [&target](std::string_view name, std::string_view value) {
    target += fmt::format("&{}={}", name, query_value(value));
  };
  const auto flag = [](bool on) { return on ? "true" : "false"; };
  const auto endpointing = std::chrono::duration_cast<std::chrono::milliseconds>(options.endpointing).count();
  add("sample_rate", std::to_string(kSpeechRate));
  add("model", options.model);
  add("language", options.language.empty() ? language : options.language);
  add("punctuate", flag(options.punctuate));
  add("smart_format", flag(options.smart_format));
  add("filler_words", flag(options.filler_words));
  add("endpointing", endpointing > 0 ? std::to_string(endpointing) : "false");
  add("mip_opt_out", flag(options.mip_opt_out));
  for (const auto& term : options.keyterms) add("keyterm", term);
  return target;
}

Result<Heard> read_heard(std::string_view message) {
  const auto object = read_message(message);
  if (!object) return fail(object.error());
  const auto type = text_at(*object, "type");
  if (type == "Results") return read_results(*object);
  Heard heard;
  if (type == "SpeechStarted") heard.type = Heard::Type::speech_started;
  if (type == "UtteranceEnd") heard.type = Heard::Type::utterance_end;
  if (type == "Metadata") heard.type = Heard::Type::metadata;
  if (type == "Error") {
    heard.type = Heard::Type::error;
    const auto said = text_at(*object, "description");
    heard.text = said.empty() ? text_at(*object, "message") : said;
  }
  return heard;
}

bool worth_another_try(int close_code, std::string_view reason) noexcept {
  if (reason.find("DATA-0000") != std::string_view::npos) return false;
  // RFC 6455, 7.4.1: what we sent was not to be understood, or not allowed.
  return close_code != 1002 && close_code != 1003 && close_code != 1007 && close_code != 1008;
}

}  // namespace parley::deepgram
