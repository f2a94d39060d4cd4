// Errors that a caller can meet, as values.
//
// A function that can fail for a reason outside the program returns Result<T>; exceptions are for broken promises of our
// own. A message is one plain sentence that tells the reader what to do, and may be shown to an operator as it is.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace parley {

enum class Errc {
  invalid_argument,  // what was given cannot be used: a malformed message, file or number
  not_found,         // the named thing does not exist
  refused,           // the other side, or a rule of ours, says no
  closing,           // the owner is being closed; nothing new starts in it
  timeout,           // the deadline passed
  overloaded,        // a bound was reached: a full queue, no free slot
  unavailable,       // the other side cannot be reached, or went away; another try may help
  protocol,          // the other side broke its protocol
  io,                // the operating system refused: disk, descriptors, memory
  internal,          // ours: a bug, reported as a value where the call must go on
};

// "timeout", "not_found", ...: stable, for logs, journals and metrics.
std::string_view to_string(Errc code) noexcept;

// What went wrong, in one sentence; what lay beneath it stands at its end.
class Error {
 public:
  Error(Errc code, std::string message) : code_(code), message_(std::move(message)) {}

  Errc code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }

  // The same error seen from one level up: `outer` + ": " + this message, same code.
  Error within(std::string_view outer) const { return {code_, std::string(outer) + ": " + message_}; }

 private:
  Errc code_;
  std::string message_;
};

template <class T = void>
using Result = std::expected<T, Error>;

// return fail(Errc::not_found, "no such call");
inline std::unexpected<Error> fail(Errc code, std::string message) {
  return std::unexpected(Error(code, std::move(message)));
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

// An error made of errno: "open /x: No such file or directory".
Error errno_error(std::string_view what, int errno_value);

}  // namespace parley
