#include "providers/deepgram/messages.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace parley::deepgram {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxShownBytes = 200;  // of a message in an error

}  // namespace

Result<json::object> read_message(std::string_view message) {
  boost::system::error_code failed;
  auto value = json::parse(message, failed);
  if (failed || !value.is_object()) return fail(Errc::protocol, fmt::format("no JSON object: {}", message.substr(0, kMaxShownBytes)));
  return std::move(value).as_object();
}

std::string_view text_at(const json::object& object, std::string_view key) noexcept {
  const auto* value = object.if_contains(key);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string_view(*text) : std::string_view();
}

}  // namespace parley::deepgram
