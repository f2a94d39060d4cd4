// The clock of a session, and what comes in: audio, transcripts, what the turns command.
#include "session/pipeline_session.hpp"

#include <fmt/format.h>

#include <parley/events.hpp>

namespace parley {

PipelineSession::PipelineSession(Scope& parent, SessionPort& port, Transport& transport, const ProviderRegistry& registry,
                                 SessionOptions options, Logger logger)
    : loop_(parent.loop()),
      port_(port),
      transport_(transport),
      registry_(registry),
      options_(std::move(options)),
      logger_(std::move(logger)),
      close_(parent, "session"),
      scope_(parent, "session"),
      failure_watch_(parent, "session.failure", 1),
      agent_(std::make_shared<const Agent>()),
      turns_(options_.turns, true),
      recognition_(scope_, options_.vad, options_.stt, options_.retry, *this),
      tools_(scope_, *this) {}

PipelineSession::~PipelineSession() { kill(); }

Result<void> PipelineSession::start(Agent agent) {
  if (state_ != State::starting) return fail(Errc::refused, "a session is started once");
  auto chosen = make_chains(registry_, {scope_, logger_}, options_.providers, {}, options_.retry);
  if (!chosen) return fail(std::move(chosen.error()));
  session_chains_ = std::move(*chosen);
  auto own = make_chains(registry_, {scope_, logger_}, agent.providers, session_chains_, options_.retry);
  if (!own) return fail(own.error().within(fmt::format("agent {}", agent.name)));
  if (auto media = scope_.spawn("media", run_media()); !media) return media;
  if (auto watch = scope_.spawn("transport", watch_transport()); !watch) return watch;
  if (auto watch = failure_watch_.spawn("failure", watch_failure()); !watch) return watch;
  state_ = State::running;
  started_ = true;
  limits_.emplace(options_.limits, loop_.now());
  was_connected_ = transport_.can_deliver();
  feed(turn::Connected{was_connected_});
  feed(turn::Started{});
  (void)scope_.spawn("failure words", failure_words_.synthesise(scope_, own->tts, options_.failure.say));
  return enter(std::make_shared<const Agent>(std::move(agent)), std::move(*own), true);
}

// A task of the session's own that fails has stopped all the others: nobody would hear, speak or notice the caller leaving.
Task<void> PipelineSession::watch_failure() {
  (void)co_await scope_.stop_event().wait(Deadline::bounded_by_scope());
  if (scope_.stop_reason().cause == StopCause::failure) end(scope_.stop_reason(), Ending::forced);
}

// ---- the clock ----

Task<void> PipelineSession::run_media() {
  for (;;) {
    const auto now = loop_.now();
    tick(now);
    auto next = transport_.can_deliver() ? playout_.next_tick() : now + kFrameDuration;
    if (next <= now) next = now + kFrameDuration;
    co_await sleep_until(next);
  }
}

void PipelineSession::tick(TimePoint now) {
  if (!receive_at_ || now - *receive_at_ > Mixer::kMaxBurst * kFrameDuration) receive_at_ = now;
  for (; *receive_at_ <= now; *receive_at_ += kFrameDuration) recognition_.push(transport_.receive(now));
  carry_out(turns_.tick(now));
  check_limits(now);
  playout_.tick(transport_, now);
  pump();
}

void PipelineSession::check_limits(TimePoint now) {
  if (state_ != State::running || !limits_) return;
  const auto agent = turns_.agent_state();
  const bool asks = current_ && current_->plan().asks_after_silence;
  const bool busy = (agent == AgentState::thinking || agent == AgentState::speaking) && !asks;
  limits_->activity(busy || turns_.user_speaking() || !turns_.pending_transcript().empty(), now);
  switch (limits_->tick(now)) {
    case CallLimits::Verdict::none: break;
    case CallLimits::Verdict::ask: {
      SpeechPlan plan{.say = options_.limits.silence->say, .asks_after_silence = true};
      (void)schedule(std::move(plan), "say", false);
      break;
    }
    case CallLimits::Verdict::silence_ends: end({StopCause::limit, "nobody spoke any more"}); break;
    case CallLimits::Verdict::duration_ends: end({StopCause::limit, "the call reached its longest duration"}); break;
  }
}

// ---- the transport ----

Task<void> PipelineSession::watch_transport() {
  for (;;) {
    auto event = co_await transport_.events().pop(Deadline::bounded_by_scope());
    if (!event) break;
    on_transport(*event);
  }
  end({StopCause::caller_vanished, "the connection has ended"}, Ending::forced);
}

void PipelineSession::on_transport(const TransportEvent& event) {
  using enum TransportEvent::Type;
  switch (event.type) {
    case connected:
      was_connected_ = true;
      feed(turn::Connected{true});
      break;
    case interrupted:
      recognition_.reset();
      feed(turn::Connected{false});
      break;
    case caller_joined:
    case caller_unmuted: break;
    case caller_muted: break;  // silence is made up where nothing comes
    case caller_left: end(event.reason, Ending::forced); break;
    case dtmf: emit(events::kSipDtmfReceived, {{"digit", std::string(1, event.digit)}}); break;
  }
}

// ---- the turns ----

void PipelineSession::feed(const turn::Event& event) { carry_out(turns_.handle(event, loop_.now())); }

// A command may bring about the next event; its commands wait until those before them are carried out.
void PipelineSession::carry_out(std::vector<turn::Command> commands) {
  for (auto& command : commands) commands_.push_back(std::move(command));
  if (carrying_out_) return;
  carrying_out_ = true;
  while (!commands_.empty()) {
    const auto command = std::move(commands_.front());
    commands_.pop_front();
    std::visit([this](const auto& c) { carry_out(c); }, command);
  }
  carrying_out_ = false;
}

void PipelineSession::carry_out(const turn::Resume&) {
  playout_.resume();
  if (state_ == State::running) emit(events::kAgentFalseInterruption, {{"resumed", true}});
}

void PipelineSession::carry_out(const turn::Cut& command) {
  if (current_ && current_number_ == command.speech) interrupt_current(true);
}

void PipelineSession::carry_out(const turn::UserStateChanged& command) {
  emit(events::kUserStateChanged, {{"old_state", to_string(command.from)}, {"new_state", to_string(command.to)}});
}

void PipelineSession::carry_out(const turn::AgentStateChanged& command) {
  emit(events::kAgentStateChanged, {{"old_state", to_string(command.from)}, {"new_state", to_string(command.to)}});
}

void PipelineSession::user_started(Duration spoken) { feed(turn::UserSpeechStarted{spoken}); }
void PipelineSession::user_ended(Duration silence) { feed(turn::UserSpeechEnded{silence}); }

void PipelineSession::user_transcript(const SttEvent& event) {
  const bool final = event.type == SttEvent::Type::final_transcript;
  if (!final && event.type != SttEvent::Type::interim_transcript) return;
  if (!event.text.empty()) {
    errors_["stt"].worked();
    emit(events::kUserInputTranscribed, {{"transcript", event.text}, {"is_final", final}, {"language", event.language}});
  }
  feed(turn::Transcript{event.text, final});
}

void PipelineSession::recognition_failed(const std::string& provider, const ProviderError& error) { provider_failed("stt", provider, error); }

}  // namespace parley
