// What every call's handshake needs of OpenSSL, loaded before processes that serve calls are forked: its algorithms, its
// messages, the code of a whole DTLS handshake. They share it then, half a megabyte and some ten milliseconds each.
//
// Thread: one that is alone in its process; it starts none.
#pragma once

#include <parley/base/result.hpp>

namespace parley::rtc {

// A handshake with itself, in memory. An error: calls will load what is missing themselves.
Result<void> warm_up();

}  // namespace parley::rtc
