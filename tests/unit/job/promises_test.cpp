#include "job/promises.hpp"

#include <gtest/gtest.h>

#include "sim/world.hpp"

namespace parley::job {
namespace {

using ipc::Phase;

class LastMoment final : public DeadMan {
 public:
  void arm(TimePoint at) noexcept override { moment = at; }
  TimePoint moment{};
};

class PromisesTest : public ::testing::Test {
 protected:
  Duration killed_in() const { return dead_man.moment - world.now(); }

  sim::World world{1};
  sim::SimLoop& loop{world.add_loop("job")};
  ipc::Deadlines deadlines;
  LastMoment dead_man;
  std::vector<std::pair<Phase, std::optional<TimePoint>>> told;
  Promises promises{loop, dead_man, deadlines, [this](Phase phase, std::optional<TimePoint> by) { told.emplace_back(phase, by); }};
};

TEST_F(PromisesTest, FromItsBeginning_AJobIsArmedAgainstItself) {
  EXPECT_EQ(killed_in(), deadlines.start + deadlines.kernel_slack());
}

TEST_F(PromisesTest, Running_OnlyTurnsOfTheLoopCount) {
  promises.enter(Phase::running);
  EXPECT_EQ(told.back().second, std::nullopt);
  EXPECT_EQ(killed_in(), deadlines.dead_man);
  world.run_for(5s);
  EXPECT_EQ(killed_in(), deadlines.dead_man - 5s);
  promises.turned();
  EXPECT_EQ(killed_in(), deadlines.dead_man);
}

TEST_F(PromisesTest, Hooks_RenewWithEachTurn_UpToTheCap) {
  promises.enter(Phase::hooks);
  const auto cap = world.now() + deadlines.cap(Phase::hooks);
  for (int i = 0; i < 200; ++i) {
    world.run_for(1s);
    promises.turned();
  }
  EXPECT_LE(promises.leave_by(), cap);
  EXPECT_GE(promises.leave_by(), cap - deadlines.one_hook / 4) << "small renewals are not worth a message";
  EXPECT_EQ(dead_man.moment, *promises.leave_by() + deadlines.kernel_slack());
}

TEST_F(PromisesTest, PhasesNeverGoBack) {
  promises.enter(Phase::closing);
  promises.enter(Phase::draining);
  EXPECT_EQ(promises.phase(), Phase::closing);
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(PromisesTest, Shortened_TheEarlierMomentHolds_AndIsNotTakenBack) {
  promises.enter(Phase::draining, 60s);
  promises.shorten(world.now() + 5s);
  promises.shorten(world.now() + 30s);
  EXPECT_EQ(promises.leave_by(), world.now() + 5s);
}

TEST_F(PromisesTest, TheGentlerMeansOfASupervisorComeFirst) {
  promises.enter(Phase::closing);
  const auto supervisor_kills = *promises.leave_by() + deadlines.max_extension + deadlines.grace_after_stop + deadlines.grace_after_term;
  EXPECT_GT(dead_man.moment, supervisor_kills);
}

}  // namespace
}  // namespace parley::job
