#include "providers/scripted/dialogue_file.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "providers/scripted/templates.hpp"
#include "providers/scripted/yaml_reader.hpp"

namespace parley::scripted {
namespace {

constexpr int kMostMisses = 100;

constexpr std::pair<std::string_view, SlotType> kTypes[] = {
    {"day", SlotType::day},     {"time", SlotType::time},     {"people", SlotType::people}, {"name", SlotType::name},
    {"phone", SlotType::phone}, {"choice", SlotType::choice}, {"text", SlotType::text}};

// A name that must be defined somewhere in the file, checked when all of it was read.
struct Reference {
  const yaml::Node* at;  // in the tree, which outlives this
  std::string name;
  enum class To { intent, form, question, value } to;
};

class Loader {
 public:
  explicit Loader(yaml::Mistakes& mistakes) : reader_(mistakes) {}

  DialogueFile load(std::string_view yaml) {
    const auto root = reader_.parse(yaml);
    if (root) read_root(*root);
    if (!reader_.failed()) check_references();
    return std::move(file_);
  }

 private:
  void read_root(const yaml::Node& root) {
    if (!reader_.mapping(root, "a dialogue",
                         {"dialogue", "timing", "opening", "fallback", "questions", "intents", "forms"})) {
      return;
    }
    if (!root["dialogue"]) {
      reader_.expected(root, "\"dialogue: 1\", the version of the format");
    } else {
      reader_.whole_number(root["dialogue"], "dialogue, the version of the format,", 1, 1);
    }
    if (root["timing"]) file_.timing = timing(root["timing"]);
    if (root["opening"]) file_.opening = answer(root["opening"], "opening");
    if (root["questions"]) read_questions(root["questions"]);
    if (root["forms"]) read_forms(root["forms"]);
    if (!root["intents"]) {
      reader_.expected(root, "intents, a list of what the caller may want");
    } else if (reader_.list(root["intents"], "intents")) {
      for (const auto& node : root["intents"].items) read_intent(node);
    }
    if (!root["fallback"]) {
      reader_.expected(root, "fallback, what is said when nothing was understood");
    } else {
      read_fallback(root["fallback"]);
    }
  }

  void read_fallback(const yaml::Node& node) {
    if (!node.is_mapping()) {
      file_.fallback = answer(node, "fallback");
      return;
    }
    if (!reader_.mapping(node, "fallback", {"say", "timing", "after", "then"})) return;
    answer_fields(node, "fallback", file_.fallback);
    if (node["after"])
      file_.fallback_after = static_cast<int>(reader_.whole_number(node["after"], "after", 1, kMostMisses));
    if (node["then"]) file_.fallback_then = reference(node["then"], Reference::To::intent);
  }

  void read_questions(const yaml::Node& node) {
    if (!named_entries(node, "questions")) return;
    for (const auto& entry : node.entries) {
      if (!reader_.mapping(entry, "a question", {"if_yes", "if_no"})) continue;
      Question question;
      if (entry["if_yes"]) question.if_yes = reference(entry["if_yes"], Reference::To::intent);
      if (entry["if_no"]) question.if_no = reference(entry["if_no"], Reference::To::intent);
      file_.questions.emplace(entry.key, question);
    }
  }

  void read_intent(const yaml::Node& node) {
    if (!reader_.mapping(node, "an intent",
                         {"name", "phrases", "say", "expects", "call", "timing", "form", "repeat", "cancel", "pause",
                          "weak", "aside"})) {
      return;
    }
    Intent intent;
    intent.name = required_text(node, "name");
    if (!intent.name.empty() && file_.intent(intent.name))
      reader_.expected(node["name"], fmt::format("another name, \"{}\" is taken", intent.name));
    if (node["phrases"]) intent.phrases = phrases(node["phrases"]);
    answer_fields(node, "an intent", intent.answer);
    if (node["aside"]) intent.aside = answer(node["aside"], "aside");
    if (node["weak"]) intent.weak = reader_.boolean(node["weak"], "weak");
    if (node["form"]) {
      intent.kind = Intent::Kind::form;
      intent.form = reference(node["form"], Reference::To::form);
    } else if (node["repeat"] && reader_.boolean(node["repeat"], "repeat")) {
      intent.kind = Intent::Kind::repeat;
    } else if (node["cancel"] && reader_.boolean(node["cancel"], "cancel")) {
      intent.kind = Intent::Kind::cancel;
    } else if (node["pause"] && reader_.boolean(node["pause"], "pause")) {
      intent.kind = Intent::Kind::pause;
    } else if (intent.answer.empty()) {
      reader_.expected(node, fmt::format("say, call, form, repeat, cancel or pause in the intent \"{}\"", intent.name));
    }
    file_.intents.push_back(std::move(intent));
  }

