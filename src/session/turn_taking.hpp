// Who has the floor: when the caller's turn is over, when the agent falls silent for the caller, whether it goes on.
//
// A pure state machine. Events and the time go in, commands come out; it holds no clock, no audio and no task. Whoever
// drives it calls handle() for each event and tick() at next_timer(), and carries out the commands in their order.
//
// An interruption has two steps. After `min_duration` of speech the agent is paused: silent at once, and nothing is lost.
// A transcript with words cuts what it was saying; when none comes until `resume_false_after` after the caller fell silent
// it was noise, and the agent goes on at the very sample. docs/turn-taking.md tells the whole.
//
// Thread: the owner's only.
// Bound:  kMaxTurnText of text; a pause lasts at most kMaxPause; next_timer() always lies ahead of the last tick.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <parley/base/bytes.hpp>
#include <parley/turns.hpp>

namespace parley {

namespace turn {

// Events.
struct Started {};                          // initializing is over
struct Connected { bool on = true; };       // audio can flow
struct UserSpeechStarted { Duration spoken{}; };  // by the VAD, which had to hear this much of it first
struct UserSpeechEnded { Duration silence{}; };   // by the VAD, after this much silence
struct Transcript { std::string text; bool final = true; };
struct AgentScheduled { std::uint64_t speech = 0; bool interruptible = true; };  // it is being made
struct AgentPlaying { std::uint64_t speech = 0; };                               // its first sound went out
struct AgentProtected { std::uint64_t speech = 0; };                             // it may not be interrupted from now on
struct AgentQuiet { std::uint64_t speech = 0; };                                 // no sound for now: a tool runs
struct AgentDone { std::uint64_t speech = 0; };                                  // played, cut, failed
struct InputStopped {};                                                          // the call ends: nobody listens any more

using Event = std::variant<Started, Connected, UserSpeechStarted, UserSpeechEnded, Transcript, AgentScheduled, AgentPlaying,
                           AgentProtected, AgentQuiet, AgentDone, InputStopped>;

// Commands.
struct Pause {};
struct Resume {};       // it was a false interruption
struct Cut { std::uint64_t speech = 0; };
struct PrepareReply { std::string transcript; };  // the turn may be over: a reply may be generated, not spoken
struct UserTurnCompleted {
  std::string transcript;
  TimePoint speech_ended{};   // the caller's last sound, as the VAD tells
  TimePoint transcribed{};    // the last transcript
};
struct DiscardInput { bool on = true; };  // what the caller says is not listened to
struct UserStateChanged { UserState from, to; };
struct AgentStateChanged { AgentState from, to; };

using Command =
    std::variant<Pause, Resume, Cut, PrepareReply, UserTurnCompleted, DiscardInput, UserStateChanged, AgentStateChanged>;

}  // namespace turn

class TurnTaking {
 public:
  static constexpr std::size_t kMaxTurnText = 32 * KiB;  // of one turn; what exceeds it is dropped
  static constexpr Duration kMaxPause = 30s;             // the caller speaks on and on, and no word arrives
  static constexpr Duration kMaxHold = 10s;              // that the agent waits for a caller who seems to speak
  static constexpr Duration kTranscriptLag = 1s;         // that a recogniser may take after the end of speech

  // `interim_results`: the recogniser tells words while they are spoken.
  TurnTaking(const TurnOptions& options, bool interim_results);

  std::vector<turn::Command> handle(const turn::Event& event, TimePoint now);
  std::vector<turn::Command> tick(TimePoint now);
  // None: nothing will happen without an event.
  std::optional<TimePoint> next_timer() const noexcept;

  // After a handoff.
  void set_interim_results(bool on) noexcept { interim_results_ = on; }

  // The caller neither speaks nor is owed a transcript nor is about to be answered: a queued speech may begin.
  bool agent_may_start(TimePoint now) const noexcept;

  UserState user_state() const noexcept { return user_state_; }
  AgentState agent_state() const noexcept { return agent_state_; }
  bool user_speaking() const noexcept { return speaking_; }
  bool paused() const noexcept { return paused_; }
  bool discarding() const noexcept { return discarding_; }
  // What the caller said since the last completed turn.
  std::string pending_transcript() const;
  // Takes it: the call ends before the turn is over.
  std::string take_pending_transcript();

 private:
  enum class Floor { none, making, playing };

  void on(const turn::Started&);
  void on(const turn::Connected& event);
  void on(const turn::UserSpeechStarted& event);
  void on(const turn::UserSpeechEnded& event);
  void on(const turn::Transcript& event);
  void on(const turn::AgentScheduled& event);
  void on(const turn::AgentPlaying& event);
  void on(const turn::AgentProtected& event);
  void on(const turn::AgentQuiet& event);
  void on(const turn::AgentDone& event);
  void on(const turn::InputStopped&);

  void run_timers(TimePoint now);
  void on_interrupt_timer();
  void on_resume_timer();
  void on_pause_limit();
  void on_turn_end();

  void end_user_speech(Duration silence);
  void accept_text(const turn::Transcript& event);
  void arm_interruption();
  void schedule_turn_end();
  void set_discarding(bool on);
  void cut();
  void release_pause() noexcept;
  void free_floor();
  void refresh_states();

  bool can_interrupt() const noexcept { return floor_ != Floor::none && interruptible_ && options_.interruption.enabled; }
  int words_needed() const noexcept { return std::max(1, options_.interruption.min_words); }

  TurnOptions options_;
  bool interim_results_;
  TimePoint now_{};  // of the event that is being handled
  std::vector<turn::Command> out_;

  bool started_ = false;
  bool connected_ = false;
  bool input_stopped_ = false;

  bool speaking_ = false;
  bool heard_by_vad_ = false;     // speech since the last completed turn
  TimePoint speech_began_{};
  TimePoint speech_ended_{};
  TimePoint transcript_due_{};    // until when a recogniser may still be working on the last speech

  std::string final_;             // of this turn
  std::string interim_;
  int words_ = 0;                 // final ones since the caller last began to speak
  TimePoint transcribed_{};
  bool final_owed_ = false;       // a turn was completed on an interim transcript: its final one comes late
  bool backchannel_ = false;      // too few words to be a turn while the agent speaks; kept for the next one

  Floor floor_ = Floor::none;
  std::uint64_t speech_ = 0;
  bool interruptible_ = true;
  bool paused_ = false;
  bool discarding_ = false;

  std::optional<TimePoint> interrupt_at_;
  std::optional<TimePoint> resume_at_;
  std::optional<TimePoint> pause_limit_at_;
  std::optional<TimePoint> turn_end_at_;
  std::optional<TimePoint> away_at_;

  UserState user_state_ = UserState::listening;
  AgentState agent_state_ = AgentState::initializing;
};

// Runs of characters between blanks that hold at least one letter or digit (or anything beyond ASCII).
int count_words(std::string_view text) noexcept;

}  // namespace parley
