// The `moonshine` provider: the STT slot on a recogniser of whole utterances.
//
// The recogniser itself lives in the inference process (a job that used it would grow by 54 MB); here is only the way to
// ask it. The session's VAD says where an utterance begins and ends; while the caller speaks, what was said so far is
// recognised every kInterimEvery, for interim transcripts.
#pragma once

#include <functional>
#include <vector>

#include <parley/stt.hpp>

namespace parley {

class MoonshineStt final : public Stt {
 public:
  // 16 kHz mono in [-1, 1] to text.
  using Recognize = std::function<Task<Result<std::string>>(std::vector<float> samples, Deadline deadline)>;

  static constexpr Duration kInterimEvery = 1s;
  static constexpr Duration kRecognizeDeadline = 5s;
  // Longer speech without a pause is recognised in parts.
  static constexpr Duration kMaxUtterance = 20s;

  explicit MoonshineStt(Recognize recognize) : recognize_(std::move(recognize)) {}

  std::string_view label() const noexcept override { return "moonshine/tiny"; }
  bool interim_results() const noexcept override { return true; }
  std::unique_ptr<SttStream> stream(Scope& parent, const SttOptions& options) override;

 private:
  Recognize recognize_;
};

}  // namespace parley
