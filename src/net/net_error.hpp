// Errors of the network as values: which of them may go away by themselves, and what they are called in a sentence.
#pragma once

#include <string>

#include <parley/base/result.hpp>

namespace parley::net {

// "connection refused": the system's words, ready to stand after a colon.
std::string error_text(int errno_value);

// The same with the code that fits: unavailable for what the other side or the way to it did, io for what this machine
// lacks, closing for an operation that was cancelled.
Error net_error(int errno_value);

}  // namespace parley::net
