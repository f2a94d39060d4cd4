// A caller as people are: it listens to the greeting, says something, waits for the answer, hears it out or talks over it,
// and hangs up when it has had enough.
//
// While it calls it only sends what was encoded before and keeps what comes with the time of its arrival; whether the
// agent speaks its line tells it. What it heard is worked out afterwards.
//
// Thread: the loop's only.
// Bound:  the packets of one call, whose length is known from the beginning.
// Ending: run() ends by itself, in bounded time; destroying it ends the line at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/scope.hpp>

#include "bench/line.hpp"

namespace parley::bench {

struct Plan {
  Duration length = 60s;
  double interrupts = 0.35;  // of the answers
};

struct CallLog {
  std::vector<Said> said;
  std::vector<Kept> kept;
  Late ticks;
  std::string error;  // empty: none
};

class Caller {
 public:
  static constexpr Duration kGreetingWithin = 10s;
  static constexpr Duration kAnswerWithin = 15s;
  static constexpr Duration kExitWithin = 15s;

  using MakeLine = std::function<std::unique_ptr<Line>(Random& random, Line::OnAudio on_audio)>;

  Caller(Loop& loop, const Speech& speech, const Plan& plan, Random random, const MakeLine& make_line);

  Task<void> run();

  bool connected() const noexcept { return line().connected != TimePoint{}; }
  bool hanging_up() const noexcept { return line().hung_up != TimePoint{}; }
  const LineLog& line() const noexcept { return line_->log(); }
  const CallLog& log() const noexcept { return log_; }

 private:
  enum class Doing { listens, speaks, waits };

  Task<Result<void>> call();
  Task<Result<void>> talk();
  Task<Result<void>> hang_up();

  void hear(Kept packet, bool speaks);
  Result<void> live(TimePoint now);
  void begin_to_speak(bool interrupts);
  void send_frame(TimePoint now);
  bool agent_speaks(TimePoint now) const noexcept;
  Duration some(Duration least, Duration most) noexcept;

  Loop& loop_;
  const Speech& speech_;
  const Plan& plan_;
  Random random_;
  CallLog log_;

  Doing doing_ = Doing::waits;
  TimePoint since_{};                  // of what it is doing
  Duration patience_{};                // silence after which it speaks
  std::optional<Duration> interrupt_;  // so long after the agent began
  const Utterance* saying_ = nullptr;
  std::size_t next_frame_ = 0;
  TimePoint agent_began_{}, agent_last_{};  // loud packets
  bool cut_ = false;
  std::unique_ptr<Line> line_;  // hands on what comes as long as it lives
};

}  // namespace parley::bench
