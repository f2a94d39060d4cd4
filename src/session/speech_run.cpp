#include "session/speech_run.hpp"

#include <algorithm>
#include <ranges>

#include <fmt/format.h>

namespace parley {

// What a tool sees. The reply may be over before the tool is, so that it holds no more of it than it must.
class SpeechRun::Context final : public RunContext {
 public:
  Context(SpeechRun& run, std::string call_id)
      : run_(run), session_(run.host_.session()), state_(run.plan_.state), id_(std::move(call_id)), words_(run.speaking_into_) {}

  Session& session() noexcept override { return session_; }
  const std::string& tool_call_id() const noexcept override { return id_; }
  SpeechHandle speech() override { return SpeechHandle(state_); }
  Result<void> say(std::string words) override {
    if (!state_->done.is_set()) {
      run_.say_for_tool(words);
      words_ = run_.speaking_into_;
      return {};
    }
    own_speech_ = session_.say(std::move(words));
    if (own_speech_->error()) return fail(*own_speech_->error());
    return {};
  }
  Task<void> wait_for_playout() override {
    // The words stand while their speech is not done.
    while (words_ && !state_->done.is_set() && !words_->over()) co_await sleep_for(kFrameDuration);
    if (own_speech_) (void)co_await own_speech_->wait(Deadline::bounded_by_scope());
  }

