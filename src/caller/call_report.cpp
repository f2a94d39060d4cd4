#include <boost/json/array.hpp>

#include "caller/call.hpp"

namespace parley::caller {

namespace json = boost::json;

namespace {

// Seconds to the millisecond.
json::value seconds(Duration d) { return static_cast<double>(d / 1ms) / 1000.0; }
json::value seconds(const std::optional<Duration>& d) { return d ? seconds(*d) : json::value(nullptr); }

json::object describe(const TurnReport& turn) {
  json::object o{{"say", turn.name},
                 {"said_from", seconds(turn.said_from)},
                 {"said_to", seconds(turn.said_to)},
                 {"answer_from", seconds(turn.answer_from)},
                 {"answer_to", seconds(turn.answer_to)}};
  if (turn.answer_from) o["answered_after"] = seconds(*turn.answer_from - turn.said_to);
  if (turn.interrupted_agent) {
    o["interrupted_agent"] = true;
    o["agent_silent_after"] = seconds(turn.agent_silent_after);
  }
  return o;
}

std::string text_of(const json::value* value) {
  if (!value) return {};
  if (value->is_string()) return std::string(value->as_string());
  std::string text;
  if (value->is_array()) {
    for (const auto& part : value->as_array()) {
      const auto* inner = part.is_object() ? part.as_object().if_contains("text") : &part;
      if (auto piece = text_of(inner); !piece.empty()) text += (text.empty() ? "" : " ") + piece;
    }
  }
  return text;
}

}  // namespace

json::object timings(const CallReport& report) {
  json::array turns, moments, deviations;
  for (const auto& turn : report.script.turns) turns.push_back(describe(turn));
  for (const auto& [at, what] : report.moments) moments.push_back(json::object{{"at", seconds(at)}, {"what", what}});
  for (const auto& why : report.script.deviations) deviations.push_back(json::string(why));
  const auto& jitter = report.media.received.jitter;
  return {{"call_id", report.call_id},
          {"as_scripted", report.as_scripted()},
          {"deviations", std::move(deviations)},
          {"ended_by", report.script.agent_hung_up ? "agent" : "caller"},
          {"answered_after", seconds(report.answered)},
          {"connected_after", seconds(report.connected)},
          {"lasted", seconds(report.lasted)},
          {"greeting_from", seconds(report.script.greeting_from)},
          {"greeting_to", seconds(report.script.greeting_to)},
          {"turns", std::move(turns)},
          {"media",
           {{"packets_received", jitter.received},
            {"packets_lost", jitter.lost},
            {"packets_restored", jitter.fec},
            {"packets_sent", report.media.sent.packets},
            {"round_trip", seconds(report.media.round_trip)}}},
          {"moments", std::move(moments)}};
}

std::optional<json::object> spoken_line(const ToldEvent& told) {
  if (told.event.type != "conversation_item_added") return std::nullopt;
  const auto* item = told.event.data.if_contains("item");
  const auto& o = item && item->is_object() ? item->as_object() : told.event.data;
  auto text = text_of(o.if_contains("content") ? o.if_contains("content") : o.if_contains("text"));
  if (text.empty()) return std::nullopt;
  json::object line{{"at", seconds(told.at)}, {"role", text_of(o.if_contains("role"))}, {"text", std::move(text)}};
  if (const auto* cut = o.if_contains("interrupted"); cut && cut->is_bool() && cut->as_bool()) line["interrupted"] = true;
  return line;
}

json::object transcript(const CallReport& report) {
  json::array lines, events;
  for (const auto& told : report.events) {
    events.push_back(json::object{{"at", seconds(told.at)}, {"type", told.event.type}, {"data", told.event.data}});
    if (auto line = spoken_line(told)) lines.push_back(std::move(*line));
  }
  json::object whole{{"call_id", report.call_id}, {"lines", std::move(lines)}, {"events", std::move(events)}};
  if (report.events_dropped > 0) whole["events_dropped"] = report.events_dropped;
  return whole;
}

}  // namespace parley::caller
