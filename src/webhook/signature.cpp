#include "webhook/signature.hpp"

#include <charconv>

#include <fmt/format.h>
#include <openssl/hmac.h>

#include "net/secret.hpp"

namespace parley::webhook {

namespace {

std::string hex_of_hmac(std::string_view secret, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       digest, &size);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) fmt::format_to(std::back_inserter(hex), "{:02x}", digest[i]);
  return hex;
}

std::string hex_at(std::string_view secret, std::int64_t at, std::string_view body) {
  return hex_of_hmac(secret, fmt::format("{}.{}", at, body));
}

}  // namespace

std::string sign(std::string_view secret, std::chrono::sys_seconds at, std::string_view body) {
  const std::int64_t seconds = at.time_since_epoch().count();
  return fmt::format("t={},v1={}", seconds, hex_at(secret, seconds, body));
}

Result<void> verify(const SignatureCheck& check, std::string_view header, std::string_view body, std::chrono::sys_seconds now) {
  const auto malformed = [] { return fail(Errc::refused, "the signature is not of the form t=<unix seconds>,v1=<hex>"); };
  const auto comma = header.find(',');
  if (header.size() > SignatureCheck::kMaxHeaderBytes || comma == std::string_view::npos) return malformed();
  const auto time = header.substr(0, comma);
  const auto digest = header.substr(comma + 1);
  if (!time.starts_with("t=") || !digest.starts_with("v1=")) return malformed();
  std::int64_t seconds = 0;
  const auto* const end = time.data() + time.size();
  const auto [rest, failed] = std::from_chars(time.data() + 2, end, seconds);
  if (failed != std::errc() || rest != end) return malformed();
  const std::int64_t present = now.time_since_epoch().count();
  const std::int64_t tolerance = check.tolerance.count();
  if (seconds < present - tolerance || seconds > present + tolerance) {
    return fail(Errc::refused, fmt::format("the signature is not of the last {} s", tolerance));
  }
  if (!net::same_secret(hex_at(check.secret, seconds, body), digest.substr(3))) return fail(Errc::refused, "the signature does not fit");
  return {};
}

}  // namespace parley::webhook
