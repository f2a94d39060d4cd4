#include "sim/scripted_caller.hpp"

#include <algorithm>

namespace parley::sim {

std::string SpeechCodes::text(Code code) const {
  const auto it = texts_.find(code);
  return it == texts_.end() ? "" : it->second;
}

void ScriptedCaller::says(std::string text, Duration length) {
  line_.push_back({codes_.caller_says(std::move(text)), static_cast<std::size_t>(length / kFrameDuration)});
}

void ScriptedCaller::hangs_up() {
  (void)events_.try_push({.type = TransportEvent::Type::caller_left, .reason = {StopCause::caller_hung_up, {}}});
  line_.clear();
  connected_ = false;
}

void ScriptedCaller::vanishes() {
  (void)events_.try_push({.type = TransportEvent::Type::caller_left, .reason = {StopCause::caller_vanished, {}}});
  line_.clear();
  connected_ = false;
}

void ScriptedCaller::breaks() {
  connected_ = false;
  (void)events_.try_push({.type = TransportEvent::Type::interrupted});
}

void ScriptedCaller::comes_back() {
  connected_ = true;
  (void)events_.try_push({.type = TransportEvent::Type::connected});
}

std::optional<AudioFrame> ScriptedCaller::receive(TimePoint now) {
  if (!connected_ || muted_) return std::nullopt;
  last_heard_ = now;
  AudioFrame frame{.samples = std::vector<std::int16_t>(kSpeechFrameSamples), .sample_rate = kSpeechRate};
  if (!line_.empty()) {
    std::fill(frame.samples.begin(), frame.samples.end(), line_.front().code);
    if (--line_.front().frames == 0) line_.erase(line_.begin());
  }
  return frame;
}

void ScriptedCaller::send(const AudioFrame& frame, TimePoint now) {
  if (!can_deliver()) return;
  ++frames_;
  // Somewhere in the middle of a frame: its ends may be faded, and tones are zero in round places.
  const Code code = frame.samples[frame.samples.size() / 2 - 7];
  sounding_ = code != 0;
  if (code == 0) return;
  if (heard_.empty() || heard_.back().code != code || now - (heard_.back().from + heard_.back().length) > kFrameDuration) {
    heard_.push_back({.code = code, .from = now});
  }
  heard_.back().length += kFrameDuration;
}

Duration ScriptedCaller::heard_of(Code code) const {
  Duration sum{};
  for (const auto& stretch : heard_) sum += stretch.code == code ? stretch.length : Duration::zero();
  return sum;
}

std::vector<std::string> ScriptedCaller::heard_texts() const {
  std::vector<std::string> texts;
  Code last = 0;
  for (const auto& stretch : heard_) {
    if (stretch.code != last) texts.push_back(codes_.text(stretch.code));
    last = stretch.code;
  }
  return texts;
}

void ScriptedCaller::request_stop(StopReason) noexcept {
  stopped_ = true;
  events_.close();
}

Task<CloseReport> ScriptedCaller::close(Deadline) {
  request_stop({});
  co_return CloseReport{};
}

Task<Result<void>> ScriptedCaller::transfer(std::string to, Deadline deadline) {
  if (!passing_on_) co_return co_await Transport::transfer(std::move(to), deadline);
  co_await sleep_for(*passing_on_);
  passed_on_to.push_back(std::move(to));
  co_return Result<void>{};
}

Task<Result<void>> ScriptedCaller::send_dtmf(std::string keys, Deadline deadline) {
  if (!passing_on_) co_return co_await Transport::send_dtmf(std::move(keys), deadline);
  keys_heard += keys;
  co_return Result<void>{};
}

}  // namespace parley::sim
