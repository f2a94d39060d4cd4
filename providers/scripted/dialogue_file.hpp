// A dialogue as it stands in its YAML file: docs/dialogue.md describes the format.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

#include "providers/scripted/phrase.hpp"
#include "providers/scripted/slots.hpp"
#include "yaml/mistakes.hpp"

namespace parley::scripted {

struct Timing {
  Duration first_token{};  // before the first piece of an answer
  Duration token{};        // between two pieces
};

// What is said, in one of several wordings, and what goes with it.
struct Answer {
  std::size_t id = 0;  // of its rotation of wordings
  std::vector<std::string> say;
  std::string expects;              // the name of a question that a yes or no answers
  std::optional<std::size_t> call;  // index into DialogueFile::calls
  std::optional<Timing> timing;

  bool empty() const { return say.empty() && !call; }
};

struct ToolCall {
  std::string tool;
  std::vector<std::pair<std::string, boost::json::value>> with;
  Answer then;     // after the result; may be empty
  Answer error;    // the tool failed
  Answer missing;  // the agent has no such tool
};

struct Intent {
  enum class Kind { answer, form, repeat, cancel, pause };
  std::string name;
  Kind kind = Kind::answer;
  std::vector<Phrase> phrases;
  Answer answer;
  Answer aside;  // instead of `answer` while a form is being filled in
  std::string form;
  bool weak = false;  // counts only when no other intent fits: "hello", "thank you"
};

struct Choice {
  std::string value;
  std::vector<Phrase> phrases;
};

struct Slot {
  std::string name;
  SlotType type = SlotType::text;
  Answer ask;
  Answer refuse;                // a value outside the bounds below
  std::vector<Phrase> phrases;  // how a caller calls it: "the time"
  bool optional = false;
  int min = 1;  // people
  int max = 500;
  TimeRange range;                           // time
  std::vector<std::chrono::weekday> closed;  // day
  std::vector<Choice> choices;               // choice
};

struct Form {
  std::string name;
  std::vector<Slot> slots;
  Answer confirm;  // asked when all is known; without it the form is done at once
  Answer changed;  // said before `confirm` when something was corrected
  Answer change;   // the caller said no
  Answer done;
  Answer cancelled;
};

struct Question {
  std::string if_yes;  // intents
  std::string if_no;
};

struct DialogueFile {
  static constexpr std::size_t kMaxBytes = 1024 * 1024;

  Timing timing;
  Answer opening;
  Answer fallback;
  int fallback_after = 3;     // misses in a row until `fallback_then`
  std::string fallback_then;  // an intent, or nothing
  std::map<std::string, Question, std::less<>> questions;
  std::vector<Intent> intents;
  std::vector<Form> forms;
  std::vector<ToolCall> calls;

  const Intent* intent(std::string_view name) const;
  const Form* form(std::string_view name) const;

  // What it is worth when there are no mistakes.
  static DialogueFile parse(std::string_view yaml, yaml::Mistakes& mistakes);
  // All mistakes of the file are told, one a line: "name:12:5: expected ...".
  static Result<DialogueFile> parse(std::string_view yaml, const std::string& name);
};

}  // namespace parley::scripted
