// A voice of Flite's: text in, 16 kHz speech out piece by piece, stoppable between two pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <parley/base/result.hpp>

struct cst_voice_struct;

namespace parley {

struct Synthesis {
  bool finished;        // false: the sink stopped it
  std::size_t samples;  // handed to the sink
};

// Thread: open() before the process starts threads or forks (Flite registers voices in globals); synthesize() from any
//         thread, several at once, as each has its own utterance. It blocks for about a hundredth of what it speaks.
// Bound:  kMaxTextBytes of text a call; about 2 MB of heap while it runs. Voices are read-only data of the program.
class FliteVoice {
 public:
  static constexpr int kSampleRate = 16000;
  static constexpr std::size_t kMaxTextBytes = 8192;

  // "slt" (female, the default of agent files), "rms" (male): close to each other in quality. "kal16": a robot's voice,
  // 20 times faster, the same samples every time.
  static Result<FliteVoice> open(std::string_view name);
  static const std::vector<std::string>& names();

  // Gets the next samples, 25 to 45 ms of them; false stops the synthesis before the next piece is computed.
  using Sink = std::function<bool(std::span<const std::int16_t>)>;

  // A voice begins with up to a fifth of a second of silence. `trimmed` drops it (what a caller waits for an answer);
  // `natural` keeps it (the pause between two sentences).
  enum class Lead { trimmed, natural };

  // Speaks `text` (any bytes, see speakable_text). A text with nothing to say is finished at once with no samples.
  Result<Synthesis> synthesize(std::string_view text, const Sink& sink, Lead lead = Lead::trimmed) const;

  const std::string& name() const noexcept { return name_; }

 private:
  FliteVoice(std::string name, cst_voice_struct* voice) : name_(std::move(name)), voice_(voice) {}

  std::string name_;
  cst_voice_struct* voice_;  // Flite's, for the life of the process
};

}  // namespace parley
