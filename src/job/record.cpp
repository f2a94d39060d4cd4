#include "job/record.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ranges>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

namespace parley::job {

namespace {

constexpr std::size_t kMaxWordBytes = 1 * KiB;  // a detail, an error, a key
constexpr std::size_t kMaxExitBytes = 4 * KiB;

// Records come from a disk: any member may be missing or of another kind.
std::string_view text_of(const boost::json::object& object, std::string_view name) noexcept {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_string()) return {};
  return std::string_view(value->get_string()).substr(0, kMaxWordBytes);
}

const boost::json::object* object_of(const boost::json::object& object, std::string_view name) noexcept {
  const auto* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

const boost::json::array* array_of(const boost::json::object& object, std::string_view name) noexcept {
  const auto* value = object.if_contains(name);
  return value ? value->if_array() : nullptr;
}

std::size_t size_of(const boost::json::value& value) { return boost::json::serialize(value).size(); }

boost::json::object bounded(const boost::json::object& object, std::size_t max_bytes) {
  if (const auto bytes = boost::json::serialize(object).size(); bytes > max_bytes) return {{"too_long", bytes}};
  return object;
}

boost::json::value time_or_null(const std::optional<WallTime>& time) {
  return time ? boost::json::value(to_iso8601(*time)) : boost::json::value(nullptr);
}

std::string_view who_ended(std::string_view cause) noexcept {
  if (cause == "caller_hung_up" || cause == "caller_vanished") return "caller";
  if (cause == "agent_hung_up" || cause == "finished" || cause == "refused") return "agent";
  if (cause == "limit") return "limit";
  if (cause == "failure") return "failure";
  if (cause == "job_terminated" || cause == "room_closed") return "room";
  return "worker";
}

std::string describe_exit(const boost::json::object& exit) {
  if (const auto detail = text_of(exit, "detail"); !detail.empty()) return std::string(detail);
  if (const auto* signal = exit.if_contains("signal"); signal && signal->is_int64()) {
    return fmt::format("the job's process was ended by signal {}", signal->get_int64());
  }
  if (const auto* code = exit.if_contains("code"); code && code->is_int64()) {
    return fmt::format("the job's process ended with code {}", code->get_int64());
  }
  return "the job's process is gone";
}

}  // namespace

// ---- what others write

boost::json::object to_json(const CallStarted& started) {
  boost::json::array hooks;
  for (const auto& key : started.hooks) hooks.push_back(boost::json::string(key));
  return {{"info", started.info}, {"hooks", hooks}, {"transcripts", started.transcripts}};
}

boost::json::object ending_json(const StopReason& reason) {
  return {{"cause", to_string(reason.cause)}, {"detail", std::string_view(reason.detail).substr(0, kMaxWordBytes)}};
}

boost::json::object ended_json(const CloseReport& teardown) {
  constexpr std::size_t kMaxNamed = 64;
  boost::json::array items;
  for (const auto& item : teardown.items) {
    if (item.outcome == CloseOutcome::closed || items.size() >= kMaxNamed) continue;
    items.push_back(boost::json::object{{"name", std::string_view(item.name).substr(0, 256)},
                                        {"outcome", to_string(item.outcome)},
                                        {"took_ms", to_ms(item.took)},
                                        {"detail", std::string_view(item.detail).substr(0, 512)}});
  }
  return {{"teardown",
           {{"closed", teardown.closed},
            {"forced", teardown.forced},
            {"failed", teardown.failed},
            {"abandoned", teardown.abandoned},
            {"finished", teardown.finished},
            {"took_ms", to_ms(teardown.took)},
            {"not_clean", items}}}};
}

boost::json::object to_json(const ProcessExit& exit) {
  boost::json::object object;
  if (!exit.attempt_id.empty()) object["attempt"] = exit.attempt_id;
  if (exit.code) object["code"] = *exit.code;
  if (exit.signal) object["signal"] = *exit.signal;
  if (!exit.detail.empty()) object["detail"] = std::string_view(exit.detail).substr(0, kMaxWordBytes);
  return object;
}

// ---- folding

void RecordBuilder::Items::add(boost::json::object item, std::uint64_t& dropped) {
  bytes += boost::json::serialize(item).size() + 1;
  list.push_back(std::move(item));
  while (bytes > max_bytes && !list.empty()) {
    bytes -= std::min(bytes, boost::json::serialize(list.front()).size() + 1);
    list.pop_front();
    ++dropped;
  }
}

boost::json::array RecordBuilder::Items::to_json() const {
  boost::json::array array;
  for (const auto& item : list) array.push_back(item);
  return array;
}

void RecordBuilder::add(const JournalContents& contents) {
  damaged_ += contents.damaged + (contents.torn_tail ? 1 : 0);
  missing_ += contents.missing;
  for (const auto& record : contents.records) add(record);
}

void RecordBuilder::add(const JournalRecord& record) {
  if (call_id_.empty()) call_id_ = record.call_id;
  if (!first_) first_ = record.time;
  last_ = record.time;
  const std::string_view type = record.type;
  if (type == record_type::kCallStarted) {
    on_call_started(record.data);
  } else if (type == record_type::kCaller) {
    on_caller(record.data);
  } else if (type.starts_with("attempt.")) {
    on_attempt(record);
  } else if (type.starts_with("hook")) {
    on_hook(record);
  } else if (type == record_type::kSummary) {
    on_summary(record.data);
  } else if (type == record_type::kRemember) {
    on_remember(record.data);
  } else if (type == record_type::kTerminal) {
    terminal_ = true;
  } else if (type == record_type::kGap) {
    const auto* lost = record.data.if_contains("lost");
    boost::system::error_code ignored;
    if (lost) lost_ += lost->to_number<std::uint64_t>(ignored);
  } else if (!is_reserved_type(type)) {
    on_event(record);
  }
}

void RecordBuilder::on_call_started(const boost::json::object& data) {
  if (std::exchange(call_started_, true)) return;  // the first one counts
  if (const auto* info = object_of(data, "info")) call_ = bounded(*info, kMaxPartBytes);
  if (const auto* on = data.if_contains("transcripts"); on && on->is_bool()) transcripts_ = on->get_bool();
  declare_hooks(data);
}

void RecordBuilder::on_caller(const boost::json::object& data) {
  const auto about = bounded(data, kMaxPartBytes);
  for (const std::string_view name : {"participant", "sip"}) {
    if (const auto* told = object_of(about, name)) call_[name] = *told;
  }
}

RecordBuilder::Attempt& RecordBuilder::attempt(std::string_view id, WallTime time) {
  if (id.empty() && !attempts_.empty()) return attempts_.back();
  const auto known = std::ranges::find(attempts_, id, &Attempt::id);
  if (known != attempts_.end()) return *known;
  if (attempts_.size() >= kMaxAttempts) {
    ++dropped_;
    return attempts_.back();
  }
  return attempts_.emplace_back(Attempt{.id = std::string(id), .started = time});
}

void RecordBuilder::on_attempt(const JournalRecord& record) {
  const std::string id(record.attempt_id.empty() ? text_of(record.data, "attempt") : record.attempt_id);
  if (record.type == record_type::kAttemptStarted && text_of(record.data, "kind") == kAfterCallKind) {
    after_call_.push_back(id);
    if (after_call_.size() > kMaxAfterCall) after_call_.pop_front();
  }
  if (std::ranges::find(after_call_, id) != after_call_.end()) return;
  auto& it = attempt(id, record.time);
  if (record.type == record_type::kAttemptEnding && !it.ending) {
    it.ending = record.time;
    it.cause = text_of(record.data, "cause");
    it.detail = text_of(record.data, "detail");
  } else if (record.type == record_type::kAttemptEnded && !it.ended) {
    it.ended = record.time;
    if (const auto* teardown = object_of(record.data, "teardown")) it.teardown = bounded(*teardown, kMaxPartBytes);
    hooks_become_due(record.time);
  } else if (record.type == record_type::kAttemptExited && !it.exited) {
    it.exited = record.time;
    it.exit = bounded(record.data, kMaxExitBytes);
    hooks_become_due(record.time);
  }
}

void RecordBuilder::hooks_become_due(WallTime time) {
  if (hooks_due_) return;
  for (auto& hook : hooks_) hook.due = time;
}

void RecordBuilder::declare_hooks(const boost::json::object& data) {
  const auto* keys = array_of(data, "hooks");
  if (!keys) return;
  for (const auto& key : *keys) {
    if (key.is_string()) (void)hook(std::string_view(key.get_string()));
  }
}

// The state of the hook of that key, made if it is new and a key of this call: "<call id>/<name>/<n>".
HookState* RecordBuilder::hook(std::string_view key) {
  const auto known = std::ranges::find(hooks_, key, &HookState::key);
  if (known != hooks_.end()) return &*known;
  if (hooks_.size() >= kMaxHooks || key.size() > kMaxWordBytes) return nullptr;
  auto rest = key;
  if (!rest.starts_with(call_id_) || rest.size() <= call_id_.size() || rest[call_id_.size()] != '/') return nullptr;
  rest.remove_prefix(call_id_.size() + 1);
  const auto slash = rest.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return nullptr;
  std::size_t n = 0;
  const auto number = rest.substr(slash + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), n);
  if (error != std::errc{} || end != number.data() + number.size() || number.front() == '0') return nullptr;
  hooks_.push_back(
      {.key = std::string(key), .name = std::string(rest.substr(0, slash)), .n = n, .due = last_.value_or(WallTime{})});
  return &hooks_.back();
}

