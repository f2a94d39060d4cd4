#include "livekit/api/twirp.hpp"

#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

#include <parley/base/utf8.hpp>

namespace parley::livekit {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxWords = 300;  // of the server's, in a message of ours

// https://twitchtv.github.io/twirp/docs/errors.html
struct Code {
  std::string_view name;
  Errc errc;
};
constexpr std::array kCodes{
    Code{"invalid_argument", Errc::invalid_argument}, Code{"malformed", Errc::invalid_argument},
    Code{"out_of_range", Errc::invalid_argument},     Code{"already_exists", Errc::invalid_argument},
    Code{"failed_precondition", Errc::invalid_argument},
    Code{"unimplemented", Errc::invalid_argument},    Code{"not_found", Errc::not_found},
    Code{"permission_denied", Errc::refused},         Code{"unauthenticated", Errc::refused},
    Code{"resource_exhausted", Errc::overloaded},     Code{"deadline_exceeded", Errc::timeout},
    Code{"bad_route", Errc::protocol},
};

Errc errc_of(std::string_view code, int status) {
  for (const auto& known : kCodes) {
    if (known.name == code) return known.errc;
  }
  if (status == 401 || status == 403) return Errc::refused;
  if (status == 429) return Errc::overloaded;
  return code.empty() && status / 100 != 5 ? Errc::protocol : Errc::unavailable;
}

std::string shortened(std::string text) {
  if (text.size() > kMaxWords) text.resize(kMaxWords);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return valid_utf8(std::move(text));
}

std::string camel(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool joint = name[i] == '_' && i + 1 < name.size();
    out += joint ? static_cast<char>(name[++i] - 'a' + 'A') : name[i];
  }
  return out;
}

// A key that is wrong is refused before Twirp, in plain text; a grant that is missing by Twirp, which says 401 as well.
Error refusal(std::string_view what, bool by_twirp, std::string_view words) {
  if (!by_twirp) {
    return {Errc::refused, fmt::format("{}: the LiveKit server does not accept the API key or its secret (LIVEKIT_API_KEY, "
                                       "LIVEKIT_API_SECRET): {}", what, words)};
  }
  return {Errc::refused, fmt::format("{}: the LiveKit server does not allow it with this key or token: {}", what, words)};
}

// Why a telephone call failed stands beside the error: "sip_status_code": "486".
std::string with_sip_status(std::string words, const json::object& answer) {
  const auto* meta = answer.if_contains("meta");
  if (!meta || !meta->is_object()) return words;
  const auto code = text_field(meta->as_object(), "sip_status_code");
  if (code.empty() || words.find(code) != std::string::npos) return words;
  return shortened(fmt::format("{} (SIP {} {})", words, code, text_field(meta->as_object(), "sip_status")));
}

}  // namespace

Result<json::object> read_answer(std::string_view what, const net::ClientResponse& response) {
  const int status = response.head.status;
  boost::system::error_code error;
  auto parsed = json::parse(response.body, error);
  const bool object = !error && parsed.is_object();
  if (status == 200) {
    if (!object) return fail(Errc::protocol, fmt::format("{}: the LiveKit server's answer is no JSON object", what));
    return std::move(parsed.as_object());
  }
  std::string code;
  std::string words;
  if (object) {
    code = text_field(parsed.as_object(), "code");
    words = with_sip_status(shortened(text_field(parsed.as_object(), "msg")), parsed.as_object());
  }
  if (words.empty()) words = response.body.empty() || object ? "no reason given" : shortened(response.body);
  const auto errc = errc_of(code, status);
  if (errc == Errc::refused) return fail(refusal(what, !code.empty(), words));
  if (errc == Errc::protocol) {
    return fail(errc, fmt::format("{}: what answers there is no LiveKit server's API ({} {}): look at the URL", what, status, words));
  }
  return fail(errc, fmt::format("{}: the LiveKit server answers {} {}: {}", what, status, code.empty() ? "" : code, words));
}

const json::value* field(const json::object& message, std::string_view name) {
  const auto* value = message.if_contains(name);
  return value ? value : message.if_contains(camel(name));
}

std::string text_field(const json::object& message, std::string_view name) {
  const auto* value = field(message, name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

unsigned count_field(const json::object& message, std::string_view name) {
  const auto* value = field(message, name);
  boost::system::error_code error;
  const auto number = value && value->is_number() ? value->to_number<std::uint32_t>(error) : 0;
  return error ? 0 : number;
}

}  // namespace parley::livekit
