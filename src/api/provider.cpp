#include <parley/provider.hpp>

#include <fmt/format.h>

namespace parley {

ProviderError ProviderError::from_http(int status, std::string message, Duration retry_after) {
  const bool client_fault = status >= 400 && status < 500;
  const bool worth_another_try = !client_fault || status == 408 || status == 429 || status == 499;
  const auto code = status == 401 || status == 403 ? Errc::refused : status == 429 ? Errc::overloaded : Errc::unavailable;
  return {Error(code, fmt::format("HTTP {}: {}", status, message)), worth_another_try, retry_after};
}

}  // namespace parley
