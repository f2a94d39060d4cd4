#include "fakes/deepgram_ear.hpp"

#include <cmath>
#include <cstring>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "fakes/answers.hpp"

namespace parley::fakes {

namespace json = boost::json;

namespace {

constexpr double kLoud = 0.006;  // RMS of full scale: -44 dBFS
constexpr Duration kWindow = 20ms;
constexpr Duration kShortestSound = 60ms;  // less is a click
constexpr Duration kWord = 320ms;

double rms(const char* bytes, std::size_t samples) {
  double sum = 0;
  for (std::size_t i = 0; i < samples; ++i) {
    std::int16_t sample = 0;
    std::memcpy(&sample, bytes + i * sizeof sample, sizeof sample);
    sum += static_cast<double>(sample) * sample;
  }
  return samples == 0 ? 0 : std::sqrt(sum / static_cast<double>(samples)) / 32768;
}

Duration length_of(std::size_t samples, int rate) { return Duration(static_cast<std::int64_t>(samples) * 1'000'000'000 / rate); }

std::string type_of(std::string_view text) {
  boost::system::error_code failed;
  const auto value = json::parse(text, failed);
  const auto* object = failed ? nullptr : value.if_object();
  const auto* type = object ? object->if_contains("type") : nullptr;
  return type && type->is_string() ? std::string(type->get_string()) : std::string();
}

}  // namespace

DeepgramEar::DeepgramEar(const Options& options, Stats& stats, Format format, std::uint64_t number, TimePoint now)
    : options_(options), stats_(stats), format_(format), number_(number), last_input_(now) {
  ++stats_.stt;
  ++stats_.stt_open;
}

DeepgramEar::~DeepgramEar() { --stats_.stt_open; }

void DeepgramEar::on_text(std::string_view text, TimePoint now) {
  const auto type = type_of(text);
  if (type == "KeepAlive") {
    last_input_ = now;
  } else if (type == "Finalize") {
    finalize_ = true;
    if (!speaking_) say_final(true);
  } else if (type == "CloseStream") {
    closing_ = true;
    if (speaking_) say_final(false);
    say_metadata();
    end_ = End{1000, ""};
  } else {
    ++stats_.errors;
    end_ = End{1011, "DATA-0000: the payload cannot be decoded"};
  }
}

void DeepgramEar::on_binary(std::string_view bytes, TimePoint now) {
  if (closing_) return;
  if (bytes.size() < sizeof(std::int16_t)) {
    ++stats_.errors;
    end_ = End{1011, "DATA-0000: an empty message"};
    return;
  }
  last_input_ = now;
  const auto window = static_cast<std::size_t>(kWindow.count() * format_.sample_rate / 1'000'000'000);
  for (std::size_t at = 0, all = bytes.size() / sizeof(std::int16_t); at < all; at += window) {
    const auto samples = std::min(window, all - at);
    hear(rms(bytes.data() + at * sizeof(std::int16_t), samples) > kLoud, length_of(samples, format_.sample_rate), now);
  }
}

void DeepgramEar::hear(bool loud, Duration length, TimePoint now) {
  heard_ += length;
  stats_.stt_audio_s += to_seconds(length);
  if (!loud) {
    if (!speaking_) loud_ = {};
    return;
  }
  loud_ += length;
  loud_until_ = now;
  if (!speaking_ && loud_ >= kShortestSound) begin_speech();
  if (speaking_ && loud_ - interim_at_ >= options_.stt_interim) say_interim();
}

void DeepgramEar::begin_speech() {
  speaking_ = true;
  began_ = heard_ - loud_;
  interim_at_ = {};
  if (!format_.vad_events) return;
  say(fmt::format(R"({{"type":"SpeechStarted","channel":[0,1],"timestamp":{:.2f}}})", to_seconds(began_)));
}

void DeepgramEar::say_interim() {
  interim_at_ = loud_;
  if (format_.interim_results) say(results(false, false));
}

void DeepgramEar::say_final(bool from_finalize) {
  say(results(true, from_finalize));
  ++stats_.stt_finals;
  if (from_finalize) finalize_ = false;
  if (std::exchange(speaking_, false)) ++utterance_;
  loud_ = {};
}

std::string DeepgramEar::results(bool is_final, bool from_finalize) const {
  std::string transcript;
  json::array words;
  if (speaking_) {
    const auto said = heard_words(draw_of(options_.seed, number_, utterance_));
    const auto count = std::max<std::size_t>(1, static_cast<std::size_t>(loud_ / kWord));
    for (std::size_t i = 0; i < count; ++i) {
      const auto word = said[i % said.size()];
      const double at = to_seconds(began_ + static_cast<std::int64_t>(i) * kWord);
      words.push_back(json::object{{"word", word}, {"start", at}, {"end", at + to_seconds(kWord)}, {"confidence", 0.98},
                                   {"punctuated_word", word}});
      if (!transcript.empty()) transcript += ' ';
      transcript += word;
    }
  }
  json::object message{
      {"type", "Results"},
      {"channel_index", {0, 1}},
      {"duration", to_seconds(speaking_ ? heard_ - began_ : Duration{})},
      {"start", to_seconds(speaking_ ? began_ : heard_)},
      {"is_final", is_final},
      {"speech_final", is_final},
      {"channel", {{"alternatives", json::array{json::object{
                                        {"transcript", transcript}, {"confidence", 0.98}, {"words", std::move(words)}}}}}},
      {"metadata", {{"request_id", fmt::format("fake-{}", number_)}}},
      {"from_finalize", from_finalize}};
  return json::serialize(message);
}

void DeepgramEar::say(std::string json) {
  if (waiting_.size() >= kMaxWaiting) waiting_.pop_front();
  waiting_.push_back(std::move(json));
}

void DeepgramEar::say_metadata() {
  say(fmt::format(R"({{"type":"Metadata","transaction_key":"deprecated","request_id":"fake-{}","duration":{:.3f},"channels":1}})",
                  number_, to_seconds(heard_)));
}

std::optional<TimePoint> DeepgramEar::due() const {
  if (!waiting_.empty() || end_) return TimePoint{};
  auto at = last_input_ + kIdleLimit;
  if (speaking_) at = std::min(at, loud_until_ + options_.stt_final);
  return at;
}

std::optional<Message> DeepgramEar::next(TimePoint now) {
  if (speaking_ && !closing_ && now >= loud_until_ + options_.stt_final) say_final(finalize_);
  if (waiting_.empty() && !end_ && now >= last_input_ + kIdleLimit) {
    end_ = End{1011, "NET-0001: neither audio nor KeepAlive came for 10 s"};
  }
  if (waiting_.empty()) return std::nullopt;
  Message message{.binary = false, .data = std::move(waiting_.front())};
  waiting_.pop_front();
  return message;
}

}  // namespace parley::fakes
