// How long a server asks to be left alone (RFC 9110, 10.2.3).
#pragma once

#include <parley/base/time.hpp>

#include "net/http.hpp"

namespace parley::net {

inline constexpr Duration kMaxRetryAfter = 1h;

// What Retry-After says, in seconds, at most kMaxRetryAfter; zero where it says nothing, or a date.
Duration retry_after(const HttpFields& fields) noexcept;

}  // namespace parley::net