 private:
  SpeechRun& run_;  // stands while its speech is not done
  Session& session_;
  std::shared_ptr<SpeechState> state_;
  std::string id_;
  const Utterance* words_;
  std::optional<SpeechHandle> own_speech_;
};

SpeechRun::SpeechRun(Scope& parent, SpeechHost& host, SpeechPlan plan)
    : host_(host), plan_(std::move(plan)), loop_(parent.loop()), began_(loop_.now()), scope_(parent, "speech"), agent_(host.agent()) {
  generation_ = std::move(plan_.prepared);
}

SpeechRun::~SpeechRun() { kill(); }

void SpeechRun::start() {
  if (!scope_.spawn(plan_.say ? "say" : "reply", run())) {
    fail_with(Error(Errc::closing, "the call ends"));
    end();
  }
}

Task<void> SpeechRun::run() {
  try {
    co_await speak_or_reply();
  } catch (const Stopped&) {
    throw;
  } catch (const std::exception& error) {
    loop_.logger().error("speech {} failed: {}", state().id, error.what());
    fail_with(Error(Errc::internal, error.what()));
    for (const auto& each : utterances_) each->cut();
  }
  settle();
  end();
}

Task<void> SpeechRun::speak_or_reply() {
  if (plan_.say) {
    SentenceSplitter splitter;
    for (auto& sentence : splitter.push(*plan_.say)) say(std::move(sentence));
    if (auto rest = splitter.finish()) say(std::move(*rest));
    if (speaking_into_) speaking_into_->finish();
  } else {
    co_await reply();
  }
  made_ = true;
  co_await wait_for_playout();
}

Task<void> SpeechRun::reply() {
  const auto max_steps = host_.session_options().turns.max_tool_steps;
  for (int steps = 0;; ++steps) {
    const bool tools_allowed = plan_.tools_allowed && steps < max_steps;
    if (!co_await step(tools_allowed) || calls_.empty()) co_return;
    for (const auto& call : calls_) (void)co_await call->wait(Deadline::bounded_by_scope());
    host_.tools_executed(calls_);
    settle();
    bool anything_to_say = false;
    for (const auto& call : calls_) {
      const auto& result = call->result();
      ends_call_ = ends_call_ || result.end_call;
      if (result.handoff) handoff_ = result.handoff;
      anything_to_say = anything_to_say || call->output().is_error || result.reply;
    }
    if (ends_call_ || handoff_ || !anything_to_say) co_return;
  }
}

// One answer of the LLM: its words are spoken as they come, its calls begin as they come.
Task<bool> SpeechRun::step(bool tools_allowed) {
  calls_.clear();
  speaking_into_ = nullptr;
  writing_ = true;
  if (!generation_) generation_ = std::make_unique<Generation>(scope_, host_.chains().llm, make_request(tools_allowed), host_.session_options().retry);
  if (!llm_began_) llm_began_ = generation_->began();
  SentenceSplitter splitter;
  bool ok = true;
  for (;;) {
    auto piece = co_await generation_->pieces().pop(Deadline::bounded_by_scope());
    if (!piece) break;
    if (!first_token_) first_token_ = generation_->first_token();
    if (const auto* text = std::get_if<std::string>(&*piece)) {
      for (auto& sentence : splitter.push(*text)) say(std::move(sentence));
    } else if (auto* call = std::get_if<FunctionCall>(&*piece)) {
      if (auto rest = splitter.finish()) say(std::move(*rest));
      call_tool(std::move(*call), tools_allowed);
    } else {
      const auto& failure = std::get<Generation::Failure>(*piece);
      ok = false;
      fail_with(failure.error.error);
      host_.provider_failed("llm", failure.provider, failure.error);
    }
  }
  if (auto rest = splitter.finish()) say(std::move(*rest));
  writing_ = false;
  if (speaking_into_) speaking_into_->finish();
  if (ok) host_.provider_worked("llm");
  host_.used(*generation_);
  (void)co_await generation_->close(loop_.in(Generation::kCloseDeadline));
  generation_.reset();
  co_return ok;
}

void SpeechRun::call_tool(FunctionCall call, bool tools_allowed) {
  if (!tools_allowed) {
    loop_.logger().warn("the llm called {} though it may not call tools any more", call.name);
    return;
  }
  if (!speaking_into_) {
    const auto tool = std::ranges::find(agent_->tools, call.name, [](const Tool& t) { return t.definition.name; });
    if (tool != agent_->tools.end() && !tool->words_while_waiting.empty()) say(tool->words_while_waiting);
  }
  if (call.id.empty() || id_is_taken(call.id)) call.id = make_id(loop_.random(), "FC_");
  auto context = std::make_unique<Context>(*this, call.id);
  auto run = host_.tools().start(std::move(call), agent_, std::move(context));
  record_.add(run);
  calls_.push_back(std::move(run));
}

// Servers tell by it what they have done already: an LLM that says the same one twice must not make them skip the second.
bool SpeechRun::id_is_taken(const std::string& id) const {
  const auto is_it = [&](const ChatItem& item) {
    const auto* call = std::get_if<FunctionCall>(&item);
    return call && call->id == id;
  };
  return host_.tools().has(id) || std::ranges::any_of(host_.session().history().items, is_it) ||
         std::ranges::any_of(record_.pending(), is_it);
}

ChatRequest SpeechRun::make_request(bool tools_allowed) const {
  ChatRequest request{.context = plan_.context ? *plan_.context : host_.session().history(), .instructions = agent_->instructions};
  if (!plan_.instructions.empty()) request.instructions += (request.instructions.empty() ? "" : "\n\n") + plan_.instructions;
  for (auto& item : record_.pending()) request.context.items.push_back(std::move(item));
  for (const auto& tool : agent_->tools) request.tools.push_back(tool.definition);
  request.tools_allowed = tools_allowed;
  return request;
}

Utterance& SpeechRun::utterance() {
  if (!speaking_into_) {
    utterances_.push_back(std::make_unique<Utterance>(scope_, host_.playout(), host_.chains().tts, host_.session_options().retry, static_cast<Utterance::Listener&>(*this)));
    speaking_into_ = utterances_.back().get();
    if (plan_.add_to_history) record_.add(*speaking_into_);
  }
  return *speaking_into_;
}

void SpeechRun::say(std::string sentence) {
  if (!first_sentence_) first_sentence_ = loop_.now();
  utterance().say(std::move(sentence));
}

// While the LLM still writes, among its words; afterwards in an utterance of their own.
void SpeechRun::say_for_tool(std::string_view words) {
  if (!writing_) speaking_into_ = nullptr;
  SentenceSplitter splitter;
  for (auto& sentence : splitter.push(words)) say(std::move(sentence));
  if (auto rest = splitter.finish()) say(std::move(*rest));
  if (!writing_ && speaking_into_) speaking_into_->finish();
}

Task<void> SpeechRun::wait_for_playout() {
  for (std::size_t i = 0; i < utterances_.size(); ++i) (void)co_await utterances_[i]->wait_over(Deadline::bounded_by_scope());
}

// ---- what comes of its words ----

void SpeechRun::utterance_audio(Utterance&) {
  if (!first_audio_) first_audio_ = loop_.now();
  host_.provider_worked("tts");
}

void SpeechRun::utterance_started(Utterance&) {
  if (!over_) host_.speech_playing(*this);
}

void SpeechRun::utterance_over(Utterance& utterance) {
  host_.synthesised(utterance.characters_synthesised());
  tell_words(utterance, true);
  if (over_) return;
  settle();
  const bool more = std::ranges::any_of(utterances_, [](const auto& each) { return !each->over(); });
  if (!more && !made_) host_.speech_quiet(*this);
}

void SpeechRun::tell_words(const Utterance& utterance, bool final) {
  const auto heard = utterance.heard();
  if (heard.empty()) return;
  const auto is_it = [&](const auto& each) { return each.get() == &utterance; };
  const auto part = static_cast<std::size_t>(std::ranges::find_if(utterances_, is_it) - utterances_.begin());
  host_.words_heard({.speech_id = state().id, .part = part, .heard = heard, .final = final});
}

void SpeechRun::utterance_failed(Utterance&, const std::string& provider, const ProviderError& error) {
  fail_with(error.error);
  host_.provider_failed("tts", provider, error);
}

void SpeechRun::settle() {
  record_.flush([this](ChatItem item) {
    if (plan_.context) plan_.context->items.push_back(item);
    host_.add_to_history(std::move(item), state().id);
  });
}

void SpeechRun::fail_with(Error error) {
  if (!state().error) state().error = std::move(error);
}

// ---- endings ----

void SpeechRun::end() {
  if (over_) return;
  over_ = true;
  host_.speech_done(*this);
}

void SpeechRun::interrupt() {
  if (over_) return;
  over_ = true;
  state().interrupted = true;
  if (generation_) generation_->request_stop({StopCause::replaced, "interrupted"});
  // Newest first, so that none begins to sound because the one before it was cut.
  for (auto& each : utterances_ | std::views::reverse) each->cut();
  record_.flush_all(host_.tools(), [this](ChatItem item) { host_.add_to_history(std::move(item), state().id); });
  scope_.request_stop({StopCause::replaced, "interrupted"});
}

void SpeechRun::request_stop(StopReason reason) noexcept {
  if (generation_) generation_->request_stop(reason);
  for (const auto& each : utterances_) each->request_stop(reason);
  scope_.request_stop(std::move(reason));
}

Task<CloseReport> SpeechRun::close(Deadline deadline) {
  request_stop({StopCause::owner_closed, {}});  // all at once: one that takes all the time must not take the others'
  CloseReport report;
  if (generation_) report.add("generation", co_await generation_->close(deadline));
  for (const auto& each : utterances_) report.add("utterance", co_await each->close(deadline));
  report.add("speech", co_await scope_.close(deadline));
  co_return report;
}

void SpeechRun::kill() noexcept {
  over_ = true;
  for (auto& each : utterances_ | std::views::reverse) each->kill();
  if (generation_) generation_->kill();
  scope_.kill();
}

}  // namespace parley
