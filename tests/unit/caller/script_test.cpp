#include "caller/script.hpp"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

namespace parley::caller {
namespace {

std::vector<std::int16_t> sound(Duration length, std::int16_t amplitude = 8'000) {
  std::vector<std::int16_t> samples(samples_in(length, kTransportRate));
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = i % 100 < 50 ? amplitude : static_cast<std::int16_t>(-amplitude);
  return samples;
}

Turn turn(std::string name, Duration length, std::optional<Duration> interrupt_at = {}) {
  return {std::move(name), sound(length), interrupt_at};
}

// Plays `script` against an agent that is loud whenever `agent` says so.
struct Play {
  Play(Script script, std::function<bool(Duration, const ScriptRun&)> agent) : run(std::move(script), TimePoint(1h)) {
    const auto loud = sound(kFrameDuration);
    for (Duration t{}; !run.done() && t < 20min; t += kFrameDuration) {
      const bool heard = agent(t, run);
      speaking.push_back(run.tick(heard ? Samples(loud) : Samples{}, TimePoint(1h) + t).speaking);
      lasted = t;
      if (leaves_at && t >= *leaves_at) run.agent_left(TimePoint(1h) + t);
    }
  }
  Play(Script script, std::function<bool(Duration, const ScriptRun&)> agent, Duration leaves)
      : Play([&] { return script; }(), [agent, leaves, this](Duration t, const ScriptRun& r) {
          leaves_at = leaves;
          return agent(t, r);
        }) {}

