#include "livekit/room/negotiation.hpp"

#include <algorithm>
#include <string_view>

namespace parley::livekit {

namespace {

constexpr std::size_t kMaxMids = Negotiation::kMaxReceivers + 8;
constexpr std::size_t kMaxSidBytes = 64;
constexpr std::size_t kMaxMidBytes = 32;

bool is_track(std::string_view sid) { return sid.starts_with("TR_") && sid.size() <= kMaxSidBytes; }

void note(std::map<std::string, std::string>& tracks, std::string_view mid, std::string_view sid) {
  if (mid.empty() || mid.size() > kMaxMidBytes || !is_track(sid) || tracks.size() >= kMaxMids) return;
  tracks.insert_or_assign(std::string(mid), std::string(sid));
}

// The last word of "msid:PA_x|TR_y TR_y".
std::string_view last_word(std::string_view line) {
  const auto space = line.rfind(' ');
  return space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
}

std::map<std::string, std::string> tracks_by_msid(std::string_view sdp) {
  std::map<std::string, std::string> tracks;
  std::string_view mid, sid;
  while (!sdp.empty()) {
    const auto end = std::min(sdp.find('\n'), sdp.size());
    auto line = sdp.substr(0, end);
    sdp.remove_prefix(std::min(end + 1, sdp.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("m=")) {
      note(tracks, mid, sid);
      mid = sid = {};
    } else if (line.starts_with("a=mid:")) {
      mid = line.substr(6);
    } else if (line.starts_with("a=msid:")) {
      sid = last_word(line);
    }
  }
  note(tracks, mid, sid);
  return tracks;
}

}  // namespace

unsigned Negotiation::required(const proto::MediaSectionsRequirement& requirement, unsigned receivers) {
  wanted_ = true;
  const auto asked = requirement.num_audios();
  const auto room = receivers < kMaxReceivers ? kMaxReceivers - receivers : 0U;
  if (asked > room) ++beyond_sections_;
  return std::min(asked, room);
}

std::optional<TimePoint> Negotiation::may_offer_at(TimePoint now) const {
  const auto in_window = std::ranges::count_if(recent_, [&](TimePoint at) { return now - at < kWindow; });
  if (static_cast<std::size_t>(in_window) < kBurst) return std::nullopt;
  return recent_.back() + kSpacing;
}

Negotiation::Act Negotiation::poll(TimePoint now) {
  if (beyond_sections_ >= kMaxBeyondSections) return Act::give_up;
  if (outstanding_) {
    if (repeat_) return Act::repeat;
    if (now - outstanding_->since < kAnswerWithin) return Act::wait;
    return ++unanswered_ >= kMaxUnanswered ? Act::give_up : Act::repeat;
  }
  if (!wanted_) return Act::wait;
  const auto at = may_offer_at(now);
  return at && now < *at ? Act::wait : Act::offer;
}

std::optional<TimePoint> Negotiation::look_at(TimePoint now) const {
  if (outstanding_) return outstanding_->since + kAnswerWithin;
  if (!wanted_) return std::nullopt;
  return std::max(now, may_offer_at(now).value_or(now));
}

std::uint32_t Negotiation::offered(std::string sdp, TimePoint now) {
  if (!outstanding_) wanted_ = false;  // repeated ones leave a wish for another as it is
  repeat_ = false;
  sdp_ = std::move(sdp);
  outstanding_ = {.id = ++last_id_, .since = now};
  recent_.push_back(now);
  if (recent_.size() > kBurst) recent_.pop_front();
  ++offers_;
  return last_id_;
}

bool Negotiation::answered(std::uint32_t id) noexcept {
  if (!outstanding_ || (id != 0 && id != outstanding_->id)) return false;
  outstanding_.reset();
  unanswered_ = 0;
  return true;
}

void Negotiation::resumed() noexcept {
  repeat_ = outstanding_.has_value();
  wanted_ = true;
}

std::map<std::string, std::string> tracks_by_mid(const proto::SessionDescription& answer) {
  std::map<std::string, std::string> tracks;
  for (const auto& [mid, sid] : answer.mid_to_track_id()) note(tracks, mid, sid);
  return answer.mid_to_track_id().empty() ? tracks_by_msid(answer.sdp()) : tracks;
}

}  // namespace parley::livekit
