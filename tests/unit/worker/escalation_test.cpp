#include "worker/escalation.hpp"

#include <gtest/gtest.h>

namespace parley::worker {
namespace {

using ipc::Phase;
using Act = Escalation::Act;

class EscalationTest : public ::testing::Test {
 protected:
  static constexpr TimePoint kStart{std::chrono::hours(1)};
  static TimePoint at(Duration d) { return kStart + d; }
  EscalationTest() : escalation(deadlines, kStart) { escalation.on_line(true, kStart); }
  Act decide(Duration d, bool starved = false) { return escalation.decide(at(d), starved).act; }

  ipc::Deadlines deadlines;
  Escalation escalation;
};

TEST_F(EscalationTest, PromiseBroken_AsksThenTerminatesThenKills) {
  EXPECT_EQ(decide(9s), Act::wait);
  EXPECT_EQ(decide(10400ms), Act::ask);
  EXPECT_EQ(decide(11s), Act::wait);
  EXPECT_EQ(decide(11500ms), Act::terminate);
  EXPECT_EQ(decide(13s), Act::wait);
  EXPECT_EQ(decide(13600ms), Act::kill);
  EXPECT_EQ(decide(14s), Act::wait);
  EXPECT_EQ(decide(19s), Act::kill) << "a process may be stuck in the kernel";
  EXPECT_EQ(escalation.blame(), "it did not leave `starting` by its promise");
}

TEST_F(EscalationTest, LongPromises_CountForNoMoreThanTheirPhasesCap) {
  escalation.on_phase(Phase::running, {}, at(1s));
  escalation.on_phase(Phase::disposing, 10min, at(2s));
  EXPECT_EQ(decide(2s + deadlines.disposal + 400ms), Act::ask);
}

TEST_F(EscalationTest, RenewedForEver_TheCapOfThePhaseHolds) {
  escalation.on_phase(Phase::hooks, 60s, at(1s));
  for (int s = 2; s < 123; ++s) {
    escalation.on_phase(Phase::hooks, 60s, at(std::chrono::seconds(s)));
    ASSERT_EQ(decide(std::chrono::seconds(s)), Act::wait) << s;
  }
  EXPECT_EQ(decide(124s), Act::ask);
}

TEST_F(EscalationTest, PhasesNeverGoBack) {
  escalation.on_phase(Phase::closing, 1s, at(1s));
  escalation.on_phase(Phase::running, {}, at(1500ms));
  EXPECT_EQ(escalation.phase(), Phase::closing);
  EXPECT_EQ(decide(2400ms), Act::ask);
}

TEST_F(EscalationTest, LoopDoesNotTurn_IsBlamed_ButNotWhileItHasNoLine) {
  escalation.on_phase(Phase::running, {}, at(1s));
  escalation.on_turns(at(5s));
  EXPECT_EQ(decide(12s), Act::wait);
  EXPECT_EQ(decide(13100ms), Act::ask);

  Escalation other(deadlines, kStart);
  other.on_line(true, kStart);
  other.on_phase(Phase::running, {}, at(1s));
  other.on_line(false, at(2s));
  EXPECT_EQ(other.decide(at(11s), false).act, Act::wait);
  EXPECT_EQ(other.decide(at(12100ms), false).act, Act::ask);
  EXPECT_EQ(other.blame(), "it has no line to its supervisor");
}

TEST_F(EscalationTest, Starved_GetsOneExtension_AndNotTwo) {
  EXPECT_EQ(decide(10400ms, true), Act::extend);
  EXPECT_EQ(decide(14s, true), Act::wait);
  EXPECT_EQ(decide(15400ms, true), Act::ask);
}

TEST_F(EscalationTest, ToldToStopAndGoesOn_IsBlamed) {
  escalation.on_phase(Phase::running, {}, at(1s));
  escalation.on_turns(at(20s));
  escalation.on_stop_sent(at(20s));
  EXPECT_EQ(decide(20500ms), Act::wait);
  EXPECT_EQ(decide(21100ms), Act::ask);
}

TEST_F(EscalationTest, ToldToStopAndDrains_IsLeftAlone) {
  escalation.on_phase(Phase::running, {}, at(1s));
  escalation.on_stop_sent(at(2s));
  escalation.on_phase(Phase::draining, 5s, at(2100ms));
  EXPECT_EQ(decide(6s), Act::wait);
}

TEST_F(EscalationTest, AskedAndMovesOn_IsForgiven) {
  EXPECT_EQ(decide(10400ms), Act::ask);
  escalation.on_phase(Phase::draining, 5s, at(10500ms));
  EXPECT_EQ(decide(12s), Act::wait);
}

TEST_F(EscalationTest, Hurried_IsKilledThen_WhateverItPromised) {
  escalation.on_phase(Phase::hooks, 60s, at(1s));
  escalation.hurry(at(5s));
  EXPECT_EQ(decide(4s), Act::wait);
  EXPECT_EQ(decide(5s), Act::kill);
}

TEST_F(EscalationTest, Condemned_IsNotAskedAgain) {
  escalation.condemn("it lied", at(1s));
  EXPECT_EQ(decide(1s), Act::terminate);
  EXPECT_EQ(escalation.blame(), "it lied");
}

}  // namespace
}  // namespace parley::worker
