// Names to addresses: the system's lookup on a helper thread, with a cache.
//
// getaddrinfo cannot be stopped, so a caller that gives up leaves its lookup running; whoever asks for the same name
// joins it.
//
// Thread: the loop's only; the lookup function runs on helper threads.
// Bound:  kMaxLookups at once (the threads are shared with files), kMaxWaiting names under way, kMaxCached answers.
// Ending: the lookups are tasks of a child of the scope given; killed, they leave only the helper thread's call behind.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <parley/async/channel.hpp>
#include <parley/async/event.hpp>
#include <parley/async/scope.hpp>
#include <parley/base/result.hpp>

namespace parley::net {

class Resolver {
 public:
  static constexpr std::size_t kMaxLookups = 2;
  static constexpr std::size_t kMaxWaiting = 32;
  static constexpr std::size_t kMaxCached = 64;
  static constexpr Duration kKeepAnswer = 60s;
  static constexpr Duration kKeepFailure = 1s;
  // Beyond what resolv.conf's own limits allow (3 servers, 2 attempts, 5 s): until then its thread is counted as busy.
  static constexpr Duration kLookupLimit = 35s;

  using Addresses = std::vector<std::string>;
  // Blocks. Numeric addresses in the order to be tried.
  using Lookup = std::function<Result<Addresses>(const std::string& host)>;
  static Result<Addresses> system_lookup(const std::string& host);

  explicit Resolver(Scope& parent, Lookup lookup = system_lookup);

  // Errc::not_found: there is no such name. Errc::timeout: no answer yet. Numeric addresses come back as they are.
  Task<Result<Addresses>> resolve(std::string host, Deadline deadline);

 private:
  struct Entry {
    Event done;
    Result<Addresses> answer;
    TimePoint keep_until{};
  };

  Result<std::shared_ptr<Entry>> entry_of(const std::string& host);
  Task<void> look_up(std::string host, std::shared_ptr<Entry> entry);
  void make_room();

  Loop& loop_;
  Lookup lookup_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  Channel<char> slots_;  // one entry a running lookup
  Scope scope_;
};

}  // namespace parley::net
