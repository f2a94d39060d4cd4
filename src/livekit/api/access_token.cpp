#include "livekit/api/access_token.hpp"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <parley/base/utf8.hpp>

#include "net/http.hpp"

namespace parley::livekit {

namespace json = boost::json;

namespace {

constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";

// Without padding, as JWTs have it (RFC 7515, 2).
std::string base64url(std::string_view bytes) {
  auto text = net::base64url(bytes);
  text.erase(std::ranges::find(text, '='), text.end());
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  if (text.empty() || text.size() % 4 == 1 || text.find_first_not_of(kAlphabet) != std::string_view::npos) return std::nullopt;
  std::string padded(text);
  std::ranges::replace(padded, '-', '+');
  std::ranges::replace(padded, '_', '/');
  const auto padding = (4 - padded.size() % 4) % 4;
  padded.append(padding, '=');
  std::string bytes(padded.size() / 4 * 3, 0);
  const auto length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                      reinterpret_cast<const unsigned char*>(padded.data()), static_cast<int>(padded.size()));
  if (length < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

std::string hmac_sha256(std::string_view secret, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

void add(json::object& to, std::string_view name, const std::string& value) {
  if (!value.empty()) to[name] = value;
}
void add(json::object& to, std::string_view name, bool value) {
  if (value) to[name] = true;
}
void add(json::object& to, std::string_view name, const std::optional<bool>& value) {
  if (value) to[name] = *value;
}

json::object as_claim(const VideoGrant& grant) {
  json::object claim;
  add(claim, "room", grant.room);
  add(claim, "roomJoin", grant.room_join);
  add(claim, "roomCreate", grant.room_create);
  add(claim, "roomList", grant.room_list);
  add(claim, "roomAdmin", grant.room_admin);
  add(claim, "roomRecord", grant.room_record);
  add(claim, "ingressAdmin", grant.ingress_admin);
  add(claim, "agent", grant.agent);
  add(claim, "hidden", grant.hidden);
  add(claim, "recorder", grant.recorder);
  add(claim, "canPublish", grant.can_publish);
  add(claim, "canSubscribe", grant.can_subscribe);
  add(claim, "canPublishData", grant.can_publish_data);
  if (!grant.can_publish_sources.empty()) {
    claim["canPublishSources"] = json::array(grant.can_publish_sources.begin(), grant.can_publish_sources.end());
  }
  add(claim, "canUpdateOwnMetadata", grant.can_update_own_metadata);
  add(claim, "destinationRoom", grant.destination_room);
  return claim;
}

json::object as_claim(const SipGrant& grant) {
  json::object claim;
  add(claim, "admin", grant.admin);
  add(claim, "call", grant.call);
  return claim;
}

json::object room_config(const TokenClaims& claims) {
  auto config = claims.room_config;
  if (claims.agents.empty()) return config;
  json::array agents;
  for (const auto& agent : claims.agents) {
    json::object one{{"agentName", agent.agent_name}};
    add(one, "metadata", agent.metadata);
    agents.push_back(std::move(one));
  }
  config["agents"] = std::move(agents);
  return config;
}

json::object as_json(const Credentials& credentials, const TokenClaims& claims, WallTime now) {
  const auto seconds = [](WallTime at) { return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count(); };
  json::object all{{"iss", credentials.api_key},
                   {"nbf", seconds(now)},
                   {"exp", seconds(now + std::chrono::ceil<std::chrono::seconds>(claims.valid_for))}};
  add(all, "sub", claims.identity);
  add(all, "name", claims.name);
  add(all, "kind", claims.kind);
  add(all, "metadata", claims.metadata);
  add(all, "sha256", claims.sha256);
  if (!claims.attributes.empty()) {
    auto& attributes = all["attributes"].emplace_object();
    for (const auto& [name, value] : claims.attributes) attributes[name] = value;
  }
  for (auto [name, claim] : {std::pair("video", as_claim(claims.video)), std::pair("sip", as_claim(claims.sip)),
                             std::pair("roomConfig", room_config(claims))}) {
    if (!claim.empty()) all[name] = std::move(claim);
  }
  return all;
}

Result<void> check(const Credentials& credentials, const TokenClaims& claims) {
  if (credentials.api_key.empty() || credentials.api_secret.empty()) {
    return fail(Errc::invalid_argument, "a token needs the API key and its secret: set LIVEKIT_API_KEY and LIVEKIT_API_SECRET");
  }
  if (claims.video.room_join && (claims.video.room.empty() || claims.identity.empty())) {
    return fail(Errc::invalid_argument, "a token to join with needs the name of the room and the identity of who joins");
  }
  if (claims.valid_for < std::chrono::seconds(1) || claims.valid_for > kLongestTokenLife) {
    return fail(Errc::invalid_argument, fmt::format("a token is valid for 1 s at least, and for {} days at most",
                                                    std::chrono::duration_cast<std::chrono::days>(kLongestTokenLife).count()));
  }
  return {};
}

}  // namespace

Result<std::string> make_token(const Credentials& credentials, const TokenClaims& claims, WallTime now) {
  if (auto usable = check(credentials, claims); !usable) return fail(usable.error());
  const auto text = json::serialize(as_json(credentials, claims, now));
  if (valid_utf8(text) != text) return fail(Errc::invalid_argument, "what a token says must be text in UTF-8");
  auto token = base64url(kHeader) + "." + base64url(text);
  token += "." + base64url(hmac_sha256(credentials.api_secret, token));
  if (token.size() > kMaxTokenBytes) {
    return fail(Errc::invalid_argument, fmt::format("the token would have {} bytes, and servers take {} at most: shorten its metadata "
                                                    "and attributes", token.size(), kMaxTokenBytes));
  }
  return token;
}

namespace {

std::string text_of(const json::object& claims, std::string_view name) {
  const auto* value = claims.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

// A NumericDate (RFC 7519, 2) may have a fraction; what no clock of ours can show is none.
std::optional<WallTime> time_of(const json::object& claims, std::string_view name) {
  const auto* value = claims.if_contains(name);
  if (!value || !value->is_number()) return std::nullopt;
  const auto seconds = value->to_number<double>();
  constexpr double kLatest = 253402300799.0;  // the end of the year 9999
  if (!(seconds >= 0.0) || seconds > kLatest) return std::nullopt;
  return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000.0)));
}

}  // namespace

Result<TokenView> read_token(std::string_view token) {
  const auto none = [](std::string_view why) { return fail(Errc::invalid_argument, fmt::format("this is no access token: {}", why)); };
  if (token.size() > kMaxTokenBytes) return none(fmt::format("it has more than {} bytes", kMaxTokenBytes));
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return none("a JWT has three parts, with a dot between them");
  }
  const auto header = from_base64url(token.substr(0, first));
  const auto payload = from_base64url(token.substr(first + 1, second - first - 1));
  if (!header || !payload || !from_base64url(token.substr(second + 1))) return none("a part of it is no base64url");
  boost::system::error_code error;
  if (const auto parsed = json::parse(*header, error); error || !parsed.is_object()) return none("its header is no JSON object");
  auto parsed = json::parse(*payload, error);
  if (error || !parsed.is_object()) return none("its claims are no JSON object");
  auto& claims = parsed.as_object();
  TokenView view{.identity = text_of(claims, "sub"), .issuer = text_of(claims, "iss"), .expires = time_of(claims, "exp"), .claims = {}};
  view.claims = std::move(claims);
  return view;
}

}  // namespace parley::livekit
