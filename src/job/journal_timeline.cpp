#include "job/journal_timeline.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "job/record.hpp"

namespace parley::job {

namespace {

constexpr std::size_t kMaxLineText = 160;

// Bytes of a disk go to a terminal here: no control characters.
std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string out;
  for (const char c : text.substr(0, max_bytes)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  if (text.size() > max_bytes) out += "...";
  return out;
}

// Timings are seconds in a journal; a reader thinks of a turn in milliseconds.
bool is_timing(std::string_view name) noexcept {
  return name.ends_with("_latency") || name.ends_with("_delay") || name.ends_with("_ttft") || name.ends_with("_ttfb");
}

std::string member(std::string_view name, const boost::json::value& value) {
  const auto shown_name = printable(name, 64);
  if (value.is_double() && is_timing(name)) return fmt::format("{}={:.0f}ms", shown_name, 1000 * value.get_double());
  const auto* text = value.if_string();
  return fmt::format("{}={}", shown_name, printable(text ? std::string(*text) : boost::json::serialize(value), kMaxLineText));
}

bool is_shown_first(std::string_view name) noexcept {
  return name == "role" || name == "transcript" || name == "text" || name == "content";
}

// What names a thing for programs, and what the line says by its place.
bool is_for_programs(std::string_view name) noexcept {
  return name == "id" || name == "type" || name == "created_at" || name.ends_with("_id");
}

std::string names_in(const boost::json::object& data, std::string_view list) {
  const auto* items = data.if_contains(list);
  std::string text;
  if (!items || !items->is_array()) return text;
  for (const auto& item : items->get_array()) {
    const auto* name = item.is_object() ? item.get_object().if_contains("name") : nullptr;
    if (name && name->is_string()) text += printable(name->get_string(), 64) + " ";
  }
  return text;
}

// What a reader wants of a record on one line: what was said first, then the small members.
std::string describe(const JournalRecord& record) {
  if (record.type == record_type::kTerminal) return {};
  const boost::json::object* shown = &record.data;
  for (const std::string_view inner : {"item", "metrics"}) {
    if (const auto* value = record.data.if_contains(inner); value && value->is_object()) shown = &value->get_object();
  }
  std::string text = names_in(record.data, "function_calls");
  for (const std::string_view name : {"role", "transcript", "text", "content"}) {
    if (const auto* value = shown->if_contains(name); value && value->is_string()) {
      const auto said = printable(value->get_string(), kMaxLineText);
      text += name == "role" ? said + ": " : fmt::format("\"{}\" ", said);
    }
  }
  for (const auto& [name, value] : *shown) {
    if (is_shown_first(name) || is_for_programs(name) || value.is_object() || value.is_array() || value == "") continue;
    text += member(name, value) + " ";
  }
  if (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

double seconds_since(WallTime begin, WallTime time) { return std::chrono::duration<double>(time - begin).count(); }

std::string headline(const JournalContents& contents, const boost::json::object& record, std::string_view call_id) {
  const auto text = [&](std::string_view name) {
    const auto* value = record.if_contains(name);
    return value && value->is_string() ? printable(value->get_string(), kMaxLineText) : std::string();
  };
  const auto length = seconds_since(contents.records.front().time, contents.records.back().time);
  auto line = fmt::format("{}  {}  {:.1f} s  {}", printable(call_id, 64), text("started_at"), length, text("outcome"));
  if (!text("reason").empty()) line += fmt::format(": {}, ended by {}", text("reason"), text("ended_by"));
  if (!text("detail").empty()) line += fmt::format(" ({})", text("detail"));
  return line + "\n";
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

std::string timeline_text(const JournalContents& contents) {
  if (contents.records.empty()) return "The journal has no record.\n" + shortcomings(contents);
  const auto record = build_record(contents);
  const auto begin = contents.records.front().time;
  std::string text = headline(contents, record, call_of(contents)) + shortcomings(contents);
  std::string attempt;
  for (const auto& line : contents.records) {
    if (line.attempt_id != attempt) {
      attempt = line.attempt_id;
      text += fmt::format("-- {}\n", attempt.empty() ? "supervisor" : printable(attempt, 64));
    }
    const auto row =
        fmt::format("{:9.3f}  {:<26} {}", seconds_since(begin, line.time), printable(line.type, 64), describe(line));
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

boost::json::object timeline_json(const JournalContents& contents) {
  boost::json::array lines;
  for (const auto& record : contents.records) {
    lines.push_back(boost::json::object{{"at", seconds_since(contents.records.front().time, record.time)},
                                        {"time", to_iso8601(record.time)},
                                        {"type", record.type},
                                        {"attempt", record.attempt_id},
                                        {"data", record.data}});
  }
  return {{"call", call_of(contents)},
          {"record", contents.records.empty() ? boost::json::object{} : build_record(contents)},
          {"lines", std::move(lines)},
          {"journal",
           {{"damaged", contents.damaged},
            {"missing", contents.missing},
            {"foreign", contents.foreign},
            {"torn_tail", contents.torn_tail},
            {"cut_off", contents.cut_off}}}};
}

}  // namespace parley::job
