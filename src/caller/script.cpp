#include "caller/script.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace parley::caller {

namespace {

// Where the speech of a turn ends.
std::size_t end_of_speech(Samples samples) {
  for (auto end = samples.size(); end >= kTransportFrameSamples; end -= kTransportFrameSamples) {
    if (level_dbov(samples.subspan(end - kTransportFrameSamples, kTransportFrameSamples)) > AgentVoice::kSpeech) return end;
  }
  return samples.size();
}

}  // namespace

Result<void> check(const Script& script) {
  Duration said{};
  for (const auto& turn : script.turns) {
    if (turn.samples.empty()) return fail(Errc::invalid_argument, fmt::format("there is no sound in {}", turn.name));
    said += duration_of(turn.samples.size(), kTransportRate);
  }
  if (said > script.longest_call) {
    return fail(Errc::invalid_argument, fmt::format("what is to be said lasts {:.0f} s, longer than the call may ({:.0f} s)",
                                                    to_seconds(said), to_seconds(script.longest_call)));
  }
  return {};
}

void AgentVoice::frame(Samples samples, TimePoint now) {
  const bool loud = !samples.empty() && level_dbov(samples) > kSpeech;
  if (loud) {
    run_ += kFrameDuration;
    last_ = now;
    if (!heard_ && run_ >= kShortest) {
      heard_ = true;
      began_ = now - run_ + kFrameDuration;
    }
  } else if (now - last_ >= kWithinSpeech) {
    heard_ = false;
    run_ = {};
  }
}

ScriptRun::ScriptRun(Script script, TimePoint began) : script_(std::move(script)), began_(began), phase_began_(began) {
  doing_ = "waiting for the greeting";
}

void ScriptRun::enter(Phase phase, std::string doing, TimePoint now) {
  phase_ = phase;
  doing_ = std::move(doing);
  phase_began_ = now;
}

std::string ScriptRun::answer_name() const {
  return turn_ == 0 ? "the greeting" : fmt::format("the answer to {}", report_.turns.back().name);
}

void ScriptRun::deviate(std::string why) {
  report_.deviations.push_back(std::move(why));
}

ScriptRun::Step ScriptRun::tick(Samples heard, TimePoint now) {
  voice_.frame(heard, now);
  const auto age = since_start(now);
  if (done()) return {{std::vector<std::int16_t>(kTransportFrameSamples)}};
  if (script_.hang_up_after && age >= *script_.hang_up_after) {
    enter(Phase::done, "hanging up", now);
  } else if (age >= script_.longest_call) {
    broke(fmt::format("the call lasted longer than {:.0f} s", to_seconds(script_.longest_call)));
  }
  switch (phase_) {
    case Phase::awaiting: await(now); break;
    case Phase::listening: listen(now); break;
    case Phase::staying:
      if (now - phase_began_ >= *script_.agent_hangs_up_within) {
        broke(fmt::format("the agent did not hang up within {:.0f} s", to_seconds(*script_.agent_hangs_up_within)));
      }
      break;
    case Phase::saying:
    case Phase::done: break;
  }
  if (phase_ == Phase::saying) return say(now);
  return {{std::vector<std::int16_t>(kTransportFrameSamples)}};
}

void ScriptRun::await(TimePoint now) {
  note_silence();
  if (voice_.heard()) {
    const auto from = since_start(voice_.began());
    (turn_ == 0 ? report_.greeting_from : report_.turns.back().answer_from) = from;
    enter(Phase::listening, fmt::format("listening to {}", answer_name()), now);
    return;
  }
  const auto limit = turn_ == 0 ? script_.greeting_within : script_.answer_within;
  if (now - phase_began_ < limit) return;
  if (turn_ == 0) return next(now);
  broke(fmt::format("{} did not come within {:.0f} s", answer_name(), to_seconds(limit)));
}

void ScriptRun::listen(TimePoint now) {
  const auto& from = turn_ == 0 ? report_.greeting_from : report_.turns.back().answer_from;
  auto& to = turn_ == 0 ? report_.greeting_to : report_.turns.back().answer_to;
  to = since_start(voice_.last_heard()) + kFrameDuration;
  const auto* coming = turn_ < script_.turns.size() ? &script_.turns[turn_] : nullptr;
  const auto lasted = since_start(now) - *from;
  if (coming && coming->interrupt_at && lasted >= *coming->interrupt_at) {
    next(now);
    report_.turns.back().interrupted_agent = true;
  } else if (now - voice_.last_heard() >= script_.pause) {
    if (coming && coming->interrupt_at) {
      broke(fmt::format("{} was over before {} could interrupt it", answer_name(), coming->name));
      return;
    }
    next(now);
  } else if (lasted >= script_.longest_answer) {
    broke(fmt::format("{} was longer than {:.0f} s", answer_name(), to_seconds(script_.longest_answer)));
  }
}

void ScriptRun::next(TimePoint now) {
  if (turn_ == script_.turns.size()) return finish(now);
  const auto& turn = script_.turns[turn_++];
  const auto speech = duration_of(end_of_speech(turn.samples), kTransportRate);
  report_.turns.push_back({.name = turn.name, .said_from = since_start(now), .said_to = since_start(now) + speech});
  offset_ = 0;
  enter(Phase::saying, fmt::format("saying {}", turn.name), now);
}

// After an interruption: when was the agent last heard?
void ScriptRun::note_silence() {
  if (turn_ == 0) return;
  auto& turn = report_.turns.back();
  if (!turn.interrupted_agent || turn.agent_silent_after || voice_.heard()) return;
  const auto silent = since_start(voice_.last_heard()) + kFrameDuration;
  turn.agent_silent_after = std::max(Duration::zero(), silent - turn.said_from);
  (turn_ == 1 ? report_.greeting_to : report_.turns[turn_ - 2].answer_to) = silent;
}

ScriptRun::Step ScriptRun::say(TimePoint now) {
  note_silence();
  const Samples rest = Samples(script_.turns[turn_ - 1].samples).subspan(offset_);
  const auto count = std::min(rest.size(), kTransportFrameSamples);
  Step step{{std::vector<std::int16_t>(kTransportFrameSamples)}, true};
  std::ranges::copy(rest.first(count), step.say.samples.begin());
  offset_ += count;
  if (count < rest.size()) return step;
  auto& turn = report_.turns.back();
  if (turn.interrupted_agent && !turn.agent_silent_after && voice_.heard()) {
    broke(fmt::format("the agent spoke on while {} interrupted it", turn.name));
  } else {
    enter(Phase::awaiting, fmt::format("waiting for {}", answer_name()), now);
  }
  return step;
}

void ScriptRun::finish(TimePoint now) {
  if (script_.agent_hangs_up_within) {
    enter(Phase::staying, "waiting for the agent to hang up", now);
  } else if (script_.hang_up_after) {
    enter(Phase::staying, "waiting until it is time to hang up", now);
    script_.agent_hangs_up_within = script_.longest_call;
  } else {
    enter(Phase::done, "hanging up", now);
  }
}

void ScriptRun::agent_left(TimePoint now) {
  if (done()) return;
  report_.agent_hung_up = true;
  const bool all_said = turn_ == script_.turns.size() && phase_ != Phase::saying;
  if (!all_said) deviate(fmt::format("the agent hung up while the caller was {}", doing_));
  enter(Phase::done, "the agent has hung up", now);
}

void ScriptRun::broke(std::string why) {
  deviate(std::move(why));
  phase_ = Phase::done;
  doing_ = "hanging up";
}

}  // namespace parley::caller
