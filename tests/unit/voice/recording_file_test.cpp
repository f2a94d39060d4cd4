// Files of recordings on the real disk, whatever becomes of the process.
#include "voice/recording_file.hpp"

#include <csignal>
#include <thread>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <parley/async/scope.hpp>

#include "async/real_loop.hpp"
#include "decoded.hpp"

namespace parley::voice {
namespace {

// The caller speaks in the first half, the agent in the second.
std::unique_ptr<RecordedPair> said(std::int64_t slot, std::int64_t half) {
  auto pair = std::make_unique<RecordedPair>();
  if (slot < half) {
    tone(pair->caller, 440, slot);
  } else {
    tone(pair->agent, 1000, slot);
  }
  return pair;
}

// As a call does: no faster than it is written.
void add(RecordingFile& file, std::int64_t from, std::int64_t to, std::int64_t half) {
  for (auto slot = from; slot < to; ++slot) {
    file.add(said(slot, half), 1);
    while (!file.failure() && file.written() < (slot - 50) * kFrameDuration) std::this_thread::yield();
  }
}

class Files : public ::testing::Test {
 protected:
  Result<void> close(RecordingFile& file, Duration patience = 5s) {
    RealLoop loop("test", Logger());
    Scope scope(loop, "test");
    Result<void> result = fail(Errc::internal, "not closed");
    EXPECT_TRUE(scope.spawn("close", [](RealLoop& l, RecordingFile& f, Duration p, Result<void>& out) -> Task<void> {
      out = co_await f.close(l.in(p));
      l.stop();
    }(loop, file, patience, result)));
    loop.run();
    return result;
  }
  std::unique_ptr<RecordingFile> create(RecordingChannels channels = RecordingChannels::stereo) {
    auto made = RecordingFile::create(path, channels);
    EXPECT_TRUE(made) << made.error().message();
    return made ? std::move(*made) : nullptr;
  }

  Folder folder;
  const std::string path = folder.file("call.ogg");
};

TEST_F(Files, Stereo_HasTheCallerLeft_TheAgentRight_EachInItsTime) {
  auto file = create();
  add(*file, 0, 100, 50);
  ASSERT_TRUE(close(*file));
  const auto heard = decode(path, 2);
  EXPECT_NEAR(heard.seconds(), 2.0, 0.021);
  EXPECT_GT(heard.level(0, 0.1, 0.9), -20);
  EXPECT_LT(heard.level(1, 0.1, 0.9), -60) << "the caller is not heard on the agent's side";
  EXPECT_GT(heard.level(1, 1.1, 1.9), -20);
  EXPECT_LT(heard.level(0, 1.1, 1.9), -60);
  EXPECT_GT(heard.level(0, 0.97, 0.995), -25) << "and they change at the second, not before";
  EXPECT_GT(heard.level(1, 1.005, 1.03), -25);
}

TEST_F(Files, Mono_HasBoth) {
  auto file = create(RecordingChannels::mono);
  add(*file, 0, 100, 50);
  ASSERT_TRUE(close(*file));
  const auto heard = decode(path, 1);
  EXPECT_NEAR(heard.seconds(), 2.0, 0.021);
  EXPECT_GT(heard.level(0, 0.1, 0.9), -20);
  EXPECT_GT(heard.level(0, 1.1, 1.9), -20);
}

TEST_F(Files, SilenceOfAnyLength_TakesOnePlaceInTheQueue) {
  auto file = create();
  for (int i = 0; i < 1000; ++i) file->add(nullptr, 1);
  add(*file, 1000, 1010, 2000);
  ASSERT_TRUE(close(*file));
  EXPECT_NEAR(decode(path, 2).seconds(), 20.2, 0.021);
  EXPECT_EQ(file->written(), 1010 * kFrameDuration);
}

TEST_F(Files, CallOfAnyLength_EndsWell) {
  for (const std::int64_t frames : {0, 1, 2, 3, 5, 49, 50, 51, 99, 101}) {
    for (const auto channels : {RecordingChannels::mono, RecordingChannels::stereo}) {
      std::filesystem::remove(path);
      auto file = create(channels);
      add(*file, 0, frames, 25);
      ASSERT_TRUE(close(*file));
      EXPECT_NEAR(decode(path, 1).seconds(), std::max(0.02 * static_cast<double>(frames), 0.02), 0.021) << frames;
    }
  }
}

TEST_F(Files, IsTheOwnersAlone_AndOverwritesNothing) {
  auto file = create();
  struct stat is{};
  ASSERT_EQ(::stat(path.c_str(), &is), 0);
  EXPECT_EQ(is.st_mode & 0777u, 0600u);
  EXPECT_EQ(RecordingFile::create(path, RecordingChannels::stereo).error().code(), Errc::refused);
  ASSERT_EQ(::symlink("elsewhere.ogg", folder.file("link.ogg").c_str()), 0);
  EXPECT_EQ(RecordingFile::create(folder.file("link.ogg"), RecordingChannels::stereo).error().code(), Errc::refused);
  ASSERT_TRUE(close(*file));
}

TEST_F(Files, FolderThatIsNotThere_IsNotMade) {
  const auto missing = folder.file("not-mounted/call.ogg");
  EXPECT_EQ(RecordingFile::create(missing, RecordingChannels::stereo).error().code(), Errc::not_found);
  EXPECT_FALSE(std::filesystem::exists(folder.file("not-mounted")));
}

TEST_F(Files, DiskThatTakesNoMore_EndsIt_AndWhatIsThereCanBeHeard) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto file = create();
  const rlimit little{.rlim_cur = 60'000, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &little);
  for (std::int64_t slot = 0; slot < 3000 && !file->failure(); ++slot) add(*file, slot, slot + 1, 5000);
  const auto why = file->failure();
  const auto closed = close(*file);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(why);
  EXPECT_NE(why->message().find(path), std::string::npos);
  EXPECT_FALSE(closed);
  EXPECT_GT(decode(path, 2).seconds(), 3);
}

TEST_F(Files, MoreThanCanBeWritten_EndsIt_InBoundedMemory) {
  auto file = create();
  for (std::int64_t slot = 0; slot < 20'000 && !file->failure(); ++slot) file->add(said(slot, 1'000'000), 1);
  ASSERT_TRUE(file->failure());
  EXPECT_NE(file->failure()->message().find("too slow"), std::string::npos);
  (void)close(*file);
}

TEST_F(Files, DroppedWithoutAClose_EndsWellAllTheSame) {
  auto file = create();
  add(*file, 0, 100, 50);
  file.reset();
  const auto end = SystemClock().now() + 10s;
  while (decode(path, 2).seconds() < 1.9 && SystemClock().now() < end) {
  }
  EXPECT_NEAR(decode(path, 2).seconds(), 2.0, 0.021);
}

TEST_F(Files, ProcessThatIsKilled_LosesTheLastSecondOrTwo) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto file = RecordingFile::create(path, RecordingChannels::stereo);
    if (!file) ::_exit(1);
    add(**file, 0, 500, 250);
    while ((*file)->written() < 10s) std::this_thread::yield();
    (void)!::write(told[1], "x", 1);
    for (;;) ::pause();
  }
  char done = 0;
  ASSERT_EQ(::read(told[0], &done, 1), 1);
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ::close(told[0]);
  ::close(told[1]);
  const auto heard = decode(path, 2);
  EXPECT_GE(heard.seconds(), 8.0);
  EXPECT_GT(heard.level(1, 5.1, 7.9), -20);
}

}  // namespace
}  // namespace parley::voice