void RecordBuilder::on_hook(const JournalRecord& record) {
  if (record.type == record_type::kHooksDue) {
    declare_hooks(record.data);
    hooks_become_due(record.time);
    hooks_due_ = true;
    return;
  }
  auto* state = hook(text_of(record.data, "key"));
  if (!state) return;
  if (record.type == record_type::kHookStarted) {
    ++state->tries;
    state->last_try = record.time;
  } else if (record.type == record_type::kHookDone) {
    state->done = true;
    state->error.clear();
  } else if (record.type == record_type::kHookFailed) {
    state->error = text_of(record.data, "error");
  } else if (record.type == record_type::kHookGivenUp && !state->done) {
    state->given_up = true;
    if (const auto why = text_of(record.data, "error"); !why.empty()) state->error = why;
  }
}

void RecordBuilder::keep_part(std::string_view name, const boost::json::value& value) {
  const bool list = name == "transcript" || name == "tools";
  if (!list && size_of(value) > kMaxPartBytes) {
    ++dropped_;
    return;
  }
  if (const auto* items = value.if_array(); list && items) {
    Items bounded_items(name == "tools" ? kMaxToolsBytes : kMaxTranscriptBytes);
    for (const auto& item : *items) {
      if (item.is_object()) bounded_items.add(item.get_object(), dropped_);
    }
    parts_[name] = bounded_items.to_json();
  } else if (!list) {
    parts_[name] = value;
  }
}