  void read_forms(const yaml::Node& node) {
    if (!named_entries(node, "forms")) return;
    for (const auto& entry : node.entries) {
      const auto& fields = entry;
      if (!reader_.mapping(fields, "a form", {"slots", "confirm", "changed", "change", "done", "cancelled"})) continue;
      Form form;
      form.name = entry.key;
      if (!fields["slots"]) {
        reader_.expected(fields, "slots, a list of what to ask for");
      } else if (reader_.list(fields["slots"], "slots")) {
        for (const auto& slot : fields["slots"].items) read_slot(slot, form);
      }
      const std::pair<const char*, Answer*> answers[] = {{"confirm", &form.confirm},
                                                         {"changed", &form.changed},
                                                         {"change", &form.change},
                                                         {"done", &form.done},
                                                         {"cancelled", &form.cancelled}};
      for (const auto& [key, to] : answers) {
        if (fields[key]) *to = answer(fields[key], key);
      }
      if (!fields["done"]) reader_.expected(fields, "done, what is said or called when all is known");
      file_.forms.push_back(std::move(form));
    }
  }

  void read_slot(const yaml::Node& node, Form& form) {
    if (!reader_.mapping(node, "a slot",
                         {"name", "type", "ask", "refuse", "phrases", "optional", "min", "max", "from", "to", "closed",
                          "choices"})) {
      return;
    }
    Slot slot;
    slot.name = required_text(node, "name");
    if (!slot.name.empty() && std::ranges::find(form.slots, slot.name, &Slot::name) != form.slots.end()) {
      reader_.expected(node["name"], fmt::format("another name, \"{}\" is taken", slot.name));
    }
    slot.type = slot_type(node);
    if (node["ask"]) {
      slot.ask = answer(node["ask"], "ask");
    } else {
      reader_.expected(node, fmt::format("ask, the question for \"{}\"", slot.name));
    }
    if (node["refuse"]) slot.refuse = answer(node["refuse"], "refuse");
    if (node["phrases"]) slot.phrases = phrases(node["phrases"]);
    if (node["optional"]) slot.optional = reader_.boolean(node["optional"], "optional");
    read_bounds(node, slot);
    form.slots.push_back(std::move(slot));
  }

  void read_bounds(const yaml::Node& node, Slot& slot) {
    const auto only_for = [&](const char* key, SlotType type, std::string_view name) {
      if (node[key] && slot.type != type)
        reader_.expected(node[key], fmt::format("{} only in slots of type {}", key, name));
      return node[key] && slot.type == type;
    };
    if (only_for("min", SlotType::people, "people"))
      slot.min = static_cast<int>(reader_.whole_number(node["min"], "min", 1, 500));
    if (only_for("max", SlotType::people, "people"))
      slot.max = static_cast<int>(reader_.whole_number(node["max"], "max", slot.min, 500));
    if (only_for("from", SlotType::time, "time")) slot.range.from = time_of_day(node["from"]);
    if (only_for("to", SlotType::time, "time")) slot.range.to = time_of_day(node["to"]);
    if (only_for("closed", SlotType::day, "day")) {
      for (const auto& name : reader_.texts(node["closed"], "closed"))
        slot.closed.push_back(weekday(node["closed"], name));
    }
    if (only_for("choices", SlotType::choice, "choice")) {
      if (reader_.list(node["choices"], "choices")) {
        for (const auto& one : node["choices"].items) read_choice(one, slot);
      }
    } else if (slot.type == SlotType::choice) {
      reader_.expected(node, "choices, what the caller may choose from");
    }
  }

