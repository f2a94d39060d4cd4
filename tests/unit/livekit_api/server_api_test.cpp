#include "livekit/api/server_api.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "sim/world.hpp"
#include "webhook_test/scripted_http.hpp"

namespace parley::livekit {
namespace {

namespace json = boost::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using webhook::ScriptedHttp;

class ServerApiTest : public ::testing::Test {
 protected:
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    EXPECT_TRUE(scope.spawn("test", [](Task<T> t, std::optional<T>& o) -> Task<void> { o = co_await std::move(t); }(std::move(task), out)));
    EXPECT_TRUE(world.run_until([&] { return out.has_value(); }, 120s)) << world.describe();
    return std::move(*out);
  }
  Deadline soon() { return loop.in(10s); }
  // Of the latest request.
  json::object body() const { return json::parse(http.requests.back().body).as_object(); }
  json::object claims() const {
    const auto field = http.requests.back().fields.get("Authorization");
    EXPECT_TRUE(field.starts_with("Bearer ")) << field;
    return read_token(field.substr(7)).value().claims;
  }
  std::string url() const { return http.requests.back().url; }
  // What becomes of an answer.
  Error error(int status, std::string answer) {
    http.always({.status = status, .body = std::move(answer)});
    return run(api.list_dispatches("lobby", soon())).error();
  }

  sim::World world{3};
  sim::SimLoop& loop = world.add_loop("api");
  Scope scope{loop, "test"};
  ScriptedHttp http;
  ServerApi api{loop, http, {.url = "wss://lk.example/", .api_key = "devkey", .api_secret = "secret"}};
};

TEST_F(ServerApiTest, Dispatch_IsCreatedWithATokenForItsRoomAlone) {
  http.always({.body = R"({"id":"AD_1","agent_name":"reception","room":"lobby","metadata":"{}","state":{"jobs":[{"id":"AJ_1"},{"id":"AJ_2"}]}})"});
  const auto dispatch = run(api.create_dispatch("lobby", "reception", "{}", soon()));
  ASSERT_TRUE(dispatch) << dispatch.error().message();
  EXPECT_EQ(dispatch->id, "AD_1");
  EXPECT_EQ(dispatch->agent_name, "reception");
  EXPECT_THAT(dispatch->job_ids, ElementsAre("AJ_1", "AJ_2"));
  EXPECT_EQ(url(), "https://lk.example/twirp/livekit.AgentDispatchService/CreateDispatch");
  EXPECT_EQ(http.requests[0].method, "POST");
  EXPECT_EQ(http.requests[0].fields.get("Content-Type"), "application/json");
  EXPECT_EQ(json::value(body()), json::parse(R"({"room":"lobby","agent_name":"reception","metadata":"{}"})"));
  EXPECT_EQ(claims().at("video"), json::parse(R"({"room":"lobby","roomAdmin":true})"));
  EXPECT_EQ(claims().at("exp").as_int64() - claims().at("nbf").as_int64(), 60);
}

TEST_F(ServerApiTest, AnswersInEitherSpellingOfProtobufsNames_AreRead) {
  http.always({.body = R"({"agentDispatches":[{"id":"AD_1","agentName":"a"},{"id":"AD_2","agent_name":"b"},7]})"});
  const auto all = run(api.list_dispatches("lobby", soon())).value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].agent_name, "a");
  EXPECT_EQ(all[1].agent_name, "b");
}

TEST_F(ServerApiTest, DispatchOfAnotherRoom_IsNotFound) {
  http.always({.status = 404, .body = R"({"code":"not_found","msg":"requested dispatch does not exist"})"});
  const auto gone = run(api.delete_dispatch("lobby", "AD_9", soon()));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), Errc::not_found);
  EXPECT_EQ(gone.error().message(), "delete dispatch: the LiveKit server answers 404 not_found: requested dispatch does not exist");
  EXPECT_EQ(json::value(body()), json::parse(R"({"room":"lobby","dispatch_id":"AD_9"})"));
}

TEST_F(ServerApiTest, Room_IsCreatedWithItsAgents) {
  http.always({.body = R"({"sid":"RM_1","name":"lobby","num_participants":3,"metadata":"m"})"});
  const auto room = run(api.create_room({.name = "lobby", .metadata = "m", .empty_timeout_s = 5, .departure_timeout_s = 6,
                                         .max_participants = 7, .agents = {{"reception", "x"}}}, soon())).value();
  EXPECT_EQ(room.sid, "RM_1");
  EXPECT_EQ(room.participants, 3u);
  EXPECT_EQ(json::value(body()), json::parse(R"({"name":"lobby","metadata":"m","empty_timeout":5,"departure_timeout":6,
                                                 "max_participants":7,"agents":[{"agent_name":"reception","metadata":"x"}]})"));
  EXPECT_EQ(claims().at("video"), json::parse(R"({"roomCreate":true})"));
}

