// The session of one call: VAD and STT, turns, LLM, sentences, TTS, mixer.
//
// Thread: the loop's only.
// Bound:  one speech at a time, kMaxQueuedSpeeches behind it; every part by its own bounds.
// Ending: request_stop() stops input, and speech when forced; close() drains speech while playout advances, then closes
//         everything within kCloseBudget, whatever providers, tools and hooks do; kill() at once. From inside, as the law of
//         endings has it. The `close` event is emitted once, and is the last.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>

#include <parley/session.hpp>
#include <parley/transport.hpp>

#include "session/audio_recognition.hpp"
#include "session/call_limits.hpp"
#include "session/failure_words.hpp"
#include "session/session_port.hpp"
#include "session/speech_run.hpp"
#include "session/turn_taking.hpp"

namespace parley {

class PipelineSession final : public Session,
                              private SpeechHost,
                              private AudioRecognition::Listener,
                              private ToolRunner::Listener,
                              private SpeechState::Speaker {
 public:
  static constexpr Duration kCloseBudget = 2s;
  static constexpr Duration kSpeechClose = 1s;            // of the providers of a speech that is over
  static constexpr Duration kDrainStall = 3s;             // without a sound, and a drain is no longer graceful
  static constexpr Duration kFailureWordsPatience = 2s;   // less than a stall: then tones
  static constexpr Duration kTrailingTranscript = 2s;     // that the caller's last words are waited for
  static constexpr Duration kTransferWithin = 10s;        // for the other side of a telephone to take the caller
  static constexpr Duration kClosingExit = 500ms;         // for on_exit when the call ends
  static constexpr std::size_t kMaxWaitingTurns = 8;
  static constexpr int kMaxPreemptiveTries = 3;           // in one turn

  enum class State { starting, running, draining, closing, closed };

  PipelineSession(Scope& parent, SessionPort& port, Transport& transport, const ProviderRegistry& registry, SessionOptions options,
                  Logger logger);
  ~PipelineSession() override;

  // Makes the providers and begins to listen and speak.
  Result<void> start(Agent agent);

  void request_stop(StopReason reason, Ending ending) noexcept;
  // `drain` bounds what is still said and transcribed, `deadline` everything.
  Task<CloseReport> close(Deadline drain, Deadline deadline);
  void kill() noexcept;

  State state() const noexcept { return state_; }
  // What was used, how fast it answered: for the record of the call. Its transcript and tools are those of the events.
  boost::json::object summary() const;

  // Session
  SpeechHandle say(std::string text, SayOptions options = {}) override;
  SpeechHandle generate_reply(ReplyOptions options = {}) override;
  void interrupt(bool force = false) override;
  Result<void> update_agent(Agent agent) override;
  const Agent& current_agent() const noexcept override { return *agent_; }
  const ChatContext& history() const noexcept override { return history_; }
  UserState user_state() const noexcept override { return turns_.user_state(); }
  AgentState agent_state() const noexcept override { return turns_.agent_state(); }
  void end(StopReason reason = {StopCause::agent_hung_up, {}}, Ending ending = Ending::graceful) override;
  Task<Result<void>> transfer(std::string to) override;
  Task<Result<void>> send_dtmf(std::string keys) override;
  void remember(std::string_view key, boost::json::value value) override { port_.remember(key, std::move(value)); }
  const Logger& logger() const noexcept override { return logger_; }

 private:
  // A guess at the caller's turn: an answer that is generated before the turn is over.
  struct Prepared {
    std::string transcript;
    std::size_t history_items = 0;
    std::shared_ptr<const Agent> agent;
    std::unique_ptr<Generation> generation;
  };
  struct Usage {
    LlmUsage llm;
    std::size_t tts_characters = 0;
  };
  struct Turn {
    std::string transcript;
    TimePoint ended, speech_ended, transcribed;
  };

  // SpeechHost
  const std::shared_ptr<const Agent>& agent() const noexcept override { return agent_; }
  const Chains& chains() const noexcept override { return chains_; }
  const SessionOptions& session_options() const noexcept override { return options_; }
  Session& session() noexcept override { return *this; }
  ToolRunner& tools() noexcept override { return tools_; }
  Playout& playout() noexcept override { return playout_; }
  void add_to_history(ChatItem item, std::string_view speech_id) override;
  void speech_playing(SpeechRun& run) override;
  void speech_quiet(SpeechRun& run) override;
  void words_heard(const SessionPort::AgentWords& words) override;
  void speech_done(SpeechRun& run) override;
  void tools_executed(const std::vector<std::shared_ptr<ToolRun>>& runs) override;
  void provider_failed(std::string_view slot, const std::string& provider, const ProviderError& error) override;
  void provider_worked(std::string_view slot) override;
  void used(const Generation& generation) override;
  void synthesised(std::size_t characters) override { usage_.tts_characters += characters; }

  // AudioRecognition::Listener
  void user_started(Duration spoken) override;
  void user_ended(Duration silence) override;
  void user_transcript(const SttEvent& event) override;
  void recognition_failed(const std::string& provider, const ProviderError& error) override;

  // ToolRunner::Listener
  void late_tool_result(const ToolRun& run) override;

  // SpeechState::Speaker
  void interrupt_speech(SpeechState& speech) override;
  void protect_speech(SpeechState& speech) override;

  // pipeline_session.cpp: the clock and what comes in
  Task<void> run_media();
  Task<void> watch_transport();
  Task<void> watch_failure();
  void on_transport(const TransportEvent& event);
  void tick(TimePoint now);
  void check_limits(TimePoint now);
  void feed(const turn::Event& event);
  void carry_out(std::vector<turn::Command> commands);
  void carry_out(const turn::Pause&) { playout_.pause(); }
  void carry_out(const turn::Resume&);
  void carry_out(const turn::Cut& command);
  void carry_out(const turn::PrepareReply& command);
  void carry_out(const turn::UserTurnCompleted& command);
  void carry_out(const turn::DiscardInput& command) { recognition_.set_discarding(command.on); }
  void carry_out(const turn::UserStateChanged& command);
  void carry_out(const turn::AgentStateChanged& command);

  // session_speech.cpp: what is said, and in which order
  SpeechHandle schedule(SpeechPlan plan, std::string_view source, bool user_initiated);
  void pump();
  void begin(SpeechPlan plan);
  template <class Part>
  void retire(std::list<std::unique_ptr<Part>>& retired, std::unique_ptr<Part> part);
  template <class Part>
  static Task<void> farewell(std::list<std::unique_ptr<Part>>& retired, Part& part);
  void finish_speech(SpeechRun& run);
  void interrupt_current(bool force);
  void drop_queue(bool force);
  Task<void> answer_turns();
  Task<AfterTurn> ask_hook(std::shared_ptr<const Agent> agent, UserTurn& turn);
  void reply_to(const Turn& turn, ChatMessage message, std::optional<ChatContext> context);
  void drop_prepared();
  std::unique_ptr<Generation> take_prepared(const std::string& transcript);

  // session_agents.cpp: who speaks
  Result<void> enter(std::shared_ptr<const Agent> agent, Chains chains, bool first);
  void begin_handoff();
  Task<void> hand_over(std::shared_ptr<const Agent> to, Chains chains);
  Task<void> run_hook(std::shared_ptr<const Agent> agent, const std::function<Task<void>(Session&)>& hook, std::string_view name);
  void greet();

  // session_ending.cpp
  void stop_input();
  void silence_all();
  bool drained() const noexcept;
  Task<CloseReport> close_body(Deadline drain, Deadline deadline);
  Task<void> drain(Deadline deadline);
  Task<void> await_last_words(Deadline deadline);
  void keep_last_words();
  void add_to_history(ChatItem item) { add_to_history(std::move(item), {}); }
  void add_user_message(ChatMessage message);
  void emit_close();
  void give_up(std::string why);
  void speak_failure_words();
  Task<void> pass_on_after_failure(Deadline deadline);
  Task<void> await_failure_words(UtteranceId utterance, std::shared_ptr<std::size_t> as_words);
  void write_failure_words(UtteranceId utterance, std::size_t& as_words);

  // session_report.cpp
  void emit(std::string_view type, boost::json::object data);
  void report_turn(const SpeechRun& run);

  Loop& loop_;
  SessionPort& port_;
  Transport& transport_;
  const ProviderRegistry& registry_;
  SessionOptions options_;
  Logger logger_;
  CloseOnce close_;
  Scope scope_;  // outlives the scopes within it; the destructor kills its tasks first of all
  Scope failure_watch_;

  State state_ = State::starting;
  std::shared_ptr<const Agent> agent_;
  Chains session_chains_;  // of agents without their own
  Chains chains_;          // of the present agent
  ChatContext history_;
  TurnTaking turns_;
  std::optional<CallLimits> limits_;
  Playout playout_;
  FailureWords failure_words_;
  std::map<std::string, ErrorBudget, std::less<>> errors_;
  Usage usage_;
  std::vector<boost::json::object> turn_metrics_;
  std::optional<std::string> failure_;
  std::optional<TimePoint> receive_at_;
  bool started_ = false;
  bool was_connected_ = false;  // the caller could hear once

  Schedule queue_;
  std::uint64_t last_speech_ = 0;
  std::uint64_t current_number_ = 0;  // of the current speech, for the turns
  bool current_heard_ = false;     // for the first time: metrics
  std::optional<Prepared> prepared_;
  int preemptive_tries_ = 0;
  std::deque<Turn> waiting_turns_;
  std::optional<ChatMessage> answering_;  // a hook looks at it: not yet in the history
  std::optional<std::pair<std::shared_ptr<const Agent>, Chains>> next_agent_;
  bool handing_over_ = false;
  bool carrying_out_ = false;  // commands of the turns, in their order
  std::deque<turn::Command> commands_;

  std::optional<Ending> ending_;
  StopReason reason_;
  bool close_emitted_ = false;

  AudioRecognition recognition_;
  ToolRunner tools_;
  std::unique_ptr<Scope> agent_scope_;  // on_enter of the present agent
  std::unique_ptr<SpeechRun> current_;
  std::list<std::unique_ptr<SpeechRun>> retired_;  // speeches whose providers are still saying goodbye
  std::list<std::unique_ptr<Generation>> retired_generations_;
};

}  // namespace parley
