#include "providers/deepgram/connect.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "net/retry_after.hpp"

namespace parley::deepgram {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxShownBytes = 300;

bool unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-._~").contains(c);
}

}  // namespace

std::string socket_base(std::string_view base_url) {
  while (base_url.ends_with('/')) base_url.remove_suffix(1);
  const auto authority = base_url.find("://");
  const bool bare = authority != std::string_view::npos && base_url.find('/', authority + 3) == std::string_view::npos;
  const std::string socket = base_url.starts_with("http") ? fmt::format("ws{}", base_url.substr(4)) : std::string(base_url);
  return bare ? socket + "/v1" : socket;
}

net::WebSocketRequest socket_request(std::string_view base_url, std::string_view target, const std::string& api_key) {
  net::WebSocketRequest request;
  request.url = socket_base(base_url).append(target);
  if (!api_key.empty()) request.fields.add("Authorization", "Token " + api_key);
  return request;
}

std::string refusal_text(const net::ClientResponse& answer) {
  boost::system::error_code failed;
  const auto value = json::parse(answer.body, failed);
  if (const auto* object = failed ? nullptr : value.if_object()) {
    for (const auto* key : {"err_msg", "message", "details"}) {
      const auto* text = object->if_contains(key);
      if (text && text->is_string() && !text->get_string().empty()) return std::string(text->get_string()).substr(0, kMaxShownBytes);
    }
  }
  if (const auto said = answer.head.fields.get("dg-error"); !said.empty()) return std::string(said.substr(0, kMaxShownBytes));
  return answer.body.substr(0, kMaxShownBytes);
}

ProviderError provider_error(const net::WebSocketFailure& failure) {
  if (failure.answer) {
    const auto& head = failure.answer->head;
    return ProviderError::from_http(head.status, "deepgram: " + refusal_text(*failure.answer), net::retry_after(head.fields));
  }
  // What is wrong with the address, the key's form or the certificate stays wrong.
  const bool final = failure.error.code() == Errc::invalid_argument || failure.error.code() == Errc::refused;
  return {failure.error.within("deepgram"), !final};
}

std::string query_value(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (unreserved(c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace parley::deepgram
