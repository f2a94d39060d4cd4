#include "ipc/state_dir.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <sys/wait.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ipc/job_mark.hpp"

namespace parley::ipc {
namespace {

class StateDirTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(path); }
  void TearDown() override { std::filesystem::remove_all(path); }
  const std::string path = fmt::format("{}/parley-state-{}", std::filesystem::temp_directory_path().string(), ::getpid());
};

TEST_F(StateDirTest, OneSupervisorADirectory) {
  const auto dir = StateDir::open(path);
  ASSERT_TRUE(dir);
  auto first = dir->lock();
  ASSERT_TRUE(first);
  EXPECT_EQ(dir->lock().error().code(), Errc::refused);
  first->reset();
  EXPECT_TRUE(dir->lock());
}

TEST_F(StateDirTest, IsItsOwnersAlone) {
  ASSERT_TRUE(StateDir::open(path));
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
}

TEST_F(StateDirTest, MarkOfALivingJob_NamesItsProcess_AndThatOfADeadOneDoesNot) {
  const auto dir = StateDir::open(path);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto mark = set_job_mark(*dir, {JobKind::call, "CA_one", "AJ_one", ::getpid()});
    (void)!::write(ready[1], "x", 1);
    ::pause();
    ::_exit(mark ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  auto living = read_job_marks(*dir);
  ASSERT_TRUE(living);
  ASSERT_EQ(living->size(), 1u);
  EXPECT_EQ(living->front().job.pid, child);
  EXPECT_EQ(living->front().job.call_id, "CA_one");
  EXPECT_TRUE(living->front().pidfd);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  auto dead = read_job_marks(*dir);
  ASSERT_EQ(dead->size(), 1u);
  EXPECT_FALSE(dead->front().pidfd);
  remove_job_mark(*dir, "AJ_one");
  EXPECT_TRUE(read_job_marks(*dir)->empty());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(StateDirTest, MarkThatCannotBeRead_IsRemovedOnceNobodyHoldsIt) {
  const auto dir = StateDir::open(path);
  std::ofstream(path + "/jobs/AJ_torn") << "{\"call_id\": \"CA_";
  std::ofstream(path + "/jobs/not an id") << "{}";
  EXPECT_TRUE(read_job_marks(*dir)->empty());
  EXPECT_FALSE(std::filesystem::exists(path + "/jobs/AJ_torn"));
}

}  // namespace
}  // namespace parley::ipc
