#include "webhook/signature.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::webhook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1795000000)};
constexpr std::string_view kBody = R"({"a":1})";
constexpr SignatureCheck kCheck{.secret = "s3cret"};

std::string refusal(std::string_view header, std::string_view body = kBody, std::chrono::sys_seconds now = kNow) {
  const auto verified = verify(kCheck, header, body, now);
  return verified ? "accepted" : verified.error().message();
}

TEST(Signature, IsTheHmacThatAnyOtherLanguageComputes) {
  // Python: hmac.new(b"s3cret", b'1795000000.{"a":1}', "sha256").hexdigest()
  EXPECT_EQ(sign("s3cret", kNow, kBody), "t=1795000000,v1=66ef648639d5226245f765ca0416c5549c32aab329ad5708610bb4d8a1ac84e5");
}

TEST(Signature, OwnOne_IsAccepted_WithinTheTolerance) {
  const auto header = sign("s3cret", kNow, kBody);
  EXPECT_EQ(refusal(header), "accepted");
  EXPECT_EQ(refusal(header, kBody, kNow + std::chrono::seconds(300)), "accepted");
  EXPECT_EQ(refusal(header, kBody, kNow - std::chrono::seconds(300)), "accepted");
}

TEST(Signature, OldOne_SentAgain_IsRefused) {
  const auto header = sign("s3cret", kNow, kBody);
  EXPECT_THAT(refusal(header, kBody, kNow + std::chrono::seconds(301)), HasSubstr("not of the last 300 s"));
  EXPECT_THAT(refusal(header, kBody, kNow - std::chrono::seconds(301)), HasSubstr("not of the last 300 s"));
}

TEST(Signature, OfAnotherSecretBodyOrTime_DoesNotFit) {
  EXPECT_THAT(refusal(sign("s3cres", kNow, kBody)), HasSubstr("does not fit"));
  EXPECT_THAT(refusal(sign("s3cret", kNow, R"({"a":2})")), HasSubstr("does not fit"));
  auto moved = sign("s3cret", kNow, kBody);
  moved.replace(moved.find("1795000000"), 10, "1795000001");
  EXPECT_THAT(refusal(moved), HasSubstr("does not fit"));
}

TEST(Signature, MalformedOne_IsRefused_AndTheSecretIsInNoMessage) {
  const auto good = sign("s3cret", kNow, kBody);
  for (const auto& header : {std::string(), std::string("t=1795000000"), good.substr(2), "t=x" + good.substr(3), "t=" + std::string(30, '9') + ",v1=00",
                                   "t=1795000000 " + good.substr(12), good + std::string(2000, '0'), std::string("v1=0,t=1795000000")}) {
    EXPECT_THAT(refusal(header), HasSubstr("not of the form")) << header;
    EXPECT_THAT(refusal(header), Not(HasSubstr("s3cret")));
  }
}

}  // namespace
}  // namespace parley::webhook
