#include "caller/http_call_server.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace parley::caller {

namespace {

constexpr std::string_view kSdp = "application/sdp";

// The server's own words: problem details (RFC 9457), or the beginning of its text.
std::string words_of(const net::ClientResponse& response) {
  boost::system::error_code error;
  const auto json = boost::json::parse(response.body, error);
  if (!error && json.is_object()) {
    for (const auto* name : {"detail", "title", "error"}) {
      if (const auto* text = json.as_object().if_contains(name); text && text->is_string()) return std::string(text->as_string());
    }
  }
  constexpr std::size_t kMost = 300;
  return response.body.empty() ? "no reason given" : response.body.substr(0, kMost);
}

Errc code_of(int status) {
  switch (status) {
    case 400:
    case 415:
    case 422: return Errc::invalid_argument;
    case 401:
    case 403: return Errc::refused;
    case 404: return Errc::not_found;
    case 503: return Errc::overloaded;
    default: return Errc::unavailable;
  }
}

Error refusal(std::string_view what, const net::ClientResponse& response) {
  if (response.head.status == 401) {
    return {Errc::refused, fmt::format("{}: the agent asks for its token (PARLEY_TOKEN, or --token-file): {}", what, words_of(response))};
  }
  return {code_of(response.head.status),
          fmt::format("{}: the server answered {} {}: {}", what, response.head.status,
                      net::reason_phrase(response.head.status), words_of(response))};
}

}  // namespace

Result<std::unique_ptr<HttpCallServer>> HttpCallServer::create(net::HttpClient& client, std::string_view text, std::string token) {
  auto url = net::parse_url(text);
  if (!url || (url->scheme != "http" && url->scheme != "https")) {
    return fail(Errc::invalid_argument, fmt::format("\"{}\" is no address of an agent: write it as http://127.0.0.1:8080",
                                                    url ? url->shown() : std::string(text)));
  }
  if (url->target.empty() || url->target == "/") url->target = "/call";
  return std::unique_ptr<HttpCallServer>(new HttpCallServer(client, std::move(*url), std::move(token)));
}

HttpCallServer::HttpCallServer(net::HttpClient& client, net::Url url, std::string token)
    : client_(client), url_(std::move(url)), token_(std::move(token)) {}

net::ClientRequest HttpCallServer::request(std::string method, std::string url) const {
  net::ClientRequest request{.method = std::move(method), .url = std::move(url)};
  if (!token_.empty()) request.fields.add("Authorization", "Bearer " + token_);
  return request;
}

Task<Result<std::string>> HttpCallServer::offer(std::string sdp, Deadline deadline) {
  auto post = request("POST", fmt::format("{}://{}{}", url_.scheme, url_.authority(), url_.target));
  post.fields.add("Content-Type", std::string(kSdp));
  post.fields.add("Accept", std::string(kSdp));
  post.body = std::move(sdp);
  auto response = co_await client_.send(std::move(post), deadline, kMaxAnswer);
  if (!response) co_return fail(response.error());
  if (response->head.status != 201) co_return fail(refusal("the call was not taken", *response));
  if (net::media_type(response->head.fields.get("Content-Type")) != kSdp) {
    co_return fail(Errc::protocol, "the server took the call, but its answer is no SDP");
  }
  if (auto kept = keep_location(response->head.fields.get("Location")); !kept) co_return fail(kept.error());
  co_return std::move(response->body);
}

Result<void> HttpCallServer::keep_location(std::string_view location) {
  if (location.starts_with('/') && !location.starts_with("//")) {
    location_ = fmt::format("{}://{}{}", url_.scheme, url_.authority(), location);
    return {};
  }
  const auto absolute = net::parse_url(location);
  if (!absolute || absolute->authority() != url_.authority() || absolute->scheme != url_.scheme) {
    return fail(Errc::protocol, "the server took the call, but its Location names no resource of its own");
  }
  location_ = std::string(location);
  return {};
}

std::string HttpCallServer::call_id() const { return location_.substr(location_.rfind('/') + 1); }

Task<Result<void>> HttpCallServer::watch(Deadline deadline) {
  auto get = request("GET", location_ + "/events");
  get.fields.add("Accept", "text/event-stream");
  if (!last_id_.empty()) get.fields.add("Last-Event-ID", last_id_);
  auto opened = co_await client_.open(std::move(get), deadline);
  if (!opened) co_return fail(opened.error());
  const auto status = (*opened)->head().status;
  if (status == 204 || status == 404) co_return fail(Errc::closing, "the call has no more events");
  if (status != 200) co_return fail(code_of(status), fmt::format("the call's events: the server answered {}", status));
  stream_ = std::move(*opened);
  parser_ = {};
  co_return Result<void>{};
}

Task<Result<ServerEvent>> HttpCallServer::next_event(Deadline deadline) {
  if (location_.empty()) co_return fail(Errc::closing, "there is no call");
  for (;;) {
    if (auto event = parser_.next()) {
      retries_ = 0;
      last_id_ = event->id;
      boost::system::error_code error;
      auto json = boost::json::parse(event->data, error);
      if (error || !json.is_object()) continue;  // none of ours
      co_return ServerEvent{std::move(event->type), std::move(json.as_object())};
    }
    if (!stream_) {
      if (++retries_ > kMaxRetries) co_return fail(Errc::unavailable, "the call's events could not be watched");
      if (retries_ > 1) co_await sleep_for(retries_ * kRetryPause);
      if (auto watched = co_await watch(deadline); !watched) co_return fail(watched.error());
    }
    auto piece = co_await stream_->read(deadline);
    if (!piece && piece.error().code() == Errc::timeout) co_return fail(piece.error());
    if (!piece || piece->empty() || !parser_.feed(*piece)) stream_.reset();  // ended or cut: ask for the rest
  }
}

Task<Result<void>> HttpCallServer::hang_up(Deadline deadline) {
  if (location_.empty()) co_return Result<void>{};
  const auto response = co_await client_.send(request("DELETE", location_), deadline, kMaxAnswer);
  if (!response) co_return fail(response.error());
  const auto status = response->head.status;
  if (status / 100 == 2 || status == 404 || status == 410) co_return Result<void>{};
  co_return fail(refusal("hanging up", *response));
}

}  // namespace parley::caller