void RecordBuilder::on_summary(const boost::json::object& data) {
  for (const std::string_view name : {"transcript", "tools", "usage", "latency"}) {
    if (const auto* value = data.if_contains(name)) keep_part(name, *value);
  }
}

void RecordBuilder::on_remember(const boost::json::object& data) {
  const auto key = text_of(data, "key");
  const auto* value = data.if_contains("value");
  if (key.empty() || !value) return;
  const auto bytes = key.size() + size_of(*value) + 4;
  const auto* before = data_.if_contains(key);
  const auto freed = before ? key.size() + size_of(*before) + 4 : 0;
  if (data_bytes_ - freed + bytes > kMaxDataBytes) {
    ++dropped_;
    return;
  }
  data_bytes_ += bytes - freed;
  data_[key] = *value;
}

void RecordBuilder::on_event(const JournalRecord& record) {
  if (record.type == "session_usage_updated") {
    const auto* usage = object_of(record.data, "usage");
    keep_part("usage", usage ? *usage : record.data);
    return;
  }
  if (record.type != "conversation_item_added") return;
  const auto* item = object_of(record.data, "item");
  if (!item) item = &record.data;
  const auto type = text_of(*item, "type");
  if (type == "message" || type == "agent_handoff") {
    transcript_.add(*item, dropped_);
  } else if (type == "function_call") {
    tools_.add(*item, dropped_);
  } else if (type == "function_call_output") {
    on_tool_output(*item);
  }
}

