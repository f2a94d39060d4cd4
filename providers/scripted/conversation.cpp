#include "providers/scripted/conversation.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>

#include "providers/scripted/templates.hpp"

namespace parley::scripted {
namespace {

// Which wording an answer begins with; 0 keeps the order of the file.
std::size_t offset(std::uint64_t seed, std::size_t id) {
  if (seed == 0) return 0;
  std::uint64_t x = seed + 0x9E3779B97F4A7C15ULL * (id + 1);
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return static_cast<std::size_t>((x ^ (x >> 31)) >> 16);
}

bool begins_like_a_question(const Words& words) {
  for (std::size_t at = 0; at < std::min<std::size_t>(words.size(), 3); ++at) {
    if (is_any(words, at,
               {"what", "whats", "how", "when", "where", "wheres", "which", "who", "why", "do", "does", "is", "are",
                "can", "could", "may"})) {
      return true;
    }
  }
  return false;
}

// The part of a tool's result that "result.a.b" names; null if there is none.
boost::json::value part_of(const boost::json::value& result, std::string_view name) {
  const boost::json::value* at = &result;
  while (name.size() > 0 && at) {
    name.remove_prefix(1);
    const auto key = name.substr(0, name.find('.'));
    at = at->is_object() ? at->get_object().if_contains(key) : nullptr;
    name.remove_prefix(key.size());
  }
  return at ? *at : boost::json::value();
}

std::string as_text(const boost::json::value& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return std::string(value.get_string());
  return boost::json::serialize(value);
}

}  // namespace

DialogueReply Conversation::open() {
  say(file_.opening);
  return finish();
}

DialogueReply Conversation::respond(std::string_view said) {
  words_ = spoken_words(said);
  is_question_ = said.find('?') != std::string_view::npos || begins_like_a_question(words_);
  const Match match = best_intent();
  const std::string pending = state_.question;
  if (const Form* form = state_.form.empty() ? nullptr : file_.form(state_.form)) {
    in_form(*form, match);
  } else {
    without_form(match);
  }
  if (repeats_ && state_.question.empty()) state_.question = pending;
  return finish();
}

DialogueReply Conversation::tool_returned(std::string_view tool, const boost::json::value& result, bool is_error) {
  const auto awaited =
      std::ranges::find_if(state_.awaited, [&](std::size_t index) { return file_.calls[index].tool == tool; });
  if (awaited == state_.awaited.end()) return finish();
  const ToolCall& of = file_.calls[*awaited];
  state_.awaited.erase(awaited);
  state_.result = result;
  say(is_error ? of.error : of.then);
  if (is_error && of.error.empty()) say(file_.fallback);
  return finish();
}

Conversation::Match Conversation::best_intent() const {
  Match best;
  for (const Intent& intent : file_.intents) {
    for (const Phrase& phrase : intent.phrases) {
      const double score = phrase.score(words_);
      const bool stronger = best.intent && best.intent->weak && !intent.weak;
      const bool weaker = best.intent && !best.intent->weak && intent.weak;
      if (score > 0 && !weaker && (stronger || score > best.score)) best = {&intent, score};
    }
  }
  return best;
}

void Conversation::without_form(const Match& match) {
  if (answer_question(match)) return;
  const bool corrects = is_correction(words_) && !state_.finished.empty();
  if (corrects && reopen_finished()) return;
  if (match.intent && match.intent->kind == Intent::Kind::form) return perform(*match.intent);
  if (!match.is_strong() && begin_unasked(match.intent && !match.intent->weak)) return;
  if (match.intent) return perform(*match.intent);
  miss();
}

// A yes or no to "Is there anything else?".
bool Conversation::answer_question(const Match& match) {
  const auto found = file_.questions.find(std::exchange(state_.question, ""));
  if (found == file_.questions.end()) return false;
  const YesNo answer = yes_or_no(words_);
  if (answer == YesNo::neither || (match.is_strong() && !is_only_yes_or_no(words_))) return false;
  const std::string& next = answer == YesNo::yes ? found->second.if_yes : found->second.if_no;
  // "Yes, a table for two": the rest says more than the yes.
  if (match.intent && match.intent->kind == Intent::Kind::form) return false;
  if (next.empty()) return false;
  follow(next);
  return true;
}

// "Actually, make it five people" after the booking was made.
bool Conversation::reopen_finished() {
  const Form* form = file_.form(state_.finished);
  if (!form || sure_slots(*form, words_, context_.now).empty()) return false;
  const Filling filling = fill(*form, "", words_, true, context_.now, state_);
  state_.form = form->name;
  state_.misses = 0;
  if (filling.refused) {
    refuse(*filling.refused);
  } else {
    say(form->changed);
    confirm(*form);
  }
  return true;
}

// "Tomorrow at seven for four" without a word of booking. One value is enough when nothing else was understood, but for a
// day alone, which may belong to any question.
bool Conversation::begin_unasked(bool understood) {
  for (const Form& form : file_.forms) {
    const auto sure = sure_slots(form, words_, context_.now);
    const bool telling =
        sure.size() == 1 && !understood && (sure[0]->type == SlotType::people || sure[0]->type == SlotType::time);
    if (sure.size() < 2 && !telling) continue;
    begin_form(form);
    return true;
  }
  return false;
}

void Conversation::perform(const Intent& intent) {
  state_.misses = 0;
  reply_.intent = intent.name;
  switch (intent.kind) {
    case Intent::Kind::repeat:
      repeats_ = true;
      if (state_.last_said.empty()) return miss();
      say(intent.answer);
      return say_text(state_.last_said);
    case Intent::Kind::form: say(intent.answer); return begin_form(*file_.form(intent.form));
    case Intent::Kind::pause: repeats_ = true; [[fallthrough]];
    case Intent::Kind::cancel:
    case Intent::Kind::answer:
      if (intent.answer.empty()) return miss();
      return say(intent.answer);
  }
}

void Conversation::follow(const std::string& intent) {
  if (const Intent* next = file_.intent(intent)) perform(*next);
}

void Conversation::begin_form(const Form& form) {
  for (const Slot& slot : form.slots) {
    state_.slots.erase(slot.name);
    state_.skipped.erase(slot.name);
  }
  state_.form = form.name;
  state_.misses = 0;
  const Filling filling = fill(form, "", words_, false, context_.now, state_);
  if (filling.refused) return refuse(*filling.refused);
  next(form);
}

void Conversation::in_form(const Form& form, const Match& match) {
  if (match.intent && match.intent->kind == Intent::Kind::cancel) {
    reply_.intent = match.intent->name;
    leave_form();
    return say(form.cancelled.empty() ? match.intent->answer : form.cancelled);
  }
  if (match.is_strong() && match.intent->kind == Intent::Kind::pause) return perform(*match.intent);
  // A strong match of an intent is no name, unless it is what begins the form, as in "book it under Smith".
  const bool is_form = match.intent && match.intent->kind == Intent::Kind::form;
  const auto asked = std::ranges::find(form.slots, state_.asked, &Slot::name);
  const bool free_text = asked != form.slots.end() && asked->type == SlotType::text && !asked->optional;
  const bool is_reaction = is_only_yes_or_no(words_) && !free_text;
  const bool bare_text = !is_question_ && !is_reaction && (is_form || !match.is_strong());
  const Filling filling = fill(form, state_.asked, words_, bare_text, context_.now, state_);
  if (filling.refused) {
    state_.misses = 0;
    return refuse(*filling.refused);
  }
  const bool in_place =
      match.intent && (match.intent->kind == Intent::Kind::repeat || match.intent->kind == Intent::Kind::pause);
  if (!filling.filled && in_place) return perform(*match.intent);
  // "Goodbye": what ends or transfers the call is no aside.
  if (!filling.filled && match.intent && match.intent->answer.call) {
    leave_form();
    return perform(*match.intent);
  }
  if (state_.confirming) return confirm_turn(form, match, filling);
  ask_turn(form, match, filling);
}

void Conversation::confirm_turn(const Form& form, const Match& match, const Filling& filling) {
  if (filling.changed) {
    say(form.changed);
    return confirm(form);
  }
  // "Yes, what time do you close?" is no yes yet.
  const bool asks = is_question_ && match.is_strong() && digress(match);
  if (asks) return confirm(form);
  const YesNo answer = yes_or_no(words_);
  if (answer == YesNo::yes) return complete(form);
  for (const Slot& slot : form.slots) {
    const bool named =
        std::ranges::any_of(slot.phrases, [&](const Phrase& phrase) { return phrase.score(words_) > 0; });
    if (!named) continue;
    state_.confirming = false;
    state_.asked = slot.name;
    state_.slots.erase(slot.name);
    return say(slot.ask);
  }
  if (answer == YesNo::no) return say(form.change.empty() ? file_.fallback : form.change);
  if (!digress(match)) miss();
  // The fallback may have ended the form.
  if (state_.form == form.name) confirm(form);
}

void Conversation::ask_turn(const Form& form, const Match& match, const Filling& filling) {
  const bool aside = is_question_ && match.is_strong() && digress(match);
  if (filling.filled || aside) return next(form);
  const auto asked = std::ranges::find(form.slots, state_.asked, &Slot::name);
  if (asked != form.slots.end() && asked->optional && yes_or_no(words_) == YesNo::no) {
    state_.skipped.insert(asked->name);
    return next(form);
  }
  if (yes_or_no(words_) == YesNo::no && !form.change.empty() && is_only_yes_or_no(words_)) return say(form.change);
  // "Okay", "um": nothing that asks for an apology.
  const bool nothing = words_.empty() || is_only_yes_or_no(words_);
  if (!nothing && !digress(match)) miss();
  // The fallback may have ended the form.
  if (state_.form == form.name) next(form);
}

// Answers something beside the form; false if that is not what was said.
bool Conversation::digress(const Match& match) {
  if (!match.intent || match.intent->kind != Intent::Kind::answer || match.intent->answer.empty()) return false;
  const Intent& intent = *match.intent;
  // "Thanks" and the like need no words here: the next question is answer enough.
  if (intent.weak && intent.aside.empty()) return true;
  reply_.intent = intent.name;
  state_.misses = 0;
  say(intent.aside.empty() ? intent.answer : intent.aside);
  state_.question.clear();
  return true;
}

// Asks for what is still missing.
void Conversation::next(const Form& form) {
  state_.confirming = false;
  for (const Slot& slot : form.slots) {
    if (state_.slots.contains(slot.name) || state_.skipped.contains(slot.name)) continue;
    state_.asked = slot.name;
    return say(slot.ask);
  }
  confirm(form);
}

void Conversation::confirm(const Form& form) {
  // A correction of a finished form may come before all is known again.
  const bool missing = std::ranges::any_of(form.slots, [&](const Slot& slot) {
    return !state_.slots.contains(slot.name) && !state_.skipped.contains(slot.name);
  });
  if (missing) return next(form);
  state_.asked.clear();
  if (form.confirm.empty()) return complete(form);
  state_.confirming = true;
  say(form.confirm);
}

void Conversation::refuse(const Slot& slot) {
  state_.confirming = false;
  state_.asked = slot.name;
  say(slot.refuse.empty() ? slot.ask : slot.refuse);
}

void Conversation::complete(const Form& form) {
  leave_form();
  state_.finished = form.name;
  say(form.done);
}

void Conversation::leave_form() {
  state_.form.clear();
  state_.asked.clear();
  state_.confirming = false;
  state_.misses = 0;
}

void Conversation::miss() {
  repeats_ = true;
  if (!words_.empty()) ++state_.misses;
  if (state_.misses >= file_.fallback_after && !file_.fallback_then.empty()) {
    state_.misses = 0;
    return follow(file_.fallback_then);
  }
  say(file_.fallback);
}

void Conversation::say(const Answer& answer) {
  if (!answer.say.empty()) {
    const std::size_t use = state_.uses[answer.id]++;
    const auto& wording = answer.say[(offset(state_.seed, answer.id) + use) % answer.say.size()];
    say_text(filled_in(wording, [&](std::string_view name) { return value_of(name); }));
  }
  if (!answer.expects.empty()) state_.question = answer.expects;
  if (answer.timing && !timed_) {
    reply_.first_token = answer.timing->first_token;
    reply_.token = answer.timing->token;
    timed_ = true;
  }
  if (answer.call) call(*answer.call);
}

void Conversation::say_text(std::string_view text) {
  if (text.empty()) return;
  if (!reply_.text.empty()) reply_.text += ' ';
  reply_.text += text;
}

void Conversation::call(std::size_t index) {
  const ToolCall& wanted = file_.calls[index];
  if (std::ranges::find(context_.tools, wanted.tool) == context_.tools.end()) {
    return say(!wanted.missing.empty() ? wanted.missing : wanted.error);
  }
  DialogueToolCall request{wanted.tool, {}};
  for (const auto& [name, given] : wanted.with) {
    if (auto value = argument(given); !value.is_null()) request.arguments[name] = std::move(value);
  }
  reply_.calls.push_back(std::move(request));
  state_.awaited.push_back(index);
}

std::string Conversation::value_of(std::string_view name) const {
  if (name == "result" || name.starts_with("result."))
    return as_text(part_of(state_.result, name.substr(std::string_view("result").size())));
  const auto slot = state_.slots.find(name);
  return slot == state_.slots.end() ? "" : slot->second.spoken;
}

// "{{people}}" alone keeps its type; a slot that was skipped gives null: no argument.
boost::json::value Conversation::argument(const boost::json::value& given) const {
  if (!given.is_string()) return given;
  const std::string_view text(given.get_string());
  const auto names = template_names(text);
  const bool alone = names.size() == 1 && text.starts_with("{{") && text.ends_with("}}");
  if (alone && !names.front().starts_with("result")) {
    const auto slot = state_.slots.find(names.front());
    return slot == state_.slots.end() ? boost::json::value() : to_json(slot->second);
  }
  return boost::json::string(filled_in(text, [&](std::string_view name) { return value_of(name); }));
}

DialogueReply Conversation::finish() {
  if (!timed_) {
    reply_.first_token = file_.timing.first_token;
    reply_.token = file_.timing.token;
  }
  if (!reply_.text.empty() && !repeats_) state_.last_said = reply_.text;
  return std::move(reply_);
}

}  // namespace parley::scripted
