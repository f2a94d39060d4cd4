#include "app/privacy.hpp"

#include "app/http_clients.hpp"
#include "job/http_mirror.hpp"
#include "net/url.hpp"

namespace parley::app {

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
  auto clients = http_clients(assets);
  if (!clients) return fail(clients.error());
  parts.mirror = [url = journal.mirror, clients = std::move(*clients)](RealLoop& loop, Scope& scope) {
    return std::make_unique<job::HttpMirror>(scope, clients(loop, scope), url);
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
