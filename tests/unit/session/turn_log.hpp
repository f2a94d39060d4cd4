// Drives a TurnTaking machine on a clock of its own and keeps its commands.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "session/turn_taking.hpp"

namespace parley {

class TurnTest : public ::testing::Test {
 protected:
  TurnTest() { make(TurnOptions{}); }

  void make(const TurnOptions& options, bool interim_results = true) {
    turns.emplace(options, interim_results);
    commands.clear();
    feed(turn::Started{});
    feed(turn::Connected{true});
  }

  void feed(const turn::Event& event) {
    for (auto& command : turns->handle(event, now)) commands.push_back(std::move(command));
  }
  // Time passes; timers run when they are due.
  void after(Duration duration) {
    const auto end = now + duration;
    for (;;) {
      const auto next = turns->next_timer();
      now = next && *next <= end ? std::max(now, *next) : end;
      for (auto& command : turns->tick(now)) commands.push_back(std::move(command));
      const auto later = turns->next_timer();
      if (now >= end && (!later || *later > end)) return;
    }
  }

  void user_starts(Duration spoken = 50ms) { feed(turn::UserSpeechStarted{spoken}); }
  void user_ends(Duration silence = 550ms) { feed(turn::UserSpeechEnded{silence}); }
  void says(std::string text, bool final = true) { feed(turn::Transcript{std::move(text), final}); }
  void agent_speaks(bool interruptible = true) {
    feed(turn::AgentScheduled{++speech, interruptible});
    feed(turn::AgentPlaying{speech});
  }
  void agent_done() { feed(turn::AgentDone{speech}); }

  template <class T>
  int count() const {
    int n = 0;
    for (const auto& command : commands) n += std::holds_alternative<T>(command) ? 1 : 0;
    return n;
  }
  template <class T>
  T last() const {
    for (auto it = commands.rbegin(); it != commands.rend(); ++it) {
      if (const auto* command = std::get_if<T>(&*it)) return *command;
    }
    ADD_FAILURE() << "no such command";
    return {};
  }

  TimePoint now{std::chrono::hours(1)};
  std::optional<TurnTaking> turns;
  std::vector<turn::Command> commands;
  std::uint64_t speech = 0;
};

}  // namespace parley
