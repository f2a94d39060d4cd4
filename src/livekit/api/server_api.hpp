// LiveKit's server API (Twirp over HTTP, as JSON): dispatch, rooms, participants, SIP participants.
//
// Every request carries a token of its own, made for it and valid for kTokenLife.
//
// Thread: the loop's only.
// Bound:  an answer of kMaxAnswer; one request a call, and none is repeated.
// Ending: requests end with the task that asks, or at their deadline.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "livekit/api/access_token.hpp"
#include "net/http_client.hpp"

namespace parley::livekit {

struct DispatchInfo {
  std::string id;  // AD_...
  std::string agent_name;
  std::string room;
  std::string metadata;
  std::vector<std::string> job_ids;
};

struct RoomInfo {
  std::string sid;
  std::string name;
  std::string metadata;
  unsigned participants = 0;
};

struct ParticipantBrief {
  std::string sid;
  std::string identity;
  std::string name;
  std::string kind;   // "STANDARD", "AGENT", "SIP", ...
  std::string state;  // "ACTIVE", ...
  std::map<std::string, std::string> attributes;
};

struct RoomRequest {
  std::string name;
  std::string metadata{};
  unsigned empty_timeout_s = 0;      // 0: the server's
  unsigned departure_timeout_s = 0;
  unsigned max_participants = 0;
  std::vector<RoomAgent> agents{};
};

struct SipCallRequest {
  std::string trunk_id;  // ST_...
  std::string call_to;   // number or user
  std::string room;
  std::string participant_identity;
  std::string participant_name{};
  std::string participant_metadata{};
  std::map<std::string, std::string> participant_attributes{};
  std::string dtmf{};
  bool play_dialtone = false;
  bool wait_until_answered = false;
  Duration ringing_timeout{};   // zero: the server's
  Duration max_call_duration{};
};

struct SipParticipant {
  std::string participant_id;
  std::string participant_identity;
  std::string room;
  std::string sip_call_id;
};

struct TwirpMethod;

// Errors: Errc::not_found (no such room, participant, dispatch), Errc::refused (401, 403: key, secret or grant),
// Errc::invalid_argument (also: what this server cannot do), Errc::unavailable, Errc::overloaded, Errc::timeout,
// Errc::protocol (no LiveKit server); each with the server's own words.
class ServerApi {
 public:
  static constexpr Duration kTokenLife = 60s;
  static constexpr std::size_t kMaxAnswer = 4 * MiB;

  // `http` must outlive it.
  ServerApi(Loop& loop, net::HttpClient& http, Credentials credentials);
  // Without key and secret, with a token that somebody who has them made: it goes with every request.
  ServerApi(Loop& loop, net::HttpClient& http, std::string url, std::string token);

  Task<Result<DispatchInfo>> create_dispatch(std::string room, std::string agent_name, std::string metadata, Deadline deadline);
  Task<Result<std::vector<DispatchInfo>>> list_dispatches(std::string room, Deadline deadline);
  Task<Result<void>> delete_dispatch(std::string room, std::string dispatch_id, Deadline deadline);

  Task<Result<RoomInfo>> create_room(RoomRequest request, Deadline deadline);
  Task<Result<std::vector<RoomInfo>>> list_rooms(Deadline deadline);
  Task<Result<void>> delete_room(std::string room, Deadline deadline);
  Task<Result<void>> update_room_metadata(std::string room, std::string metadata, Deadline deadline);

  Task<Result<std::vector<ParticipantBrief>>> list_participants(std::string room, Deadline deadline);
  Task<Result<ParticipantBrief>> get_participant(std::string room, std::string identity, Deadline deadline);
  Task<Result<void>> remove_participant(std::string room, std::string identity, Deadline deadline);
  Task<Result<void>> mute_track(std::string room, std::string identity, std::string track_sid, bool muted, Deadline deadline);
  // Empty strings and an empty map leave things as they are; an attribute with an empty value is removed.
  Task<Result<void>> update_participant(std::string room, std::string identity, std::string metadata,
                                        std::map<std::string, std::string> attributes, Deadline deadline);
  Task<Result<void>> send_data(std::string room, std::string topic, std::string data, bool reliable,
                               std::vector<std::string> destination_identities, Deadline deadline);

  Task<Result<SipParticipant>> create_sip_participant(SipCallRequest request, Deadline deadline);
  // `to`: "tel:+15550100" or "sip:user@host".
  Task<Result<void>> transfer_sip_participant(std::string room, std::string identity, std::string to, bool play_dialtone, Deadline deadline);

 private:
  using Body = boost::json::object;
  Task<Result<Body>> call(const TwirpMethod& method, Body body, TokenClaims grants, Deadline deadline);
  Task<Result<void>> tell(const TwirpMethod& method, Body body, TokenClaims grants, Deadline deadline);
  Result<net::ClientRequest> request(const TwirpMethod& method, const Body& body, const TokenClaims& grants) const;

  Loop& loop_;
  net::HttpClient& http_;
  Credentials credentials_;
  std::string token_;  // empty: one is made for each request
};

}  // namespace parley::livekit
