#include "worker/memory_use.hpp"

#include <gtest/gtest.h>

namespace parley::worker {
namespace {

TEST(MemoryUse, OfTheMachine_LeavesThePageCacheAside) {
  EXPECT_DOUBLE_EQ(memory_use_of_machine("MemTotal:  1000 kB\nMemFree:  10 kB\nMemAvailable:   750 kB\n"), 0.25);
  EXPECT_EQ(memory_use_of_machine(""), 0.0);
  EXPECT_EQ(memory_use_of_machine("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), 0.0);
}

TEST(MemoryUse, OfACgroup_CountsWhatCannotGiveWay_AgainstItsLimit) {
  EXPECT_DOUBLE_EQ(memory_use_of_cgroup("600\n", "1000\n", "anon 400\ninactive_file 200\n"), 0.4);
  EXPECT_EQ(memory_use_of_cgroup("600\n", "max\n", "inactive_file 200\n"), 0.0) << "it has no limit";
  EXPECT_EQ(memory_use_of_cgroup("2000\n", "1000\n", ""), 1.0);
}

TEST(MemoryUse, OfThisMachine_IsAShare) {
  EXPECT_GT(memory_use(), 0.0);
  EXPECT_LE(memory_use(), 1.0);
}

}  // namespace
}  // namespace parley::worker
