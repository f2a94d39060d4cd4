#include "livekit/api/access_token.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::livekit {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

constexpr WallTime kNow{std::chrono::seconds(1795000000)};
const Credentials kCredentials{.url = "ws://127.0.0.1:7880", .api_key = "devkey", .api_secret = "secretsecretsecretsecretsecretsecret"};

TokenClaims to_join() {
  TokenClaims claims;
  claims.identity = "caller";
  claims.video.room = "lobby";
  claims.video.room_join = true;
  return claims;
}

json::object claims_of(const TokenClaims& claims) {
  const auto token = make_token(kCredentials, claims, kNow);
  if (!token) return {{"error", token.error().message()}};
  return read_token(*token).value().claims;
}

std::string refusal(const TokenClaims& claims, const Credentials& credentials = kCredentials) {
  const auto token = make_token(credentials, claims, kNow);
  return token ? "made" : token.error().message();
}

std::string unreadable(std::string_view token) {
  const auto view = read_token(token);
  return view ? "read" : view.error().message();
}

TEST(AccessToken, IsTheJwtThatAnyOtherLanguageMakes) {
  // Python: b64 = lambda b: base64.urlsafe_b64encode(b).rstrip(b"="); text = b64(b'{"alg":"HS256","typ":"JWT"}') + b"." + b64(
  //   b'{"iss":"devkey","nbf":1795000000,"exp":1795021600,"sub":"caller","video":{"room":"lobby","roomJoin":true}}')
  //   text + b"." + b64(hmac.new(b"secretsecretsecretsecretsecretsecret", text, "sha256").digest())
  EXPECT_EQ(make_token(kCredentials, to_join(), kNow).value(), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
            "eyJpc3MiOiJkZXZrZXkiLCJuYmYiOjE3OTUwMDAwMDAsImV4cCI6MTc5NTAyMTYwMCwic3ViIjoiY2FsbGVyIiwidmlkZW8iOnsi"
            "cm9vbSI6ImxvYmJ5Iiwicm9vbUpvaW4iOnRydWV9fQ."
            "f17_fbiA5vLsMnD5vl18IAGH3T4cDlmA-2HC-A5epao");
}

TEST(AccessToken, EveryGrantThatIsGiven_IsAClaim_AndNoOther) {
  auto claims = to_join();
  claims.name = "Caller";
  claims.kind = "sip";
  claims.metadata = "m";
  claims.sha256 = "c2hh";
  claims.attributes = {{"a", "1"}, {"b", ""}};
  claims.video = {.room = "lobby", .room_join = true, .room_create = true, .room_list = true, .room_admin = true, .room_record = true,
                  .ingress_admin = true, .agent = true, .hidden = true, .recorder = true, .can_publish = false, .can_subscribe = true,
                  .can_publish_data = false, .can_publish_sources = {"microphone", "camera"}, .can_update_own_metadata = true,
                  .destination_room = "other"};
  claims.sip = {.admin = true, .call = true};
  claims.agents = {{"reception", "{}"}, {"scribe"}};
  claims.room_config = {{"emptyTimeout", 10}};
  claims.valid_for = std::chrono::minutes(1);
  const auto expected = json::parse(R"({
      "iss": "devkey", "nbf": 1795000000, "exp": 1795000060, "sub": "caller", "name": "Caller", "kind": "sip", "metadata": "m",
      "sha256": "c2hh", "attributes": {"a": "1", "b": ""},
      "video": {"room": "lobby", "roomJoin": true, "roomCreate": true, "roomList": true, "roomAdmin": true, "roomRecord": true,
                "ingressAdmin": true, "agent": true, "hidden": true, "recorder": true, "canPublish": false, "canSubscribe": true,
                "canPublishData": false, "canPublishSources": ["microphone", "camera"], "canUpdateOwnMetadata": true,
                "destinationRoom": "other"},
      "sip": {"admin": true, "call": true},
      "roomConfig": {"emptyTimeout": 10, "agents": [{"agentName": "reception", "metadata": "{}"}, {"agentName": "scribe"}]}})");
  EXPECT_EQ(json::value(claims_of(claims)), expected) << json::serialize(claims_of(claims));
}

TEST(AccessToken, WhatIsNotGiven_IsLeftOut_SoThatTheServersDefaultsHold) {
  const auto claims = claims_of(to_join());
  EXPECT_EQ(claims.at("video"), json::parse(R"({"room": "lobby", "roomJoin": true})"));
  for (const auto* name : {"sip", "roomConfig", "attributes", "metadata", "kind", "name", "sha256"}) EXPECT_FALSE(claims.contains(name)) << name;
}

