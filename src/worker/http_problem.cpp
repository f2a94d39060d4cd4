#include "worker/http_problem.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <parley/base/utf8.hpp>

namespace parley::worker {

namespace {

// How soon a caller should try again when all slots are taken: calls last minutes, so more often gains nothing.
constexpr Duration kRetryAfter = 5s;

int status_of(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument: return 422;
    case Errc::not_found: return 404;
    case Errc::refused: return 403;
    case Errc::overloaded:
    case Errc::closing:
    case Errc::unavailable: return 503;
    case Errc::timeout: return 504;
    case Errc::protocol:
    case Errc::io:
    case Errc::internal: return 500;
  }
  return 500;
}

}  // namespace

net::ServerResponse problem(int status, std::string_view detail) {
  const boost::json::object body{{"title", std::string(net::reason_phrase(status))}, {"status", status}, {"detail", std::string(detail)}};
  net::ServerResponse response;
  response.status = status;
  response.fields = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  response.body = valid_utf8(boost::json::serialize(body)) + "\n";  // `detail` may quote the request
  return response;
}

net::ServerResponse problem_of(const Error& error) {
  const int status = status_of(error.code());
  auto response = problem(status, status == 500 ? "something failed on our side; the worker's log says what" : error.message());
  if (status == 503) response.fields.add("Retry-After", std::to_string(kRetryAfter / 1s));
  return response;
}

net::ServerResponse not_allowed(std::string_view method, std::string_view allowed) {
  auto response = problem(405, fmt::format("{} means nothing here; what does is {}", method, allowed));
  response.fields.add("Allow", std::string(allowed));
  return response;
}

}  // namespace parley::worker
