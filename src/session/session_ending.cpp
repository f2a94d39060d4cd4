// How a session ends. Each step is tried whatever became of the one before, and each is bounded.
#include <fmt/format.h>

#include <parley/async/within.hpp>
#include <parley/events.hpp>

#include "session/pipeline_session.hpp"

namespace parley {
namespace {

// LiveKit's close reasons.
std::string_view close_reason(StopCause cause) noexcept {
  switch (cause) {
    case StopCause::caller_hung_up:
    case StopCause::room_closed:
    case StopCause::caller_vanished: return "participant_disconnected";
    case StopCause::agent_hung_up:
    case StopCause::finished:
    case StopCause::limit: return "task_completed";
    case StopCause::failure: return "error";
    case StopCause::shutdown:
    case StopCause::job_terminated:
    case StopCause::replaced: return "job_shutdown";
    case StopCause::owner_closed:
    case StopCause::refused: return "user_initiated";
  }
  return "user_initiated";
}

}  // namespace

void PipelineSession::end(StopReason reason, Ending ending) {
  const bool first = !ending_;
  request_stop(reason, ending);
  if (first) port_.end_requested(reason_, ending == Ending::forced);
}

void PipelineSession::request_stop(StopReason reason, Ending ending) noexcept {
  if (!ending_) {
    ending_ = ending;
    reason_ = std::move(reason);
    if (state_ == State::running || state_ == State::starting) state_ = State::draining;
    stop_input();
  } else if (ending == Ending::forced) {
    ending_ = ending;
  }
  // What is paid by the second stops now, not after the drain.
  if (*ending_ == Ending::forced) silence_all();
}

void PipelineSession::stop_input() {
  feed(turn::InputStopped{});
  drop_prepared();
  next_agent_.reset();
  recognition_.end_input();
  if (!recognition_.owes_transcript()) recognition_.request_stop(reason_);
}

void PipelineSession::silence_all() {
  drop_queue(true);
  interrupt_current(true);
  playout_.cut_all(loop_.now());
}

bool PipelineSession::drained() const noexcept { return !current_ && queue_.empty() && !playout_.speaking(); }

Task<CloseReport> PipelineSession::close(Deadline drain, Deadline deadline) {
  return close_.run(deadline, [this, drain](Deadline d) { return close_body(drain, d); });
}

Task<CloseReport> PipelineSession::close_body(Deadline drain_deadline, Deadline deadline) {
  if (!ending_) request_stop({StopCause::owner_closed, {}}, Ending::forced);
  port_.closing_step("speech");
  co_await drain(drain_deadline.within(deadline));
  co_await pass_on_after_failure(drain_deadline.within(deadline));
  ending_ = Ending::forced;
  silence_all();
  port_.closing_step("last words");
  co_await await_last_words(drain_deadline.within(deadline).within(loop_.in(kTrailingTranscript)));
  keep_last_words();
  state_ = State::closing;
  const auto by = deadline.within(loop_.in(kCloseBudget));
  tools_.request_stop(reason_);
  if (agent_->on_exit) {
    port_.closing_step("on_exit");
    (void)co_await within(by.within(loop_.in(kClosingExit)), run_hook(agent_, agent_->on_exit, "on_exit"));
  }
  port_.closing_step("session");
  (void)co_await failure_watch_.close(by);
  auto report = co_await scope_.close(by);
  emit_close();
  co_return report;
}

// Lasts while something is heard: a transport that cannot deliver any more, or speech that does not come, ends it. A caller
// who is still being connected hears it a little later.
Task<void> PipelineSession::drain(Deadline deadline) {
  auto heard = playout_.progress();
  auto last_heard = loop_.now();
  while (*ending_ == Ending::graceful && !drained() && !deadline.passed(loop_.now()) && (transport_.can_deliver() || !was_connected_)) {
    if (heard != playout_.progress()) {
      heard = playout_.progress();
      last_heard = loop_.now();
    }
    if (loop_.now() - last_heard >= kDrainStall) break;
    co_await sleep_until(loop_.in(kFrameDuration).within(deadline).at());
  }
}

Task<void> PipelineSession::await_last_words(Deadline deadline) {
  while (recognition_.owes_transcript() && !deadline.passed(loop_.now())) {
    co_await sleep_until(loop_.in(kFrameDuration).within(deadline).at());
  }
  recognition_.request_stop(reason_);
}

// What the caller said and nobody answered belongs to the history all the same.
void PipelineSession::keep_last_words() {
  if (answering_) add_user_message(*std::exchange(answering_, std::nullopt));
  for (auto& turn : std::exchange(waiting_turns_, {})) add_user_message({.id = {}, .role = ChatRole::user, .text = std::move(turn.transcript)});
  if (auto text = turns_.take_pending_transcript(); !text.empty()) add_user_message({.id = {}, .role = ChatRole::user, .text = std::move(text)});
}

void PipelineSession::kill() noexcept {
  if (!close_emitted_) {
    request_stop({StopCause::owner_closed, {}}, Ending::forced);
    keep_last_words();
  }
  recognition_.kill();
  failure_watch_.kill();
  scope_.kill();
  emit_close();
}

void PipelineSession::emit_close() {
  state_ = State::closed;
  if (std::exchange(close_emitted_, true) || !started_) return;
  boost::json::object data{{"reason", close_reason(reason_.cause)}, {"cause", to_string(reason_.cause)}};
  if (!reason_.detail.empty()) data["detail"] = reason_.detail;
  if (failure_) data["error"] = *failure_;
  port_.emit(events::kClose, std::move(data));
}

// ---- failure ----

void PipelineSession::provider_failed(std::string_view slot, const std::string& provider, const ProviderError& error) {
  const bool too_many = errors_[std::string(slot)].failed();
  emit(events::kError, {{"source", {{"type", fmt::format("{}_error", slot)}, {"label", provider}}},
                        {"message", error.error.message()},
                        {"code", to_string(error.error.code())},
                        {"recoverable", !too_many}});
  if (too_many && state_ == State::running) give_up(fmt::format("{} ({}): {}", slot, provider, error.error.message()));
}

void PipelineSession::provider_worked(std::string_view slot) { errors_[std::string(slot)].worked(); }

void PipelineSession::give_up(std::string why) {
  logger_.error("the call is given up: {}", why);
  failure_ = why;
  silence_all();
  speak_failure_words();
  end({StopCause::failure, std::move(why)});
}

// From memory: no provider is asked. In the first moments of a call they are perhaps still being made.
void PipelineSession::speak_failure_words() {
  const auto as_words = std::make_shared<std::size_t>(0);  // samples; none: as tones
  auto begun = playout_.begin([this, as_words](const MixerEvent& event) {
    const bool over = event.kind == MixerEvent::Kind::finished || event.kind == MixerEvent::Kind::cut;
    if (!over || *as_words == 0 || event.played == 0) return;
    SpokenText words(kTransportRate);
    words.add(options_.failure.say);
    words.audio(*as_words);
    words.end_segment();
    ChatMessage message{.id = {}, .role = ChatRole::assistant, .text = words.heard(event.played)};
    message.interrupted = message.text != options_.failure.say;
    if (!message.text.empty()) words_heard({.speech_id = "failure", .heard = message.text, .final = true});
    if (!message.text.empty()) add_to_history(std::move(message));
  });
  if (!begun) return;
  const bool ready = failure_words_.settled().is_set();
  if (ready || !scope_.spawn("await failure words", await_failure_words(*begun, as_words))) write_failure_words(*begun, *as_words);
}

Task<void> PipelineSession::await_failure_words(UtteranceId utterance, std::shared_ptr<std::size_t> as_words) {
  (void)co_await failure_words_.settled().wait(loop_.in(kFailureWordsPatience));
  write_failure_words(utterance, *as_words);
}

// The caller has heard that something is wrong, and is not left alone with it.
Task<void> PipelineSession::pass_on_after_failure(Deadline deadline) {
  const auto& to = options_.failure.then_transfer_to;
  if (!failure_ || to.empty() || *ending_ == Ending::forced) co_return;
  auto passed = co_await within(deadline, transport_.transfer(to, deadline.within(loop_.in(kTransferWithin))));
  if (!passed) logger_.error("the caller could not be passed on: {}", passed.error().message());
}

void PipelineSession::write_failure_words(UtteranceId utterance, std::size_t& as_words) {
  const auto sound = failure_words_.sound();
  if (failure_words_.spoken()) as_words = sound.size();
  (void)playout_.write(utterance, sound);
  playout_.end(utterance);
}

}  // namespace parley
