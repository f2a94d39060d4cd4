// Parley-Signature: how a server knows that a request comes from its own Parley, and is not an old one sent again.
//
//   Parley-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body" under the shared secret>
//
// The body is meant byte for byte, as it came: before it is parsed. docs/http-tools.md has the server's side in Python and Node.
#pragma once

#include <string>
#include <string_view>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley::webhook {

inline constexpr const char* kSignatureField = "Parley-Signature";

std::string sign(std::string_view secret, std::chrono::sys_seconds at, std::string_view body);

struct SignatureCheck {
  static constexpr std::size_t kMaxHeaderBytes = 1024;

  std::string_view secret;
  std::chrono::seconds tolerance = std::chrono::minutes(5);  // between its time and ours, either way
};
// Errc::refused says why, and nothing of the secret. Takes a time that tells nothing of how much of the signature was right.
Result<void> verify(const SignatureCheck& check, std::string_view header, std::string_view body, std::chrono::sys_seconds now);

}  // namespace parley::webhook