  void read_choice(const yaml::Node& node, Slot& slot) {
    if (!reader_.mapping(node, "a choice", {"value", "phrases"})) return;
    Choice choice{required_text(node, "value"), {}};
    if (node["phrases"]) choice.phrases = phrases(node["phrases"]);
    if (choice.phrases.empty()) reader_.expected(node, "phrases, what the caller may say for it");
    slot.choices.push_back(std::move(choice));
  }

  // A text, a list of wordings, or a mapping with more.
  Answer answer(const yaml::Node& node, std::string_view what) {
    Answer result;
    if (!node.is_mapping()) {
      result.id = next_answer_++;
      result.say = templates(node, what);
    } else if (reader_.mapping(node, what, {"say", "expects", "call", "timing"})) {
      answer_fields(node, what, result);
      if (result.empty()) reader_.expected(node, fmt::format("say or call in {}", what));
    }
    return result;
  }

  void answer_fields(const yaml::Node& node, std::string_view what, Answer& to) {
    to.id = next_answer_++;
    if (node["say"]) to.say = templates(node["say"], fmt::format("say in {}", what));
    if (node["expects"]) to.expects = reference(node["expects"], Reference::To::question);
    if (node["timing"]) to.timing = timing(node["timing"]);
    if (node["call"]) to.call = call(node["call"]);
  }

  std::optional<std::size_t> call(const yaml::Node& node) {
    if (!reader_.mapping(node, "call", {"tool", "with", "then", "error", "missing"})) return std::nullopt;
    ToolCall result;
    result.tool = required_text(node, "tool");
    if (node["with"] && named_entries(node["with"], "with")) {
      for (const auto& entry : node["with"].entries) result.with.emplace_back(entry.key, argument(entry));
    }
    if (node["then"]) result.then = answer(node["then"], "then");
    if (node["error"]) result.error = answer(node["error"], "error");
    if (node["missing"]) result.missing = answer(node["missing"], "missing");
    file_.calls.push_back(std::move(result));
    return file_.calls.size() - 1;
  }

  // Plain numbers, true and false are what they look like; anything quoted and the rest is text, perhaps with {{slots}}.
  boost::json::value argument(const yaml::Node& node) {
    const auto all = templates(node, "an argument");
    const std::string text = all.empty() ? "" : all.front();
    if (node.style == yaml::Node::Style::quoted) return boost::json::string(text);
    if (text == "true" || text == "false") return text == "true";
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && error == std::errc() && end == text.data() + text.size()) return number;
    return boost::json::string(text);
  }

  std::vector<std::string> templates(const yaml::Node& node, std::string_view what) {
    auto texts = reader_.texts(node, what);
    for (const auto& text : texts) {
      if (!is_whole_template(text)) reader_.expected(node, fmt::format("}}}} after every {{{{ in \"{}\"", text));
      for (const auto& name : template_names(text)) references_.push_back({&node, name, Reference::To::value});
    }
    return texts;
  }

  std::vector<Phrase> phrases(const yaml::Node& node) {
    std::vector<Phrase> all;
    for (const auto& text : reader_.texts(node, "phrases")) {
      if (text.empty()) continue;
      auto phrase = Phrase::parse(text);
      if (phrase) {
        all.push_back(std::move(*phrase));
      } else {
        reader_.expected(node, phrase.error().message());
      }
    }
    return all;
  }

  Timing timing(const yaml::Node& node) {
    Timing result;
    if (!reader_.mapping(node, "timing", {"first_token", "token"})) return result;
    if (node["first_token"]) result.first_token = reader_.duration(node["first_token"], "first_token");
    if (node["token"]) result.token = reader_.duration(node["token"], "token");
    return result;
  }

