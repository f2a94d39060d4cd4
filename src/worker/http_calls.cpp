#include "worker/http_calls.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <parley/base/ids.hpp>

#include "worker/http_events.hpp"
#include "worker/http_problem.hpp"

namespace parley::worker {

namespace {

constexpr std::string_view kRoot = "/call";
constexpr std::string_view kEvents = "/events";
constexpr auto kSdp = "application/sdp";

net::ServerResponse plain_ok() {
  net::ServerResponse response;
  response.fields = {{"Cache-Control", "no-store"}};
  return response;
}

net::ServerResponse options(std::string_view allowed, bool takes_offers) {
  auto response = plain_ok();
  response.fields.add("Allow", std::string(allowed));
  if (takes_offers) response.fields.add("Accept-Post", kSdp);
  return response;
}

// The refusal, if the body is no offer. What the SDP means is for the job to judge.
std::optional<net::ServerResponse> refuse_offer(const net::ServerRequest& request) {
  if (net::media_type(request.head.fields.get("Content-Type")) != kSdp) {
    auto response = problem(415, "send the offer with Content-Type: application/sdp");
    response.fields.add("Accept-Post", kSdp);
    return response;
  }
  if (request.body.size() > kMaxOfferBytes) return problem(413, fmt::format("an offer has at most {} bytes", kMaxOfferBytes));
  if (!request.body.starts_with("v=0")) return problem(400, "the body is no SDP: it must begin with v=0");
  return std::nullopt;
}

Result<boost::json::object> metadata_of(const net::Target& target) {
  const auto* text = target.find("metadata");
  if (!text) return boost::json::object();
  if (text->size() > kMaxCallMetadataBytes) {
    return fail(Errc::invalid_argument, fmt::format("metadata has at most {} bytes", kMaxCallMetadataBytes));
  }
  boost::json::error_code ec;
  auto parsed = boost::json::parse(*text, ec);
  if (ec || !parsed.is_object()) return fail(Errc::invalid_argument, "metadata must be a JSON object, percent-encoded");
  return std::move(parsed.as_object());
}

net::ServerResponse answer(int status, CallAnswer&& given) {
  auto response = plain_ok();
  response.status = status;
  response.fields.add("Content-Type", kSdp);
  response.fields.add("Location", fmt::format("{}/{}", kRoot, given.call_id));
  response.body = std::move(given.sdp);
  return response;
}

}  // namespace

bool HttpCalls::owns(std::string_view path) noexcept {
  return path.starts_with(kRoot) && (path.size() == kRoot.size() || path[kRoot.size()] == '/');
}

Task<net::ServerResponse> HttpCalls::handle(net::ServerRequest request) {
  const auto method = request.head.method;
  auto rest = std::string_view(request.target.path).substr(kRoot.size());
  if (rest.empty()) {
    constexpr std::string_view kAllowed = "POST, OPTIONS";
    if (method == "POST") co_return co_await offer(std::move(request));
    if (method == "OPTIONS") co_return options(kAllowed, true);
    co_return not_allowed(method, kAllowed);
  }
  rest.remove_prefix(1);
  const bool events = rest.ends_with(kEvents);
  if (events) rest.remove_suffix(kEvents.size());
  if (!is_id(rest)) co_return problem(404, "there is no such call");
  const std::string call_id(rest);
  if (events) {
    constexpr std::string_view kAllowed = "GET, OPTIONS";
    if (method == "GET") co_return co_await watch_events(desk_, call_id, std::move(request));
    if (method == "OPTIONS") co_return options(kAllowed, false);
    co_return not_allowed(method, kAllowed);
  }
  constexpr std::string_view kAllowed = "POST, DELETE, OPTIONS";
  if (method == "POST") co_return co_await reoffer(call_id, std::move(request));
  if (method == "DELETE") co_return hang_up(call_id);
  if (method == "OPTIONS") co_return options(kAllowed, true);
  co_return not_allowed(method, kAllowed);
}

Task<net::ServerResponse> HttpCalls::offer(net::ServerRequest request) {
  if (auto refusal = refuse_offer(request)) co_return std::move(*refusal);
  auto metadata = metadata_of(request.target);
  if (!metadata) co_return problem(400, metadata.error().message());
  auto given = co_await desk_.offer(std::move(request.body), std::move(*metadata), request.deadline);
  if (!given) co_return problem_of(given.error());
  co_return answer(201, std::move(*given));
}

Task<net::ServerResponse> HttpCalls::reoffer(std::string call_id, net::ServerRequest request) {
  if (auto refusal = refuse_offer(request)) co_return std::move(*refusal);
  auto given = co_await desk_.reoffer(std::move(call_id), std::move(request.body), request.deadline);
  if (!given) co_return problem_of(given.error());
  co_return answer(200, std::move(*given));
}

net::ServerResponse HttpCalls::hang_up(const std::string& call_id) {
  if (auto done = desk_.hang_up(call_id); !done) return problem_of(done.error());
  return plain_ok();
}

}  // namespace parley::worker
