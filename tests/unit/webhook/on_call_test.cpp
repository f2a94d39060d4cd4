#include "webhook/on_call.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include "in_world.hpp"
#include "webhook/signature.hpp"

namespace parley::webhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class OnCall : public InWorld {
 protected:
  Result<boost::json::object> ask() { return run(ask_on_call(settings, call, http, logger)); }
  // An answer that is none: the call goes on, or is refused, as the file says; the log says why.
  void expect_no_answer(ScriptedHttp::Answer answer, const std::string& why) {
    http.always(std::move(answer));
    log->text.clear();
    settings.refuse_if_unreachable = false;
    const auto goes_on = ask();
    ASSERT_TRUE(goes_on) << goes_on.error().message();
    EXPECT_THAT(*goes_on, IsEmpty());
    EXPECT_THAT(log->text, AllOf(HasSubstr(why), HasSubstr("tools.example"), HasSubstr("goes on"), Not(HasSubstr("s3cret")), Not(HasSubstr("/hidden"))));
    settings.refuse_if_unreachable = true;
    const auto refused = ask();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::refused);
    EXPECT_THAT(refused.error().message(), AllOf(HasSubstr("cannot be taken"), Not(HasSubstr("tools.example"))));
  }

  agent_file::OnCallSettings settings{.http = {.url = "https://tools.example/hidden", .timeout = 2s, .headers = {{"X-Key", "s3cret"}}, .signing_secret = "s3cret"}};
  Call call{.id = "CA_1", .attempt_id = "AJ_1", .metadata = {{"restaurant", "Roma"}}, .room = "r", .participant = {.identity = "p", .attributes = {{"sip.phoneNumber", "+15550100"}}}};
};

TEST_F(OnCall, ServerIsTold_WhoCalls_Signed) {
  http.always({.body = R"({"greeting": {"say": "Hello Anna."}})"});
  const auto overrides = ask();
  ASSERT_TRUE(overrides) << overrides.error().message();
  EXPECT_EQ(*overrides, boost::json::parse(R"({"greeting": {"say": "Hello Anna."}})"));
  ASSERT_EQ(http.requests.size(), 1u);
  const auto& request = http.requests[0];
  EXPECT_EQ(request.method, "POST");
  const auto body = boost::json::parse(request.body);
  EXPECT_EQ(body.at("call").at("id"), "CA_1");
  EXPECT_EQ(body.at("call").at("sip").at("phoneNumber"), "+15550100");
  EXPECT_EQ(request.fields.get("X-Key"), "s3cret");
  EXPECT_EQ(request.fields.get("Content-Type"), "application/json");
  EXPECT_EQ(request.fields.get("Idempotency-Key"), "CA_1/on_call");
  const auto now = std::chrono::floor<std::chrono::seconds>(loop.clock().wall());
  EXPECT_TRUE(verify({.secret = "s3cret"}, request.fields.get("Parley-Signature"), request.body, now));
}

TEST_F(OnCall, NoContent_OverridesNothing) {
  http.always({.status = 204});
  EXPECT_EQ(ask().value(), boost::json::object());
  EXPECT_EQ(log->text, "");
}

TEST_F(OnCall, ServerThatRefuses_IsObeyed_WhateverElseItSays) {
  http.always({.body = R"({"refuse": "We are closed until five.", "greeting": null})"});
  const auto refused = ask();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::refused);
  EXPECT_EQ(refused.error().message(), "We are closed until five.");
}

TEST_F(OnCall, ServerThatDoesNotAnswerInTime_IsWaitedForNoLonger) {
  const auto began = world.now();
  expect_no_answer({.body = "{}", .after = 10s}, "did not answer within 2 s");
  EXPECT_LT(world.now() - began, 5s);
}

TEST_F(OnCall, EveryAnswerThatIsNone_IsTreatedAlike) {
  expect_no_answer({.error = Error(Errc::unavailable, "cannot reach https://tools.example/hidden: connection refused")}, "cannot reach the server: connection refused");
  expect_no_answer({.status = 500}, "500 Internal Server Error");
  expect_no_answer({.status = 401, .body = R"({"error": "the signature does not fit"})"}, "401 Unauthorized: the signature does not fit");
  expect_no_answer({.status = 302}, "302");
  expect_no_answer({.body = "<html>"}, "not valid JSON");
  expect_no_answer({.body = "[]"}, "not a JSON object");
  expect_no_answer({.body = R"({"refuse": true})"}, "`refuse` is not a text");
  expect_no_answer({.body = std::string(300 * KiB, ' ')}, "longer than");
}

TEST_F(OnCall, UrlThatIsNoneOfHttp_IsNoAnswer) {
  settings.http.url = "ws://tools.example/hidden";
  expect_no_answer({}, "cannot be used");
  EXPECT_TRUE(http.requests.empty());
}

}  // namespace
}  // namespace parley::webhook
