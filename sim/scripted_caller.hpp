// A caller of the simulated world, and the line it is on.
//
// Media are spans, not sound: a frame is filled with one number, the code of the utterance that it belongs to, and silence
// is zero. Scripted providers read and write the same codes, so that a test knows exactly who said and heard what.
//
// Thread: the loop's only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <parley/transport.hpp>

#include "sim/world.hpp"

namespace parley::sim {

using Code = std::int16_t;

// Who said what under which code. The caller's are positive, an agent's negative.
class SpeechCodes {
 public:
  Code caller_says(std::string text) { return texts_.emplace(++caller_, std::move(text)).first->first; }
  Code agent_says(std::string text) { return texts_.emplace(--agent_, std::move(text)).first->first; }
  std::string text(Code code) const;

 private:
  std::map<Code, std::string> texts_;
  Code caller_ = 0;
  Code agent_ = 0;
};

class ScriptedCaller final : public Transport {
 public:
  // A stretch of one utterance of the agent that the caller heard.
  struct Heard {
    Code code = 0;
    TimePoint from{};
    Duration length{};
  };

  explicit ScriptedCaller(SpeechCodes& codes) : codes_(codes) {}

  // ---- the caller ----
  // Speaks from now on (behind what it still has to say). An empty text is noise.
  void says(std::string text, Duration length);
  // Falls silent in the middle of a word.
  void stops_speaking() { line_.clear(); }
  bool speaking() const noexcept { return !line_.empty(); }
  void hangs_up();
  void vanishes();
  // The connection breaks, and comes back.
  void breaks();
  void comes_back();
  void mutes(bool on) { muted_ = on; }
  void presses(char digit) { (void)events_.try_push({.type = TransportEvent::Type::dtmf, .reason = {}, .digit = digit}); }

  // On a telephone it can be passed on and hear keys; `passing_on` is how long the network takes for the former.
  void is_on_a_telephone(Duration passing_on = 300ms) { passing_on_ = passing_on; }
  std::vector<std::string> passed_on_to;
  std::string keys_heard;

  const std::vector<Heard>& heard() const noexcept { return heard_; }
  // How long the caller heard of one utterance, and what it heard anything of, in order.
  Duration heard_of(Code code) const;
  std::vector<std::string> heard_texts() const;
  bool hears_something() const noexcept { return sounding_; }
  std::uint64_t frames_sent() const noexcept { return frames_; }

  // ---- Transport ----
  Channel<TransportEvent>& events() override { return events_; }
  std::optional<AudioFrame> receive(TimePoint now) override;
  bool can_deliver() const noexcept override { return connected_ && !stopped_; }
  void send(const AudioFrame& frame, TimePoint now) override;
  Task<Result<void>> transfer(std::string to, Deadline deadline) override;
  Task<Result<void>> send_dtmf(std::string keys, Deadline deadline) override;
  TimePoint last_heard() const noexcept override { return last_heard_; }
  void request_stop(StopReason reason) noexcept override;
  Task<CloseReport> close(Deadline deadline) override;
  void kill() noexcept override { request_stop({}); }

 private:
  struct Line {
    Code code;
    std::size_t frames;
  };

  SpeechCodes& codes_;
  Channel<TransportEvent> events_{kMaxEvents};
  std::vector<Line> line_;
  std::vector<Heard> heard_;
  bool connected_ = true;
  bool stopped_ = false;
  bool muted_ = false;
  bool sounding_ = false;
  std::uint64_t frames_ = 0;
  TimePoint last_heard_{};
  std::optional<Duration> passing_on_;
};

}  // namespace parley::sim
