#include "app/privacy.hpp"

#include <cstdlib>

#include "job/http_mirror.hpp"
#include "net/net_http_client.hpp"
#include "net/url.hpp"

namespace parley::app {

namespace {

std::unique_ptr<job::JournalMirror> make_mirror(RealLoop& loop, Scope& scope, const std::string& url, net::ProxyRules proxies, Assets& assets) {
  auto tls = assets.tls();
  std::shared_ptr<net::HttpClient> client =
      net::make_http_client(loop, scope, {.proxies = std::move(proxies), .tls = tls ? std::move(*tls) : nullptr});
  return std::make_unique<job::HttpMirror>(scope, std::move(client), url);
}

}  // namespace

Result<void> apply_privacy(const PrivacyOptions& privacy, std::shared_ptr<Assets> assets, roles::WorkerParts& parts) {
  const auto& journal = privacy.journal;
  parts.redaction = {.digits = journal.redact_digits, .dtmf = journal.redact_dtmf};
  parts.retention = {.keep = journal.keep, .max_bytes = journal.max_bytes};
  parts.transcripts = privacy.transcripts;
  if (journal.mirror.empty()) return {};
  const auto url = net::parse_url(journal.mirror);
  if (!url || (url->scheme != "http" && url->scheme != "https")) {
    return fail(Errc::invalid_argument, "privacy.journal.mirror is no http:// or https:// URL");
  }
  auto proxies = net::ProxyRules::from_environment();
  if (!proxies) return fail(proxies.error());
  parts.mirror = [url = journal.mirror, proxies = std::move(*proxies), assets](RealLoop& loop, Scope& scope) {
    return make_mirror(loop, scope, url, proxies, *assets);
  };
  if (!url->tls()) return {};
  parts.prewarm = [assets, before = std::move(parts.prewarm)] {
    auto warmed = before ? before() : Result<void>{};
    (void)assets->tls();
    return warmed;
  };
  return {};
}

}  // namespace parley::app
