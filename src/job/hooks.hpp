// The work after the call: registered by name at start-up, run in order, at least once, in whatever process is left.
//
// A hook gets only the terminal record and a context: it must not hold anything of the call. Its idempotency key is the
// same for every try, so that whoever receives it twice can tell.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include <parley/async/scope.hpp>
#include <parley/base/log.hpp>

#include "job/record.hpp"

namespace parley::job {

struct HookContext {
  std::string key;      // Idempotency-Key: "<call id>/<name>/<n>"
  unsigned try_number;  // 1, 2, ...
  Deadline deadline;    // past it the hook is stopped, a moment later destroyed
  Logger logger;
  Scope* scope;  // for tasks of its own: it ends with the try
};

// Told to stop it must end soon; told or not, at its deadline it is destroyed where it waits.
using Hook = std::function<Task<Result<void>>(boost::json::object record, HookContext context)>;

struct HookPolicy {
  Duration timeout = 60s;                           // one try
  Duration give_up_after = std::chrono::hours(24);  // since it became due
  Duration first_backoff = 2s;                      // doubled with every try
  Duration longest_backoff = 10min;
};

struct RegisteredHook {
  std::string name;
  std::size_t n;  // 1 for the first hook of that name
  Hook run;
  HookPolicy policy;
};

// Thread: filled at start-up, before the first call; read only afterwards.
class HookRegistry {
 public:
  static constexpr std::size_t kMaxHooks = 32;
  static constexpr std::size_t kMaxNameBytes = 64;

  // Errc::invalid_argument: the name is not letters, digits, '_', '-'; Errc::overloaded: beyond kMaxHooks.
  Result<void> add(std::string name, Hook hook, HookPolicy policy = {});

  std::span<const RegisteredHook> all() const noexcept { return hooks_; }
  const RegisteredHook* find(std::string_view name, std::size_t n) const noexcept;
  // For call.started, in order.
  std::vector<std::string> keys(std::string_view call_id) const;

 private:
  std::vector<RegisteredHook> hooks_;
};

std::string hook_key(std::string_view call_id, std::string_view name, std::size_t n);

// What is left to do after a call, in order: pure. Of a call whose journal lost its beginning every registered hook is.
std::vector<HookState> pending_hooks(const RecordBuilder& so_far, const HookRegistry& registry,
                                     std::string_view call_id);

struct HookDecision {
  enum class Kind { run, wait, give_up };
  Kind kind = Kind::run;
  WallTime at{};       // wait: not before
  std::string reason;  // give_up
};
// Pure; the spread of the backoff is drawn from the key. `registered` null: nobody has that hook any more.
HookDecision decide(const HookState& hook, const RegisteredHook* registered, WallTime now);

}  // namespace parley::job