void RecordBuilder::on_tool_output(const boost::json::object& item) {
  const auto id = text_of(item, "call_id");
  for (auto it = tools_.list.rbegin(); it != tools_.list.rend(); ++it) {
    if (text_of(*it, "call_id") != id || it->contains("output")) continue;
    auto call = *it;
    tools_.bytes -= std::min(tools_.bytes, boost::json::serialize(call).size() + 1);
    tools_.list.erase(std::next(it).base());
    for (const std::string_view name : {"output", "is_error"}) {
      if (const auto* value = item.if_contains(name)) call[name] = *value;
    }
    tools_.add(std::move(call), dropped_);
    return;
  }
  tools_.add(item, dropped_);  // its call is not in the journal
}

// ---- the record

bool RecordBuilder::over() const noexcept {
  return !attempts_.empty() && (attempts_.back().ended || attempts_.back().exited);
}

boost::json::array RecordBuilder::transcript() const {
  const auto* own = array_of(parts_, "transcript");
  return own ? *own : transcript_.to_json();
}

void RecordBuilder::describe_end(boost::json::object& out) const {
  out["ended_at"] = nullptr;
  out["ended_by"] = nullptr;
  out["reason"] = nullptr;
  out["detail"] = nullptr;
  out["outcome"] = "running";
  if (!over()) return;
  const auto& last = attempts_.back();
  out["ended_at"] = time_or_null(last.ended ? last.ended : last.exited);
  const bool crashed = !last.ending && !last.ended;
  const std::string cause = crashed ? "crash" : last.cause.empty() ? "finished" : last.cause;
  const bool failed = crashed || cause == "failure";
  out["ended_by"] = crashed ? "failure" : who_ended(cause);
  out["reason"] = cause;
  out["detail"] = crashed ? describe_exit(last.exit) : last.detail;
  out["outcome"] = failed ? "failed" : "completed";
}

boost::json::object RecordBuilder::teardown_json() const {
  if (attempts_.empty()) return {};
  auto teardown = attempts_.back().teardown;
  if (attempts_.back().exited) teardown["exit"] = attempts_.back().exit;
  return teardown;
}

boost::json::array RecordBuilder::hooks_json() const {
  boost::json::array array;
  for (const auto& hook : hooks_) {
    boost::json::object object{{"key", hook.key},
                               {"state", hook.done       ? "done"
                                         : hook.given_up ? "given_up"
                                                         : "pending"},
                               {"tries", hook.tries}};
    if (!hook.error.empty()) object["error"] = hook.error;
    array.push_back(std::move(object));
  }
  return array;
}

boost::json::array RecordBuilder::attempts_json() const {
  boost::json::array array;
  for (const auto& it : attempts_) {
    array.push_back(boost::json::object{{"id", it.id},
                                        {"started_at", to_iso8601(it.started)},
                                        {"ended_at", time_or_null(it.ended)},
                                        {"exited_at", time_or_null(it.exited)},
                                        {"cause", it.cause}});
  }
  return array;
}

boost::json::object RecordBuilder::record() const {
  boost::json::object out;
  auto call = call_;
  call["id"] = call_id_;
  out["call"] = std::move(call);
  out["started_at"] = time_or_null(first_);
  describe_end(out);
  out["transcript"] = transcripts_ ? transcript() : boost::json::array{};
  const auto* own_tools = array_of(parts_, "tools");
  out["tools"] = own_tools ? *own_tools : tools_.to_json();
  for (const std::string_view name : {"usage", "latency"}) {
    const auto* part = parts_.if_contains(name);
    out[name] = part ? *part : boost::json::value(boost::json::object{});
  }
  out["teardown"] = teardown_json();
  out["hooks"] = hooks_json();
  out["data"] = data_;
  out["attempts"] = attempts_json();
  out["withheld"] = transcripts_ ? boost::json::array{} : boost::json::array{"transcript"};
  out["journal"] = {{"damaged", damaged_}, {"missing", missing_}, {"lost", lost_}, {"dropped", dropped_}};
  return out;
}

boost::json::object build_record(const JournalContents& contents, std::string_view call_id) {
  RecordBuilder builder{std::string(call_id)};
  builder.add(contents);
  return builder.record();
}

}  // namespace parley::job
