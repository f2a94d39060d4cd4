#include <gmock/gmock.h>

#include <parley/base/units.hpp>

#include "base/nearest.hpp"

namespace parley {
namespace {

TEST(Units, Durations_AreReadAndWritten) {
  const std::pair<const char*, Duration> cases[] = {{"200ms", 200ms}, {"1.5s", 1500ms}, {"0s", 0s},      {"90s", 90s},
                                                    {"2m", 120s},     {"1h", 1h},       {"7d", 7 * 24h}, {"3 s", 3s}};
  for (const auto& [text, value] : cases) {
    const auto read = parse_duration(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, value) << text;
    EXPECT_EQ(*parse_duration(to_text(value)), value) << to_text(value);
  }
  EXPECT_EQ(to_text(1500ms), "1500ms");
  EXPECT_EQ(to_text(60s), "60s");
  EXPECT_EQ(to_text(7 * 24h), "7d");
}

TEST(Units, ADurationWithoutAUnit_IsToldToHaveOne) {
  EXPECT_EQ(parse_duration("200").error().message(), "expected a duration, found \"200\": give it a unit, as 200ms");
}

TEST(Units, WhatIsNoDuration_IsRefused) {
  for (const char* text :
       {"", "ms", "-1s", "1.2.3s", "1y", "1e9d", "s1", "1s2", "9999999999999999d", "nan s", "infs", ".s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Units, Sizes_AreReadInBothKindsOfUnits) {
  EXPECT_EQ(*parse_size("1GB"), 1'000'000'000U);
  EXPECT_EQ(*parse_size("500MB"), 500'000'000U);
  EXPECT_EQ(*parse_size("64KiB"), 65536U);
  EXPECT_EQ(*parse_size("0B"), 0U);
  for (const char* text : {"", "5", "GB", "-1GB", "1XB", "99999999TB"}) EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Nearest, ATypingMistake_FindsWhatWasMeant) {
  const std::vector<std::string> names = {"timeout", "url", "headers", "signing_secret", "say", "stt"};
  EXPECT_EQ(nearest("timout", names), "timeout");
  EXPECT_EQ(nearest("Timeout", names), "timeout");
  EXPECT_EQ(nearest("signing-secret", names), "signing_secret");
  EXPECT_EQ(nearest("hedaers", names), "headers");
  EXPECT_EQ(nearest("sya", names), "say");
  EXPECT_EQ(nearest("uri", names), "url");
}

TEST(Nearest, WhatIsFarFromAll_FindsNothing) {
  const std::vector<std::string> names = {"timeout", "url", std::string(1000, 'x')};
  for (const std::string& written :
       {std::string("parameters"), std::string("x"), std::string(), std::string(1000, 'x')}) {
    EXPECT_EQ(nearest(written, names), "") << written;
  }
}

}  // namespace
}  // namespace parley
