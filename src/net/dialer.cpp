#include "net/dialer.hpp"

#include <fmt/format.h>

#include "async/real_loop.hpp"
#include "net/connection_pool.hpp"

namespace parley::net {

Dialer::Dialer(RealLoop& loop, Scope& parent, ProxyRules proxies, std::shared_ptr<TlsContext> tls, Resolver::Lookup lookup)
    : loop_(loop), proxies_(std::move(proxies)), tls_(std::move(tls)), resolver_(parent, std::move(lookup)) {}

std::string Dialer::key(const Url& url) const {
  const auto* proxy = proxies_.proxy_for(url);
  return fmt::format("{}://{} {}", url.scheme, url.authority(), proxy ? proxy->authority() : "");
}

Result<std::shared_ptr<TlsContext>> Dialer::tls() {
  if (!tls_) {
    auto made = TlsContext::create();
    if (!made) return fail(made.error());
    tls_ = std::move(*made);
  }
  return tls_;
}

Task<Result<std::unique_ptr<ByteStream>>> Dialer::dial(Url url, Deadline deadline) {
  const auto* proxy = proxies_.proxy_for(url);
  const auto what = proxy ? fmt::format("cannot reach {} through the proxy {}", url.shown(), proxy->shown())
                          : fmt::format("cannot reach {}", url.shown());
  const auto& first = proxy ? *proxy : url;
  auto tcp = co_await reach(first.host, first.port, deadline);
  if (!tcp) co_return fail(tcp.error().within(what));
  // Plain HTTP is sent to the proxy itself, in absolute form.
  if (proxy && (url.tls() || url.scheme == "ws")) {
    // CONNECT always names the port.
    auto open = co_await tunnel(**tcp, *proxy, to_string(Endpoint{url.host, url.port}), deadline);
    if (!open) co_return fail(open.error().within(what));
  }
  if (!url.tls()) co_return std::unique_ptr<ByteStream>(std::move(*tcp));
  const auto context = tls();
  if (!context) co_return fail(context.error());
  auto stream = co_await tls_connect(*context, std::move(*tcp), url.host, deadline);
  if (!stream) co_return fail(stream.error().within(what));
  co_return std::move(*stream);
}

Task<Result<std::unique_ptr<TcpStream>>> Dialer::reach(std::string host, std::uint16_t port, Deadline deadline) {
  const auto addresses = co_await resolver_.resolve(host, deadline);
  if (!addresses) co_return fail(addresses.error());
  Error last(Errc::not_found, fmt::format("there is no host \"{}\"", host));
  for (const auto& address : *addresses) {
    const bool others = &address != &addresses->back();
    auto stream = co_await TcpStream::connect(loop_, {address, port}, others ? deadline.within(loop_.in(kAddressLimit)) : deadline);
    if (stream) co_return stream;
    last = stream.error();
    if (last.code() == Errc::timeout) last = Error(Errc::timeout, fmt::format("{} does not answer", to_string(Endpoint{address, port})));
    if (deadline.passed(loop_.now())) break;
  }
  co_return fail(last);
}

Task<Result<void>> Dialer::tunnel(TcpStream& stream, const Url& proxy, std::string authority, Deadline deadline) {
  RequestHead head{.method = "CONNECT", .target = authority, .minor_version = 1, .fields = {{"Host", authority}}};
  if (!proxy.user_info.empty()) head.fields.add("Proxy-Authorization", basic_credentials(proxy));
  const auto wire = to_wire(head);
  if (!wire) co_return fail(wire.error());
  if (auto written = co_await stream.write(*wire, deadline); !written) co_return written;
  ResponseReader reader;
  reader.expect("CONNECT");
  while (!reader.done()) {
    char buffer[1024];
    const auto count = co_await stream.read(buffer, deadline);
    if (!count) co_return fail(count.error());
    const auto fed = *count > 0 ? reader.feed({buffer, *count}) : reader.feed_end();
    if (!fed) co_return fail(Errc::protocol, fed.error().detail);
  }
  if (const int status = reader.head().status; status / 100 != 2) {
    co_return fail(Errc::refused, fmt::format("the proxy answers {} {}", status, reason_phrase(status)));
  }
  if (!reader.clean()) co_return fail(Errc::protocol, "the proxy speaks out of turn");
  co_return Result<void>{};
}

std::string basic_credentials(const Url& url) { return "Basic " + base64(url.user_info); }

}  // namespace parley::net
