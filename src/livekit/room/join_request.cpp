#include "livekit/room/join_request.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "net/http.hpp"

namespace parley::livekit {

namespace {

void introduce(proto::JoinRequest& request) {
  auto& client = *request.mutable_client_info();
  client.set_sdk(proto::ClientInfo::CPP);
  client.set_version(PARLEY_VERSION);
  client.set_protocol(kSignalProtocol);
  client.set_client_protocol(kClientProtocol);
  client.set_os("linux");
  request.mutable_connection_settings()->set_auto_subscribe(false);
  request.mutable_connection_settings()->set_adaptive_stream(false);
}

Result<std::string> socket_base(std::string_view server) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kSchemes{
      {{"ws://", "ws://"}, {"wss://", "wss://"}, {"http://", "ws://"}, {"https://", "wss://"}}};
  const auto scheme = std::ranges::find_if(kSchemes, [&](const auto& pair) { return server.starts_with(pair.first); });
  if (scheme == kSchemes.end()) {
    return fail(Errc::invalid_argument, "the LiveKit URL must begin with ws://, wss://, http:// or https://");
  }
  auto rest = server.substr(scheme->first.size());
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty()) return fail(Errc::invalid_argument, "the LiveKit URL names no server");
  return std::string(scheme->second).append(rest);
}

std::string percent_encoded_padding(std::string text) {
  std::size_t padding = 0;
  while (text.ends_with('=')) {
    text.pop_back();
    ++padding;
  }
  for (; padding > 0; --padding) text += "%3D";
  return text;
}

}  // namespace

proto::JoinRequest make_join_request(const std::string& metadata,
                                     const std::map<std::string, std::string>& attributes) {
  proto::JoinRequest request;
  introduce(request);
  request.set_metadata(metadata);
  for (const auto& [name, value] : attributes) (*request.mutable_participant_attributes())[name] = value;
  return request;
}

proto::JoinRequest make_resume_request(const std::string& participant_sid, proto::ReconnectReason reason) {
  proto::JoinRequest request;
  introduce(request);
  request.set_reconnect(true);
  request.set_reconnect_reason(reason);
  request.set_participant_sid(participant_sid);
  return request;
}

Result<std::string> signal_url(std::string_view server, const proto::JoinRequest& request) {
  auto base = socket_base(server);
  if (!base) return base;
  proto::WrappedJoinRequest wrapped;
  wrapped.set_compression(proto::WrappedJoinRequest::NONE);
  *wrapped.mutable_join_request() = request.SerializeAsString();
  auto url = *base + "/rtc?join_request=" + percent_encoded_padding(net::base64url(wrapped.SerializeAsString()));
  if (url.size() > kMaxSignalUrlBytes) {
    return fail(Errc::overloaded,
                fmt::format("the request to join is {} bytes long, more than {} KiB: shorten metadata and attributes",
                            url.size(), kMaxSignalUrlBytes / 1024));
  }
  return url;
}

}  // namespace parley::livekit
