// A scripted call, as a machine without clock, socket or thread: each tick it is told the time and what the agent sounds
// like, and says what the caller says.
//
//   wait for the greeting → [ say a turn → wait for the answer → listen to its end, or interrupt it ]* → hang up
//
// Whatever does not go as scripted is a deviation: one sentence each, and the call is then hung up.
//
// Bound: every wait has a limit of its own in the script, the whole has longest_call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <parley/audio/frame.hpp>
#include <parley/base/result.hpp>

#include "audio/samples.hpp"

namespace parley::caller {

struct Turn {
  std::string name;                      // in messages and reports
  std::vector<std::int16_t> samples;     // 48 kHz
  std::optional<Duration> interrupt_at;  // said so long after the agent began to speak, instead of after its end
};

struct Script {
  std::vector<Turn> turns;
  Duration greeting_within = 5s;  // then the first turn is said without one
  Duration answer_within = 15s;
  Duration longest_answer = 60s;
  Duration pause = 1200ms;                // so long silent, the agent has finished
  std::optional<Duration> hang_up_after;  // after the call began, whatever is being said then
  std::optional<Duration> agent_hangs_up_within;  // after the last answer; without it the caller hangs up then
  Duration longest_call = 10min;
};

// Errc::invalid_argument: nothing to say and no end, or a turn longer than the call.
Result<void> check(const Script& script);

// What happened around one turn; times since the call began.
struct TurnReport {
  std::string name;
  Duration said_from{};
  Duration said_to{};  // end of its speech, without the silence that a file may end with
  std::optional<Duration> answer_from;
  std::optional<Duration> answer_to;
  bool interrupted_agent = false;
  std::optional<Duration> agent_silent_after;  // interrupted: how long the agent was still heard
};

struct ScriptReport {
  std::optional<Duration> greeting_from;
  std::optional<Duration> greeting_to;
  std::vector<TurnReport> turns;
  std::vector<std::string> deviations;  // empty: as scripted
  bool agent_hung_up = false;
};

// Whether the agent is heard, by the energy of its sound.
class AgentVoice {
 public:
  static constexpr float kSpeech = -50.0F;           // dBov
  static constexpr Duration kShortest = 60ms;        // shorter sounds are clicks
  static constexpr Duration kWithinSpeech = 200ms;   // shorter pauses are part of a word

  // The next 20 ms; empty: nothing came.
  void frame(Samples samples, TimePoint now);

  bool heard() const noexcept { return heard_; }
  TimePoint began() const noexcept { return began_; }          // of what is, or was last, heard
  TimePoint last_heard() const noexcept { return last_; }

 private:
  bool heard_ = false;
  Duration run_{};
  TimePoint began_{};
  TimePoint last_{};
};

class ScriptRun {
 public:
  ScriptRun(Script script, TimePoint began);

  struct Step {
    AudioFrame say;  // always 20 ms; silence when it is not the caller's turn
    bool speaking = false;
  };
  // One tick of 20 ms: what was heard from the agent (empty: nothing), what to say now.
  Step tick(Samples heard, TimePoint now);

  // The agent left, or the call cannot go on.
  void agent_left(TimePoint now);
  void broke(std::string why);

  bool done() const noexcept { return phase_ == Phase::done; }
  // "waiting for the answer to b.wav": for progress.
  const std::string& doing() const noexcept { return doing_; }
  const ScriptReport& report() const noexcept { return report_; }

 private:
  enum class Phase { awaiting, listening, saying, staying, done };

  void enter(Phase phase, std::string doing, TimePoint now);
  void await(TimePoint now);
  void listen(TimePoint now);
  void note_silence();
  void next(TimePoint now);
  void finish(TimePoint now);
  void deviate(std::string why);
  Step say(TimePoint now);
  Duration since_start(TimePoint at) const noexcept { return at - began_; }
  std::string answer_name() const;

  Script script_;
  const TimePoint began_;
  AgentVoice voice_;
  ScriptReport report_;
  Phase phase_ = Phase::awaiting;
  std::string doing_;
  TimePoint phase_began_;
  std::size_t turn_ = 0;  // said so far, the present one included
  std::size_t offset_ = 0;
};

}  // namespace parley::caller