  std::optional<Duration> leaves_at;
  ScriptRun run;
  std::vector<bool> speaking;
  Duration lasted{};
  const ScriptReport& report() const { return run.report(); }
};

// An agent that greets for a second and answers each turn for a second, half a second after its end.
bool polite(Duration t, const ScriptRun& run) {
  const auto& turns = run.report().turns;
  if (turns.empty()) return t >= 200ms && t < 1200ms;
  const auto answer = turns.back().said_to + 500ms;
  return t >= answer && t < answer + 1s;
}

TEST(Script, GreetingThenTurnsThenHangUp_EverythingIsMeasured) {
  Script script;
  script.turns = {turn("a.wav", 800ms), turn("b.wav", 600ms)};
  const Play play(script, polite);
  EXPECT_TRUE(play.report().deviations.empty());
  EXPECT_EQ(play.report().greeting_from, 200ms);
  EXPECT_EQ(play.report().greeting_to, 1200ms);
  ASSERT_EQ(play.report().turns.size(), 2u);
  const auto& first = play.report().turns[0];
  EXPECT_GE(first.said_from, 1200ms + script.pause - kFrameDuration);
  EXPECT_EQ(first.said_to - first.said_from, 800ms);
  ASSERT_TRUE(first.answer_from && first.answer_to);
  EXPECT_EQ(*first.answer_from - first.said_to, 500ms);
  EXPECT_EQ(*first.answer_to - *first.answer_from, 1s);
  EXPECT_GT(play.report().turns[1].said_from, *first.answer_to);
}

TEST(Script, SilenceAtTheEndOfAFile_IsNoPartOfTheTurnsSpeech) {
  Script script;
  auto padded = turn("a.wav", 800ms);
  padded.samples.resize(padded.samples.size() + samples_in(2s, kTransportRate));
  script.turns = {padded};
  const Play play(script, polite);
  EXPECT_EQ(play.report().turns[0].said_to - play.report().turns[0].said_from, 800ms);
}

TEST(Script, NoGreeting_TheFirstTurnIsSaidAfterAWhile) {
  Script script;
  script.turns = {turn("a.wav", 800ms)};
  const Play play(script, [](Duration t, const ScriptRun& run) { return !run.report().turns.empty() && polite(t, run); });
  EXPECT_TRUE(play.report().deviations.empty());
  EXPECT_FALSE(play.report().greeting_from);
  EXPECT_EQ(play.report().turns[0].said_from, script.greeting_within);
}

TEST(Script, NoAnswer_IsADeviationAndEndsTheCall) {
  Script script;
  script.turns = {turn("a.wav", 800ms), turn("b.wav", 800ms)};
  const Play play(script, [](Duration t, const ScriptRun&) { return t < 1s; });
  ASSERT_EQ(play.report().deviations.size(), 1u);
  EXPECT_EQ(play.report().deviations[0], "the answer to a.wav did not come within 15 s");
  EXPECT_EQ(play.report().turns.size(), 1u);
}

TEST(Script, AClick_IsNoAnswer) {
  Script script;
  script.turns = {turn("a.wav", 800ms)};
  const Play play(script, [](Duration t, const ScriptRun&) { return t >= 10s && t < 10s + 2 * kFrameDuration; });
  EXPECT_EQ(play.report().deviations.size(), 1u);
}

TEST(Script, InterruptsTheAgentInTheMiddle_AndMeasuresWhenItFellSilent) {
  Script script;
  script.turns = {turn("a.wav", 800ms), turn("stop.wav", 600ms, 1500ms)};
  // Answers the first turn for ten seconds, but stops 300 ms after it is interrupted; then answers shortly.
  const Play play(script, [](Duration t, const ScriptRun& run) {
    const auto& turns = run.report().turns;
    if (turns.size() == 1) return t >= turns[0].said_to + 500ms;
    if (turns.size() == 2 && t < turns[1].said_from + 300ms) return true;
    return polite(t, run);
  });
  ASSERT_TRUE(play.report().deviations.empty()) << play.report().deviations[0];
  const auto& [first, second] = std::tie(play.report().turns[0], play.report().turns[1]);
  EXPECT_EQ(second.said_from - *first.answer_from, 1500ms);
  EXPECT_TRUE(second.interrupted_agent);
  EXPECT_EQ(second.agent_silent_after, 300ms);
  EXPECT_TRUE(second.answer_from);
}

TEST(Script, AgentSpeaksOnWhileInterrupted_IsADeviation) {
  Script script;
  script.turns = {turn("stop.wav", 1s, 500ms)};
  const Play play(script, [](Duration, const ScriptRun&) { return true; });
  ASSERT_EQ(play.report().deviations.size(), 1u);
  EXPECT_EQ(play.report().deviations[0], "the agent spoke on while stop.wav interrupted it");
}

TEST(Script, AnswerOverBeforeItCouldBeInterrupted_IsADeviation) {
  Script script;
  script.turns = {turn("stop.wav", 1s, 5s)};
  const Play play(script, polite);
  ASSERT_EQ(play.report().deviations.size(), 1u);
  EXPECT_EQ(play.report().deviations[0], "the greeting was over before stop.wav could interrupt it");
}

TEST(Script, EndlessAnswer_IsADeviation_AndTheCallIsBounded) {
  Script script;
  script.turns = {turn("a.wav", 1s)};
  const Play play(script, [](Duration, const ScriptRun&) { return true; });
  EXPECT_EQ(play.report().deviations.size(), 1u);
  EXPECT_LE(play.lasted, script.longest_answer + 1s);
}

TEST(Script, AgentHangsUpAfterTheLastAnswer_AsScripted) {
  Script script;
  script.turns = {turn("bye.wav", 500ms)};
  script.agent_hangs_up_within = 10s;
  const Play play(script, polite, 8s);
  EXPECT_TRUE(play.report().deviations.empty());
  EXPECT_TRUE(play.report().agent_hung_up);
}

TEST(Script, AgentHangsUpTooEarly_OrNever_IsADeviation) {
  Script script;
  script.turns = {turn("a.wav", 500ms), turn("b.wav", 500ms)};
  const Play early(script, polite, 3s);
  ASSERT_EQ(early.report().deviations.size(), 1u);
  EXPECT_EQ(early.report().deviations[0].find("the agent hung up while the caller was"), 0u) << early.report().deviations[0];
  script.agent_hangs_up_within = 5s;
  const Play never(script, polite);
  ASSERT_EQ(never.report().deviations.size(), 1u);
  EXPECT_EQ(never.report().deviations[0], "the agent did not hang up within 5 s");
}

TEST(Script, HangUpAfter_CutsWhateverIsBeingSaid) {
  Script script;
  script.turns = {turn("a.wav", 60s)};
  script.hang_up_after = 4s;
  const Play play(script, polite);
  EXPECT_TRUE(play.report().deviations.empty());
  EXPECT_EQ(play.lasted, 4s);
}

TEST(Script, SilentFileOrTooMuchToSay_IsRefused) {
  Script script;
  script.turns = {{"empty.wav", {}, {}}};
  EXPECT_FALSE(check(script));
  script.turns = {turn("long.wav", 20s)};
  EXPECT_TRUE(check(script));
  script.longest_call = 10s;
  EXPECT_FALSE(check(script));
}

}  // namespace
}  // namespace parley::caller
