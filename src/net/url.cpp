#include "net/url.hpp"

#include <algorithm>
#include <charconv>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

namespace parley::net {

namespace {

std::string lower(std::string_view text) {
  std::string made(text);
  for (auto& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

std::uint16_t port_of(std::string_view scheme) noexcept { return scheme == "https" || scheme == "wss" ? 443 : 80; }

std::string bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

std::string_view view(boost::core::string_view text) noexcept { return {text.data(), text.size()}; }

}  // namespace

std::string Url::authority() const {
  return port == port_of(scheme) ? bracketed(host) : fmt::format("{}:{}", bracketed(host), port);
}

std::string Url::shown() const {
  return fmt::format("{}://{}{}", scheme, authority(), std::string_view(target).substr(0, target.find('?')));
}

Result<Url> parse_url(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    const bool may_be_secret = text.find('@') != std::string_view::npos;
    const auto what = may_be_secret ? std::string_view("...@...") : text.substr(0, text.find('?'));
    return fail(Errc::invalid_argument, fmt::format("\"{}\" cannot be used as a URL: {}", what, why));
  };
  if (text.size() > Url::kMaxBytes) return fail(Errc::invalid_argument, "a URL is longer than 8 KiB");
  const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
  if (!parsed) return refuse("write it as https://host/path");
  const auto& raw = *parsed;
  Url url;
  url.scheme = lower(view(raw.scheme()));
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "ws" && url.scheme != "wss") {
    return refuse("it must begin with http:// or https://");
  }
  url.host = lower(raw.host_address());
  if (url.host.empty()) return refuse("it names no host");
  url.port = port_of(url.scheme);
  if (raw.has_port()) {
    const auto digits = view(raw.port());
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (ec != std::errc() || end != digits.data() + digits.size() || url.port == 0) return refuse("its port is not one of 1 to 65535");
  }
  url.target = std::string(view(raw.encoded_path()));
  if (url.target.empty()) url.target = "/";
  if (raw.has_query()) url.target.append("?").append(view(raw.encoded_query()));
  if (raw.has_userinfo()) url.user_info = raw.userinfo();
  return url;
}

const std::string* Target::find(std::string_view name) const noexcept {
  const auto it = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
  return it == query.end() ? nullptr : &it->second;
}

Result<Target> parse_target(std::string_view target) {
  if (target == "*") return Target{.path = "*", .query = {}};
  auto parsed = boost::urls::parse_origin_form({target.data(), target.size()});
  if (!parsed) parsed = boost::urls::parse_uri({target.data(), target.size()});
  if (!parsed) return fail(Errc::invalid_argument, "the request's target is malformed");
  Target made;
  made.path = parsed->path();
  if (made.path.empty()) made.path = "/";
  for (const auto& parameter : parsed->params()) made.query.emplace_back(parameter.key, parameter.value);
  return made;
}

std::string host_name(std::string_view authority) {
  const auto parsed = boost::urls::parse_authority({authority.data(), authority.size()});
  if (!parsed || parsed->has_userinfo()) return {};
  return lower(parsed->host_address());
}

}  // namespace parley::net
