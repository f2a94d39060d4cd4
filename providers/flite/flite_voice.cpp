#include "providers/flite/flite_voice.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "providers/flite/speakable_text.hpp"

extern "C" {
#include <flite/flite.h>
cst_voice* register_cmu_us_kal16(const char* directory);
cst_voice* register_cmu_us_rms(const char* directory);
cst_voice* register_cmu_us_slt(const char* directory);
}

namespace parley {
namespace {

constexpr int kLeastPiece = 400;            // samples; Flite hands over the frame that exceeds it
constexpr std::size_t kMaxUtterance = 240;  // bytes; the first sample waits for the analysis of all of them
constexpr int kQuiet = 130;                 // below it, a voice that has not begun to speak
constexpr std::size_t kKept = 400;          // samples kept before the first loud one: 25 ms of breath
constexpr std::size_t kMaxTrimmed = 5600;   // samples: nobody's silence is longer

struct Voice {
  const char* name;
  cst_voice* (*open)(const char* directory);
};
constexpr Voice kVoices[] = {
    {"slt", register_cmu_us_slt}, {"rms", register_cmu_us_rms}, {"kal16", register_cmu_us_kal16}};

// One call of synthesize(), as Flite's callback sees it.
struct Run {
  const FliteVoice::Sink& sink;
  std::size_t to_trim;
  std::vector<std::int16_t> quiet{};  // the newest samples of the lead
  Synthesis result{true, 0};

  bool hand_over(std::span<const std::int16_t> samples) {
    if (to_trim == 0) return emit(samples);
    const auto loud = std::ranges::find_if(samples, [](std::int16_t x) { return std::abs(int{x}) > kQuiet; });
    quiet.insert(quiet.end(), samples.begin(), loud);
    const std::size_t surplus = quiet.size() - std::min(quiet.size(), kKept);
    quiet.erase(quiet.begin(), quiet.begin() + static_cast<std::ptrdiff_t>(surplus));
    to_trim -= std::min(to_trim, surplus);
    if (loud == samples.end() && to_trim > 0) return true;
    to_trim = 0;
    quiet.insert(quiet.end(), loud, samples.end());
    return emit(quiet);
  }

  bool emit(std::span<const std::int16_t> samples) {
    result.samples += samples.size();
    result.finished = sink(samples);
    return result.finished;
  }
};

int on_samples(const cst_wave* wave, int start, int size, int /*last*/, cst_audio_streaming_info* info) {
  auto& run = *static_cast<Run*>(info->userdata);
  if (size <= 0) return CST_AUDIO_STREAM_CONT;
  const std::span<const std::int16_t> samples(wave->samples + start, static_cast<std::size_t>(size));
  return run.hand_over(samples) ? CST_AUDIO_STREAM_CONT : CST_AUDIO_STREAM_STOP;
}

struct DeleteUtterance {
  void operator()(cst_utterance* utterance) const { delete_utterance(utterance); }
};

bool speak(const std::string& text, cst_voice* voice, Run& run) {
  const std::unique_ptr<cst_utterance, DeleteUtterance> utterance(new_utterance());
  utt_set_input_text(utterance.get(), text.c_str());
  utt_init(utterance.get(), voice);
  // In the utterance, not in the voice: others may be speaking with the same one. Its features own it from here on.
  cst_audio_streaming_info* info = new_audio_streaming_info();
  info->min_buffsize = kLeastPiece;
  info->asc = on_samples;
  info->userdata = &run;
  feat_set(utterance->features, "streaming_info", audio_streaming_info_val(info));
  return utt_synth(utterance.get()) != nullptr;
}

}  // namespace

const std::vector<std::string>& FliteVoice::names() {
  static const std::vector<std::string> names = {"slt", "rms", "kal16"};
  return names;
}

Result<FliteVoice> FliteVoice::open(std::string_view name) {
  static std::once_flag once;
  std::call_once(once, [] { flite_init(); });
  for (const Voice& one : kVoices) {
    if (name != one.name) continue;
    if (cst_voice* voice = one.open(nullptr)) return FliteVoice(one.name, voice);
    return fail(Errc::internal, fmt::format("flite could not open its voice \"{}\"", name));
  }
  return fail(Errc::not_found,
              fmt::format("flite has no voice \"{}\"; use one of {} for tts.voice", name, fmt::join(names(), ", ")));
}

Result<Synthesis> FliteVoice::synthesize(std::string_view text, const Sink& sink, Lead lead) const {
  if (text.size() > kMaxTextBytes) {
    return fail(Errc::invalid_argument, fmt::format("a text of {} bytes is too long to speak at once; the most is {}",
                                                    text.size(), kMaxTextBytes));
  }
  const std::string speakable = speakable_text(text);
  Run run{sink, lead == Lead::trimmed ? kMaxTrimmed : 0};
  for (const auto piece : speakable_pieces(speakable, kMaxUtterance)) {
    if (!speak(std::string(piece), voice_, run)) return fail(Errc::internal, "flite could not analyse the text");
    if (!run.result.finished) break;
  }
  return run.result;
}

}  // namespace parley
