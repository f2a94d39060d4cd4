#include "fakes/deepgram_voice.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace parley::fakes {

namespace json = boost::json;

DeepgramVoice::DeepgramVoice(const Options& options, Stats& stats, std::shared_ptr<const Syllables> syllables, std::string model,
                             std::uint64_t number)
    : options_(options), stats_(stats), syllables_(std::move(syllables)), number_(number) {
  ++stats_.tts;
  ++stats_.tts_open;
  say(json::serialize(json::object{
      {"type", "Metadata"}, {"request_id", fmt::format("fake-{}", number)}, {"model_name", model}, {"model_version", "fake"}}));
}

DeepgramVoice::~DeepgramVoice() { --stats_.tts_open; }

void DeepgramVoice::on_text(std::string_view text, TimePoint now) {
  if (closing_) return;
  boost::system::error_code failed;
  const auto value = json::parse(text, failed);
  const auto* object = failed ? nullptr : value.if_object();
  const auto field = [object](std::string_view name) -> std::string_view {
    const auto* found = object ? object->if_contains(name) : nullptr;
    return found && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
  };
  const auto type = field("type");
  if (type == "Speak") {
    if (waiting_text_ + field("text").size() > kMaxText) return warn("too much text is waiting");
    waiting_text_ += field("text").size();
    text_ += field("text");
  } else if (type == "Flush") {
    flush(now);
  } else if (type == "Clear") {
    clear();
  } else if (type == "Close") {
    if (!text_.empty()) flush(now);
    closing_ = true;
  } else {
    ++stats_.errors;
    say(R"({"type":"Error","description":"the message cannot be understood","code":"DATA-0001"})");
    end_ = End{1008, "DATA-0001"};
  }
}

void DeepgramVoice::on_binary(std::string_view, TimePoint) {
  ++stats_.errors;
  end_ = End{1008, "DATA-0001"};
}

void DeepgramVoice::flush(TimePoint now) {
  ++stats_.tts_flushes;
  if (speeches_.empty()) next_sound_ = now + options_.tts_first;
  speeches_.push_back({Talker(syllables_, text_, options_.seed ^ number_, options_.characters_a_second), now + options_.tts_first});
  text_.clear();
}

void DeepgramVoice::clear() {
  ++stats_.tts_clears;
  speeches_.clear();
  text_.clear();
  waiting_text_ = 0;
  say(fmt::format(R"({{"type":"Cleared","sequence_id":{}}})", sequence_++));
}

void DeepgramVoice::warn(std::string_view what) {
  ++stats_.errors;
  say(json::serialize(json::object{{"type", "Warning"}, {"description", what}, {"code", "TEXT_LENGTH_LIMIT"}}));
}

std::optional<TimePoint> DeepgramVoice::due() const {
  if (!waiting_.empty() || end_ || (closing_ && speeches_.empty())) return TimePoint{};
  if (speeches_.empty()) return std::nullopt;
  return std::max(next_sound_, speeches_.front().from);
}

std::optional<Message> DeepgramVoice::next(TimePoint now) {
  if (!waiting_.empty()) {
    Message message{.binary = false, .data = std::move(waiting_.front())};
    waiting_.pop_front();
    return message;
  }
  if (closing_ && speeches_.empty() && !end_) end_ = End{1000, ""};
  const auto at = due();
  if (end_ || speeches_.empty() || !at || *at > now) return std::nullopt;
  auto& speech = speeches_.front();
  const auto rate = syllables_->sample_rate();
  auto sound = speech.talker.next(static_cast<std::size_t>(kPiece.count() * rate / 1'000'000'000));
  if (sound.empty()) {
    speeches_.pop_front();
    if (speeches_.empty()) waiting_text_ = text_.size();
    return Message{.binary = false, .data = fmt::format(R"({{"type":"Flushed","sequence_id":{}}})", sequence_++)};
  }
  const double seconds = static_cast<double>(sound.size()) / sizeof(std::int16_t) / rate;
  stats_.tts_audio_s += seconds;
  // Behind its time when the other side reads slowly: it does not catch up in a burst.
  next_sound_ = std::max(*at, now - kPiece) + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds / options_.tts_speed));
  return Message{.binary = true, .data = std::move(sound)};
}

}  // namespace parley::fakes
