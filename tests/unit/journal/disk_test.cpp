// The system's disk: modes, locks between open files and between processes, errors told apart.
#include "job/disk.hpp"

#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "job/journal.hpp"

namespace parley::job {
namespace {

class RealDisk : public ::testing::Test {
 protected:
  RealDisk() {
    char name[] = "/tmp/parley-disk-XXXXXX";
    directory = ::mkdtemp(name);
  }
  ~RealDisk() override { std::filesystem::remove_all(directory); }
  std::string path(std::string_view name) const { return directory + "/" + std::string(name); }

  std::string directory;
  std::unique_ptr<Disk> disk = system_disk();
};

TEST_F(RealDisk, WhatIsAppended_IsRead_ByWhoeverLooks) {
  auto file = *disk->create(path("a"));
  EXPECT_EQ(*file->append("one\n"), 4u);
  EXPECT_EQ(*file->append("two\n"), 4u);
  EXPECT_TRUE(file->sync());
  EXPECT_TRUE(disk->sync_directory(directory));
  EXPECT_EQ(*file->size(), 8u);
  EXPECT_EQ(*file->read(1000), "one\ntwo\n");
  EXPECT_EQ(*file->read(5), "one\nt");
  EXPECT_EQ(*(*disk->open_to_read(path("a")))->read(1000), "one\ntwo\n");
}

TEST_F(RealDisk, OnlyTheOwnerMayRead) {
  const auto file = disk->create(path("a"));
  struct stat status{};
  ASSERT_EQ(::stat(path("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_TRUE(disk->make_directory(path("x/calls")));
  ASSERT_TRUE(disk->make_directory(path("x/calls")));
  ASSERT_EQ(::stat(path("x/calls").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(RealDisk, Errors_AreToldApart) {
  EXPECT_EQ(disk->open_to_append(path("none")).error().code(), Errc::not_found);
  EXPECT_EQ(disk->open_to_read(path("none")).error().code(), Errc::not_found);
  auto file = disk->create(path("a"));
  EXPECT_EQ(disk->create(path("a")).error().code(), Errc::refused);
  EXPECT_EQ(disk->open_to_append(path("a")).error().code(), Errc::refused);
  ASSERT_EQ(::symlink("a", path("link").c_str()), 0);
  EXPECT_EQ(disk->open_to_append(path("link")).error().code(), Errc::io) << "a link is no journal";
  EXPECT_GT(*disk->free_bytes(directory), 0u);
}

TEST_F(RealDisk, FullDisk_IsOverloaded) {
  const int fd = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const auto written = adopt_file(fd)->append("x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Errc::overloaded);
}

TEST_F(RealDisk, Lock_FallsWithTheFile_AndAskingDisturbsNobody) {
  auto file = disk->create(path("a"));
  EXPECT_TRUE(*disk->locked(path("a")));
  EXPECT_TRUE(*disk->locked(path("a")));
  EXPECT_EQ(disk->open_to_append(path("a")).error().code(), Errc::refused);
  file->reset();
  EXPECT_FALSE(*disk->locked(path("a")));
  EXPECT_TRUE(disk->open_to_append(path("a")));
}

TEST_F(RealDisk, Lock_GoesAlongWithTheDescriptor_AndFallsWithTheLastProcessThatHasIt) {
  auto file = *disk->create(path("a"));
  int alive[2];
  ASSERT_EQ(::pipe2(alive, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    char byte;
    ::close(alive[1]);
    (void)!::read(alive[0], &byte, 1);
    ::_exit(0);
  }
  ::close(alive[0]);
  file.reset();  // the supervisor lets go; the job still has it
  EXPECT_TRUE(*disk->locked(path("a")));
  ::close(alive[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_FALSE(*disk->locked(path("a")));
}

TEST_F(RealDisk, AdoptedJournal_IsReadAndGoesOn) {
  auto opened = create_journal(*disk, directory, "CA_1");
  ASSERT_TRUE(opened);
  const int handed_over = ::dup(opened->file->descriptor());
  opened->file.reset();
  EXPECT_EQ(open_journal(*disk, directory, "CA_1").error().code(), Errc::refused) << "the lock went along";
  auto adopted = adopt_journal(handed_over, directory, "CA_1");
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted->path, journal_path(directory, "CA_1"));
  const auto line = encode_record({.type = "a", .sequence = 1, .call_id = "CA_1"});
  EXPECT_TRUE(adopted->file->append(*line));
  EXPECT_EQ(read_journal(*disk, directory, "CA_1")->records.size(), 1u);
}

TEST_F(RealDisk, FileThatWasSettledMeanwhile_IsNotTakenForTheOldOne) {
  {
    auto opened = create_journal(*disk, directory, "CA_1");
  }
  ASSERT_TRUE(settle_journal(*disk, directory, "CA_1"));
  EXPECT_EQ(open_journal(*disk, directory, "CA_1").error().code(), Errc::not_found);
  const auto listed = *list_journals(*disk, directory);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_TRUE(listed[0].settled);
}

TEST_F(RealDisk, UnusableDirectory_IsSaidSo) {
  EXPECT_FALSE(create_journal(*disk, "/proc/none/calls", "CA_1"));
  EXPECT_EQ(list_journals(*disk, path("none")).error().code(), Errc::not_found);
  EXPECT_EQ(create_journal(*disk, directory, "../x").error().code(), Errc::invalid_argument);
}

}  // namespace
}  // namespace parley::job
