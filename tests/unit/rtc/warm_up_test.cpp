#include "rtc/warm_up.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

namespace parley::rtc {
namespace {

std::ptrdiff_t threads() { return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator()); }

TEST(WarmUp, HandshakeIsMadeAndNoThreadIsStarted) {
  const auto before = threads();
  const auto warmed = warm_up();
  EXPECT_TRUE(warmed) << warmed.error().message();
  EXPECT_EQ(threads(), before);
}

TEST(WarmUp, ForkedProcessCanShakeHands) {
  ASSERT_TRUE(warm_up());
  const pid_t child = ::fork();
  if (child == 0) ::_exit(warm_up() ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace parley::rtc
