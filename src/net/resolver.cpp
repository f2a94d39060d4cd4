#include "net/resolver.hpp"

#include <netdb.h>

#include <algorithm>

#include <fmt/format.h>
#include <parley/async/blocking.hpp>

#include "net/endpoint.hpp"
#include "net/net_error.hpp"

namespace parley::net {

Result<Resolver::Addresses> Resolver::system_lookup(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error == EAI_NONAME || error == EAI_NODATA) return fail(Errc::not_found, fmt::format("there is no host \"{}\"", host));
  if (error == EAI_SYSTEM) return fail(net_error(errno).within(fmt::format("the name \"{}\" cannot be looked up", host)));
  if (error != 0) return fail(Errc::unavailable, fmt::format("the name \"{}\" cannot be looked up: {}", host, gai_strerror(error)));
  Addresses addresses;
  for (const auto* one = found; one; one = one->ai_next) {
    SocketAddress address;
    address.length = one->ai_addrlen;
    std::copy_n(reinterpret_cast<const char*>(one->ai_addr), one->ai_addrlen, reinterpret_cast<char*>(&address.storage));
    addresses.push_back(address.endpoint().address);
  }
  freeaddrinfo(found);
  return addresses;
}

Resolver::Resolver(Scope& parent, Lookup lookup)
    : loop_(parent.loop()), lookup_(std::move(lookup)), slots_(kMaxLookups), scope_(parent, "resolver", kMaxWaiting) {}

Task<Result<Resolver::Addresses>> Resolver::resolve(std::string host, Deadline deadline) {
  if (is_address(host)) co_return Addresses{host};
  const auto entry = entry_of(host);
  if (!entry) co_return fail(entry.error());
  const auto held = *entry;
  if (auto waited = co_await held->done.wait(deadline); !waited) {
    co_return fail(Errc::timeout, fmt::format("the name \"{}\" was not found in time", host));
  }
  co_return held->answer;
}

Result<std::shared_ptr<Resolver::Entry>> Resolver::entry_of(const std::string& host) {
  if (const auto it = entries_.find(host); it != entries_.end()) {
    if (!it->second->done.is_set() || it->second->keep_until > loop_.now()) return it->second;
    entries_.erase(it);
  }
  make_room();
  auto entry = std::make_shared<Entry>();
  if (auto started = scope_.spawn("lookup", look_up(host, entry)); !started) return fail(started.error());
  entries_.emplace(host, entry);
  return entry;
}

// Drops what is stale, then whatever is next; lookups under way stay, and the scope bounds them.
void Resolver::make_room() {
  if (entries_.size() < kMaxCached) return;
  std::erase_if(entries_, [&](const auto& one) { return one.second->done.is_set() && one.second->keep_until <= loop_.now(); });
  for (auto it = entries_.begin(); it != entries_.end() && entries_.size() >= kMaxCached;) {
    it = it->second->done.is_set() ? entries_.erase(it) : std::next(it);
  }
}

Task<void> Resolver::look_up(std::string host, std::shared_ptr<Entry> entry) {
  struct Finish {  // a lookup that is stopped must not leave its waiters waiting
    Resolver& resolver;
    std::shared_ptr<Entry> entry;
    Result<Addresses> answer = fail(Errc::closing, "the resolver is closing");
    bool slot = false;
    ~Finish() {
      if (slot) resolver.slots_.try_pop();
      entry->keep_until = resolver.loop_.now() + (answer ? kKeepAnswer : kKeepFailure);
      entry->answer = std::move(answer);
      entry->done.set();
    }
  } finish{*this, std::move(entry)};
  if (auto pushed = co_await slots_.push(0, loop_.in(kLookupLimit)); !pushed) {
    finish.answer = fail(Errc::timeout, fmt::format("the name \"{}\" was not looked up: earlier lookups hang", host));
    co_return;
  }
  finish.slot = true;
  finish.answer = co_await run_blocking<Addresses>(loop_.in(kLookupLimit), [lookup = lookup_, host] { return lookup(host); });
  if (finish.answer && finish.answer->empty()) finish.answer = fail(Errc::not_found, fmt::format("there is no host \"{}\"", host));
}

}  // namespace parley::net
