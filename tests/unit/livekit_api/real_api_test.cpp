// The API of a real LiveKit server.
#include <algorithm>

#include <gmock/gmock.h>

#include "real_server.hpp"

namespace parley::livekit {
namespace {

using ::testing::HasSubstr;

template <class T>
std::optional<Errc> code(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error().code());
}

class RealApi : public AtRealServer {
 public:
  Task<void> rooms() {
    const auto created = co_await api->create_room({.name = room, .metadata = "m", .empty_timeout_s = 60, .max_participants = 3}, soon());
    CO_ASSERT_OK(created);
    EXPECT_EQ(created->name, room);
    EXPECT_TRUE(created->sid.starts_with("RM_")) << created->sid;
    CO_ASSERT_OK(co_await api->update_room_metadata(room, "changed", soon()));
    auto all = co_await api->list_rooms(soon());
    CO_ASSERT_OK(all);
    const auto found = std::ranges::find(*all, room, &RoomInfo::name);
    CO_ASSERT(found != all->end());
    EXPECT_EQ(found->metadata, "changed");
    EXPECT_EQ(found->sid, created->sid);
    CO_ASSERT_OK(co_await api->delete_room(room, soon()));
    all = co_await api->list_rooms(soon());
    CO_ASSERT_OK(all);
    EXPECT_EQ(std::ranges::count(*all, room, &RoomInfo::name), 0);
  }

  Task<void> participants() {
    auto claims = to_join("caller");
    claims.name = "Caller";
    claims.kind = "sip";
    claims.attributes = {{"sip.callID", "x"}};
    claims.agents = {{"nobody-is-called-so"}};
    auto caller = co_await join(claims);
    CO_ASSERT_OK(caller);
    const auto all = co_await api->list_participants(room, soon());
    CO_ASSERT_OK(all);
    CO_ASSERT(all->size() == 1);
    EXPECT_EQ(all->at(0).identity, "caller");
    EXPECT_EQ(all->at(0).name, "Caller");
    EXPECT_EQ(all->at(0).kind, "SIP");
    EXPECT_EQ(all->at(0).attributes.at("sip.callID"), "x");
    CO_ASSERT_OK(co_await api->update_participant(room, "caller", "m", {{"added", "1"}}, soon()));
    const auto one = co_await api->get_participant(room, "caller", soon());
    CO_ASSERT_OK(one);
    EXPECT_EQ(one->attributes.at("added"), "1");
    CO_ASSERT_OK(co_await api->send_data(room, "topic", "hi", true, {"caller"}, soon()));
    EXPECT_EQ(code(co_await api->mute_track(room, "caller", "TR_none", true, soon())), Errc::not_found);
    CO_ASSERT_OK(co_await api->remove_participant(room, "caller", soon()));
    EXPECT_EQ(code(co_await api->get_participant(room, "caller", soon())), Errc::not_found);
    EXPECT_EQ(code(co_await api->remove_participant(room, "nobody", soon())), Errc::not_found);
    caller->reset();
    (void)co_await api->delete_room(room, soon());
  }

  Task<void> dispatches() {
    const auto created = co_await api->create_dispatch(room, "nobody-is-called-so", "{\"table\":4}", soon());
    CO_ASSERT_OK(created);
    EXPECT_TRUE(created->id.starts_with("AD_")) << created->id;
    EXPECT_EQ(created->room, room);
    const auto all = co_await api->list_dispatches(room, soon());
    CO_ASSERT_OK(all);
    const auto found = std::ranges::find(*all, created->id, &DispatchInfo::id);  // beside that of agents without a name
    CO_ASSERT(found != all->end());
    EXPECT_EQ(found->metadata, "{\"table\":4}");
    EXPECT_EQ(found->agent_name, "nobody-is-called-so");
    CO_ASSERT_OK(co_await api->delete_dispatch(room, created->id, soon()));
    const auto gone = co_await api->delete_dispatch(room, created->id, soon());
    EXPECT_EQ(code(gone), Errc::not_found);
    (void)co_await api->delete_room(room, soon());
  }

  Task<void> refusals() {
    auto wrong = credentials;
    wrong.api_secret = "another-secret-of-at-least-32-chars";
    ServerApi stranger(loop(), *http, wrong);
    const auto refused = co_await stranger.list_rooms(soon());
    CO_ASSERT(code(refused) == Errc::refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("does not accept the API key or its secret"));
    wrong = credentials;
    wrong.api_key = "nokey";
    ServerApi unknown(loop(), *http, wrong);
    EXPECT_EQ(code(co_await unknown.list_rooms(soon())), Errc::refused);
    const auto token = make_token(credentials, to_join("caller"), loop().clock().wall());
    ServerApi caller(loop(), *http, credentials.url, *token);
    const auto not_allowed = co_await caller.delete_room(room, soon());
    CO_ASSERT(code(not_allowed) == Errc::refused);
    EXPECT_THAT(not_allowed.error().message(), HasSubstr("does not allow it with this key or token"));
  }

  Task<void> no_telephones() {
    const auto call = co_await api->create_sip_participant({.trunk_id = "ST_1", .call_to = "+15550100", .room = room, .participant_identity = "p"}, soon());
    CO_ASSERT(!call);
    EXPECT_NE(call.error().code(), Errc::refused) << call.error().message();
    EXPECT_THAT(call.error().message(), HasSubstr("create SIP participant: "));
    words = call.error().message();
  }

  std::string words;
};

TEST_F(RealApi, Rooms_AreCreatedListedChangedAndDeleted) { run(rooms()); }
TEST_F(RealApi, Participants_AreListedChangedAndRemoved) { run(participants()); }
TEST_F(RealApi, Dispatches_AreCreatedListedAndDeleted) { run(dispatches()); }
TEST_F(RealApi, WrongSecret_UnknownKey_AndTokenWithoutTheGrant_AreRefusedInPlainWords) { run(refusals()); }
TEST_F(RealApi, ServerWithoutTelephones_SaysSo) {
  run(no_telephones());
  EXPECT_THAT(words, HasSubstr("sip"));
}

TEST_F(RealApi, ServerThatIsNotThere_IsUnavailable) {
  run([](RealApi& t) -> Task<void> {
    ServerApi nowhere(t.loop(), *t.http, {.url = "ws://127.0.0.1:1", .api_key = "k", .api_secret = "s"});
    EXPECT_EQ(code(co_await nowhere.list_rooms(t.soon())), Errc::unavailable);
  }(*this));
}

}  // namespace
}  // namespace parley::livekit
