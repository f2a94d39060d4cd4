#include "net/url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <boost/url/parse.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include "net/endpoint.hpp"

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

struct Host {
  std::string name;
  std::string_view port;  // empty if there is none
};

// Boost.URL 1.81 takes "10.0.0.1.example.com" for the address before the name's rest: so by hand, and strictly.
std::optional<Host> split_host(std::string_view authority) {
  Host host;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos || !is_address(authority.substr(1, end - 1))) return std::nullopt;
    host.name = lower(authority.substr(1, end - 1));
    authority.remove_prefix(end + 1);
  } else {
    const auto name = authority.substr(0, authority.find(':'));
    const bool sound = !name.empty() && std::ranges::all_of(name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
    if (!sound) return std::nullopt;
    host.name = lower(name);
    authority.remove_prefix(name.size());
  }
  if (authority.empty()) return host;
  host.port = authority.substr(1);
  const bool digits = authority[0] == ':' && !host.port.empty() && std::ranges::all_of(host.port, [](char c) { return c >= '0' && c <= '9'; });
  return digits ? std::optional(host) : std::nullopt;
}

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
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return refuse("write it as https://host/path");
  Url url;
  url.scheme = lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "ws" && url.scheme != "wss") {
    return refuse("it must begin with http:// or https://");
  }
  const auto rest = text.substr(colon + 3, text.find('#') - colon - 3);
  auto authority = rest.substr(0, rest.find_first_of("/?"));
  url.target = std::string(rest.substr(authority.size()));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (!boost::urls::parse_origin_form(url.target)) return refuse("encode what is not allowed in a path or query");
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    const auto decoded = boost::urls::make_pct_string_view({authority.data(), at});
    if (!decoded) return refuse("its user or password is malformed");
    url.user_info = decoded->decode();
    authority.remove_prefix(at + 1);
  }
  const auto host = split_host(authority);
  if (!host) return refuse("it names no host that can be looked up");
  url.host = host->name;
  url.port = port_of(url.scheme);
  if (!host->port.empty()) {
    const auto [end, ec] = std::from_chars(host->port.data(), host->port.data() + host->port.size(), url.port);
    if (ec != std::errc() || end != host->port.data() + host->port.size() || url.port == 0) return refuse("its port is not one of 1 to 65535");
  }
  return url;
}

const std::string* Target::find(std::string_view name) const noexcept {
  const auto it = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
  return it == query.end() ? nullptr : &it->second;
}

Result<Target> parse_target(std::string_view target) {
  if (target == "*") return Target{.path = "*", .query = {}};
  std::string text(target);
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (lower(target.substr(0, scheme.size())) != scheme) continue;
    const auto path = std::min(target.find_first_of("/?", scheme.size()), target.size());
    text = target.substr(path);
    if (!text.starts_with('/')) text.insert(0, "/");
  }
  const auto parsed = boost::urls::parse_origin_form(text);
  if (!parsed) return fail(Errc::invalid_argument, "the request's target is malformed");
  Target made;
  made.path = parsed->path();
  // Boost.URL 1.81 reads past the end of a query that is there and empty.
  if (parsed->encoded_query().empty()) return made;
  for (const auto& parameter : parsed->params()) made.query.emplace_back(parameter.key, parameter.value);
  return made;
}

std::string host_name(std::string_view authority) {
  auto host = split_host(authority);
  return host ? std::move(host->name) : std::string();
}

}  // namespace parley::net
