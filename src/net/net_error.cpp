#include "net/net_error.hpp"

#include <cerrno>
#include <cctype>
#include <system_error>

namespace parley::net {

namespace {

Errc code_of(int errno_value) noexcept {
  switch (errno_value) {
    case ECANCELED: return Errc::closing;
    case ETIMEDOUT: return Errc::timeout;
    case EACCES:
    case EPERM: return Errc::refused;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENOTCONN: return Errc::unavailable;
    default: return Errc::io;
  }
}

}  // namespace

std::string error_text(int errno_value) {
  if (errno_value == ECANCELED) return "the connection was closed";
  auto text = std::generic_category().message(errno_value);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

Error net_error(int errno_value) { return {code_of(errno_value), error_text(errno_value)}; }

}  // namespace parley::net
