// The disk under the journals runs full under other processes' feet: the operator sees it, and calls go on.
#include "process_world.hpp"

namespace parley {
namespace {

bool says_full(ProcessWorld& w) {
  return w.os.supervisor()->metrics().find("parley_journal_disk_full 1\n") != std::string::npos &&
         w.os.supervisor()->status().at("disk").at("full").as_bool();
}

TEST(DiskWatch, DiskRunsFullWhileTheSupervisorWritesNothing_HealthAndMetricsSayIt_UntilThereIsSpace) {
  ProcessWorld w(7);
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  w.os.disk().set_free_bytes(worker::CallRecords::kLeastSpace - 1);
  ASSERT_TRUE(w.world.run_until([&] { return !w.os.supervisor()->healthy(); }, 5s));
  EXPECT_TRUE(says_full(w));
  EXPECT_EQ(w.os.supervisor()->slots_in_use(), 1u);
  w.os.disk().set_free_bytes(SIZE_MAX);
  ASSERT_TRUE(w.world.run_until([&] { return w.os.supervisor()->healthy(); }, 5s));
  EXPECT_FALSE(says_full(w));
  ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
  w.expect_the_law("after a full disk");
}

TEST(DiskWatch, CallEndsOnAFullDisk_ItIsRecordedOnceThereIsSpace) {
  ProcessWorld w(8);
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  w.os.disk().set_free_bytes(0);
  w.hang_up_all();
  ASSERT_TRUE(w.world.run_until([&] { return w.os.supervisor()->slots_in_use() == 0; }, 30s)) << w.world.describe();
  w.world.run_for(30s);
  EXPECT_EQ(w.os.count_records(w.calls.front(), job::record_type::kTerminal), 0u);
  w.os.disk().set_free_bytes(SIZE_MAX);
  ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
  w.expect_the_law("after a full disk");
}

}  // namespace
}  // namespace parley
