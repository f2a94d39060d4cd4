// Moonshine tiny, English: a whole utterance in, its text out.
#pragma once

#include <memory>
#include <span>
#include <string>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

struct SherpaOnnxOfflineRecognizer;

namespace parley {

// Thread: one at a time; it starts none of its own. transcribe() blocks for about 2 % of the utterance's length (3 % of a
//         second at least) and cannot be interrupted: it belongs on a thread, better in a process, that may be abandoned.
// Bound:  kMaxUtterance of audio a call; about 150 MB of memory after the first.
class MoonshineModel {
 public:
  static constexpr int kSampleRate = 16000;
  static constexpr Duration kMaxUtterance = 30s;

  // Reads encoder_model.onnx, decoder_model_merged.onnx and tokens.txt from `directory`, in about a second. Files that are
  // missing, cut or foreign are errors that name the file and say what to do.
  static Result<MoonshineModel> load(const std::string& directory);
  // The same errors for files that are missing, cut or foreign, in milliseconds and without loading them.
  static Result<> check(const std::string& directory);

  // The text of one utterance of 16 kHz mono in [-1, 1], cut by VAD to kUtteranceLead and kUtteranceTail (see
  // utterance_audio.hpp; more silence than that is cut here by loudness). Empty for silence and for what is no speech.
  // Texts differ slightly between versions of the runtime.
  Result<std::string> transcribe(std::span<const float> samples) const;

 private:
  struct Destroy {
    void operator()(const SherpaOnnxOfflineRecognizer* recognizer) const;
  };

  explicit MoonshineModel(const SherpaOnnxOfflineRecognizer* recognizer) : recognizer_(recognizer) {}

  std::unique_ptr<const SherpaOnnxOfflineRecognizer, Destroy> recognizer_;
};

}  // namespace parley
