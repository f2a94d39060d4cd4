// One speech being made and played: a text, or a reply of the LLM with the steps its tools ask for.
//
// Its first words are spoken while the rest is still being written; tools run while the words before them play, and the
// next step's words are made before those have ended.
//
// Thread: the loop's only.
// Bound:  TurnOptions::max_tool_steps; every tool by its timeout, every provider by the retry policy; playing by nothing
//         but the length of the text, the caller and the call's end.
// Ending: interrupt() is silent at once and tells every provider to stop. Then the three verbs.
#pragma once

#include <memory>
#include <vector>

#include "session/generation.hpp"
#include "session/reply_record.hpp"
#include "session/schedule.hpp"
#include "session/sentence_splitter.hpp"
#include "session/session_port.hpp"

namespace parley {

class SpeechRun;

// What a speech needs of its session.
class SpeechHost {
 public:
  virtual const std::shared_ptr<const Agent>& agent() const noexcept = 0;
  virtual const Chains& chains() const noexcept = 0;
  virtual const SessionOptions& session_options() const noexcept = 0;
  virtual Session& session() noexcept = 0;
  virtual ToolRunner& tools() noexcept = 0;
  virtual Playout& playout() noexcept = 0;

  virtual void add_to_history(ChatItem item, std::string_view speech_id) = 0;
  virtual void speech_playing(SpeechRun& run) = 0;  // the caller hears it, again or for the first time
  virtual void speech_quiet(SpeechRun& run) = 0;    // nothing of it is to be heard for now
  virtual void words_heard(const SessionPort::AgentWords& words) = 0;
  virtual void speech_done(SpeechRun& run) = 0;     // called from its own task; destroy it later
  virtual void tools_executed(const std::vector<std::shared_ptr<ToolRun>>& runs) = 0;
  virtual void provider_failed(std::string_view slot, const std::string& provider, const ProviderError& error) = 0;
  virtual void provider_worked(std::string_view slot) = 0;
  virtual void used(const Generation& generation) = 0;
  virtual void synthesised(std::size_t characters) = 0;

 protected:
  ~SpeechHost() = default;
};

class SpeechRun final : private Utterance::Listener {
 public:
  SpeechRun(Scope& parent, SpeechHost& host, SpeechPlan plan);
  ~SpeechRun();

  void start();
  // Silent at once; what was heard is in the history when it returns.
  void interrupt();

  const SpeechPlan& plan() const noexcept { return plan_; }
  SpeechState& state() const noexcept { return *plan_.state; }
  bool over() const noexcept { return over_; }
  // What its tools decided, once it is over.
  bool wants_end_of_call() const noexcept { return ends_call_; }
  const std::shared_ptr<const Agent>& handoff() const noexcept { return handoff_; }

  // For metrics.
  std::optional<TimePoint> llm_began() const noexcept { return llm_began_; }
  std::optional<TimePoint> first_token() const noexcept { return first_token_; }
  std::optional<TimePoint> first_sentence() const noexcept { return first_sentence_; }
  std::optional<TimePoint> first_audio() const noexcept { return first_audio_; }
  TimePoint began() const noexcept { return began_; }

  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

 private:
  class Context;

  void utterance_audio(Utterance& utterance) override;
  void utterance_started(Utterance& utterance) override;
  void utterance_heard(Utterance& utterance) override { tell_words(utterance, false); }
  void utterance_over(Utterance& utterance) override;
  void utterance_failed(Utterance& utterance, const std::string& provider, const ProviderError& error) override;

  Task<void> run();
  Task<void> speak_or_reply();
  Task<void> reply();
  Task<bool> step(bool tools_allowed);  // false: the LLM failed
  Task<void> wait_for_playout();
  ChatRequest make_request(bool tools_allowed) const;
  void call_tool(FunctionCall call, bool tools_allowed);
  bool id_is_taken(const std::string& id) const;
  Utterance& utterance();
  void tell_words(const Utterance& utterance, bool final);
  void say(std::string sentence);
  void say_for_tool(std::string_view words);
  void fail_with(Error error);
  void settle();
  void end();

  SpeechHost& host_;
  SpeechPlan plan_;
  Loop& loop_;
  TimePoint began_;
  Scope scope_;  // outlives the scopes within it; the destructor kills its tasks first of all
  std::optional<TimePoint> llm_began_, first_token_, first_sentence_, first_audio_;
  ReplyRecord record_;
  std::vector<std::unique_ptr<Utterance>> utterances_;
  Utterance* speaking_into_ = nullptr;  // the present step's
  std::vector<std::shared_ptr<ToolRun>> calls_;  // likewise
  bool writing_ = false;  // the LLM may add to the present step's words
  bool made_ = false;  // nothing more will be said
  bool over_ = false;
  bool ends_call_ = false;
  std::shared_ptr<const Agent> handoff_;
  std::shared_ptr<const Agent> agent_;  // who speaks
  std::unique_ptr<Generation> generation_;
};

}  // namespace parley
