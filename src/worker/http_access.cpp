#include "worker/http_access.hpp"

#include <fmt/format.h>

#include "net/secret.hpp"
#include "worker/http_problem.hpp"

namespace parley::worker {

HttpAccess::HttpAccess(std::string listening, const std::vector<std::string>& names, std::string token)
    : listening_(std::move(listening)), beyond_loopback_(!net::is_loopback(listening_)), token_(std::move(token)) {
  names_.insert("localhost");
  for (const auto& name : names) names_.insert(net::host_name(name));
  names_.erase("");
}

Result<void> HttpAccess::check() const {
  if (beyond_loopback_ && token_.empty()) {
    return fail(Errc::invalid_argument,
                fmt::format("calls are not taken on {} without a token, for anybody could place them: set one, or listen on 127.0.0.1",
                            listening_));
  }
  if (!token_.empty() && token_.size() < kMinTokenBytes) {
    return fail(Errc::invalid_argument, fmt::format("the token can be guessed: make it {} characters or longer", kMinTokenBytes));
  }
  return {};
}

std::optional<net::ServerResponse> HttpAccess::refuse_host(const net::RequestHead& head) const {
  const auto name = net::host_name(head.fields.get("Host"));
  if (name.empty()) return problem(400, "the request has no Host");
  if (names_.contains(name) || name.ends_with(".localhost") || net::is_loopback(name)) return std::nullopt;
  if (beyond_loopback_ && net::is_address(name)) return std::nullopt;
  return problem(403, fmt::format("this server does not go by the name {}; add it with --host-name if it should", name));
}

std::optional<net::ServerResponse> HttpAccess::refuse_token(const net::RequestHead& head) const {
  if (token_.empty()) return std::nullopt;
  const auto given = head.fields.get("Authorization");
  constexpr std::string_view kScheme = "Bearer ";
  const bool bearer = given.size() > kScheme.size() && net::same_name(given.substr(0, kScheme.size()), kScheme);
  if (bearer && net::same_secret(given.substr(kScheme.size()), token_)) return std::nullopt;
  auto response = problem(401, bearer ? "the token is not the right one" : "send the token as \"Authorization: Bearer ...\"");
  response.fields.add("WWW-Authenticate", bearer ? "Bearer error=\"invalid_token\"" : "Bearer");
  return response;
}

}  // namespace parley::worker
