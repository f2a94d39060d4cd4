#include "audio/wav_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "signals.hpp"

namespace parley {
namespace {

using ::testing::HasSubstr;

class WavFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "parley-wav-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(std::string_view name) const { return (folder_ / name).string(); }

  std::filesystem::path folder_;
};

TEST_F(WavFile, WrittenAndRead_GivesTheSameSamples) {
  const auto sound = testing::voice(48000);
  ASSERT_TRUE(write_wav_file(path("a.wav"), 48000, 1, sound));
  const auto wav = read_wav_file(path("a.wav"));
  ASSERT_TRUE(wav) << wav.error().message();
  EXPECT_EQ(wav->samples, sound);
}

TEST_F(WavFile, AfterEveryFlush_TheFileIsWholeWhileTheWriterStillHasIt) {
  auto writer = WavWriter::create(path("a.wav"), 16000, 1).value();
  EXPECT_EQ(read_wav_file(path("a.wav")).value().frames(), 0U);
  std::size_t written = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(writer.write(testing::tone(440, 320)));
    ASSERT_TRUE(writer.flush());
    written += 320;
    const auto wav = read_wav_file(path("a.wav")).value();
    EXPECT_EQ(wav.frames(), written);
    EXPECT_FALSE(wav.truncated);
  }
}

TEST_F(WavFile, WithoutFlush_TheBufferIsBoundedAndWrittenByItself) {
  auto writer = WavWriter::create(path("a.wav"), 48000, 1).value();
  const std::size_t samples = WavWriter::kBufferBytes;  // twice the buffer
  ASSERT_TRUE(writer.write(std::vector<std::int16_t>(samples)));
  const auto in_file = read_wav_file(path("a.wav")).value().frames() * 2;
  EXPECT_GE(in_file + WavWriter::kBufferBytes, samples * 2);
  ASSERT_TRUE(writer.close());
  EXPECT_EQ(read_wav_file(path("a.wav")).value().frames(), samples);
}

TEST_F(WavFile, DestroyedWithoutClose_KeepsWhatWasWritten) {
  {
    ASSERT_TRUE(WavWriter::create(path("a.wav"), 48000, 2).value().write(std::vector<std::int16_t>(960)));
  }
  EXPECT_EQ(read_wav_file(path("a.wav")).value().frames(), 480U);
}

TEST_F(WavFile, MovedWriter_GoesOn) {
  auto first = WavWriter::create(path("a.wav"), 48000, 1).value();
  ASSERT_TRUE(first.write(std::vector<std::int16_t>(100)));
  WavWriter second(std::move(first));
  ASSERT_TRUE(second.write(std::vector<std::int16_t>(100)));
  ASSERT_TRUE(second.close());
  EXPECT_EQ(read_wav_file(path("a.wav")).value().frames(), 200U);
}

TEST_F(WavFile, WriteAfterClose_IsRefused) {
  auto writer = WavWriter::create(path("a.wav"), 48000, 1).value();
  ASSERT_TRUE(writer.close());
  EXPECT_EQ(writer.write(std::vector<std::int16_t>(1)).error().code(), Errc::closing);
  EXPECT_TRUE(writer.close());
}

TEST_F(WavFile, Recording_IsForItsOwnerOnly) {
  ASSERT_TRUE(write_wav_file(path("a.wav"), 48000, 1, {}));
  struct stat status{};
  ASSERT_EQ(::stat(path("a.wav").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(WavFile, DiskFull_IsAnErrorEachTimeAndTheBufferStaysBounded) {
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  auto writer = WavWriter::create(path("a.wav"), 48000, 1).value();
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::vector<std::int16_t> second(48000);
  int refused = 0;
  for (int i = 0; i < 20; ++i) refused += writer.write(second) ? 0 : 1;
  const auto closed = writer.close();
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_GE(refused, 17);
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code(), Errc::io);
  EXPECT_THAT(closed.error().message(), HasSubstr("a.wav"));
}

TEST_F(WavFile, WhatIsNotThere_IsNamedInTheError) {
  EXPECT_THAT(read_wav_file(path("none.wav")).error().message(), HasSubstr("none.wav"));
  EXPECT_THAT(read_wav_file(folder_.string()).error().message(), HasSubstr("not a regular file"));
  EXPECT_THAT(WavWriter::create(path("no/such/folder.wav"), 48000, 1).error().message(), HasSubstr("folder.wav"));
  EXPECT_EQ(WavWriter::create(path("a.wav"), 48000, 3).error().code(), Errc::invalid_argument);
}

TEST_F(WavFile, FileThatIsNoWav_IsNamedInTheError) {
  ASSERT_EQ(std::system(("printf nonsense > " + path("b.wav")).c_str()), 0);
  EXPECT_THAT(read_wav_file(path("b.wav")).error().message(), HasSubstr("b.wav: not a WAV file"));
}

}  // namespace
}  // namespace parley
