#include "job/journal_telling.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <parley/base/utf8.hpp>

namespace parley::job {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxSaid = 400;   // of a text, a detail
constexpr std::size_t kMaxValue = 160;  // of arguments, results and members
constexpr std::size_t kMaxName = 64;

const json::value* member(const json::object& object, std::string_view name) noexcept { return object.if_contains(name); }

std::string_view text_of(const json::object& object, std::string_view name) noexcept {
  const auto* value = member(object, name);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

const json::object& object_of(const json::object& object, std::string_view name) noexcept {
  static const json::object kNone;
  const auto* value = member(object, name);
  return value && value->is_object() ? value->get_object() : kNone;
}

const json::array& array_of(const json::object& object, std::string_view name) noexcept {
  static const json::array kNone;
  const auto* value = member(object, name);
  return value && value->is_array() ? value->get_array() : kNone;
}

std::optional<double> number_of(const json::object& object, std::string_view name) noexcept {
  const auto* value = member(object, name);
  if (!value || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

bool is_true(const json::object& object, std::string_view name) noexcept {
  const auto* value = member(object, name);
  return value && value->is_bool() && value->get_bool();
}

std::string shown(const json::value& value) {
  const auto* text = value.if_string();
  return printable(text ? std::string_view(*text) : std::string_view(json::serialize(value)), kMaxValue);
}

std::string name_of(const json::object& object, std::string_view name) { return printable(text_of(object, name), kMaxName); }

std::string milliseconds(double ms) { return ms < 10'000 ? fmt::format("{:.0f} ms", ms) : fmt::format("{:.1f} s", ms / 1000); }

std::string milliseconds_of(const json::object& object, std::string_view name) { return milliseconds(number_of(object, name).value_or(0)); }

// "; key=value key=value": of what has no words of its own.
std::string members(const json::object& object, std::initializer_list<std::string_view> but = {}) {
  std::string text;
  for (const auto& [name, value] : object) {
    const std::string_view key = name;
    const bool known = std::ranges::find(but, key) != but.end();
    if (known || value.is_null() || value == "" || (value.is_object() && value.get_object().empty())) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", printable(key, kMaxName), shown(value));
  }
  return text;
}

// "CA_1/crm/1" is crm; a second one of that name "crm/2".
std::string hook_of(std::string_view key, std::string_view call_id) {
  if (key.starts_with(call_id) && key.size() > call_id.size()) key.remove_prefix(call_id.size() + 1);
  if (key.ends_with("/1")) key.remove_suffix(2);
  return printable(key, kMaxName);
}

std::string hooks_of(const json::object& data, std::string_view call_id) {
  std::string text;
  for (const auto& key : array_of(data, "hooks")) {
    if (key.is_string()) text += (text.empty() ? "" : ", ") + hook_of(key.get_string(), call_id);
  }
  return text;
}

// What the lines before say, which decides how a record is told.
class Teller {
 public:
  explicit Teller(const JournalContents& contents) : contents_(contents) {
    for (const auto& record : contents.records) {
      if (record.type != "function_tools_executed") continue;
      for (const auto& call : array_of(record.data, "function_calls")) {
        if (call.is_object()) executed_.insert(text_of(call.get_object(), "call_id"));
      }
    }
  }

  std::vector<ToldLine> tell() {
    for (const auto& record : contents_.records) {
      at_ = seconds(record.time);
      tell(record);
    }
    return std::move(lines_);
  }

 private:
  double seconds(WallTime time) const { return std::chrono::duration<double>(time - contents_.records.front().time).count(); }
  void say(std::string_view who, std::string text) { lines_.push_back({at_, who, std::move(text)}); }
  // Of something that is told later than it happened.
  void say_at(double at, std::string_view who, std::string text) {
    const auto behind = std::ranges::upper_bound(lines_, at, {}, &ToldLine::at);
    lines_.insert(behind, {at, who, std::move(text)});
  }

  void tell(const JournalRecord& record) {
    using Tell = void (Teller::*)(const JournalRecord&);
    static const std::map<std::string_view, Tell> kTellers = {
        {record_type::kCallStarted, &Teller::call_started},
        {record_type::kCaller, &Teller::caller},
        {record_type::kAttemptStarted, &Teller::attempt_started},
        {record_type::kAttemptEnding, &Teller::attempt_ending},
        {record_type::kAttemptEnded, &Teller::attempt_ended},
        {record_type::kAttemptExited, &Teller::attempt_exited},
        {record_type::kRemember, &Teller::remember},
        {record_type::kSummary, &Teller::nothing},
        {record_type::kHooksDue, &Teller::hooks_due},
        {record_type::kHookStarted, &Teller::hook_started},
        {record_type::kHookDone, &Teller::hook_done},
        {record_type::kHookFailed, &Teller::hook_failed},
        {record_type::kHookGivenUp, &Teller::hook_given_up},
        {record_type::kGap, &Teller::gap},
        {record_type::kTerminal, &Teller::terminal},
        {"agent_state_changed", &Teller::agent_state},
        {"user_state_changed", &Teller::user_state},
        {"user_input_transcribed", &Teller::transcribed},
        {"conversation_item_added", &Teller::item_added},
        {"function_tools_executed", &Teller::tools_executed},
        {"speech_created", &Teller::nothing},
        {"metrics_collected", &Teller::metrics},
        {"agent_false_interruption", &Teller::false_interruption},
        {"sip_dtmf_received", &Teller::dtmf},
        {"session_usage_updated", &Teller::nothing},
        {"recording_started", &Teller::recording_started},
        {"recording_stopped", &Teller::recording_stopped},
        {"error", &Teller::error},
        {"close", &Teller::closed},
        {"worker_draining", &Teller::worker_draining},
    };
    const auto teller = kTellers.find(record.type);
    if (teller != kTellers.end()) return (this->*teller->second)(record);
    const auto data = members(record.data);
    say("program", printable(record.type, kMaxName) + (data.empty() ? "" : "  " + data));
  }

  void nothing(const JournalRecord&) {}

  // ---- the call and its processes

  void call_started(const JournalRecord& r) {
    std::string text = "begins";
    const auto& info = object_of(r.data, "info");
    const bool named = !text_of(object_of(info, "participant"), "identity").empty();
    if (const auto told = members(info, {"id", "job_id", "sip", named ? "" : "participant"}); !told.empty()) text += ": " + told;
    if (const auto hooks = hooks_of(r.data, r.call_id); !hooks.empty()) text += "; hooks: " + hooks;
    if (const auto* on = member(r.data, "transcripts"); on && on->is_bool() && !on->get_bool()) text += "; hooks get no transcript";
    say("call", std::move(text));
  }
  void caller(const JournalRecord& r) {
    const auto identity = text_of(object_of(r.data, "participant"), "identity");
    const auto telephone = members(object_of(r.data, "sip"));
    say("call", fmt::format("is with {}{}{}", identity.empty() ? "somebody" : printable(identity, kMaxName), telephone.empty() ? "" : ": ", telephone));
  }
  void attempt_started(const JournalRecord& r) {
    auto text = printable(r.attempt_id, kMaxName);
    if (text_of(r.data, "kind") == kAfterCallKind) return say("job", text + " begins the work after the call");
    if (const auto pid = number_of(r.data, "pid")) text += fmt::format(" begins, process {:.0f}", *pid);
    say("job", std::move(text));
  }
  void attempt_ending(const JournalRecord& r) {
    ending_at_ = at_;
    auto text = "begins: " + cause_in_words(text_of(r.data, "cause"));
    if (const auto detail = text_of(r.data, "detail"); !detail.empty()) text += fmt::format(" ({})", printable(detail, kMaxSaid));
    say("ending", std::move(text));
  }
  void attempt_ended(const JournalRecord& r) {
    const auto& teardown = object_of(r.data, "teardown");
    for (const auto& step : array_of(teardown.contains("steps") ? teardown : r.data, "steps")) {
      if (!step.is_object()) continue;
      const auto began = std::min(at_, ending_at_ + number_of(step.get_object(), "at_ms").value_or(0) / 1000);
      say_at(began, "ending", fmt::format("{}: {}", name_of(step.get_object(), "name"), milliseconds_of(step.get_object(), "took_ms")));
    }
    for (const auto& item : array_of(teardown, "not_clean")) {
      if (!item.is_object()) continue;
      const auto& o = item.get_object();
      auto text = fmt::format("{} was {} after {}", name_of(o, "name"), name_of(o, "outcome"), milliseconds_of(o, "took_ms"));
      if (const auto detail = text_of(o, "detail"); !detail.empty()) text += ": " + printable(detail, kMaxSaid);
      say("ending", std::move(text));
    }
    std::string counts;
    for (const auto* name : {"closed", "forced", "failed", "abandoned"}) {
      const auto count = number_of(teardown, name).value_or(0);
      if (count > 0) counts += fmt::format("{}{:.0f} {}", counts.empty() ? "" : ", ", count, name);
    }
    say("ending", fmt::format("done in {}{}{}", milliseconds_of(teardown, "took_ms"), counts.empty() ? "" : ": ", counts));
  }
  void attempt_exited(const JournalRecord& r) {
    const auto attempt = name_of(r.data, "attempt");
    std::string how = "is gone";
    if (const auto code = number_of(r.data, "code")) how = fmt::format("ended with code {:.0f}", *code);
    if (const auto signal = number_of(r.data, "signal")) how = fmt::format("was killed by signal {:.0f}", *signal);
    auto text = fmt::format("{} {}", attempt.empty() ? "the job" : attempt, how);
    const auto detail = text_of(r.data, "detail");
    if (!detail.empty() && !detail.starts_with("its process ")) text += ": " + printable(detail, kMaxSaid);
    say("supervisor", std::move(text));
  }
  void remember(const JournalRecord& r) {
    const auto* value = member(r.data, "value");
    say("call", fmt::format("remembers {}: {}", name_of(r.data, "key"), value ? shown(*value) : ""));
  }
  void gap(const JournalRecord& r) {
    say("journal", fmt::format("{:.0f} records are lost here: {}", number_of(r.data, "lost").value_or(0), printable(text_of(r.data, "why"), kMaxSaid)));
  }
  void terminal(const JournalRecord&) { say("supervisor", "the terminal record is written"); }
  void worker_draining(const JournalRecord& r) {
    say("call", "the worker is being stopped; calls may go on for " + milliseconds_of(r.data, "grace_ms"));
  }

  // ---- hooks

  std::string hook(const JournalRecord& r) { return hook_of(text_of(r.data, "key"), r.call_id); }
  void hooks_due(const JournalRecord& r) {
    const auto hooks = hooks_of(r.data, r.call_id);
    say("hook", hooks.empty() ? "none is due" : "due: " + hooks);
  }
  void hook_started(const JournalRecord& r) {
    const auto tries = number_of(r.data, "try").value_or(1);
    say("hook", tries > 1 ? fmt::format("{} begins, try {:.0f}", hook(r), tries) : hook(r) + " begins");
  }
  void hook_done(const JournalRecord& r) { say("hook", fmt::format("{} is done, {}", hook(r), milliseconds_of(r.data, "took_ms"))); }
  void hook_failed(const JournalRecord& r) {
    say("hook", fmt::format("{} failed after {}: {}", hook(r), milliseconds_of(r.data, "took_ms"), printable(text_of(r.data, "error"), kMaxSaid)));
  }
  void hook_given_up(const JournalRecord& r) { say("hook", fmt::format("{} is given up: {}", hook(r), printable(text_of(r.data, "error"), kMaxSaid))); }

  // ---- the conversation

  void agent_state(const JournalRecord& r) {
    static const std::map<std::string_view, const char*> kWords = {
        {"initializing", "gets ready"}, {"idle", "is idle"}, {"listening", "listens"}, {"thinking", "thinks"}, {"speaking", "speaks"}};
    const auto state = text_of(r.data, "new_state");
    const auto words = kWords.find(state);
    say("agent", words != kWords.end() ? words->second : printable(state, kMaxName));
  }
  void user_state(const JournalRecord& r) {
    const auto before = text_of(r.data, "old_state");
    const auto now = text_of(r.data, "new_state");
    const bool was_away = before == "away";
    say("caller", now == "speaking" ? "speaks" : now == "away" ? "says nothing any more" : was_away ? "is there again" : "is silent");
  }
  void transcribed(const JournalRecord& r) {
    const auto words = text_of(r.data, "transcript");
    heard_ += (heard_.empty() ? "" : " ") + std::string(words);
    say("caller", fmt::format("\"{}\"", printable(words, kMaxSaid)));
  }
  void item_added(const JournalRecord& r) {
    const auto& inner = object_of(r.data, "item");
    const auto& item = inner.empty() ? r.data : inner;
    const auto type = text_of(item, "type");
    if (type == "message") message(item);
    if (type == "function_call" && !executed_.contains(text_of(item, "call_id"))) {
      say("tool", call_of(item) + " was called; what came of it is not in the journal");
    }
    if (type == "agent_handoff") say("agent", fmt::format("{} hands over to {}", name_of(item, "from"), name_of(item, "to")));
  }
  void message(const json::object& item) {
    const auto words = text_of(item, "text");
    if (text_of(item, "role") == "user") {
      if (words != std::exchange(heard_, {})) say("caller", fmt::format("in all: \"{}\"", printable(words, kMaxSaid)));
      return;
    }
    say("agent", fmt::format("\"{}\"{}", printable(words, kMaxSaid), is_true(item, "interrupted") ? " interrupted: the rest was not heard" : ""));
  }

  static std::string call_of(const json::object& call) {
    return fmt::format("{}({})", name_of(call, "name"), printable(text_of(call, "arguments"), kMaxValue));
  }
  void tools_executed(const JournalRecord& r) {
    const auto& calls = array_of(r.data, "function_calls");
    const auto& outputs = array_of(r.data, "function_call_outputs");
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (!calls[i].is_object()) continue;
      auto text = call_of(calls[i].get_object());
      if (i < outputs.size() && outputs[i].is_object()) {
        const auto& output = outputs[i].get_object();
        const auto* value = member(output, "output");
        text += fmt::format(" {} {}", is_true(output, "is_error") ? "failed:" : "->", value ? shown(*value) : "");
        if (const auto seconds = number_of(output, "duration")) text += fmt::format(", {}", milliseconds(1000 * *seconds));
      }
      say("tool", std::move(text));
    }
  }

  void metrics(const JournalRecord& r) {
    const auto& turn = object_of(r.data, "metrics");
    if (text_of(turn, "type") != "turn_metrics") return say("agent", members(turn));
    constexpr std::array<std::pair<const char*, const char*>, 4> kParts = {{{"transcription_delay", "transcript"},
                                                                           {"end_of_turn_delay", "end of turn"},
                                                                           {"llm_node_ttft", "LLM"},
                                                                           {"tts_node_ttfb", "TTS"}}};
    std::string parts;
    for (const auto& [name, words] : kParts) {
      if (const auto s = number_of(turn, name)) parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", words, milliseconds(1000 * *s));
    }
    const auto whole = number_of(turn, "e2e_latency");
    auto text = whole ? fmt::format("is heard {} after the caller's last sound", milliseconds(1000 * *whole)) : std::string("is heard");
    say("agent", parts.empty() ? text : fmt::format("{} ({})", text, parts));
  }
  void false_interruption(const JournalRecord&) { say("agent", "had stopped for a noise, and goes on"); }
  void dtmf(const JournalRecord& r) { say("caller", "presses " + name_of(r.data, "digit")); }
  void recording_started(const JournalRecord& r) {
    say("call", fmt::format("is recorded from here on: {}, {}", printable(text_of(r.data, "path"), kMaxSaid), name_of(r.data, "channels")));
  }
  void recording_stopped(const JournalRecord& r) {
    const auto seconds = number_of(r.data, "duration").value_or(0);
    const auto why = printable(text_of(r.data, "reason"), kMaxSaid);
    say("call", seconds > 0 ? fmt::format("was recorded for {:.1f} s: {}", seconds, why) : "is not recorded: " + why);
  }
  void error(const JournalRecord& r) {
    const auto& source = object_of(r.data, "source");
    auto what = printable(text_of(source, "type"), kMaxName);
    if (const auto label = name_of(source, "label"); !label.empty()) what += " of " + label;
    const auto code = name_of(r.data, "code");
    say("error", fmt::format("{}: {}{}; {}", what.empty() ? "failed" : what, printable(text_of(r.data, "message"), kMaxSaid),
                             code.empty() ? "" : " [" + code + "]", is_true(r.data, "recoverable") ? "the call goes on" : "the call cannot go on"));
  }
  void closed(const JournalRecord& r) {
    auto text = std::string("the session is closed");
    if (const auto* why = member(r.data, "error"); why && !why->is_null()) text += ": " + shown(*why);
    say("ending", std::move(text));
  }

  const JournalContents& contents_;
  std::set<std::string_view> executed_;
  double at_ = 0;
  double ending_at_ = 0;
  std::string heard_;  // of the caller, since the last turn
  std::vector<ToldLine> lines_;
};

}  // namespace

std::vector<ToldLine> tell(const JournalContents& contents) {
  if (contents.records.empty()) return {};
  return Teller(contents).tell();
}

std::string cause_in_words(std::string_view cause) {
  static const std::map<std::string_view, const char*> kWords = {{"caller_hung_up", "the caller hung up"},
                                                                 {"caller_vanished", "the caller vanished"},
                                                                 {"agent_hung_up", "the agent hung up"},
                                                                 {"finished", "the agent had finished"},
                                                                 {"limit", "a limit was reached"},
                                                                 {"replaced", "another process took it over"},
                                                                 {"failure", "something it needs broke"},
                                                                 {"shutdown", "the worker was stopped"},
                                                                 {"owner_closed", "its owner ended"},
                                                                 {"refused", "the agent did not take it"},
                                                                 {"job_terminated", "LiveKit took the job back"},
                                                                 {"room_closed", "the room was closed"},
                                                                 {"crash", "its process died"}};
  const auto words = kWords.find(cause);
  return words != kWords.end() ? words->second : printable(cause, kMaxName);
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  const bool cut = text.size() > max_bytes;
  if (cut) {
    while (max_bytes > 0 && (static_cast<unsigned char>(text[max_bytes]) & 0xC0) == 0x80) --max_bytes;  // not within a character
    text = text.substr(0, max_bytes);
  }
  auto out = valid_utf8(std::string(text));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    // U+0080 to U+009F are controls too.
    const bool c1 = byte == 0xC2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xA0;
    if (c1) out[i + 1] = ' ';
    if (c1 || byte < 0x20 || byte == 0x7f) out[i] = ' ';
  }
  return cut ? out + "..." : out;
}

}  // namespace parley::job
