// `parley token`.
#include <algorithm>
#include <array>
#include <ostream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <parley/base/units.hpp>

#include "app/livekit_commands.hpp"
#include "app/livekit_server_options.hpp"
#include "livekit/api/access_token.hpp"

namespace parley::app {

namespace json = boost::json;

namespace {

constexpr int kExitUsage = 2;

constexpr const char* kFooter =
    "Grants: join (the one that is given where none is named), create, list, admin, record, ingress, agent, hidden, recorder,\n"
    "update-metadata, sip-call, sip-admin. join and admin are for one room: --room.\n\n"
    "Examples:\n"
    "  token --room lobby --identity caller                          for somebody who joins\n"
    "  token --room lobby --identity caller --agent reception        the same, and the agent comes to a room that it makes new\n"
    "  token --room lobby --grant admin --valid-for 10m              for a program that manages the room";

struct Grant {
  const char* name;
  void (*give)(livekit::TokenClaims&);
};
constexpr std::array kGrants{
    Grant{"join", [](livekit::TokenClaims& claims) { claims.video.room_join = true; }},
    Grant{"create", [](livekit::TokenClaims& claims) { claims.video.room_create = true; }},
    Grant{"list", [](livekit::TokenClaims& claims) { claims.video.room_list = true; }},
    Grant{"admin", [](livekit::TokenClaims& claims) { claims.video.room_admin = true; }},
    Grant{"record", [](livekit::TokenClaims& claims) { claims.video.room_record = true; }},
    Grant{"ingress", [](livekit::TokenClaims& claims) { claims.video.ingress_admin = true; }},
    Grant{"agent", [](livekit::TokenClaims& claims) { claims.video.agent = true; }},
    Grant{"hidden", [](livekit::TokenClaims& claims) { claims.video.hidden = true; }},
    Grant{"recorder", [](livekit::TokenClaims& claims) { claims.video.recorder = true; }},
    Grant{"update-metadata", [](livekit::TokenClaims& claims) { claims.video.can_update_own_metadata = true; }},
    Grant{"sip-call", [](livekit::TokenClaims& claims) { claims.sip.call = true; }},
    Grant{"sip-admin", [](livekit::TokenClaims& claims) { claims.sip.admin = true; }},
};

std::vector<std::string> grant_names() {
  std::vector<std::string> names;
  for (const auto& grant : kGrants) names.emplace_back(grant.name);
  return names;
}

Result<livekit::TokenClaims> claims_of(const TokenOptions& options) {
  livekit::TokenClaims claims{.identity = options.identity, .name = options.name, .kind = options.kind, .metadata = options.metadata};
  claims.video.room = options.room;
  for (const auto& grant : kGrants) {
    const std::string_view name = grant.name;
    if (options.grants.empty() ? name == "join" : std::ranges::count(options.grants, name) > 0) grant.give(claims);
  }
  for (const auto& what : options.forbidden) {
    (what == "publish" ? claims.video.can_publish : what == "subscribe" ? claims.video.can_subscribe : claims.video.can_publish_data) = false;
  }
  for (const auto& agent : options.agents) claims.agents.push_back({agent, options.agent_metadata});
  for (const auto& attribute : options.attributes) {
    const auto equals = attribute.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Errc::invalid_argument, fmt::format("--attribute {}: write it as name=value", attribute));
    }
    claims.attributes[attribute.substr(0, equals)] = attribute.substr(equals + 1);
  }
  const auto valid_for = parse_duration(options.valid_for);
  if (!valid_for) return fail(Errc::invalid_argument, fmt::format("--valid-for {}: {}", options.valid_for, valid_for.error().message()));
  claims.valid_for = *valid_for;
  return claims;
}

// What the claims need that is not there, by the names of the options.
Result<void> check(const TokenOptions& options, const livekit::TokenClaims& claims) {
  const bool join = claims.video.room_join;
  if (options.room.empty() && (join || claims.video.room_admin)) {
    return fail(Errc::invalid_argument, fmt::format("--room is missing: a token to {} is for one room", join ? "join" : "manage"));
  }
  if (join && options.identity.empty()) return fail(Errc::invalid_argument, "--identity is missing: who joins has a name in the room");
  if (!options.agent_metadata.empty() && options.agents.empty()) {
    return fail(Errc::invalid_argument, "--agent-metadata is of an agent: name it by --agent");
  }
  return {};
}

Result<std::string> make(const TokenOptions& options, WallTime now) {
  const auto credentials = key_and_secret(options.server);
  if (!credentials) return fail(credentials.error());
  const auto claims = claims_of(options);
  if (!claims) return fail(claims.error());
  if (auto usable = check(options, *claims); !usable) return fail(usable.error());
  auto token = make_token(*credentials, *claims, now);
  if (!token || !options.json) return token;
  json::object answer;
  if (!options.server.url.empty()) answer["serverUrl"] = options.server.url;
  answer["participantToken"] = *token;
  return json::serialize(answer);
}

}  // namespace

void add_token_options(CLI::App& command, TokenOptions& options) {
  command.footer(kFooter);
  command.add_option("--room", options.room, "The room that it is for")->option_text("NAME");
  command.add_option("--identity", options.identity, "Who joins: one of this name at a time is in a room")->option_text("NAME");
  command.add_option("--name", options.name, "As the others see it")->option_text("TEXT");
  command.add_option("--grant", options.grants, "What it allows; may be given several times, or as a,b")
      ->delimiter(',')
      ->check(CLI::IsMember(grant_names()))
      ->option_text("GRANT [join]");
  command.add_option("--no", options.forbidden, "What who joins may not do: publish, subscribe, data")
      ->delimiter(',')
      ->check(CLI::IsMember({"publish", "subscribe", "data"}))
      ->option_text("WHAT");
  command.add_option("--agent", options.agents, "An agent that is dispatched when the room comes to be; may be given several times")
      ->option_text("NAME");
  command.add_option("--agent-metadata", options.agent_metadata, "What its job is told")->option_text("TEXT");
  command.add_option("--metadata", options.metadata, "Of the participant")->option_text("TEXT");
  command.add_option("--attribute", options.attributes, "Of the participant; may be given several times")->option_text("NAME=VALUE");
  command.add_option("--kind", options.kind, "Of the participant (default: standard)")
      ->check(CLI::IsMember({"standard", "agent", "sip", "ingress", "egress"}))
      ->option_text("KIND");
  command.add_option("--valid-for", options.valid_for, "Within this time it can be joined with")
      ->option_text(fmt::format("TIME [{}]", options.valid_for));
  command.add_flag("--json", options.json, "As one JSON object, for front ends: serverUrl and participantToken");
  add_server_options(command, options.server);
}

int run_token(const TokenOptions& options, WallTime now, std::ostream& out, std::ostream& err) {
  const auto made = make(options, now);
  if (!made) {
    err << "parley token: " << made.error().message() << '\n';
    return kExitUsage;
  }
  out << *made << '\n';
  return 0;
}

}  // namespace parley::app
