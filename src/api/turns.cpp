#include <parley/turns.hpp>

namespace parley {

std::string_view to_string(UserState state) noexcept {
  switch (state) {
    case UserState::listening: return "listening";
    case UserState::speaking: return "speaking";
    case UserState::away: return "away";
  }
  return "listening";
}

std::string_view to_string(AgentState state) noexcept {
  switch (state) {
    case AgentState::initializing: return "initializing";
    case AgentState::idle: return "idle";
    case AgentState::listening: return "listening";
    case AgentState::thinking: return "thinking";
    case AgentState::speaking: return "speaking";
  }
  return "idle";
}

}  // namespace parley
