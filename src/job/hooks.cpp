#include "job/hooks.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace parley::job {

namespace {

bool is_hook_name(std::string_view name) noexcept {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= HookRegistry::kMaxNameBytes && std::ranges::all_of(name, fits);
}

// Doubled with every try, less up to a quarter: many calls that met the same outage do not come back at once.
Duration backoff(const HookState& hook, const HookPolicy& policy) {
  auto wait = policy.first_backoff;
  for (unsigned i = 1; i < hook.tries && wait < policy.longest_backoff; ++i) wait *= 2;
  wait = std::min(wait, policy.longest_backoff);
  const auto seed = fmt::format("{}#{}", hook.key, hook.tries);
  return wait - wait / 1024 * (crc32c(as_bytes(seed)) % 256);
}

}  // namespace

Result<void> HookRegistry::add(std::string name, Hook hook, HookPolicy policy) {
  if (!is_hook_name(name)) {
    return fail(Errc::invalid_argument,
                fmt::format("hook name \"{}\": use letters, digits, '_' and '-', at most {}", name, kMaxNameBytes));
  }
  if (!hook) return fail(Errc::invalid_argument, fmt::format("hook {} has no function", name));
  if (hooks_.size() >= kMaxHooks) return fail(Errc::overloaded, fmt::format("more than {} hooks", kMaxHooks));
  const auto same = static_cast<std::size_t>(std::ranges::count(hooks_, name, &RegisteredHook::name));
  hooks_.push_back({.name = std::move(name), .n = same + 1, .run = std::move(hook), .policy = policy});
  return {};
}

const RegisteredHook* HookRegistry::find(std::string_view name, std::size_t n) const noexcept {
  const auto it = std::ranges::find_if(hooks_, [&](const auto& hook) { return hook.name == name && hook.n == n; });
  return it == hooks_.end() ? nullptr : &*it;
}

std::vector<std::string> HookRegistry::keys(std::string_view call_id) const {
  std::vector<std::string> keys;
  for (const auto& hook : hooks_) keys.push_back(hook_key(call_id, hook.name, hook.n));
  return keys;
}

std::string hook_key(std::string_view call_id, std::string_view name, std::size_t n) {
  return fmt::format("{}/{}/{}", call_id, name, n);
}

std::vector<HookState> pending_hooks(const RecordBuilder& so_far, const HookRegistry& registry,
                                     std::string_view call_id) {
  std::vector<HookState> pending;
  for (const auto& hook : so_far.hooks()) {
    if (!hook.settled()) pending.push_back(hook);
  }
  if (so_far.call_started()) return pending;
  for (const auto& hook : registry.all()) {
    const auto key = hook_key(call_id, hook.name, hook.n);
    if (std::ranges::find(so_far.hooks(), key, &HookState::key) != so_far.hooks().end()) continue;
    pending.push_back({.key = key, .name = hook.name, .n = hook.n});
  }
  return pending;
}

HookDecision decide(const HookState& hook, const RegisteredHook* registered, WallTime now) {
  const HookPolicy policy = registered ? registered->policy : HookPolicy{};
  const auto known = hook.due != WallTime{};
  if (known && now - hook.due >= policy.give_up_after) {
    return {.kind = HookDecision::Kind::give_up,
            .reason = fmt::format("given up, tries: {}{}{}", hook.tries,
                                  hook.error.empty() ? "" : ", last error: ", hook.error)};
  }
  if (!registered) {
    // Perhaps the next start brings it back; until then there is nothing to run.
    return {.kind = HookDecision::Kind::wait,
            .at = now + std::chrono::ceil<std::chrono::milliseconds>(policy.longest_backoff)};
  }
  if (!hook.last_try) return {};
  const auto at = *hook.last_try + std::chrono::ceil<std::chrono::milliseconds>(backoff(hook, policy));
  // A clock that was set back must not put a hook off for ever.
  if (at <= now || at - now > policy.longest_backoff) return {};
  return {.kind = HookDecision::Kind::wait, .at = at};
}

}  // namespace parley::job