  SlotType slot_type(const yaml::Node& node) {
    const std::string text = required_text(node, "type");
    const auto* found =
        std::ranges::find(kTypes, std::string_view(text), &std::pair<std::string_view, SlotType>::first);
    if (found != std::end(kTypes)) return found->second;
    if (!text.empty())
      reader_.expected(node["type"],
                       fmt::format("a type: day, time, people, name, phone, choice or text, found \"{}\"", text));
    return SlotType::text;
  }

  std::chrono::minutes time_of_day(const yaml::Node& node) {
    const std::string text = node.is_scalar() ? node.text : "";
    const auto colon = text.find(':');
    int hour = -1;
    int minute = -1;
    if (colon != std::string::npos) {
      std::from_chars(text.data(), text.data() + colon, hour);
      std::from_chars(text.data() + colon + 1, text.data() + text.size(), minute);
    }
    if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || hour * 60 + minute > 24 * 60) {
      reader_.expected(node, fmt::format("a time of day like \"19:30\", found \"{}\"", text));
      return {};
    }
    return std::chrono::minutes(hour * 60 + minute);
  }

  std::chrono::weekday weekday(const yaml::Node& node, const std::string& name) {
    constexpr std::string_view kDays[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
    const auto* found = std::ranges::find(kDays, std::string_view(name));
    if (found == std::end(kDays)) {
      reader_.expected(node, fmt::format("a day of the week like monday, found \"{}\"", name));
      return {};
    }
    return std::chrono::weekday(static_cast<unsigned>(found - kDays));
  }

  std::string required_text(const yaml::Node& node, const char* key) {
    if (node[key]) return reader_.text(node[key], key);
    reader_.expected(node, key);
    return {};
  }

  bool named_entries(const yaml::Node& node, std::string_view what) {
    if (node.is_mapping() && node.entries.size() <= YamlReader::kMaxEntries) return true;
    reader_.expected(node, fmt::format("{} as a mapping of names", what));
    return false;
  }

  std::string reference(const yaml::Node& node, Reference::To to) {
    std::string name = reader_.text(node, "a name");
    references_.push_back({&node, name, to});
    return name;
  }

  void check_references() {
    for (const Reference& one : references_) {
      if (!is_defined(one)) {
        constexpr const char* kKinds[] = {"an intent", "a form", "a question", "a slot (or result)"};
        reader_.expected(*one.at, fmt::format("the name of {} of this file, found \"{}\"",
                                             kKinds[static_cast<int>(one.to)], one.name));
      }
    }
  }

  bool is_defined(const Reference& one) const {
    switch (one.to) {
      case Reference::To::intent: return file_.intent(one.name) != nullptr;
      case Reference::To::form: return file_.form(one.name) != nullptr;
      case Reference::To::question: return file_.questions.contains(one.name);
      case Reference::To::value: break;
    }
    if (one.name == "result" || one.name.starts_with("result.")) return true;
    return std::ranges::any_of(file_.forms, [&](const Form& form) {
      return std::ranges::find(form.slots, one.name, &Slot::name) != form.slots.end();
    });
  }

  YamlReader reader_;
  DialogueFile file_;
  std::vector<Reference> references_;
  std::size_t next_answer_ = 0;
};

}  // namespace

const Intent* DialogueFile::intent(std::string_view name) const {
  const auto found = std::ranges::find(intents, name, &Intent::name);
  return found == intents.end() ? nullptr : &*found;
}

const Form* DialogueFile::form(std::string_view name) const {
  const auto found = std::ranges::find(forms, name, &Form::name);
  return found == forms.end() ? nullptr : &*found;
}

DialogueFile DialogueFile::parse(std::string_view yaml, yaml::Mistakes& mistakes) {
  if (yaml.size() > kMaxBytes) {
    mistakes.add({{1, 1}, {}, fmt::format("a dialogue has at most {} bytes, this one has {} or more", kMaxBytes, yaml.size())});
    return {};
  }
  return Loader(mistakes).load(yaml);
}

Result<DialogueFile> DialogueFile::parse(std::string_view yaml, const std::string& name) {
  yaml::Mistakes mistakes(name);
  auto file = parse(yaml, mistakes);
  if (!mistakes.empty()) return fail(mistakes.error());
  return file;
}

}  // namespace parley::scripted
