// Comparing secrets.
#pragma once

#include <string_view>

namespace parley::net {

// In a time that tells nothing of where, or how much, they differ.
bool same_secret(std::string_view a, std::string_view b) noexcept;

}  // namespace parley::net
