#include "livekit/api/server_api.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "livekit/api/server_url.hpp"
#include "livekit/api/twirp.hpp"

namespace parley::livekit {

namespace json = boost::json;

namespace {

constexpr TwirpMethod kCreateDispatch{"create dispatch", "livekit.AgentDispatchService/CreateDispatch"};
constexpr TwirpMethod kListDispatch{"list dispatches", "livekit.AgentDispatchService/ListDispatch"};
constexpr TwirpMethod kDeleteDispatch{"delete dispatch", "livekit.AgentDispatchService/DeleteDispatch"};
constexpr TwirpMethod kCreateRoom{"create room", "livekit.RoomService/CreateRoom"};
constexpr TwirpMethod kListRooms{"list rooms", "livekit.RoomService/ListRooms"};
constexpr TwirpMethod kDeleteRoom{"delete room", "livekit.RoomService/DeleteRoom"};
constexpr TwirpMethod kUpdateRoomMetadata{"update room metadata", "livekit.RoomService/UpdateRoomMetadata"};
constexpr TwirpMethod kListParticipants{"list participants", "livekit.RoomService/ListParticipants"};
constexpr TwirpMethod kGetParticipant{"get participant", "livekit.RoomService/GetParticipant"};
constexpr TwirpMethod kRemoveParticipant{"remove participant", "livekit.RoomService/RemoveParticipant"};
constexpr TwirpMethod kMutePublishedTrack{"mute track", "livekit.RoomService/MutePublishedTrack"};
constexpr TwirpMethod kUpdateParticipant{"update participant", "livekit.RoomService/UpdateParticipant"};
constexpr TwirpMethod kSendData{"send data", "livekit.RoomService/SendData"};
constexpr TwirpMethod kCreateSIPParticipant{"create SIP participant", "livekit.SIP/CreateSIPParticipant"};
constexpr TwirpMethod kTransferSIPParticipant{"transfer SIP participant", "livekit.SIP/TransferSIPParticipant"};

constexpr std::size_t kNonceBytes = 16;

TokenClaims admin_of(std::string room) {
  TokenClaims claims;
  claims.video.room = std::move(room);
  claims.video.room_admin = true;
  return claims;
}

TokenClaims may_create_rooms() {
  TokenClaims claims;
  claims.video.room_create = true;
  return claims;
}

void add(json::object& to, std::string_view name, const std::string& value) {
  if (!value.empty()) to[name] = value;
}
void add(json::object& to, std::string_view name, unsigned value) {
  if (value > 0) to[name] = value;
}
void add(json::object& to, std::string_view name, const std::map<std::string, std::string>& value) {
  if (value.empty()) return;
  auto& object = to[name].emplace_object();
  for (const auto& [key, text] : value) object[key] = text;
}
// Protobuf's JSON of google.protobuf.Duration: "2.500s".
void add(json::object& to, std::string_view name, Duration value) {
  if (value > Duration::zero()) to[name] = fmt::format("{:.3f}s", to_seconds(value));
}

// The members of a list that are objects.
template <class T>
std::vector<T> list_of(const json::object& answer, std::string_view name, T (*read)(const json::object&)) {
  std::vector<T> all;
  const auto* list = field(answer, name);
  if (!list || !list->is_array()) return all;
  for (const auto& item : list->as_array()) {
    if (item.is_object()) all.push_back(read(item.as_object()));
  }
  return all;
}

std::string job_id(const json::object& job) { return text_field(job, "id"); }

DispatchInfo read_dispatch(const json::object& dispatch) {
  DispatchInfo info{.id = text_field(dispatch, "id"),
                    .agent_name = text_field(dispatch, "agent_name"),
                    .room = text_field(dispatch, "room"),
                    .metadata = text_field(dispatch, "metadata"),
                    .job_ids = {}};
  if (const auto* state = field(dispatch, "state"); state && state->is_object()) {
    info.job_ids = list_of<std::string>(state->as_object(), "jobs", job_id);
  }
  return info;
}

RoomInfo read_room(const json::object& room) {
  return {.sid = text_field(room, "sid"),
          .name = text_field(room, "name"),
          .metadata = text_field(room, "metadata"),
          .participants = count_field(room, "num_participants")};
}

// An enum that is left out has its first value.
std::string enum_field(const json::object& message, std::string_view name, std::string_view first) {
  auto value = text_field(message, name);
  return value.empty() ? std::string(first) : value;
}

ParticipantBrief read_participant(const json::object& participant) {
  ParticipantBrief brief{.sid = text_field(participant, "sid"),
                         .identity = text_field(participant, "identity"),
                         .name = text_field(participant, "name"),
                         .kind = enum_field(participant, "kind", "STANDARD"),
                         .state = enum_field(participant, "state", "JOINING"),
                         .attributes = {}};
  if (const auto* attributes = field(participant, "attributes"); attributes && attributes->is_object()) {
    for (const auto& [name, value] : attributes->as_object()) {
      if (value.is_string()) brief.attributes[name] = value.as_string();
    }
  }
  return brief;
}

}  // namespace

ServerApi::ServerApi(Loop& loop, net::HttpClient& http, Credentials credentials)
    : loop_(loop), http_(http), credentials_(std::move(credentials)) {}

ServerApi::ServerApi(Loop& loop, net::HttpClient& http, std::string url, std::string token)
    : loop_(loop), http_(http), credentials_{.url = std::move(url), .api_key = {}, .api_secret = {}}, token_(std::move(token)) {}

Result<net::ClientRequest> ServerApi::request(const TwirpMethod& method, const Body& body, const TokenClaims& grants) const {
  const auto base = http_base(credentials_.url);
  if (!base) return fail(base.error());
  auto token = token_.empty() ? make_token(credentials_, grants, loop_.clock().wall()) : Result<std::string>(token_);
  if (!token) return fail(token.error());
  net::ClientRequest request{.method = "POST",
                             .url = fmt::format("{}/twirp/{}", *base, method.path),
                             .fields = {{"Authorization", "Bearer " + *token}, {"Content-Type", "application/json"}},
                             .body = json::serialize(body)};
  return request;
}

Task<Result<ServerApi::Body>> ServerApi::call(const TwirpMethod& method, Body body, TokenClaims grants, Deadline deadline) {
  grants.valid_for = kTokenLife;
  auto asked = request(method, body, grants);
  if (!asked) co_return fail(asked.error().within(method.what));
  const auto answer = co_await http_.send(std::move(*asked), deadline, kMaxAnswer);
  if (!answer) co_return fail(answer.error().within(method.what));
  co_return read_answer(method.what, *answer);
}

Task<Result<void>> ServerApi::tell(const TwirpMethod& method, Body body, TokenClaims grants, Deadline deadline) {
  auto answer = co_await call(method, std::move(body), std::move(grants), deadline);
  if (!answer) co_return fail(answer.error());
  co_return Result<void>{};
}

// ---- dispatch ----

Task<Result<DispatchInfo>> ServerApi::create_dispatch(std::string room, std::string agent_name, std::string metadata, Deadline deadline) {
  json::object body{{"room", room}, {"agent_name", agent_name}};
  add(body, "metadata", metadata);
  auto answer = co_await call(kCreateDispatch, std::move(body), admin_of(std::move(room)), deadline);
  if (!answer) co_return fail(answer.error());
  co_return read_dispatch(*answer);
}

Task<Result<std::vector<DispatchInfo>>> ServerApi::list_dispatches(std::string room, Deadline deadline) {
  json::object body{{"room", room}};
  auto answer = co_await call(kListDispatch, std::move(body), admin_of(std::move(room)), deadline);
  if (!answer) co_return fail(answer.error());
  co_return list_of<DispatchInfo>(*answer, "agent_dispatches", read_dispatch);
}

Task<Result<void>> ServerApi::delete_dispatch(std::string room, std::string dispatch_id, Deadline deadline) {
  json::object body{{"room", room}, {"dispatch_id", dispatch_id}};
  co_return co_await tell(kDeleteDispatch, std::move(body), admin_of(std::move(room)), deadline);
}

// ---- rooms ----

Task<Result<RoomInfo>> ServerApi::create_room(RoomRequest wanted, Deadline deadline) {
  json::object body{{"name", wanted.name}};
  add(body, "metadata", wanted.metadata);
  add(body, "empty_timeout", wanted.empty_timeout_s);
  add(body, "departure_timeout", wanted.departure_timeout_s);
  add(body, "max_participants", wanted.max_participants);
  if (!wanted.agents.empty()) {
    auto& agents = body["agents"].emplace_array();
    for (const auto& agent : wanted.agents) agents.push_back({{"agent_name", agent.agent_name}, {"metadata", agent.metadata}});
  }
  auto answer = co_await call(kCreateRoom, std::move(body), may_create_rooms(), deadline);
  if (!answer) co_return fail(answer.error());
  co_return read_room(*answer);
}

Task<Result<std::vector<RoomInfo>>> ServerApi::list_rooms(Deadline deadline) {
  TokenClaims grants;
  grants.video.room_list = true;
  auto answer = co_await call(kListRooms, {}, std::move(grants), deadline);
  if (!answer) co_return fail(answer.error());
  co_return list_of<RoomInfo>(*answer, "rooms", read_room);
}

Task<Result<void>> ServerApi::delete_room(std::string room, Deadline deadline) {
  json::object body{{"room", room}};
  co_return co_await tell(kDeleteRoom, std::move(body), may_create_rooms(), deadline);
}

Task<Result<void>> ServerApi::update_room_metadata(std::string room, std::string metadata, Deadline deadline) {
  json::object body{{"room", room}, {"metadata", metadata}};
  co_return co_await tell(kUpdateRoomMetadata, std::move(body), admin_of(std::move(room)), deadline);
}

// ---- participants ----

Task<Result<std::vector<ParticipantBrief>>> ServerApi::list_participants(std::string room, Deadline deadline) {
  json::object body{{"room", room}};
  auto answer = co_await call(kListParticipants, std::move(body), admin_of(std::move(room)), deadline);
  if (!answer) co_return fail(answer.error());
  co_return list_of<ParticipantBrief>(*answer, "participants", read_participant);
}

Task<Result<ParticipantBrief>> ServerApi::get_participant(std::string room, std::string identity, Deadline deadline) {
  json::object body{{"room", room}, {"identity", identity}};
  auto answer = co_await call(kGetParticipant, std::move(body), admin_of(std::move(room)), deadline);
  if (!answer) co_return fail(answer.error());
  co_return read_participant(*answer);
}

Task<Result<void>> ServerApi::remove_participant(std::string room, std::string identity, Deadline deadline) {
  json::object body{{"room", room}, {"identity", identity}};
  co_return co_await tell(kRemoveParticipant, std::move(body), admin_of(std::move(room)), deadline);
}

Task<Result<void>> ServerApi::mute_track(std::string room, std::string identity, std::string track_sid, bool muted, Deadline deadline) {
  json::object body{{"room", room}, {"identity", identity}, {"track_sid", track_sid}, {"muted", muted}};
  const auto answer = co_await call(kMutePublishedTrack, std::move(body), admin_of(std::move(room)), deadline);
  if (!answer) co_return fail(answer.error());
  const auto* track = field(*answer, "track");  // of one that does not exist the server says nothing, and 200
  if (!track || !track->is_object()) co_return fail(Errc::not_found, fmt::format("mute track: {} has no track {}", identity, track_sid));
  co_return Result<void>{};
}

Task<Result<void>> ServerApi::update_participant(std::string room, std::string identity, std::string metadata,
                                                 std::map<std::string, std::string> attributes, Deadline deadline) {
  json::object body{{"room", room}, {"identity", identity}};
  add(body, "metadata", metadata);
  add(body, "attributes", attributes);
  co_return co_await tell(kUpdateParticipant, std::move(body), admin_of(std::move(room)), deadline);
}

Task<Result<void>> ServerApi::send_data(std::string room, std::string topic, std::string data, bool reliable,
                                        std::vector<std::string> destination_identities, Deadline deadline) {
  std::string nonce;  // by which the server knows one that reaches it twice
  for (std::size_t i = 0; i < kNonceBytes; ++i) nonce += static_cast<char>(loop_.random().below(256));
  json::object body{{"room", room}, {"data", net::base64(data)}, {"kind", reliable ? "RELIABLE" : "LOSSY"}, {"nonce", net::base64(nonce)}};
  add(body, "topic", topic);
  if (!destination_identities.empty()) {
    body["destination_identities"] = json::array(destination_identities.begin(), destination_identities.end());
  }
  co_return co_await tell(kSendData, std::move(body), admin_of(std::move(room)), deadline);
}

// ---- telephones ----

Task<Result<SipParticipant>> ServerApi::create_sip_participant(SipCallRequest wanted, Deadline deadline) {
  json::object body{{"sip_trunk_id", wanted.trunk_id},
                    {"sip_call_to", wanted.call_to},
                    {"room_name", wanted.room},
                    {"participant_identity", wanted.participant_identity}};
  add(body, "participant_name", wanted.participant_name);
  add(body, "participant_metadata", wanted.participant_metadata);
  add(body, "participant_attributes", wanted.participant_attributes);
  add(body, "dtmf", wanted.dtmf);
  add(body, "ringing_timeout", wanted.ringing_timeout);
  add(body, "max_call_duration", wanted.max_call_duration);
  if (wanted.play_dialtone) body["play_dialtone"] = true;
  if (wanted.wait_until_answered) body["wait_until_answered"] = true;
  TokenClaims grants;
  grants.sip.call = true;
  auto answer = co_await call(kCreateSIPParticipant, std::move(body), std::move(grants), deadline);
  if (!answer) co_return fail(answer.error());
  co_return SipParticipant{.participant_id = text_field(*answer, "participant_id"),
                           .participant_identity = text_field(*answer, "participant_identity"),
                           .room = text_field(*answer, "room_name"),
                           .sip_call_id = text_field(*answer, "sip_call_id")};
}

Task<Result<void>> ServerApi::transfer_sip_participant(std::string room, std::string identity, std::string to, bool play_dialtone,
                                                       Deadline deadline) {
  json::object body{{"room_name", room}, {"participant_identity", identity}, {"transfer_to", to}};
  if (play_dialtone) body["play_dialtone"] = true;
  auto grants = admin_of(std::move(room));
  grants.sip.call = true;
  co_return co_await tell(kTransferSIPParticipant, std::move(body), std::move(grants), deadline);
}

}  // namespace parley::livekit
