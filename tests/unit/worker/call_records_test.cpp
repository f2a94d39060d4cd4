// What the supervisor keeps of calls that are over.
#include "worker/call_records.hpp"

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "sim/disk.hpp"

namespace parley::worker {
namespace {

const std::string kDirectory = "/state/calls";

class Kept : public ::testing::Test {
 protected:
  void leave_journal(const std::string& call_id, bool settled) {
    const auto disk = hardware.process("job");
    ASSERT_TRUE(job::create_journal(*disk, kDirectory, call_id));
    if (settled) ASSERT_TRUE(job::settle_journal(*disk, kDirectory, call_id));
  }
  bool there(const std::string& name) const { return hardware.content(kDirectory + "/" + name).has_value(); }

  Result<job::RetentionPlan> keep_within_bounds(Duration patience = 1min) {
    std::optional<Result<job::RetentionPlan>> result;
    EXPECT_TRUE(scope.spawn("keep", [](CallRecords& r, Deadline deadline, std::optional<Result<job::RetentionPlan>>& out) -> Task<void> {
      out = co_await r.keep_within_bounds(deadline);
    }(records, loop.in(patience), result)));
    EXPECT_TRUE(world.run_until([&] { return result.has_value(); }, 5min)) << world.describe();
    return result ? std::move(*result) : Result<job::RetentionPlan>(fail(Errc::internal, "no result"));
  }

  sim::World world{5};
  sim::SimDisk hardware{Random(3), world.clock()};
  sim::SimLoop& loop = world.add_loop("supervisor");
  sim::SimWriter writer{loop, hardware};
  CallRecords records{loop, hardware.process("supervisor"), writer.writer(), {.directory = kDirectory}};
  Scope scope{loop, "test"};
};

TEST_F(Kept, JournalsThatAreSettled_GoAfterAWeek_AndOthersStay) {
  leave_journal("CA_old", true);
  leave_journal("CA_unfinished", false);
  world.run_for(std::chrono::hours(7 * 24 - 1));
  leave_journal("CA_young", true);
  auto plan = keep_within_bounds();
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_TRUE(there("CA_old.done")) << "it is not a week old";

  world.run_for(2h);
  plan = keep_within_bounds();
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->remove, std::vector<std::string>{"CA_old"});
  EXPECT_EQ(plan->unfinished, 1u);
  EXPECT_FALSE(there("CA_old.done"));
  EXPECT_TRUE(there("CA_young.done"));
  EXPECT_TRUE(there("CA_unfinished.journal"));
}

TEST_F(Kept, StackOfAKilledJob_IsRemovedWithItsJournal) {
  leave_journal("CA_old", true);
  ASSERT_TRUE(hardware.process("job")->create(kDirectory + "/CA_old.AJ_1.stack"));
  world.run_for(std::chrono::hours(7 * 24 + 1));
  leave_journal("CA_young", true);
  ASSERT_TRUE(hardware.process("job")->create(kDirectory + "/CA_young.AJ_2.stack"));
  ASSERT_TRUE(keep_within_bounds());
  EXPECT_FALSE(there("CA_old.done"));
  EXPECT_FALSE(there("CA_old.AJ_1.stack"));
  EXPECT_TRUE(there("CA_young.AJ_2.stack"));
}

TEST_F(Kept, OperatorKeepsThemForADay_AndAKilobyte) {
  CallRecords brief(loop, hardware.process("supervisor"), writer.writer(),
                    {.directory = kDirectory, .retention = {.keep = std::chrono::hours(24), .max_bytes = 1000}});
  leave_journal("CA_old", true);
  world.run_for(std::chrono::hours(25));
  leave_journal("CA_young", true);
  bool over = false;
  ASSERT_TRUE(scope.spawn("keep", [](CallRecords& r, Deadline deadline, bool& done) -> Task<void> {
    (void)co_await r.keep_within_bounds(deadline);
    done = true;
  }(brief, loop.in(1min), over)));
  ASSERT_TRUE(world.run_until([&] { return over; }, 5min)) << world.describe();
  EXPECT_FALSE(there("CA_old.done"));
  EXPECT_TRUE(there("CA_young.done"));
}

TEST_F(Kept, DiskThatHangs_CostsTheDeadline_AndTheLoopTurnsMeanwhile) {
  leave_journal("CA_old", true);
  world.run_for(std::chrono::hours(8 * 24));
  loop.blocking().hang(true);
  const auto began = world.now();
  EXPECT_EQ(keep_within_bounds(3s).error().code(), Errc::timeout);
  EXPECT_LT(world.now() - began, 4s);
  EXPECT_TRUE(there("CA_old.done"));
  loop.blocking().hang(false);
  ASSERT_TRUE(keep_within_bounds());
  EXPECT_FALSE(there("CA_old.done"));
}

}  // namespace
}  // namespace parley::worker
