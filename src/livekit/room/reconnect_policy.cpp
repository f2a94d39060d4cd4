#include "livekit/room/reconnect_policy.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace parley::livekit {

namespace {

bool final(DisconnectReason reason) noexcept {
  return reason == DisconnectReason::duplicate_identity || reason == DisconnectReason::participant_removed ||
         reason == DisconnectReason::room_deleted || reason == DisconnectReason::room_closed;
}

int weight(const Trouble& trouble) noexcept {
  if (trouble.kind == Trouble::Kind::leave_disconnect || final(trouble.reason)) return 4;
  switch (trouble.kind) {
    case Trouble::Kind::signal_lost: return 0;
    case Trouble::Kind::leave_resume: return 1;
    case Trouble::Kind::negotiation:
    case Trouble::Kind::media_lost: return 2;
    case Trouble::Kind::leave_reconnect: return 3;
    case Trouble::Kind::leave_disconnect:
    case Trouble::Kind::refused: break;
  }
  return 4;
}

DisconnectReason reason_of(const Trouble& trouble, DisconnectReason told) noexcept {
  if (trouble.reason != DisconnectReason::unknown) return trouble.reason;
  if (trouble.kind == Trouble::Kind::refused) return DisconnectReason::join_failure;
  if (told != DisconnectReason::unknown) return told;
  const bool media = trouble.kind == Trouble::Kind::media_lost || trouble.kind == Trouble::Kind::negotiation;
  return media ? DisconnectReason::media_failure : DisconnectReason::signal_close;
}

}  // namespace

bool outweighs(const Trouble& later, const Trouble& earlier) noexcept { return weight(later) > weight(earlier); }

ReconnectPolicy::Decision ReconnectPolicy::next(const Trouble& trouble, bool media_stands, TimePoint now,
                                                Random& random) {
  using Kind = Trouble::Kind;
  const bool stable = connected_at_ <= now && now - connected_at_ >= kStableAfter;
  if (stable) {
    attempts_ = 0;
    told_ = DisconnectReason::unknown;
  }
  if (connected_at_ != TimePoint::max()) full_needed_ = false;  // a new trouble of a connection that stood
  connected_at_ = TimePoint::max();

  const auto reason = reason_of(trouble, told_);
  if (trouble.kind == Kind::refused || trouble.kind == Kind::leave_disconnect || final(trouble.reason)) {
    return {.step = Step::give_up, .reason = reason, .detail = trouble.detail};
  }
  if (trouble.reason != DisconnectReason::unknown) told_ = trouble.reason;
  if (attempts_ >= max_attempts_) {
    auto detail = fmt::format("the room could not be reached again in {} attempts: {}", max_attempts_, trouble.detail);
    return {.step = Step::give_up, .reason = reason, .detail = std::move(detail)};
  }
  full_needed_ =
      full_needed_ || !media_stands || (trouble.kind != Kind::signal_lost && trouble.kind != Kind::leave_resume);
  Duration delay{};
  if (attempts_ > 0) {
    const auto longest = std::min(kFirstDelay * (std::int64_t{1} << std::min(attempts_, 10)), kLongestDelay);
    delay = Duration(static_cast<std::int64_t>(random.unit() * static_cast<double>(longest.count())));
  }
  ++attempts_;
  return {.step = full_needed_ ? Step::full : Step::resume, .delay = delay};
}

}  // namespace parley::livekit
