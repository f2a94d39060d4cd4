// The real HTTP client: plain and TLS, directly or through a proxy, with connections kept for the next request.
//
// Thread: the loop's only. It outlives the tasks that ask it; a ResponseStream may outlive it.
// Bound:  a head of 64 KiB; pieces of a body of at most some 16 KiB; ConnectionPool and Resolver have their own.
#pragma once

#include <memory>

#include "net/http_client.hpp"
#include "net/proxy.hpp"
#include "net/resolver.hpp"
#include "net/tls.hpp"

namespace parley::net {

struct HttpClientOptions {
  ProxyRules proxies;
  std::shared_ptr<TlsContext> tls;  // null: the system's authorities, read when first needed (some 20 ms)
  Resolver::Lookup lookup = Resolver::system_lookup;
  std::string user_agent = "parley";
};

// Lookups run in a child of `parent`.
std::unique_ptr<HttpClient> make_http_client(RealLoop& loop, Scope& parent, HttpClientOptions options = {});

}  // namespace parley::net
