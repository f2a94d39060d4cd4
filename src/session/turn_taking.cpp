#include "session/turn_taking.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace parley {

int count_words(std::string_view text) noexcept {
  int words = 0;
  bool inside = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isspace(byte)) {
      inside = false;
    } else if (!inside && (byte >= 0x80 || std::isalnum(byte))) {
      inside = true;
      ++words;
    }
  }
  return words;
}

namespace {

std::string joined(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return a + b;
  return a + " " + b;
}

std::string trimmed(std::string_view text) {
  const auto blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

TurnTaking::TurnTaking(const TurnOptions& options, bool interim_results)
    : options_(options), interim_results_(interim_results) {}

std::vector<turn::Command> TurnTaking::handle(const turn::Event& event, TimePoint now) {
  run_timers(now);
  now_ = now;
  std::visit([this](const auto& e) { on(e); }, event);
  refresh_states();
  return std::exchange(out_, {});
}

std::vector<turn::Command> TurnTaking::tick(TimePoint now) {
  run_timers(now);
  return std::exchange(out_, {});
}

std::optional<TimePoint> TurnTaking::next_timer() const noexcept {
  std::optional<TimePoint> next;
  for (const auto& at : {interrupt_at_, resume_at_, pause_limit_at_, turn_end_at_, away_at_}) {
    if (at && (!next || *at < *next)) next = at;
  }
  return next;
}

void TurnTaking::run_timers(TimePoint now) {
  while (const auto next = next_timer()) {
    if (*next > now) break;
    now_ = *next;
    if (interrupt_at_ == next) {
      interrupt_at_.reset();
      on_interrupt_timer();
    } else if (resume_at_ == next) {
      resume_at_.reset();
      on_resume_timer();
    } else if (pause_limit_at_ == next) {
      pause_limit_at_.reset();
      on_pause_limit();
    } else if (turn_end_at_ == next) {
      turn_end_at_.reset();
      on_turn_end();
    } else {
      away_at_.reset();
      out_.push_back(turn::UserStateChanged{std::exchange(user_state_, UserState::away), UserState::away});
    }
    refresh_states();
  }
}

// ---- the two sides ----

void TurnTaking::on(const turn::Started&) { started_ = true; }

void TurnTaking::on(const turn::Connected& event) {
  connected_ = event.on;
  if (!event.on && speaking_) end_user_speech(Duration::zero());
}

void TurnTaking::on(const turn::UserSpeechStarted& event) {
  if (input_stopped_ || discarding_ || speaking_) return;
  speaking_ = true;
  heard_by_vad_ = true;
  final_owed_ = false;
  words_ = 0;
  speech_began_ = now_ - event.spoken;
  resume_at_.reset();
  arm_interruption();
  schedule_turn_end();
}

void TurnTaking::on(const turn::UserSpeechEnded& event) {
  if (speaking_) end_user_speech(event.silence);
}

void TurnTaking::end_user_speech(Duration silence) {
  speaking_ = false;
  speech_ended_ = std::max(speech_began_, now_ - silence);
  interrupt_at_.reset();
  if (speech_ended_ - speech_began_ >= options_.interruption.min_duration) transcript_due_ = now_ + kTranscriptLag;
  if (paused_ && options_.interruption.resume_false_after) resume_at_ = now_ + *options_.interruption.resume_false_after;
  schedule_turn_end();
}

void TurnTaking::on(const turn::Transcript& event) {
  if (discarding_) return;
  if (final_owed_) {
    if (event.final) final_owed_ = false;
    return;
  }
  accept_text(event);
  if (input_stopped_) return;  // the last words are kept: take_pending_transcript()
  if (can_interrupt() && words_ + count_words(interim_) >= words_needed()) cut();
  schedule_turn_end();
  const bool guess = event.final && !final_.empty() && !speaking_ && floor_ == Floor::none && turn_end_at_ &&
                     options_.preemptive_generation && speech_ended_ - speech_began_ <= options_.preemptive_max_speech;
  if (guess) out_.push_back(turn::PrepareReply{final_});
}

void TurnTaking::accept_text(const turn::Transcript& event) {
  auto text = trimmed(event.text);
  if (event.final) {
    interim_.clear();
    transcript_due_ = {};
  }
  if (text.empty()) return;
  transcribed_ = now_;
  backchannel_ = false;
  if (user_state_ == UserState::away) {
    out_.push_back(turn::UserStateChanged{std::exchange(user_state_, UserState::listening), UserState::listening});
  }
  if (final_.size() + text.size() > kMaxTurnText) return;
  if (event.final) {
    words_ += count_words(text);
    final_ = joined(final_, text);
  } else {
    interim_ = std::move(text);
  }
}

void TurnTaking::on(const turn::AgentScheduled& event) {
  if (floor_ != Floor::none) free_floor();
  floor_ = Floor::making;
  speech_ = event.speech;
  interruptible_ = event.interruptible;
  arm_interruption();
  schedule_turn_end();
}

void TurnTaking::on(const turn::AgentPlaying& event) {
  if (floor_ != Floor::making || event.speech != speech_) return;
  floor_ = Floor::playing;
  if (!interruptible_) set_discarding(true);
}

void TurnTaking::on(const turn::AgentProtected& event) {
  if (floor_ == Floor::none || event.speech != speech_ || !interruptible_) return;
  interruptible_ = false;
  interrupt_at_.reset();
  if (paused_) {
    release_pause();
    out_.push_back(turn::Resume{});
  }
  if (floor_ == Floor::playing) set_discarding(true);
  schedule_turn_end();
}

void TurnTaking::on(const turn::AgentQuiet& event) {
  if (floor_ != Floor::playing || event.speech != speech_) return;
  floor_ = Floor::making;
  set_discarding(false);
}

void TurnTaking::on(const turn::AgentDone& event) {
  if (floor_ == Floor::none || event.speech != speech_) return;
  free_floor();
  schedule_turn_end();
}

void TurnTaking::on(const turn::InputStopped&) {
  input_stopped_ = true;
  speaking_ = false;
  interrupt_at_.reset();
  turn_end_at_.reset();
  if (!paused_) return;
  release_pause();
  out_.push_back(turn::Resume{});  // what is left may be finished
}

// ---- interruption ----

void TurnTaking::arm_interruption() {
  if (!speaking_ || !can_interrupt() || paused_ || options_.interruption.min_words > 0) return;
  interrupt_at_ = std::max(now_, speech_began_ + options_.interruption.min_duration);
}

void TurnTaking::on_interrupt_timer() {
  if (!speaking_ || !can_interrupt() || paused_) return;
  if (!options_.interruption.resume_false_after) {
    cut();
    return;
  }
  paused_ = true;
  pause_limit_at_ = now_ + kMaxPause;
  out_.push_back(turn::Pause{});
}

void TurnTaking::on_resume_timer() {
  if (!paused_) return;
  release_pause();
  out_.push_back(turn::Resume{});
}

// A recogniser that tells words as they come heard none in all this time: it was noise. From one that tells them only at
// the end of speech, nothing is known but that the caller still speaks: the agent gives way.
void TurnTaking::on_pause_limit() {
  if (!paused_) return;
  if (interim_results_ || !speaking_) {
    on_resume_timer();
  } else {
    cut();
  }
}

void TurnTaking::cut() {
  const auto speech = speech_;
  free_floor();
  out_.push_back(turn::Cut{speech});
}

void TurnTaking::release_pause() noexcept {
  paused_ = false;
  resume_at_.reset();
  pause_limit_at_.reset();
}

void TurnTaking::free_floor() {
  release_pause();
  interrupt_at_.reset();
  floor_ = Floor::none;
  set_discarding(false);
}

void TurnTaking::set_discarding(bool on) {
  if (on && !options_.interruption.discard_uninterruptible_input) return;
  if (std::exchange(discarding_, on) == on) return;
  if (on) {
    if (speaking_) end_user_speech(Duration::zero());
    interim_.clear();
    transcript_due_ = {};
    schedule_turn_end();
  }
  out_.push_back(turn::DiscardInput{on});
}

// ---- the end of the caller's turn ----

void TurnTaking::schedule_turn_end() {
  turn_end_at_.reset();
  if (input_stopped_ || backchannel_ || (final_.empty() && interim_.empty())) return;
  if (floor_ != Floor::none && !can_interrupt()) return;  // held until the agent has finished
  const auto& delays = options_.endpointing;
  if (speaking_) {
    // Noise may keep the VAD up for ever; without new words the turn ends all the same.
    if (interim_results_ && interim_.empty()) turn_end_at_ = std::max(transcribed_, speech_began_) + delays.max;
  } else if (!interim_.empty()) {
    turn_end_at_ = std::max(speech_ended_, transcribed_) + delays.max;
  } else {
    turn_end_at_ = (heard_by_vad_ ? speech_ended_ : transcribed_) + delays.min;
  }
  if (turn_end_at_) turn_end_at_ = std::max(now_, *turn_end_at_);
}

void TurnTaking::on_turn_end() {
  if (floor_ != Floor::none) {
    // What was said before the agent began to speak comes first; too few words are a nod.
    if (count_words(pending_transcript()) < words_needed()) {
      backchannel_ = true;
      return;
    }
    cut();
  }
  turn::UserTurnCompleted completed{
      .transcript = pending_transcript(), .speech_ended = heard_by_vad_ ? speech_ended_ : transcribed_, .transcribed = transcribed_};
  if (speaking_) completed.speech_ended = transcribed_;
  final_owed_ = !interim_.empty();
  final_.clear();
  interim_.clear();
  words_ = 0;
  heard_by_vad_ = speaking_;
  out_.push_back(std::move(completed));
}

std::string TurnTaking::pending_transcript() const { return joined(final_, interim_); }

std::string TurnTaking::take_pending_transcript() {
  auto text = pending_transcript();
  final_.clear();
  interim_.clear();
  return text;
}

bool TurnTaking::agent_may_start(TimePoint now) const noexcept {
  if (input_stopped_ || discarding_) return true;
  if (speaking_) return now >= speech_began_ + kMaxHold;
  return !turn_end_at_ && now >= transcript_due_;
}

// ---- states ----

void TurnTaking::refresh_states() {
  const auto user = speaking_ ? UserState::speaking : user_state_ == UserState::away ? UserState::away : UserState::listening;
  if (user != user_state_) out_.push_back(turn::UserStateChanged{std::exchange(user_state_, user), user});
  auto agent = AgentState::listening;
  if (!started_) {
    agent = AgentState::initializing;
  } else if (floor_ != Floor::none && !paused_) {
    agent = floor_ == Floor::playing ? AgentState::speaking : AgentState::thinking;
  } else if (!connected_) {
    agent = AgentState::idle;
  }
  if (agent != agent_state_) out_.push_back(turn::AgentStateChanged{std::exchange(agent_state_, agent), agent});
  const bool both_silent = user_state_ == UserState::listening && agent_state_ == AgentState::listening && !input_stopped_;
  if (!both_silent) {
    away_at_.reset();
  } else if (!away_at_) {
    away_at_ = now_ + options_.away_after;
  }
}

}  // namespace parley
