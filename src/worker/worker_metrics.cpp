#include "worker/worker_metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include <boost/json/parse.hpp>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "job/journal_record.hpp"

namespace parley::worker {

HookCounts HookCounts::raise_to(const HookCounts& seen) noexcept {
  const auto raise = [](std::uint64_t& count, std::uint64_t to) {
    const auto before = std::exchange(count, std::max(count, to));
    return count - before;
  };
  return {.done = raise(done, seen.done), .failed = raise(failed, seen.failed), .given_up = raise(given_up, seen.given_up)};
}

namespace json = boost::json;

namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

constexpr double kLongestTurn = 600;        // seconds: what is longer is no latency
constexpr double kLongestCall = 7 * 86400;  // of no call that ends

// A turn's members (docs/events.md), with the names that LiveKit Agents' have.
struct TurnMember {
  const char* member;
  const char* name;
  const char* help;
};
constexpr std::array kTurnMembers = {
    TurnMember{"e2e_latency", "lk_agents_turn_e2e_latency_seconds", "From the caller's last sound to the agent's first."},
    TurnMember{"transcription_delay", "lk_agents_turn_transcription_delay_seconds", "From the caller's last sound to the last transcript."},
    TurnMember{"end_of_turn_delay", "lk_agents_turn_end_of_turn_delay_seconds",
               "From the caller's last sound to the decision that the turn is over."},
    TurnMember{"llm_node_ttft", "lk_agents_turn_llm_ttft_seconds", "From the request to the LLM to its first token."},
    TurnMember{"tts_node_ttfb", "lk_agents_turn_tts_ttfb_seconds", "From the first sentence to the first sound of the TTS."},
};

constexpr std::array<std::string_view, 14> kReasons = {"caller_hung_up", "caller_vanished", "agent_hung_up", "finished",       "limit",       "replaced", "failure",
                                                       "shutdown",       "owner_closed",    "refused",       "job_terminated", "room_closed", "crash",    "other"};
constexpr std::array<std::string_view, 4> kErrors = {"stt_error", "llm_error", "tts_error", "other"};

template <std::size_t N>
std::string_view known(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end() ? name : names.back();
}

std::optional<double> number(const json::object& object, std::string_view name, double most) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_number()) return std::nullopt;
  const auto n = value->to_number<double>();
  if (!std::isfinite(n) || n < 0 || n > most) return std::nullopt;
  return n;
}

std::string_view text_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

std::optional<WallTime> time_in(const json::object& object, std::string_view name) { return job::parse_iso8601(text_in(object, name)); }

}  // namespace

CallFigures figures_of(const json::object& record) {
  CallFigures figures;
  figures.reason = text_in(record, "reason");
  const auto began = time_in(record, "started_at");
  const auto ended = time_in(record, "ended_at");
  if (began && ended) figures.duration_s = std::chrono::duration<double>(*ended - *began).count();
  const auto* teardown = record.if_contains("teardown");
  if (!teardown || !teardown->is_object()) return figures;
  if (const auto ms = number(teardown->get_object(), "took_ms", 1e6)) figures.teardown_s = *ms / 1000;
  return figures;
}

struct WorkerMetrics::Series {
  explicit Series(const std::string& node_name) {
    const std::map<std::string, std::string> node{{"nodename", node_name}};
    const Buckets turn{0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10};
    for (const auto& member : kTurnMembers) turns.push_back(&histogram(member.name, member.help, turn));
    born = &histogram("lk_agents_proc_initialize_duration_seconds", "From asking for a job's process to its being there.",
                      {0.1, 0.5, 1, 2, 5, 10}, node);
    answered = &histogram("parley_call_answer_seconds", "From an offer to its answer.", {0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10});
    duration = &histogram("parley_call_duration_seconds", "How long calls lasted.", {1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600});
    teardown = &histogram("parley_teardown_seconds", "From the moment at which a call's end began until its session had closed.",
                          {0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 60});
    auto& endings = prometheus::BuildCounter().Name("parley_call_endings_total").Help("Calls that ended, by the reason in their record.").Register(registry);
    for (const auto reason : kReasons) by_reason[reason] = &endings.Add({{"reason", std::string(reason)}});
    auto& failed = prometheus::BuildCounter().Name("parley_provider_errors_total").Help("Providers that failed for good in a call, by kind.").Register(registry);
    for (const auto error : kErrors) errors[error] = &failed.Add({{"type", std::string(error)}});
    interruptions = &counter("parley_false_interruptions_total", "Times that the agent stopped for noise, and went on.");
    hooks_done = &counter("parley_hooks_done_total", "Hooks that are done.");
    hooks_failed = &counter("parley_hook_tries_failed_total", "Tries of hooks that failed, or never came to an end.");
    hooks_given_up = &counter("parley_hooks_given_up_total", "Hooks that were given up.");
  }

