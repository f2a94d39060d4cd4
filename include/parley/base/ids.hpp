// Identifiers as LiveKit writes them: a two-letter kind, an underscore, random letters and digits ("CA_x7Kd...").
#pragma once

#include <string>
#include <string_view>

#include <parley/base/random.hpp>

namespace parley {

// CA_ call, AJ_ attempt (LiveKit's job prefix), SG_ transcription segment, FC_ tool call, WK_ worker.
std::string make_id(Random& random, std::string_view prefix, std::size_t length = 16);

// True for what make_id can produce: safe as a file name and in a URL.
bool is_id(std::string_view text) noexcept;

}  // namespace parley
