// What is said, and in which order.
#include <fmt/format.h>

#include <parley/async/within.hpp>
#include <parley/base/exception.hpp>
#include <parley/base/ids.hpp>
#include <parley/events.hpp>

#include "session/pipeline_session.hpp"

namespace parley {

SpeechHandle PipelineSession::say(std::string text, SayOptions options) {
  SpeechPlan plan{.say = std::move(text), .add_to_history = options.add_to_history};
  plan.state = std::make_shared<SpeechState>(make_id(loop_.random(), "speech_"), options.priority, options.interruptible);
  return schedule(std::move(plan), "say", true);
}

SpeechHandle PipelineSession::generate_reply(ReplyOptions options) {
  SpeechPlan plan{.instructions = std::move(options.instructions), .tools_allowed = options.tools_allowed};
  plan.state = std::make_shared<SpeechState>(make_id(loop_.random(), "speech_"), options.priority, options.interruptible);
  if (!options.user_input.empty() && state_ == State::running) {
    add_user_message({.id = {}, .role = ChatRole::user, .text = std::move(options.user_input)});
  }
  return schedule(std::move(plan), "generate_reply", true);
}

SpeechHandle PipelineSession::schedule(SpeechPlan plan, std::string_view source, bool user_initiated) {
  if (!plan.state) plan.state = std::make_shared<SpeechState>(make_id(loop_.random(), "speech_"), SpeechPriority::normal, true);
  if (!options_.turns.interruption.enabled) plan.state->interruptible = false;
  const auto state = plan.state;
  const SpeechHandle handle(state);
  if (state_ != State::running) {
    state->error = Error(Errc::closing, "the call ends: nothing new is said");
    state->done.set();
    return handle;
  }
  state->speaker = this;
  emit(events::kSpeechCreated, {{"speech_id", state->id}, {"source", source}, {"user_initiated", user_initiated}});
  if (!queue_.add(std::move(plan))) {
    state->error = Error(Errc::overloaded, fmt::format("{} speeches are waiting already", kMaxQueuedSpeeches));
    state->speaker = nullptr;
    state->done.set();
    return handle;
  }
  pump();
  return handle;
}

// Begins what is next, if nobody speaks.
void PipelineSession::pump() {
  if (current_ || (state_ != State::running && state_ != State::draining)) return;
  if (next_agent_ && !handing_over_ && state_ == State::running) begin_handoff();
  const auto* next = queue_.next();
  if (!next || (next->state->interruptible && !turns_.agent_may_start(loop_.now()))) return;
  begin(queue_.take());
}

void PipelineSession::begin(SpeechPlan plan) {
  drop_prepared();
  current_number_ = ++last_speech_;
  current_heard_ = false;
  const bool interruptible = plan.state->interruptible;
  current_ = std::make_unique<SpeechRun>(scope_, static_cast<SpeechHost&>(*this), std::move(plan));
  auto* const run = current_.get();
  feed(turn::AgentScheduled{current_number_, interruptible});
  if (current_.get() == run) run->start();
}

void PipelineSession::speech_playing(SpeechRun& run) {
  if (&run != current_.get()) return;
  if (!std::exchange(current_heard_, true)) report_turn(run);
  feed(turn::AgentPlaying{current_number_});
}

void PipelineSession::speech_quiet(SpeechRun& run) {
  if (&run == current_.get()) feed(turn::AgentQuiet{current_number_});
}

void PipelineSession::speech_done(SpeechRun& run) {
  if (&run == current_.get()) finish_speech(run);
}

// Its providers may still say goodbye; the floor is free at once.
void PipelineSession::finish_speech(SpeechRun& run) {
  auto over = std::move(current_);
  auto& state = run.state();
  state.speaker = nullptr;
  state.done.set();
  if (run.wants_end_of_call()) end({StopCause::agent_hung_up, "the agent ended the call"});
  if (run.handoff()) {
    if (auto handed = update_agent(*run.handoff()); !handed) logger_.error("no handoff: {}", handed.error().message());
  }
  retire(retired_, std::move(over));
  feed(turn::AgentDone{current_number_});
  if (state_ == State::running) port_.turn_ended();
  pump();
}

template <class Part>
void PipelineSession::retire(std::list<std::unique_ptr<Part>>& retired, std::unique_ptr<Part> part) {
  auto& object = *part;
  retired.push_back(std::move(part));
  // Refused when the session closes: then it closes with it.
  (void)scope_.spawn("farewell", farewell(retired, object));
}

template <class Part>
Task<void> PipelineSession::farewell(std::list<std::unique_ptr<Part>>& retired, Part& part) {
  auto& loop = co_await this_loop();
  (void)co_await part.close(loop.in(kSpeechClose));
  std::erase_if(retired, [&part](const auto& each) { return each.get() == &part; });
}

// ---- interruption ----

void PipelineSession::interrupt(bool force) {
  drop_queue(force);
  interrupt_current(force);
}

void PipelineSession::interrupt_current(bool force) {
  if (!current_ || (!force && !current_->state().interruptible)) return;
  auto& run = *current_;
  run.interrupt();
  playout_.resume();  // a pause was this speech's
  finish_speech(run);
}

void PipelineSession::drop_queue(bool force) {
  Schedule kept;
  while (!queue_.empty()) {
    auto plan = queue_.take();
    if (!force && !plan.state->interruptible) {
      (void)kept.add(std::move(plan));
      continue;
    }
    plan.state->interrupted = true;
    plan.state->speaker = nullptr;
    plan.state->done.set();
    if (plan.prepared) retire(retired_generations_, std::move(plan.prepared));
  }
  queue_ = std::move(kept);
}

void PipelineSession::interrupt_speech(SpeechState& speech) {
  if (current_ && &current_->state() == &speech) {
    interrupt_current(true);
  } else if (auto plan = queue_.remove(speech)) {
    speech.speaker = nullptr;
    speech.done.set();
    if (plan->prepared) retire(retired_generations_, std::move(plan->prepared));
  }
}

void PipelineSession::protect_speech(SpeechState& speech) {
  if (current_ && &current_->state() == &speech) feed(turn::AgentProtected{current_number_});
}

// ---- answering the caller ----

void PipelineSession::carry_out(const turn::PrepareReply& command) {
  const bool free = state_ == State::running && !current_ && queue_.empty() && !answering_ && waiting_turns_.empty();
  if (!free || preemptive_tries_ >= kMaxPreemptiveTries) return;
  if (prepared_ && prepared_->transcript == command.transcript) return;
  drop_prepared();
  ++preemptive_tries_;
  ChatRequest request{.context = history_, .instructions = agent_->instructions};
  request.context.add(ChatRole::user, command.transcript);
  for (const auto& tool : agent_->tools) request.tools.push_back(tool.definition);
  prepared_ = Prepared{.transcript = command.transcript,
                       .history_items = history_.items.size(),
                       .agent = agent_,
                       .generation = std::make_unique<Generation>(scope_, chains_.llm, std::move(request), options_.retry)};
}

// The answer that was prepared, if nothing has changed since: the transcript, the context, the tools.
std::unique_ptr<Generation> PipelineSession::take_prepared(const std::string& transcript) {
  if (!prepared_) return nullptr;
  const bool same = prepared_->transcript == transcript && prepared_->history_items == history_.items.size() && prepared_->agent == agent_;
  auto generation = same ? std::move(prepared_->generation) : nullptr;
  if (same) prepared_.reset();
  drop_prepared();
  return generation;
}

void PipelineSession::drop_prepared() {
  if (!prepared_) return;
  auto generation = std::move(prepared_->generation);
  prepared_.reset();
  if (!generation) return;
  generation->request_stop({StopCause::replaced, "the caller went on"});
  retire(retired_generations_, std::move(generation));
}

void PipelineSession::carry_out(const turn::UserTurnCompleted& command) {
  preemptive_tries_ = 0;
  Turn turn{command.transcript, loop_.now(), command.speech_ended, command.transcribed};
  if (state_ != State::running) {
    add_user_message({.id = {}, .role = ChatRole::user, .text = std::move(turn.transcript)});
    return;
  }
  if (!agent_->on_user_turn_completed && !answering_ && waiting_turns_.empty()) {
    ChatMessage message{.id = {}, .role = ChatRole::user, .text = turn.transcript};
    reply_to(turn, std::move(message), std::nullopt);
    return;
  }
  if (waiting_turns_.size() >= kMaxWaitingTurns) {
    waiting_turns_.back().transcript += " " + turn.transcript;  // a slow hook: nothing of what was said is lost
  } else {
    waiting_turns_.push_back(std::move(turn));
  }
  if (!answering_ && waiting_turns_.size() == 1) (void)scope_.spawn("answer", answer_turns());
}

// One turn after the other, each shown to the agent's hook.
Task<void> PipelineSession::answer_turns() {
  while (!waiting_turns_.empty()) {
    const auto turn = std::move(waiting_turns_.front());
    answering_ = ChatMessage{.id = {}, .role = ChatRole::user, .text = turn.transcript};
    waiting_turns_.pop_front();
    UserTurn shown{*answering_, history_};
    const auto before = shown.context.to_json();
    const auto agent = agent_;
    auto after = AfterTurn::reply;
    if (agent->on_user_turn_completed) {
      auto decided = co_await within(loop_.in(Agent::kTurnDeadline), ask_hook(agent, shown));
      if (decided) after = *decided;
      else logger_.warn("on_user_turn_completed of {}: {}; the reply is made without it", agent->name, decided.error().message());
    }
    answering_.reset();
    const bool changed = shown.context.to_json() != before;
    auto message = std::move(shown.message);
    if (state_ != State::running || after == AfterTurn::stay_silent) {
      drop_prepared();
      add_user_message(std::move(message));
    } else {
      reply_to(turn, std::move(message), changed ? std::optional(std::move(shown.context)) : std::nullopt);
    }
  }
}

Task<AfterTurn> PipelineSession::ask_hook(std::shared_ptr<const Agent> agent, UserTurn& turn) {
  try {
    co_return co_await agent->on_user_turn_completed(*this, turn);
  } catch (const Stopped&) {
    throw;
  } catch (...) {
    logger_.error("on_user_turn_completed of {} failed: {}", agent->name, describe_current_exception());
  }
  co_return AfterTurn::reply;
}

void PipelineSession::reply_to(const Turn& turn, ChatMessage message, std::optional<ChatContext> context) {
  interrupt_current(false);
  auto prepared = context ? nullptr : take_prepared(message.text);
  if (context) context->items.emplace_back(message);
  add_user_message(std::move(message));
  SpeechPlan plan{.context = std::move(context),
                  .prepared = std::move(prepared),
                  .turn_ended = turn.ended,
                  .speech_ended = turn.speech_ended,
                  .transcribed = turn.transcribed};
  (void)schedule(std::move(plan), "generate_reply", false);
}

// Its reply is over, the call goes on: what it decided is done, behind what is said now.
void PipelineSession::late_tool_result(const ToolRun& run) {
  add_to_history(run.call());
  add_to_history(run.output());
  if (run.result().end_call) end({StopCause::agent_hung_up, "the agent ended the call"});
  if (!run.result().handoff || state_ != State::running) return;
  if (auto handed = update_agent(*run.result().handoff); !handed) logger_.error("no handoff: {}", handed.error().message());
}

}  // namespace parley
