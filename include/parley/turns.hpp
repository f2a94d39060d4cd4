// How a conversation takes turns: the `turns` part of an agent file, and the states that both sides go through.
#pragma once

#include <optional>
#include <string_view>

#include <parley/base/time.hpp>

namespace parley {

enum class UserState {
  listening,
  speaking,  // by the VAD
  away,      // both were silent for away_after
};
enum class AgentState {
  initializing,  // the session has not started
  idle,          // no audio can flow
  listening,     // the caller has the floor
  thinking,      // words are being made, or a tool runs, and nothing is heard
  speaking,      // the caller hears the agent
};

std::string_view to_string(UserState state) noexcept;
std::string_view to_string(AgentState state) noexcept;

// When the caller's turn is over.
struct EndpointingOptions {
  Duration min = 500ms;  // of silence, once everything said is transcribed
  Duration max = 3s;     // of silence, while the final transcript is still owed
};

// When the caller may talk over the agent.
struct InterruptionOptions {
  bool enabled = true;
  Duration min_duration = 500ms;                  // of speech, until the agent falls silent
  int min_words = 0;                              // with fewer words than these it goes on; then words alone interrupt
  std::optional<Duration> resume_false_after = 2s;  // without words after the caller fell silent; none: never pauses, cuts
  // What is said while the agent may not be interrupted is not listened to, as in LiveKit. False: it is kept as the
  // caller's next turn.
  bool discard_uninterruptible_input = true;
};

struct TurnOptions {
  EndpointingOptions endpointing{};
  InterruptionOptions interruption{};
  Duration away_after = 15s;  // of both sides' silence
  int max_tool_steps = 3;     // of one reply; then the LLM must answer in words
  bool preemptive_generation = true;     // replies are begun before the turn is surely over, and dropped if it is not
  Duration preemptive_max_speech = 10s;  // longer turns are not guessed at
};

}  // namespace parley