TEST_F(ServerApiTest, Rooms_AreListedDeletedAndGivenMetadata_EachWithItsOwnGrant) {
  http.always({.body = R"({"rooms":[{"sid":"RM_1","name":"a"},{"sid":"RM_2","name":"b"}]})"});
  EXPECT_EQ(run(api.list_rooms(soon())).value().at(1).name, "b");
  EXPECT_EQ(claims().at("video"), json::parse(R"({"roomList":true})"));
  http.always({.body = "{}"});
  EXPECT_TRUE(run(api.delete_room("a", soon())));
  EXPECT_EQ(claims().at("video"), json::parse(R"({"roomCreate":true})"));
  EXPECT_TRUE(run(api.update_room_metadata("a", "m", soon())));
  EXPECT_EQ(json::value(body()), json::parse(R"({"room":"a","metadata":"m"})"));
}

TEST_F(ServerApiTest, Participants_AreReadWithKindStateAndAttributes) {
  http.always({.body = R"({"participants":[{"sid":"PA_1","identity":"caller","kind":"SIP","state":"ACTIVE","attributes":{"sip.callID":"x","odd":1}},
                                           {"sid":"PA_2","identity":"guest"}]})"});
  const auto all = run(api.list_participants("lobby", soon())).value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].kind, "SIP");
  EXPECT_EQ(all[0].state, "ACTIVE");
  EXPECT_EQ(all[0].attributes, (std::map<std::string, std::string>{{"sip.callID", "x"}}));
  EXPECT_EQ(all[1].kind, "STANDARD");
  http.always({.body = R"({"identity":"caller"})"});
  EXPECT_EQ(run(api.get_participant("lobby", "caller", soon())).value().identity, "caller");
}

TEST_F(ServerApiTest, Participant_IsRemovedMutedAndUpdated) {
  EXPECT_TRUE(run(api.remove_participant("lobby", "caller", soon())));
  EXPECT_EQ(json::value(body()), json::parse(R"({"room":"lobby","identity":"caller"})"));
  http.always({.body = R"({"track":{"sid":"TR_1"}})"});
  EXPECT_TRUE(run(api.mute_track("lobby", "caller", "TR_1", true, soon())));
  EXPECT_TRUE(url().ends_with("/livekit.RoomService/MutePublishedTrack")) << url();
  EXPECT_EQ(json::value(body()), json::parse(R"({"room":"lobby","identity":"caller","track_sid":"TR_1","muted":true})"));
  EXPECT_TRUE(run(api.update_participant("lobby", "caller", "", {{"a", "1"}, {"b", ""}}, soon())));
  EXPECT_EQ(json::value(body()), json::parse(R"({"room":"lobby","identity":"caller","attributes":{"a":"1","b":""}})"));
}

TEST_F(ServerApiTest, MuteOfATrackThatIsNotThere_IsNotFound_ThoughTheServerSaysNothing) {
  http.always({.body = R"({"track":null})"});
  EXPECT_EQ(run(api.mute_track("lobby", "caller", "TR_1", true, soon())).error().code(), Errc::not_found);
}

TEST_F(ServerApiTest, Data_GoesAsBase64_WithANonceOfItsOwn) {
  EXPECT_TRUE(run(api.send_data("lobby", "topic", "hi", true, {"caller"}, soon())));
  const auto first = body();
  EXPECT_EQ(first.at("data"), "aGk=");
  EXPECT_EQ(first.at("kind"), "RELIABLE");
  EXPECT_EQ(first.at("topic"), "topic");
  EXPECT_EQ(first.at("destination_identities"), json::array({"caller"}));
  EXPECT_TRUE(run(api.send_data("lobby", "", "hi", false, {}, soon())));
  EXPECT_EQ(body().at("kind"), "LOSSY");
  EXPECT_FALSE(body().contains("destination_identities"));
  EXPECT_NE(body().at("nonce"), first.at("nonce"));
}

TEST_F(ServerApiTest, Telephone_IsCalled_WithDurationsAsProtobufWritesThem) {
  http.always({.body = R"({"participant_id":"PA_1","participant_identity":"phone","room_name":"lobby","sip_call_id":"SCL_1"})"});
  const auto phone = run(api.create_sip_participant({.trunk_id = "ST_1", .call_to = "+15550100", .room = "lobby", .participant_identity = "phone",
                                                     .wait_until_answered = true, .ringing_timeout = 2500ms}, soon())).value();
  EXPECT_EQ(phone.sip_call_id, "SCL_1");
  EXPECT_EQ(json::value(body()), json::parse(R"({"sip_trunk_id":"ST_1","sip_call_to":"+15550100","room_name":"lobby",
      "participant_identity":"phone","ringing_timeout":"2.500s","wait_until_answered":true})"));
  EXPECT_EQ(claims().at("sip"), json::parse(R"({"call":true})"));
}

