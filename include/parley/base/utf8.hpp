// Text from outside that must become valid text: JSON takes nothing else, and so do journals and the answers of HTTP.
#pragma once

#include <string>
#include <string_view>

namespace parley {

// How many bytes the UTF-8 sequence (RFC 3629) at the front of `text` has; 0: it is broken, or there is none.
std::size_t utf8_sequence(std::string_view text) noexcept;

// `text` with U+FFFD in the place of each byte that belongs to no sequence; unchanged, and not copied, if there is none.
std::string valid_utf8(std::string text);

}  // namespace parley
