#include "job/journal_timeline.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "job/journal_telling.hpp"
#include "job/record.hpp"

namespace parley::job {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxText = 200;

double seconds_since(WallTime begin, WallTime time) { return std::chrono::duration<double>(time - begin).count(); }

std::string_view text_of(const json::object& object, std::string_view name) noexcept {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

// "2 turns", "1 turn"; empty: none.
std::string count_of(const json::object& summary, std::string_view name, std::string_view one, std::string_view many) {
  const auto count = summary.at(name).to_number<std::uint64_t>();
  return count == 0 ? std::string() : fmt::format("{} {}", count, count == 1 ? one : many);
}

// What is counted over a call's records.
struct Counts {
  std::vector<double> heard_after_ms;  // one a turn
  std::size_t tools = 0, interruptions = 0, errors = 0;

  explicit Counts(const JournalContents& contents) {
    for (const auto& record : contents.records) add(record);
    std::ranges::sort(heard_after_ms);
  }

  void add(const JournalRecord& record) {
    const auto inside = [&](std::string_view name) -> const json::object* {
      const auto* value = record.data.if_contains(name);
      return value ? value->if_object() : nullptr;
    };
    if (record.type == "error") ++errors;
    if (record.type == "function_tools_executed") {
      if (const auto* calls = record.data.if_contains("function_calls"); calls && calls->is_array()) tools += calls->get_array().size();
    } else if (record.type == "metrics_collected") {
      const auto* turn = inside("metrics");
      const auto* whole = turn ? turn->if_contains("e2e_latency") : nullptr;
      if (whole && whole->is_number()) heard_after_ms.push_back(1000 * whole->to_number<double>());
    } else if (record.type == "conversation_item_added") {
      const auto* item = inside("item");
      const auto* cut = item ? item->if_contains("interrupted") : nullptr;
      if (cut && cut->is_bool() && cut->get_bool() && text_of(*item, "role") == "assistant") ++interruptions;
    }
  }
};

json::array hooks_of(const json::object& record) {
  json::array hooks;
  const auto* list = record.if_contains("hooks");
  if (!list || !list->is_array()) return hooks;
  for (const auto& each : list->get_array()) {
    const auto& from = each.as_object();
    auto name = text_of(from, "key");
    name.remove_prefix(std::min(name.find('/'), name.size() - 1) + 1);  // a key is never empty
    if (name.ends_with("/1")) name.remove_suffix(2);
    json::object hook{{"name", name}, {"state", from.at("state")}, {"tries", from.at("tries")}};
    if (const auto* error = from.if_contains("error")) hook["error"] = *error;
    hooks.push_back(std::move(hook));
  }
  return hooks;
}

std::string hooks_in_words(const json::object& summary) {
  std::string text;
  for (const auto& each : summary.at("hooks").as_array()) {
    const auto& hook = each.as_object();
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", printable(text_of(hook, "name"), kMaxText),
                        text_of(hook, "state") == "given_up" ? "given up" : text_of(hook, "state"));
    const auto tries = hook.at("tries").to_number<unsigned>();
    if (text_of(hook, "state") != "done" && tries > 0) {
      text += fmt::format(" ({} {}: {})", tries, tries == 1 ? "try" : "tries", printable(text_of(hook, "error"), kMaxText));
    }
  }
  return text.empty() ? text : "hooks: " + text + "\n";
}

std::string figures_in_words(const json::object& summary) {
  std::vector<std::string> parts;
  auto turns = count_of(summary, "turns", "turn", "turns");
  if (const auto& heard = summary.at("heard_after_ms"); heard.is_object()) {
    turns += fmt::format(", heard after {:.0f} ms (median) and {:.0f} ms at most", heard.at("median").as_double(), heard.at("most").as_double());
  }
  parts.push_back(std::move(turns));
  parts.push_back(count_of(summary, "tools", "tool call", "tool calls"));
  parts.push_back(count_of(summary, "interruptions", "interruption", "interruptions"));
  parts.push_back(count_of(summary, "errors", "error", "errors"));
  std::erase(parts, std::string());
  return parts.empty() ? std::string() : fmt::format("{}\n", fmt::join(parts, "; "));
}

std::string shortcomings(const JournalContents& contents) {
  std::string text;
  if (contents.damaged > 0) text += fmt::format("{} lines cannot be read. ", contents.damaged);
  if (contents.missing > 0) text += fmt::format("{} records are missing. ", contents.missing);
  if (contents.foreign > 0) text += fmt::format("{} records are of another call. ", contents.foreign);
  if (contents.torn_tail) text += "The last line has no end: its writer was cut off, or is writing just now. ";
  if (contents.cut_off) text += "The file is longer than is read. ";
  if (text.empty()) return text;
  text.pop_back();
  return "journal: " + text + "\n";
}

std::string call_of(const JournalContents& contents) {
  return contents.records.empty() ? std::string() : contents.records.front().call_id;
}

}  // namespace

