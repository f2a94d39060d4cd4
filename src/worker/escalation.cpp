#include "worker/escalation.hpp"

#include <fmt/format.h>

namespace parley::worker {

using ipc::Phase;

Escalation::Escalation(const ipc::Deadlines& deadlines, TimePoint now)
    : deadlines_(deadlines), phase_began_(now), leave_by_(now + deadlines.start), last_turn_(now) {}

void Escalation::on_phase(Phase phase, std::optional<Duration> leave_within, TimePoint now) {
  if (phase < phase_) return;  // a life has one direction
  if (phase > phase_) {
    phase_ = phase;
    phase_began_ = now;
    extension_ = {};
    if (stage_ == Stage::asked) stage_ = Stage::none;
  }
  if (phase == Phase::running) {
    leave_by_.reset();
  } else {
    const auto cap = phase_began_ + deadlines_.cap(phase);
    leave_by_ = leave_within ? std::min(now + *leave_within, cap) : cap;
  }
  last_turn_ = now;
}

void Escalation::on_turns(TimePoint now) { last_turn_ = now; }

void Escalation::on_stop_sent(TimePoint now) {
  if (!stop_sent_) stop_sent_ = now;
}

void Escalation::on_line(bool there, TimePoint now) {
  if (there) {
    line_lost_.reset();
    last_turn_ = now;  // what it did meanwhile nobody could hear
  } else if (!line_lost_) {
    line_lost_ = now;
  }
}

void Escalation::hurry(TimePoint by) { hurry_ = hurry_ ? std::min(*hurry_, by) : by; }

void Escalation::condemn(std::string why, TimePoint now) {
  if (stage_ >= Stage::asked) return;
  blame_ = std::move(why);
  stage_ = Stage::asked;
  stage_began_ = now - deadlines_.grace_after_stop;
}

TimePoint Escalation::due(std::string& why) const {
  auto at = TimePoint::max();
  const auto consider = [&](TimePoint candidate, std::string reason) {
    if (candidate >= at) return;
    at = candidate;
    why = std::move(reason);
  };
  if (leave_by_) consider(*leave_by_ + kWireSlack, fmt::format("it did not leave `{}` by its promise", to_string(phase_)));
  const bool serving = phase_ == Phase::running || phase_ == Phase::draining;
  if (serving && !line_lost_) consider(last_turn_ + deadlines_.turns_missing, "its loop does not turn");
  if (stop_sent_ && phase_ <= Phase::running) consider(*stop_sent_ + deadlines_.grace_after_stop, "it was told to stop and did not");
  if (line_lost_) consider(*line_lost_ + kMuteLimit, "it has no line to its supervisor");
  return at == TimePoint::max() ? at : at + extension_;
}

Escalation::Decision Escalation::decide(TimePoint now, bool starved) {
  if (hurry_ && now >= *hurry_ && stage_ != Stage::killed) {
    if (blame_.empty()) blame_ = "its time was over";
    stage_ = Stage::killed;
    stage_began_ = now;
    return {Act::kill, now + kKillAgain};
  }
  const auto last = hurry_ && stage_ != Stage::killed ? *hurry_ : TimePoint::max();
  if (stage_ == Stage::killed) {
    if (now < stage_began_ + kKillAgain) return {Act::wait, stage_began_ + kKillAgain};
    stage_began_ = now;
    return {Act::kill, now + kKillAgain};
  }
  if (stage_ == Stage::terminated) {
    const auto at = stage_began_ + deadlines_.grace_after_term;
    if (now < at) return {Act::wait, std::min(at, last)};
    stage_ = Stage::killed;
    stage_began_ = now;
    return {Act::kill, now + kKillAgain};
  }
  std::string why;
  const auto at = due(why);
  if (stage_ == Stage::asked) {
    const auto grace = stage_began_ + deadlines_.grace_after_stop;
    if (now < grace) return {Act::wait, std::min(grace, last)};
    stage_ = Stage::terminated;
    stage_began_ = now;
    return {Act::terminate, std::min(now + deadlines_.grace_after_term, last)};
  }
  if (now < at) return {Act::wait, std::min(at, last)};
  if (starved && extension_ == Duration::zero()) {
    extension_ = deadlines_.max_extension;
    return {Act::extend, std::min(at + extension_, last)};
  }
  blame_ = std::move(why);
  stage_ = Stage::asked;
  stage_began_ = now;
  return {Act::ask, std::min(now + deadlines_.grace_after_stop, last)};
}

}  // namespace parley::worker
