// What a session tells: its events, its history, its figures.
#include <algorithm>

#include <parley/base/ids.hpp>
#include <parley/events.hpp>

#include "session/pipeline_session.hpp"

namespace parley {
namespace {

constexpr std::size_t kMaxHistoryItems = 20'000;  // hours of talk
constexpr std::size_t kMaxTurnMetrics = 1'000;    // of the summary; the rest is in the events

double mean_of(const std::vector<boost::json::object>& metrics, std::string_view name) {
  double sum = 0;
  std::size_t count = 0;
  for (const auto& each : metrics) {
    if (const auto* value = each.if_contains(name)) {
      sum += value->as_double();
      ++count;
    }
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

}  // namespace

void PipelineSession::emit(std::string_view type, boost::json::object data) {
  if (!close_emitted_) port_.emit(type, std::move(data));
}

void PipelineSession::add_to_history(ChatItem item, std::string_view speech_id) {
  if (history_.items.size() >= kMaxHistoryItems) history_.items.erase(history_.items.begin());
  if (auto* message = std::get_if<ChatMessage>(&item)) {
    if (message->id.empty()) message->id = make_id(loop_.random(), "item_");
    if (message->created_at == WallTime{}) message->created_at = loop_.clock().wall();
  }
  history_.items.push_back(std::move(item));
  const auto json = ChatContext{.items = {history_.items.back()}}.to_json();
  boost::json::object added{{"item", json.front()}};
  if (!speech_id.empty()) added["speech_id"] = speech_id;
  emit(events::kConversationItemAdded, std::move(added));
}

void PipelineSession::words_heard(const SessionPort::AgentWords& words) {
  if (!close_emitted_) port_.agent_words(words);
}

void PipelineSession::add_user_message(ChatMessage message) {
  if (!message.text.empty()) add_to_history(std::move(message));
}

void PipelineSession::tools_executed(const std::vector<std::shared_ptr<ToolRun>>& runs) {
  boost::json::array calls, outputs;
  for (const auto& run : runs) {
    const auto pair = ChatContext{.items = {run->call(), run->output()}}.to_json();
    calls.push_back(pair.at(0));
    auto output = pair.at(1).as_object();
    output["duration"] = to_seconds(run->took());
    outputs.push_back(std::move(output));
  }
  emit(events::kFunctionToolsExecuted, {{"function_calls", std::move(calls)}, {"function_call_outputs", std::move(outputs)}});
}

void PipelineSession::used(const Generation& generation) {
  usage_.llm.prompt_tokens += generation.usage().prompt_tokens;
  usage_.llm.cached_tokens += generation.usage().cached_tokens;
  usage_.llm.completion_tokens += generation.usage().completion_tokens;
}

// The caller hears the first sound of a reply: how long did each part take? Seconds, named as LiveKit's.
void PipelineSession::report_turn(const SpeechRun& run) {
  const auto& plan = run.plan();
  boost::json::object metrics{{"type", "turn_metrics"}, {"speech_id", run.state().id}};
  if (run.llm_began() && run.first_token()) metrics["llm_node_ttft"] = to_seconds(*run.first_token() - *run.llm_began());
  if (run.first_sentence() && run.first_audio()) metrics["tts_node_ttfb"] = to_seconds(*run.first_audio() - *run.first_sentence());
  if (plan.turn_ended != TimePoint{}) {
    metrics["transcription_delay"] = std::max(0.0, to_seconds(plan.transcribed - plan.speech_ended));
    metrics["end_of_turn_delay"] = to_seconds(plan.turn_ended - plan.speech_ended);
    // Generation may begin before the turn is over, and with a guess at it even before the last sound.
    const auto since = [&](std::string_view name, std::optional<TimePoint> at) {
      if (at) metrics[name] = std::max(0.0, to_seconds(*at - plan.speech_ended));
    };
    since("first_token_delay", run.first_token());
    since("first_sentence_delay", run.first_sentence());
    since("first_audio_delay", run.first_audio());
    metrics["e2e_latency"] = to_seconds(loop_.now() - plan.speech_ended);
    if (turn_metrics_.size() < kMaxTurnMetrics) turn_metrics_.push_back(metrics);
  }
  emit(events::kMetricsCollected, {{"metrics", std::move(metrics)}});
}

boost::json::object PipelineSession::summary() const {
  boost::json::object latency{{"turns", turn_metrics_.size()}};
  for (const auto* name : {"transcription_delay", "end_of_turn_delay", "llm_node_ttft", "tts_node_ttfb", "e2e_latency"}) {
    if (!turn_metrics_.empty()) latency[name] = mean_of(turn_metrics_, name);
  }
  return {{"usage",
           {{"llm_prompt_tokens", usage_.llm.prompt_tokens},
            {"llm_prompt_cached_tokens", usage_.llm.cached_tokens},
            {"llm_completion_tokens", usage_.llm.completion_tokens},
            {"tts_characters", usage_.tts_characters},
            {"stt_audio_duration", to_seconds(recognition_.audio_recognised())}}},
          {"latency", std::move(latency)}};
}

}  // namespace parley