TEST(AccessToken, OfAWorker_NeedsNoIdentity) {
  TokenClaims worker;
  worker.video.agent = true;
  EXPECT_EQ(claims_of(worker).at("video"), json::parse(R"({"agent": true})"));
}

TEST(AccessToken, IsValidFromTheFullSecondToTheFullSecond) {
  auto claims = to_join();
  claims.valid_for = 1500ms;
  const auto view = read_token(make_token(kCredentials, claims, kNow + 999ms).value()).value();
  EXPECT_EQ(view.claims.at("nbf"), 1795000000);
  EXPECT_EQ(view.expires, kNow + 2s);
}

TEST(AccessToken, WithoutWhatItNeeds_SaysWhatIsMissing) {
  EXPECT_THAT(refusal(to_join(), {.url = {}, .api_key = "", .api_secret = "s"}), HasSubstr("LIVEKIT_API_KEY"));
  EXPECT_THAT(refusal(to_join(), {.url = {}, .api_key = "k", .api_secret = ""}), HasSubstr("LIVEKIT_API_SECRET"));
  auto nobody = to_join();
  nobody.identity.clear();
  EXPECT_THAT(refusal(nobody), HasSubstr("identity"));
  auto nowhere = to_join();
  nowhere.video.room.clear();
  EXPECT_THAT(refusal(nowhere), HasSubstr("the name of the room"));
  auto never = to_join();
  never.valid_for = 0s;
  EXPECT_THAT(refusal(never), HasSubstr("valid for 1 s at least"));
  auto ages = to_join();
  ages.valid_for = std::chrono::days(4000);
  EXPECT_THAT(refusal(ages), HasSubstr("3650 days at most"));
}

TEST(AccessToken, TextThatIsNoUtf8_OrTooLong_IsRefused) {
  auto broken = to_join();
  broken.metadata = "\xff";
  EXPECT_THAT(refusal(broken), HasSubstr("UTF-8"));
  auto big = to_join();
  big.metadata.assign(kMaxTokenBytes, 'x');
  EXPECT_THAT(refusal(big), HasSubstr("shorten its metadata"));
}

TEST(AccessToken, Read_SaysWhoItIsFor_WhoMadeIt_AndWhenItEnds) {
  const auto view = read_token(make_token(kCredentials, to_join(), kNow).value()).value();
  EXPECT_EQ(view.identity, "caller");
  EXPECT_EQ(view.issuer, "devkey");
  EXPECT_EQ(view.expires, kNow + std::chrono::hours(6));
}

TEST(AccessToken, ReadOfWhatIsNone_SaysWhy) {
  EXPECT_THAT(unreadable(""), HasSubstr("three parts"));
  EXPECT_THAT(unreadable("a.b"), HasSubstr("three parts"));
  EXPECT_THAT(unreadable("e30.e30.e30.e30"), HasSubstr("three parts"));
  EXPECT_THAT(unreadable("e30.e30."), HasSubstr("base64url"));
  EXPECT_THAT(unreadable("e30.e3=.e30"), HasSubstr("base64url"));
  EXPECT_THAT(unreadable("e30.e30+.e30"), HasSubstr("base64url"));
  EXPECT_THAT(unreadable("e30.W10.e30"), HasSubstr("claims are no JSON object"));
  EXPECT_THAT(unreadable("W10.e30.e30"), HasSubstr("header is no JSON object"));
  EXPECT_THAT(unreadable(std::string(kMaxTokenBytes + 1, 'a')), HasSubstr("more than 65536 bytes"));
}

TEST(AccessToken, ReadWithClaimsOfStrangeTypes_HasThemEmpty) {
  // {"sub":1,"iss":null,"exp":"soon"} and {"exp":1e300}
  const auto view = read_token("e30.eyJzdWIiOjEsImlzcyI6bnVsbCwiZXhwIjoic29vbiJ9.e30").value();
  EXPECT_EQ(view.identity, "");
  EXPECT_EQ(view.issuer, "");
  EXPECT_FALSE(view.expires);
  EXPECT_FALSE(read_token("e30.eyJleHAiOjFlMzAwfQ.e30").value().expires);
}

}  // namespace
}  // namespace parley::livekit
