#include "bench/speech.hpp"

#include <array>
#include <string_view>

#include <parley/audio/frame.hpp>

#include "audio/opus.hpp"
#include "audio/resample.hpp"
#include "providers/flite/flite_voice.hpp"

namespace parley::bench {

namespace {

constexpr int kRoomTone = 16;  // the largest sample of the noise: -71 dBFS
constexpr std::size_t kRoomFrames = 50;
constexpr Duration kLeast = 60ms;  // between two parts of a sentence
constexpr Duration kMost = 260ms;  // shorter than what a VAD takes for the end of a turn

// "|" is a pause. Long enough to interrupt with: two seconds and more.
constexpr std::array<std::string_view, 12> kSentences = {
    "Hello, I would like to book a table | for four people tomorrow evening.",
    "What are your opening hours on Sunday, | and do I have to book?",
    "Could you tell me whether my order | has already been sent?",
    "No wait, I meant the other one, | the one on Friday afternoon.",
    "My name is Robert Miller, | and I called you yesterday.",
    "Is there any chance | to move the appointment to next week?",
    "That sounds good to me, | but how much is it going to cost?",
    "Sorry, I did not quite get that, | would you say it again please?",
    "We will be two adults and three children, | and we bring a small dog.",
    "I am looking for a present, | something that fits into a letter.",
    "Please send it to my office, | the address is in your files.",
    "Let me think about it for a moment, | perhaps the smaller room would do.",
};

void add_room_tone(std::vector<std::int16_t>& samples, Random& random) {
  for (auto& sample : samples) {
    const int noise = static_cast<int>(random.below(2 * kRoomTone + 1)) - kRoomTone;
    sample = static_cast<std::int16_t>(std::clamp(sample + noise, -32768, 32767));
  }
}

Result<std::vector<std::int16_t>> speak(const FliteVoice& voice, std::string_view text, Random& random) {
  std::vector<std::int16_t> sound;
  while (!text.empty()) {
    const auto end = std::min(text.find('|'), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    std::vector<std::int16_t> spoken;
    const auto done = voice.synthesize(part, [&spoken](std::span<const std::int16_t> piece) {
      spoken.insert(spoken.end(), piece.begin(), piece.end());
      return true;
    });
    if (!done) return fail(done.error());
    auto wide = resample(spoken, FliteVoice::kSampleRate, kTransportRate);
    if (!wide) return wide;
    sound.insert(sound.end(), wide->begin(), wide->end());
    const auto pause = kLeast + Duration(random.below(static_cast<std::uint64_t>((kMost - kLeast).count())));
    if (!text.empty()) sound.insert(sound.end(), samples_in(pause, kTransportRate), 0);
  }
  return sound;
}

Result<std::vector<SpeechFrame>> encode(std::vector<std::int16_t> samples) {
  auto encoder = OpusEncoder::create();
  if (!encoder) return fail(encoder.error());
  samples.resize((samples.size() + kTransportFrameSamples - 1) / kTransportFrameSamples * kTransportFrameSamples);
  std::vector<SpeechFrame> frames;
  for (Samples rest(samples); !rest.empty(); rest = rest.subspan(kTransportFrameSamples)) {
    const auto frame = rest.first(kTransportFrameSamples);
    const auto packet = encoder->encode(frame);
    if (!packet) return fail(packet.error());
    frames.push_back({Bytes(packet->begin(), packet->end()), audio_level(frame)});
  }
  return frames;
}

}  // namespace

Result<Utterance> encode_utterance(Samples sound, Random& random) {
  std::vector<std::int16_t> samples(sound.begin(), sound.end());
  add_room_tone(samples, random);
  auto frames = encode(std::move(samples));
  if (!frames) return fail(frames.error());
  Utterance utterance{.frames = std::move(*frames)};
  bool any = false;
  for (std::size_t i = 0; i < utterance.frames.size(); ++i) {
    if (-static_cast<float>(utterance.frames[i].level) < kLoud) continue;
    if (!std::exchange(any, true)) utterance.first_voiced = i;
    utterance.last_voiced = i;
  }
  if (!any) return fail(Errc::invalid_argument, "there is no voice in it");
  return utterance;
}

Result<Speech> make_speech(Random random) {
  Speech speech;
  std::vector<FliteVoice> voices;
  for (const auto* name : {"rms", "slt"}) {
    auto voice = FliteVoice::open(name);
    if (!voice) return fail(voice.error());
    voices.push_back(std::move(*voice));
  }
  for (const auto text : kSentences) {
    const auto& voice = voices[speech.utterances.size() % voices.size()];
    auto sound = speak(voice, text, random);
    if (!sound) return fail(sound.error());
    auto utterance = encode_utterance(*sound, random);
    if (!utterance) return fail(utterance.error());
    speech.utterances.push_back(std::move(*utterance));
  }
  std::vector<std::int16_t> room(kRoomFrames * kTransportFrameSamples);
  add_room_tone(room, random);
  auto frames = encode(std::move(room));
  if (!frames) return fail(frames.error());
  speech.room = std::move(*frames);
  return speech;
}

}  // namespace parley::bench
