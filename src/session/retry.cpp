#include "session/retry.hpp"

#include <algorithm>

namespace parley {

std::optional<std::size_t> ProviderHealth::pick(const std::vector<bool>& usable, TimePoint now) const {
  std::optional<std::size_t> fallback;
  for (std::size_t i = 0; i < down_until_.size(); ++i) {
    if (!usable[i]) continue;
    if (down_until_[i] <= now) return i;
    if (!fallback) fallback = i;
  }
  return fallback;
}

std::optional<RetryState::Try> RetryState::first(TimePoint now) {
  const auto provider = health_.pick(usable_, now);
  if (!provider) return std::nullopt;
  provider_ = *provider;
  tried_.assign(health_.size(), false);
  tried_[provider_] = true;
  began_ = now;
  return Try{provider_, Duration::zero()};
}

void RetryState::restore() noexcept {
  rounds_ = 0;
  tried_.assign(health_.size(), false);
  tried_[provider_] = true;
}

void RetryState::result() {
  restore();
  health_.worked(provider_);
}

std::optional<RetryState::Try> RetryState::failed(const ProviderError& error, TimePoint now, Random& random) {
  if (now - began_ >= options_.healthy_after) restore();
  health_.failed(provider_, now);
  if (!error.retryable || error.retry_after > options_.max_interval) usable_[provider_] = false;
  if (final_) return std::nullopt;

  // Another one that this round has not seen: at once.
  auto untried = usable_;
  for (std::size_t i = 0; i < untried.size(); ++i) untried[i] = untried[i] && !tried_[i];
  if (const auto next = health_.pick(untried, now)) {
    provider_ = *next;
    tried_[provider_] = true;
    began_ = now;
    return Try{provider_, Duration::zero()};
  }
  if (rounds_ >= options_.retries || std::ranges::none_of(usable_, [](bool b) { return b; })) return std::nullopt;

  const auto interval = rounds_++ == 0 ? options_.first_interval : options_.interval;
  const auto factor = 1.0 + options_.jitter * (2.0 * random.unit() - 1.0);
  auto wait = std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::nano>(static_cast<double>(interval.count()) * factor));
  if (usable_[provider_]) wait = std::max(wait, error.retry_after);
  tried_.assign(health_.size(), false);
  const auto usable = std::ranges::find(usable_, true) - usable_.begin();
  provider_ = static_cast<std::size_t>(usable);
  tried_[provider_] = true;
  began_ = now + wait;
  return Try{provider_, wait};
}

}  // namespace parley
