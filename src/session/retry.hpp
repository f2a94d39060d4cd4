// One retry policy for every provider stream: speech-to-text, LLM, text-to-speech. Decisions only; who waits and who opens
// streams is elsewhere (audio_recognition, generation, utterance).
//
//  - A provider says of each failure whether another try may help (ProviderError). What may not is final for it.
//  - With a chain of providers the next one is tried at once; waits come only between rounds through the whole chain.
//  - Waits: `first_interval`, then `interval`, with jitter, and never shorter than the provider's own wish (Retry-After).
//  - The budget of rounds is restored by a result, and by `healthy_after` of undisturbed life: a stream of an hour with
//    four failures is a healthy one, and so is one whose caller is silent.
//  - Nothing is tried again once output was delivered, nor after the input ended.
//
// Pure. Thread: the owner's only. Bound: one entry a provider.
#pragma once

#include <optional>
#include <vector>

#include <parley/base/random.hpp>
#include <parley/provider.hpp>
#include <parley/retry.hpp>

namespace parley {

// Which provider of a fallback chain is to be used. Lives as long as the session; streams share it.
class ProviderHealth {
 public:
  ProviderHealth(std::size_t providers, Duration recover_after) : down_until_(providers), recover_after_(recover_after) {}

  std::size_t size() const noexcept { return down_until_.size(); }
  // The first that is not known to be down; when all are, the first that `usable` has.
  std::optional<std::size_t> pick(const std::vector<bool>& usable, TimePoint now) const;
  void failed(std::size_t provider, TimePoint now) { down_until_[provider] = now + recover_after_; }
  void worked(std::size_t provider) { down_until_[provider] = TimePoint{}; }

 private:
  std::vector<TimePoint> down_until_;
  Duration recover_after_;
};

// The life of one stream over all its tries.
class RetryState {
 public:
  struct Try {
    std::size_t provider = 0;
    Duration wait{};
  };

  RetryState(const RetryOptions& options, ProviderHealth& health) : options_(options), health_(health), usable_(health.size(), true) {}

  // Which provider to begin with. None: there is no provider at all.
  std::optional<Try> first(TimePoint now);
  // The present try failed. None: give up, the failure is for the caller of the stream.
  std::optional<Try> failed(const ProviderError& error, TimePoint now, Random& random);

  // The present try has brought what was asked for: a transcript, an answer, a sound.
  void result();
  // For streams whose output must not come twice.
  void output_delivered() noexcept { final_ = true; }
  // No more input: a failure from now on is an end.
  void input_ended() noexcept { final_ = true; }

  std::size_t provider() const noexcept { return provider_; }
  int rounds_left() const noexcept { return options_.retries - rounds_; }

 private:
  void restore() noexcept;

  RetryOptions options_;
  ProviderHealth& health_;
  std::vector<bool> usable_;        // not failed for good
  std::vector<bool> tried_;         // in this round
  std::size_t provider_ = 0;
  TimePoint began_{};               // of the present try
  int rounds_ = 0;
  bool final_ = false;
};

// How many failures without recovery a session bears: three, the fourth closes it. One that works again starts afresh.
class ErrorBudget {
 public:
  static constexpr int kTolerated = 3;
  // True: one too many.
  bool failed() noexcept { return ++count_ > kTolerated; }
  void worked() noexcept { count_ = 0; }
  int count() const noexcept { return count_; }

 private:
  int count_ = 0;
};

}  // namespace parley
