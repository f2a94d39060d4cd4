// An agent: whom the caller talks to. Plain data and functions; a session brings it to life.
//
// Thread: its functions are called on the loop's, where everything of the call runs: they wait by co_await and never block
// (run_blocking is for what does). An exception out of one is logged, and the call goes on.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/task.hpp>
#include <parley/chat.hpp>
#include <parley/providers.hpp>
#include <parley/tools.hpp>

namespace parley {

class Session;

// The first words: a text, or what the LLM makes of instructions.
struct Greeting {
  std::string say{};           // spoken as it is; empty: the LLM is asked
  std::string instructions{};  // for the LLM, after the agent's own
  bool interruptible = true;
};

// What the caller said, before it is answered: a hook may change both.
struct UserTurn {
  ChatMessage message;
  ChatContext context;  // for this reply alone; the history keeps only the message
};

enum class AfterTurn {
  reply,
  stay_silent,  // the turn enters the history, and nobody answers it
};

struct Agent {
  std::string name = "agent";  // in logs, the transcript and handoffs
  std::string instructions{};  // the system prompt of every reply
  std::vector<Tool> tools{};   // names must differ
  std::optional<Greeting> greeting{};
  // Its own voice, ears or mind; empty: the session's.
  ProviderChoice providers{};

  // When it takes over (at the start, by handoff). Runs beside the conversation and ends with the agent's turn at it.
  std::function<Task<void>(Session&)> on_enter{};
  // Before another takes over, and at the end. Bounded: kExitDeadline, less at the end of a call.
  std::function<Task<void>(Session&)> on_exit{};
  // Before a reply is made. Bounded: kTurnDeadline, then the reply is made without it.
  std::function<Task<AfterTurn>(Session&, UserTurn&)> on_user_turn_completed{};

  static constexpr Duration kExitDeadline = 5s;
  static constexpr Duration kTurnDeadline = 5s;
};

}  // namespace parley
