#include "net/proxy.hpp"

#include <cctype>

#include <fmt/format.h>

#include "net/endpoint.hpp"
#include "net/http.hpp"

namespace parley::net {

namespace {

Result<std::optional<Url>> proxy_from(const ProxyRules::Environment& environment, const char* lower, const char* upper) {
  const char* value = environment(lower);
  if (!value || !*value) value = environment(upper);
  if (!value || !*value) return std::nullopt;
  std::string text = value;
  if (text.find("://") == std::string::npos) text.insert(0, "http://");
  auto url = parse_url(text);
  if (!url || url->scheme != "http") {
    return fail(Errc::invalid_argument, fmt::format("{} is no proxy that can be used: write it as http://host:port", upper));
  }
  return std::move(*url);
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> items;
  std::string item;
  for (const char c : list) {
    if (c != ',' && !std::isspace(static_cast<unsigned char>(c))) {
      item.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    } else if (!item.empty()) {
      items.push_back(std::exchange(item, {}));
    }
  }
  if (!item.empty()) items.push_back(item);
  return items;
}

// "example.com" and ".example.com" stand for the name and all below it; a port restricts it.
bool matches(std::string_view rule, const Url& url) {
  if (rule == "*") return true;
  if (const auto colon = rule.rfind(':'); colon != std::string_view::npos && rule.find(':') == colon) {
    if (rule.substr(colon + 1) != std::to_string(url.port)) return false;
    rule = rule.substr(0, colon);
  }
  if (rule.starts_with('.')) rule.remove_prefix(1);
  const std::string_view host = url.host;
  if (host == rule) return true;
  return !rule.empty() && !is_address(host) && host.size() > rule.size() && host.ends_with(rule) &&
         host[host.size() - rule.size() - 1] == '.';
}

}  // namespace

Result<ProxyRules> ProxyRules::from_environment(const Environment& environment) {
  ProxyRules rules;
  auto http = proxy_from(environment, "http_proxy", "HTTP_PROXY");
  if (!http) return fail(http.error());
  rules.http_ = std::move(*http);
  auto https = proxy_from(environment, "https_proxy", "HTTPS_PROXY");
  if (!https) return fail(https.error());
  rules.https_ = std::move(*https);
  const char* direct = environment("no_proxy");
  if (!direct || !*direct) direct = environment("NO_PROXY");
  if (direct) rules.direct_ = split(direct);
  return rules;
}

const Url* ProxyRules::proxy_for(const Url& url) const {
  const auto& proxy = url.tls() ? https_ : http_;
  if (!proxy || url.host == "localhost" || url.host.ends_with(".localhost") || is_loopback(url.host)) return nullptr;
  for (const auto& rule : direct_) {
    if (matches(rule, url)) return nullptr;
  }
  return &*proxy;
}

}  // namespace parley::net
