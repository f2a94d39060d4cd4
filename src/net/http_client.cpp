#include "net/http_client.hpp"

#include <fmt/format.h>

namespace parley::net {

Task<Result<ClientResponse>> HttpClient::send(ClientRequest request, Deadline deadline, std::size_t max_body) {
  auto stream = co_await open(std::move(request), deadline);
  if (!stream) co_return fail(stream.error());
  ClientResponse response{.head = (*stream)->head(), .body = {}};
  for (;;) {
    auto piece = co_await (*stream)->read(deadline);
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return response;
    if (response.body.size() + piece->size() > max_body) {
      co_return fail(Errc::protocol, fmt::format("the answer is longer than {} bytes", max_body));
    }
    response.body.append(*piece);
  }
}

}  // namespace parley::net