  prometheus::Histogram& histogram(const char* name, const char* help, const Buckets& buckets, const std::map<std::string, std::string>& labels = {}) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(labels, buckets);
  }
  prometheus::Counter& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }

  prometheus::Registry registry;
  std::vector<prometheus::Histogram*> turns;  // as kTurnMembers
  prometheus::Histogram *born, *answered, *duration, *teardown;
  std::map<std::string_view, prometheus::Counter*> by_reason, errors;
  prometheus::Counter *interruptions, *hooks_done, *hooks_failed, *hooks_given_up;
};

WorkerMetrics::WorkerMetrics(std::string node_name) : node_name_(std::move(node_name)), series_(std::make_unique<Series>(node_name_)) {}
WorkerMetrics::~WorkerMetrics() = default;

void WorkerMetrics::event(std::string_view type, std::string_view data_json) {
  if (type == "agent_false_interruption") return series_->interruptions->Increment();
  if (type != "metrics_collected" && type != "error") return;
  boost::system::error_code failed;
  const auto data = json::parse(data_json, failed);
  if (failed || !data.is_object()) return;
  const auto* inner = data.get_object().if_contains(type == "error" ? "source" : "metrics");
  if (!inner || !inner->is_object()) return;
  const auto& object = inner->get_object();
  if (type == "error") return series_->errors.at(known(kErrors, text_in(object, "type")))->Increment();
  if (text_in(object, "type") != "turn_metrics") return;
  for (std::size_t i = 0; i < kTurnMembers.size(); ++i) {
    if (const auto seconds = number(object, kTurnMembers[i].member, kLongestTurn)) series_->turns[i]->Observe(*seconds);
  }
}

void WorkerMetrics::job_born(Duration took) { series_->born->Observe(to_seconds(took)); }

void WorkerMetrics::call_answered(Duration took) { series_->answered->Observe(to_seconds(took)); }

void WorkerMetrics::call_ended(const CallFigures& figures) {
  series_->by_reason.at(known(kReasons, figures.reason))->Increment();
  if (figures.duration_s && *figures.duration_s >= 0 && *figures.duration_s <= kLongestCall) series_->duration->Observe(*figures.duration_s);
  if (figures.teardown_s) series_->teardown->Observe(*figures.teardown_s);
}

void WorkerMetrics::hooks(const HookCounts& more) {
  series_->hooks_done->Increment(static_cast<double>(more.done));
  series_->hooks_failed->Increment(static_cast<double>(more.failed));
  series_->hooks_given_up->Increment(static_cast<double>(more.given_up));
}

std::string WorkerMetrics::text(const std::vector<Sample>& samples) const {
  prometheus::Registry now;
  for (const auto& sample : samples) {
    std::map<std::string, std::string> labels;
    if (sample.with_node) labels["nodename"] = node_name_;
    if (sample.kind == Sample::Kind::gauge) {
      prometheus::BuildGauge().Name(sample.name).Help(sample.help).Register(now).Add(labels).Set(sample.value);
    } else {
      prometheus::BuildCounter().Name(sample.name).Help(sample.help).Register(now).Add(labels).Increment(sample.value);
    }
  }
  const prometheus::TextSerializer serializer;
  return serializer.Serialize(now.Collect()) + serializer.Serialize(series_->registry.Collect());
}

}  // namespace parley::worker
