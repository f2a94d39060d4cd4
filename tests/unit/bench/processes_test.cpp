// Real processes: what is started is measured, and ends with everything below it.
#include "bench/processes.hpp"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/probes.hpp"

namespace parley::bench {
namespace {

Result<Child> shell(const Folder& folder, const std::string& script) {
  return Child::start({.words = {"/bin/sh", "-c", script}, .log = folder.path() + "/log", .pipes = true});
}

// The state in /proc/PID/stat; none: it is gone.
std::string state_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  file >> word >> word >> word;
  return word;
}

TEST(BenchProcesses, FamilyAndItsMemoryAreSeen_AndWhatItLeavesBehindIsKilled) {
  auto folder = Folder::make();
  ASSERT_TRUE(folder);
  auto child = shell(*folder, "(trap '' TERM; exec sleep 1000) & echo ready; wait");
  ASSERT_TRUE(child);
  ASSERT_EQ(child->line(10s).value_or(""), "ready");
  const auto pids = family(child->pid());
  ASSERT_EQ(pids.size(), 2U);
  const auto usage = usage_of(pids);
  EXPECT_GT(usage.pss_mb, 0.1);
  EXPECT_LT(usage.pss_mb, 100);
  EXPECT_GT(usage.page_tables_mb, 0);
  EXPECT_EQ(usage.stacks_mb, 2 * 16.0 / 1024);
  ExitWatch watch;
  const auto left_behind = watch.watch(pids.back());
  ASSERT_TRUE(left_behind);
  child->end();
  EXPECT_EQ(state_of(pids.front()), "");
  while ((*left_behind)->at == 0) std::this_thread::yield();
}

TEST(BenchProcesses, BeginOfAProcessIsKnownToTenMilliseconds) {
  const auto folder = Folder::make();
  ASSERT_TRUE(folder);
  const auto before = SystemClock().now();
  auto child = Child::start({.words = {"/bin/sleep", "60"}, .log = folder->path() + "/log"});
  const auto after = SystemClock().now();
  ASSERT_TRUE(child);
  const auto began = began_at(child->pid());
  ASSERT_TRUE(began);
  EXPECT_GE(*began, before - 11ms);
  EXPECT_LE(*began, after + 1ms);
  const int pid = child->pid();
  child->end();
  EXPECT_FALSE(began_at(pid));
}

TEST(BenchProcesses, ChildEndsWithItsExitCode) {
  auto folder = Folder::make();
  auto child = shell(*folder, "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
  ASSERT_TRUE(child);
  ASSERT_EQ(child->line(10s).value_or(""), "ready");
  EXPECT_EQ(child->end(), 7);
  EXPECT_FALSE(child->running());
}

TEST(BenchProcesses, ProgramThatIsNotThere_IsToldWithWhatToDo) {
  const auto child = Child::start({.words = {"/nonexistent/parley"}});
  ASSERT_FALSE(child);
  EXPECT_THAT(child.error().message(), testing::HasSubstr("make bench"));
}

TEST(BenchProcesses, FolderGoesWithItsOwner) {
  std::string path;
  {
    auto folder = Folder::make();
    ASSERT_TRUE(folder);
    path = folder->path();
    ASSERT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(BenchProcesses, EndOfAProcessIsSeenWhereverItIsLookedFor) {
  auto folder = Folder::make();
  auto child = shell(*folder, "echo ready; exec sleep 1000");
  ASSERT_TRUE(child);
  ASSERT_EQ(child->line(10s).value_or(""), "ready");
  ExitWatch watch;
  const auto exit = watch.watch(child->pid());
  ASSERT_TRUE(exit);
  EXPECT_EQ((*exit)->at, 0);
  const auto before = SystemClock().now();
  child->end();
  while ((*exit)->at == 0) std::this_thread::yield();
  EXPECT_GE(TimePoint(Duration((*exit)->at)), before);
  EXPECT_LE(TimePoint(Duration((*exit)->at)), SystemClock().now());
}

TEST(BenchProcesses, ProcessorTimeOfABusyProcessGrows) {
  auto folder = Folder::make();
  auto child = shell(*folder, "echo ready; while :; do :; done");
  ASSERT_TRUE(child);
  ASSERT_EQ(child->line(10s).value_or(""), "ready");
  const auto until = SystemClock().now() + 20s;
  while (processor_seconds(family(child->pid())) < 0.05 && SystemClock().now() < until) std::this_thread::yield();
  EXPECT_GE(processor_seconds(family(child->pid())), 0.05);
}

}  // namespace
}  // namespace parley::bench
