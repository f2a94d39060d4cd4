#include "rtc/local_candidates.hpp"

#include "rtc/description.hpp"

namespace parley::rtc {

void LocalCandidates::found(std::string_view line) {
  constexpr std::string_view kPrefix = "candidate:";
  if (line.starts_with(kPrefix)) line.remove_prefix(kPrefix.size());
  const auto candidate = parse_candidate(line);
  if (!candidate) return;
  const std::lock_guard lock(mutex_);
  if (complete_ || (only_relayed_ && candidate->type != "relay")) return;
  const bool ours = candidate->type == "host" && !advertised_.empty();
  if (ours && std::exchange(advertised_told_, true)) return;
  for (const auto& shown : advertise({*candidate}, advertised_)) {
    if (told_ == kMaxCandidates) return;
    ++told_;
    tell(to_string(shown));
  }
}

void LocalCandidates::complete() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(complete_, true)) tell({});
}

void LocalCandidates::release() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(released_, true)) return;
  for (auto& line : std::exchange(held_, {})) tell(std::move(line));
}

void LocalCandidates::only_relayed(bool only) {
  const std::lock_guard lock(mutex_);
  only_relayed_ = only;
}

void LocalCandidates::tell(std::string line) {
  if (!released_) {
    held_.push_back(std::move(line));
    return;
  }
  SfuEvent event{.type = SfuEvent::Type::candidate, .at = SystemClock().now()};
  event.candidate = std::move(line);
  sender_.try_push(std::move(event));  // the mailbox has room for every candidate beside what else may wait
}

}  // namespace parley::rtc
