#include "worker/http_pages.hpp"

#include <algorithm>

#include "worker/http_problem.hpp"

namespace parley::worker {

namespace {
// Nothing but our own files runs, nothing is framed, nothing is sent elsewhere. The microphone is for us alone.
constexpr auto kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}  // namespace

net::ServerResponse HttpPages::handle(const net::ServerRequest& request) const {
  const std::string_view path = request.target.path == "/" ? std::string_view("/index.html") : request.target.path;
  const auto file = std::ranges::find(files_, path, &PageFile::path);
  if (file == files_.end()) return problem(404, "there is nothing here");
  const auto& method = request.head.method;
  if (method != "GET" && method != "HEAD") return not_allowed(method, "GET, HEAD");
  net::ServerResponse response;
  response.fields = {{"Content-Type", std::string(file->content_type)},
                     {"Cache-Control", "no-cache"},
                     {"Content-Security-Policy", kPolicy},
                     {"Permissions-Policy", "microphone=(self)"},
                     {"Referrer-Policy", "no-referrer"},
                     {"Cross-Origin-Opener-Policy", "same-origin"},
                     {"Cross-Origin-Resource-Policy", "same-origin"},
                     {"X-Content-Type-Options", "nosniff"}};
  response.body = file->bytes;
  return response;
}

}  // namespace parley::worker
