// What an App says of privacy reaches the parts that its jobs and its supervisor are made of.
#include "app/privacy.hpp"

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

namespace parley::app {
namespace {

std::shared_ptr<Assets> assets() { return std::make_shared<Assets>("/no/models", ""); }

TEST(Privacy, EveryPartOfIt_ReachesTheWorker) {
  roles::WorkerParts parts;
  const PrivacyOptions privacy{.journal = {.keep = 48h, .max_bytes = 12'345, .redact_digits = false, .redact_dtmf = true, .mirror = ""},
                               .transcripts = false};
  ASSERT_TRUE(apply_privacy(privacy, assets(), parts));
  EXPECT_EQ(parts.retention.keep, 48h);
  EXPECT_EQ(parts.retention.max_bytes, 12'345u);
  EXPECT_FALSE(parts.redaction.digits);
  EXPECT_TRUE(parts.redaction.dtmf);
  EXPECT_FALSE(parts.transcripts);
  EXPECT_FALSE(parts.mirror) << "none was asked for";
}

TEST(Privacy, NothingSaid_IsAWeek_AGigabyte_AndNoDigits) {
  roles::WorkerParts parts;
  ASSERT_TRUE(apply_privacy({}, assets(), parts));
  EXPECT_EQ(parts.retention.keep, std::chrono::hours(7 * 24));
  EXPECT_EQ(parts.retention.max_bytes, 1'000'000'000u);
  EXPECT_TRUE(parts.redaction.digits && parts.redaction.dtmf && parts.transcripts);
}

TEST(Privacy, MirrorIsMadeForEachProcess) {
  roles::WorkerParts parts;
  ASSERT_TRUE(apply_privacy({.journal = {.mirror = "http://127.0.0.1:1/journals"}}, assets(), parts));
  ASSERT_TRUE(parts.mirror);
  RealLoop loop("test", Logger());
  Scope scope(loop, "test");
  const auto mirror = parts.mirror(loop, scope);
  EXPECT_EQ(mirror->health().records, 0u);
}

TEST(Privacy, MirrorThatIsNoWebAddress_IsRefused_WithoutShowingIt) {
  for (const auto* url : {"ftp://user:word@host/", "ws://host/", "not an address"}) {
    roles::WorkerParts parts;
    const auto applied = apply_privacy({.journal = {.mirror = url}}, assets(), parts);
    ASSERT_FALSE(applied) << url;
    EXPECT_EQ(applied.error().message().find("word"), std::string::npos);
  }
}

}  // namespace
}  // namespace parley::app