json::object call_summary(const JournalContents& contents) {
  if (contents.records.empty()) return {{"call", ""}, {"outcome", "unknown"}, {"hooks", json::array{}}};
  const auto record = build_record(contents);
  const auto ended = parse_iso8601(text_of(record, "ended_at"));
  const auto begin = contents.records.front().time;
  const Counts counts(contents);
  json::object summary{{"call", call_of(contents)},
                       {"started_at", to_iso8601(begin)},
                       {"duration_s", seconds_since(begin, ended.value_or(contents.records.back().time))}};
  for (const auto* name : {"outcome", "reason", "ended_by", "detail"}) summary[name] = record.at(name);
  summary["turns"] = counts.heard_after_ms.size();
  summary["tools"] = counts.tools;
  summary["interruptions"] = counts.interruptions;
  summary["errors"] = counts.errors;
  summary["heard_after_ms"] = nullptr;
  if (const auto& heard = counts.heard_after_ms; !heard.empty()) {
    summary["heard_after_ms"] = {{"median", heard[(heard.size() - 1) / 2]}, {"most", heard.back()}};
  }
  summary["hooks"] = hooks_of(record);
  return summary;
}

std::string outcome_in_words(const json::object& summary) {
  const auto outcome = text_of(summary, "outcome");
  if (outcome == "running") return "going on";
  std::string text(printable(outcome, kMaxText));
  if (const auto reason = text_of(summary, "reason"); !reason.empty()) text += ": " + cause_in_words(reason);
  if (const auto detail = text_of(summary, "detail"); !detail.empty()) text += fmt::format(" ({})", printable(detail, kMaxText));
  return text;
}

std::string timeline_text(const JournalContents& contents) {
  if (contents.records.empty()) return "The journal has no record.\n" + shortcomings(contents);
  const auto summary = call_summary(contents);
  auto text = fmt::format("{}  {}  {:.1f} s  {}\n", printable(call_of(contents), 64), text_of(summary, "started_at"),
                          summary.at("duration_s").as_double(), outcome_in_words(summary));
  text += figures_in_words(summary) + hooks_in_words(summary) + shortcomings(contents);
  for (const auto& line : tell(contents)) text += fmt::format("{:9.3f}  {:<10}  {}\n", line.at, line.who, line.text);
  return text;
}

json::object timeline_json(const JournalContents& contents) {
  json::array timeline, lines;
  for (const auto& line : tell(contents)) timeline.push_back(json::object{{"at", line.at}, {"who", line.who}, {"text", line.text}});
  for (const auto& record : contents.records) {
    lines.push_back(json::object{{"at", seconds_since(contents.records.front().time, record.time)},
                                 {"time", to_iso8601(record.time)},
                                 {"type", record.type},
                                 {"attempt", record.attempt_id},
                                 {"data", record.data}});
  }
  return {{"call", call_of(contents)},
          {"summary", call_summary(contents)},
          {"record", contents.records.empty() ? json::object{} : build_record(contents)},
          {"timeline", std::move(timeline)},
          {"lines", std::move(lines)},
          {"journal",
           {{"damaged", contents.damaged},
            {"missing", contents.missing},
            {"foreign", contents.foreign},
            {"torn_tail", contents.torn_tail},
            {"cut_off", contents.cut_off}}}};
}

}  // namespace parley::job
