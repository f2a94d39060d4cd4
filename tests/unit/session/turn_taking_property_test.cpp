// Random conversations: whatever order events come in, the law of turns holds. A failure prints its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <parley/base/random.hpp>

#include "session/turn_taking.hpp"

namespace parley {
namespace {

// A caller, a recogniser and an agent without manners, and the checks.
class RandomTalk {
 public:
  explicit RandomTalk(std::uint64_t seed) : random_(seed), options_(draw_options()), interim_(random_.chance(0.5)), turns_(options_, interim_) {
    apply(turns_.handle(turn::Started{}, now_));
    apply(turns_.handle(turn::Connected{true}, now_));
  }

  void run(int events) {
    for (int i = 0; i < events && !::testing::Test::HasFailure(); ++i) {
      pass(Duration(static_cast<std::int64_t>(random_.below(random_.chance(0.1) ? 20'000'000'000 : 700'000'000))));
      something_happens();
    }
  }

  // Everybody falls silent: nothing may be left hanging.
  void settle() {
    feed(turn::UserSpeechEnded{550ms});
    pass(TurnTaking::kMaxPause);
    if (current_ != 0) feed(turn::AgentDone{std::exchange(current_, 0)});
    pass(1min);
    EXPECT_FALSE(turns_.paused());
    EXPECT_FALSE(turns_.discarding());
    EXPECT_TRUE(turns_.agent_may_start(now_));
    EXPECT_EQ(turns_.agent_state(), AgentState::listening);
    EXPECT_FALSE(turns_.next_timer()) << "a timer is left that nothing waits for";
    if (options_.interruption.min_words < 2) EXPECT_EQ(turns_.pending_transcript(), "") << "a turn was never completed";
    // What is still pending (a nod, too short to be a turn) is not lost either.
    complete(turns_.pending_transcript());
    EXPECT_EQ(completed_, said_) << "every final word belongs to exactly one turn";
  }

 private:
  TurnOptions draw_options() {
    TurnOptions options;
    options.interruption.min_words = static_cast<int>(random_.below(3));
    options.interruption.enabled = random_.chance(0.9);
    options.interruption.discard_uninterruptible_input = random_.chance(0.5);
    if (random_.chance(0.2)) options.interruption.resume_false_after.reset();
    options.endpointing.min = std::chrono::milliseconds(random_.below(1000));
    return options;
  }

  static std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : text + " ") {
      if (c != ' ') {
        word += c;
      } else if (!word.empty()) {
        words.push_back(std::exchange(word, {}));
      }
    }
    return words;
  }

  void pass(Duration duration) {
    const auto end = now_ + duration;
    int turns_of_the_clock = 0;
    for (;;) {
      const auto next = turns_.next_timer();
      now_ = next && *next <= end ? std::max(now_, *next) : end;
      apply(turns_.tick(now_));
      if (const auto later = turns_.next_timer()) EXPECT_GT(*later, now_) << "a timer that was run is armed in the past";
      if (now_ >= end) return;
      if (++turns_of_the_clock > 1000) {
        ADD_FAILURE() << "the clock never gets there";
        return;
      }
    }
  }

  void feed(const turn::Event& event) { apply(turns_.handle(event, now_)); }

  void something_happens() {
    apply(turns_.tick(now_));  // what the last event made due at once
    switch (random_.below(8)) {
      case 0: feed(turn::UserSpeechStarted{50ms}); break;
      case 1: feed(turn::UserSpeechEnded{550ms}); break;
      case 2: say(true); break;
      case 3: if (interim_) say(false); break;
      case 4:
        if (current_ != 0) break;
        current_ = ++last_;
        protected_ = random_.chance(0.3);
        playing_ = false;
        feed(turn::AgentScheduled{current_, !protected_});
        break;
      case 5:
        if (current_ == 0) break;
        playing_ = !playing_;
        feed(playing_ ? turn::Event(turn::AgentPlaying{current_}) : turn::Event(turn::AgentQuiet{current_}));
        break;
      case 6:
        if (current_ == 0 || paused_) break;  // a paused speech cannot come to its end
        feed(turn::AgentDone{std::exchange(current_, 0)});
        break;
      case 7:
        feed(turn::AgentDone{last_ + 7});  // a stray
        if (current_ != 0 && random_.chance(0.2)) {
          protected_ = true;
          feed(turn::AgentProtected{current_});
        }
        break;
    }
  }

  void say(bool final) {
    const auto word = fmt::format("w{}", ++words_);
    const auto before = turns_.pending_transcript();
    const bool discarding = turns_.discarding();
    const auto completed_before = completed_.size();
    feed(turn::Transcript{word, final});
    if (!final || discarding) return;
    // A late final one of a turn that was completed on its interim one is dropped; any other is in the turn now.
    const bool taken = turns_.pending_transcript() != before || completed_.size() != completed_before;
    if (taken && (turns_.pending_transcript().ends_with(word) || completed_.size() != completed_before)) said_.push_back(word);
  }

  void apply(const std::vector<turn::Command>& commands) {
    for (const auto& command : commands) std::visit([this](const auto& c) { on(c); }, command);
    if (paused_since_) EXPECT_LE(now_ - *paused_since_, TurnTaking::kMaxPause) << "paused beyond its bound";
    EXPECT_EQ(turns_.paused(), paused_);
  }

  void on(const turn::Pause&) {
    EXPECT_NE(current_, 0u) << "paused nobody";
    EXPECT_FALSE(protected_) << "paused a protected speech";
    EXPECT_FALSE(paused_) << "paused twice";
    EXPECT_TRUE(options_.interruption.enabled);
    paused_ = true;
    paused_since_ = now_;
  }
  void on(const turn::Resume&) {
    EXPECT_TRUE(paused_) << "resumed what was not paused";
    unpause();
  }
  void on(const turn::Cut& cut) {
    EXPECT_EQ(cut.speech, current_) << "cut a speech that is not the current one";
    EXPECT_FALSE(protected_) << "cut a protected speech";
    EXPECT_TRUE(options_.interruption.enabled);
    current_ = 0;
    unpause();
  }
  void on(const turn::UserTurnCompleted& turn) {
    EXPECT_EQ(current_, 0u) << "a turn was completed while the agent has the floor: two replies would play";
    EXPECT_NE(turn.transcript, "");
    EXPECT_LE(turn.speech_ended, now_);
    complete(turn.transcript);
  }
  void complete(const std::string& text) {
    for (auto& word : words_of(text)) {
      // An interim word that ended the turn was said as well.
      if (std::ranges::find(said_, word) == said_.end()) said_.push_back(word);
      completed_.push_back(std::move(word));
    }
  }
  void on(const turn::PrepareReply& prepare) { EXPECT_NE(prepare.transcript, ""); }
  void on(const turn::DiscardInput& discard) {
    EXPECT_NE(discarding_, discard.on);
    discarding_ = discard.on;
  }
  void on(const turn::UserStateChanged& change) {
    EXPECT_EQ(change.from, user_);
    EXPECT_NE(change.to, user_);
    user_ = change.to;
  }
  void on(const turn::AgentStateChanged& change) {
    EXPECT_EQ(change.from, agent_);
    EXPECT_NE(change.to, agent_);
    agent_ = change.to;
  }
  void unpause() {
    paused_ = false;
    paused_since_.reset();
  }

  Random random_;
  TurnOptions options_;
  bool interim_;
  TurnTaking turns_;
  TimePoint now_{std::chrono::hours(1)};
  std::uint64_t current_ = 0;
  std::uint64_t last_ = 0;
  bool protected_ = false;
  bool playing_ = false;
  bool paused_ = false;
  bool discarding_ = false;
  std::optional<TimePoint> paused_since_;
  UserState user_ = UserState::listening;
  AgentState agent_ = AgentState::initializing;
  int words_ = 0;
  std::vector<std::string> said_;
  std::vector<std::string> completed_;
};

TEST(RandomConversations, KeepTheLawOfTurns_WhateverHappensInWhateverOrder) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    RandomTalk talk(seed);
    talk.run(150);
    talk.settle();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace parley
