// An access token that somebody hands us.
#include <cstdlib>

#include "livekit/api/access_token.hpp"

using namespace parley;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto view = livekit::read_token(as_text(ByteView(data, size)));
  if (!view) return view.error().code() == Errc::invalid_argument ? 0 : -1;
  if (view->expires && view->expires->time_since_epoch().count() < 0) std::abort();
  return 0;
}
