#include <boost/json.hpp>
#include <gmock/gmock.h>

#include "in_world.hpp"
#include "webhook/end_hooks.hpp"
#include "webhook/signature.hpp"

namespace parley::webhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Each try has a client of its own, which asks the server of the test.
class Borrowed final : public net::HttpClient {
 public:
  explicit Borrowed(ScriptedHttp& to) : to_(to) {}
  Task<Result<std::unique_ptr<net::ResponseStream>>> open(net::ClientRequest request, Deadline deadline) override { return to_.open(std::move(request), deadline); }

 private:
  ScriptedHttp& to_;
};

class HttpEndHook : public InWorld {
 protected:
  Result<void> try_once(FillTarget fill = {}) {
    const auto hook = http_end_hook(settings, [this](Loop&, Scope&) { return std::make_unique<Borrowed>(http); }, std::move(fill));
    return run(hook(record, {.idempotency_key = "CA_1/on_end/1", .attempt = 1, .deadline = loop.in(60s), .logger = logger, .scope = &scope}));
  }
  std::string error_of(ScriptedHttp::Answer answer) {
    http.always(std::move(answer));
    const auto done = try_once();
    return done ? "done" : done.error().message();
  }

  agent_file::HttpHookSettings settings{.http = {.url = "https://tools.example/on_end?key=s3cret", .signing_secret = "s3cret"}};
  boost::json::object record{{"call", {{"id", "CA_1"}}}, {"outcome", "completed"}};
};

TEST_F(HttpEndHook, RecordIsTheBody_WithTheKeyThatIsTheSameForEveryTry_Signed) {
  ASSERT_TRUE(try_once());
  ASSERT_TRUE(try_once());
  ASSERT_EQ(http.requests.size(), 2u);
  for (const auto& request : http.requests) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(boost::json::parse(request.body), boost::json::value(record));
    EXPECT_EQ(request.fields.get("Idempotency-Key"), "CA_1/on_end/1");
    const auto now = std::chrono::floor<std::chrono::seconds>(loop.clock().wall());
    EXPECT_TRUE(verify({.secret = "s3cret"}, request.fields.get("Parley-Signature"), request.body, now));
  }
}

TEST_F(HttpEndHook, WithoutASecret_NothingIsSigned) {
  settings.http.signing_secret.clear();
  ASSERT_TRUE(try_once());
  EXPECT_FALSE(http.requests[0].fields.has("Parley-Signature"));
}

TEST_F(HttpEndHook, EverySuccess_IsDone) {
  for (const int status : {200, 201, 202, 204}) EXPECT_EQ(error_of({.status = status}), "done") << status;
}

TEST_F(HttpEndHook, EverythingElse_IsAnError_ThatNamesTheServer_AndNoSecret) {
  for (const int status : {408, 429, 500, 503}) {
    EXPECT_THAT(error_of({.status = status}), AllOf(HasSubstr("tools.example"), HasSubstr(std::to_string(status)), Not(HasSubstr("give_up_after"))));
  }
  for (const int status : {400, 401, 404, 410}) {
    EXPECT_THAT(error_of({.status = status}), AllOf(HasSubstr(std::to_string(status)), HasSubstr("give_up_after"), Not(HasSubstr("s3cret"))));
  }
  EXPECT_THAT(error_of({.status = 301}), HasSubstr("redirects are not followed"));
  EXPECT_THAT(error_of({.error = Error(Errc::unavailable, "cannot reach https://tools.example/on_end: refused")}),
              AllOf(HasSubstr("tools.example: cannot reach the server"), Not(HasSubstr("/on_end"))));
  EXPECT_THAT(error_of({.after = 30s}), HasSubstr("did not answer within 10 s"));
}

TEST_F(HttpEndHook, Target_IsFilledInFromTheRecord_OrNothingIsSent) {
  ASSERT_TRUE(try_once([](const agent_file::HttpTarget& target, const boost::json::object& from) -> Result<agent_file::HttpTarget> {
    auto filled = target;
    filled.url = "https://tools.example/" + std::string(from.at("call").at("id").as_string());
    return filled;
  }));
  EXPECT_EQ(http.requests[0].url, "https://tools.example/CA_1");
  const auto done = try_once([](const agent_file::HttpTarget&, const boost::json::object&) -> Result<agent_file::HttpTarget> {
    return fail(Errc::not_found, "there is no metadata.tenant");
  });
  EXPECT_EQ(done.error().message(), "there is no metadata.tenant");
  EXPECT_EQ(http.requests.size(), 1u);
}

}  // namespace
}  // namespace parley::webhook
