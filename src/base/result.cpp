#include <parley/base/result.hpp>

#include <cstring>

namespace parley {

std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument: return "invalid_argument";
    case Errc::not_found: return "not_found";
    case Errc::refused: return "refused";
    case Errc::closing: return "closing";
    case Errc::timeout: return "timeout";
    case Errc::overloaded: return "overloaded";
    case Errc::unavailable: return "unavailable";
    case Errc::protocol: return "protocol";
    case Errc::io: return "io";
    case Errc::internal: return "internal";
  }
  return "internal";
}

Error errno_error(std::string_view what, int errno_value) {
  char buffer[128];
  // The GNU form: returns the text, which may or may not lie in the buffer.
  const char* text = ::strerror_r(errno_value, buffer, sizeof buffer);
  return {Errc::io, std::string(what) + ": " + text};
}

}  // namespace parley