TEST_F(ServerApiTest, TelephoneThatIsBusy_IsAnErrorWithItsSipStatus) {
  http.always({.status = 503, .body = R"({"code":"unavailable","msg":"call failed","meta":{"sip_status_code":"486","sip_status":"Busy Here"}})"});
  const auto busy = run(api.create_sip_participant({.trunk_id = "ST_1", .call_to = "1", .room = "lobby", .participant_identity = "p"}, soon()));
  EXPECT_EQ(busy.error().code(), Errc::unavailable);
  EXPECT_THAT(busy.error().message(), HasSubstr("call failed (SIP 486 Busy Here)"));
}

TEST_F(ServerApiTest, Transfer_NeedsTheRoomAndTheTelephone) {
  EXPECT_TRUE(run(api.transfer_sip_participant("lobby", "phone", "tel:+15550100", true, soon())));
  EXPECT_EQ(json::value(body()), json::parse(R"({"room_name":"lobby","participant_identity":"phone","transfer_to":"tel:+15550100","play_dialtone":true})"));
  EXPECT_EQ(claims().at("video"), json::parse(R"({"room":"lobby","roomAdmin":true})"));
  EXPECT_EQ(claims().at("sip"), json::parse(R"({"call":true})"));
}

TEST_F(ServerApiTest, TokenOfSomebodyElse_GoesWithEveryRequestAsItIs) {
  ServerApi other(loop, http, "ws://127.0.0.1:7880", "their.own.token");
  EXPECT_TRUE(run(other.delete_room("a", soon())));
  EXPECT_EQ(http.requests.back().fields.get("Authorization"), "Bearer their.own.token");
  EXPECT_EQ(url(), "http://127.0.0.1:7880/twirp/livekit.RoomService/DeleteRoom");
}

TEST_F(ServerApiTest, EachErrorOfTheServer_HasItsCode_AndItsWords) {
  EXPECT_EQ(error(401, "invalid token: x, error: signature").code(), Errc::refused);
  EXPECT_THAT(error(401, "invalid token").message(), AllOf(HasSubstr("LIVEKIT_API_SECRET"), HasSubstr("invalid token")));
  EXPECT_THAT(error(401, R"({"code":"unauthenticated","msg":"permissions denied"})").message(), HasSubstr("does not allow it with this key or token"));
  EXPECT_EQ(error(403, R"({"code":"permission_denied","msg":"permissions denied"})").code(), Errc::refused);
  EXPECT_EQ(error(400, R"({"code":"invalid_argument","msg":"room name missing"})").code(), Errc::invalid_argument);
  EXPECT_EQ(error(412, R"({"code":"failed_precondition","msg":"sip not connected"})").code(), Errc::invalid_argument);
  EXPECT_EQ(error(429, R"({"code":"resource_exhausted","msg":"slow down"})").code(), Errc::overloaded);
  EXPECT_EQ(error(408, R"({"code":"deadline_exceeded","msg":"late"})").code(), Errc::timeout);
  EXPECT_EQ(error(500, R"({"code":"internal","msg":"oops"})").code(), Errc::unavailable);
  EXPECT_EQ(error(502, "<html>bad gateway</html>").code(), Errc::unavailable);
}

TEST_F(ServerApiTest, WhatIsNoLiveKitServer_IsSaidToBeNone) {
  EXPECT_EQ(error(404, "not found").code(), Errc::protocol);
  EXPECT_THAT(error(404, "not found").message(), HasSubstr("look at the URL"));
  EXPECT_EQ(error(301, "").code(), Errc::protocol);
  EXPECT_EQ(error(200, "hello").code(), Errc::protocol);
  EXPECT_EQ(error(200, "[]").code(), Errc::protocol);
}

TEST_F(ServerApiTest, WordsOfTheServer_AreShortenedAndMadeText) {
  const auto message = error(500, std::string(100'000, '\xff')).message();
  EXPECT_LT(message.size(), 2000u);
  EXPECT_THAT(message, HasSubstr("\xEF\xBF\xBD"));
}

TEST_F(ServerApiTest, ServerThatDoesNotAnswer_IsATimeout) {
  http.always({.after = 60s});
  EXPECT_EQ(run(api.list_rooms(loop.in(1s))).error().code(), Errc::timeout);
  EXPECT_EQ(http.waiting, 0);
}

TEST_F(ServerApiTest, AddressThatIsNone_OrNoSecret_IsSaidBeforeAnythingIsSent) {
  ServerApi nowhere(loop, http, {.url = "lk.example", .api_key = "k", .api_secret = "s"});
  EXPECT_THAT(run(nowhere.list_rooms(soon())).error().message(), HasSubstr("write it as wss://"));
  ServerApi keyless(loop, http, {.url = "ws://lk.example", .api_key = {}, .api_secret = {}});
  EXPECT_THAT(run(keyless.list_rooms(soon())).error().message(), HasSubstr("LIVEKIT_API_KEY"));
  EXPECT_TRUE(http.requests.empty());
}

}  // namespace
}  // namespace parley::livekit
