// LiveKit's access tokens: JWTs signed with HS256, with grants as claims.
//
// The claims are those of the server's own package auth: `iss` is the API key, `sub` the identity, `nbf` and `exp` are
// seconds since 1970; an absent canPublish, canSubscribe or canPublishData means true.
//
// Thread: any.
// Bound:  a token is at most kMaxTokenBytes, made or read: it travels in one header field.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley::livekit {

inline constexpr std::size_t kMaxTokenBytes = 64 * KiB;
inline constexpr Duration kLongestTokenLife = std::chrono::days(3650);

// What opens a LiveKit server: LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET.
struct Credentials {
  std::string url;  // ws, wss, http or https
  std::string api_key;
  std::string api_secret;
};

// The claim `video`.
struct VideoGrant {
  std::string room{};
  bool room_join = false;
  bool room_create = false;
  bool room_list = false;
  bool room_admin = false;
  bool room_record = false;
  bool ingress_admin = false;
  bool agent = false;   // a worker, or an agent in a room
  bool hidden = false;
  bool recorder = false;
  std::optional<bool> can_publish{};
  std::optional<bool> can_subscribe{};
  std::optional<bool> can_publish_data{};
  std::vector<std::string> can_publish_sources{};  // "microphone", "camera", "screen_share", "screen_share_audio"
  std::optional<bool> can_update_own_metadata{};
  std::string destination_room{};  // moving participants
};

// The claim `sip`.
struct SipGrant {
  bool admin = false;
  bool call = false;
};

// An agent that is dispatched when the token's room comes to be.
struct RoomAgent {
  std::string agent_name;
  std::string metadata{};
};

struct TokenClaims {
  std::string identity{};
  std::string name{};
  std::string kind{};  // "standard", "agent", "sip", ...; empty: standard
  std::string metadata{};
  std::map<std::string, std::string> attributes{};
  VideoGrant video{};
  SipGrant sip{};
  std::vector<RoomAgent> agents{};        // roomConfig.agents
  boost::json::object room_config{};      // the rest of roomConfig, as protojson
  std::string sha256{};                   // base64 of a body's hash: a webhook's token
  Duration valid_for = std::chrono::hours(6);
};

// Errc::invalid_argument: no key, a secret that is empty, a room to join without its name or identity, no time that it is
// valid for, text that is no UTF-8, more than kMaxTokenBytes of it all.
Result<std::string> make_token(const Credentials& credentials, const TokenClaims& claims, WallTime now);

// What a token says of itself, without any check of its signature (a client has no secret): its claims and when it ends.
struct TokenView {
  std::string identity;
  std::string issuer;
  std::optional<WallTime> expires;
  boost::json::object claims;
};
// Errc::invalid_argument: not a JWT, or one longer than kMaxTokenBytes.
Result<TokenView> read_token(std::string_view token);

}  // namespace parley::livekit
