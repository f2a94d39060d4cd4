#include "providers/scripted/form_filler.hpp"

#include <algorithm>
#include <functional>

#include "providers/scripted/numbers.hpp"

namespace parley::scripted {
namespace {

class Filler {
 public:
  // `for_counts`: see find_people.
  Filler(const Words& words, LocalMinutes now, bool for_counts)
      : words_(words), now_(now), for_counts_(for_counts), taken_(words.size(), false) {}

  // `bare`: in answer to a question for it.
  std::optional<Found> value_of(const Slot& slot, bool bare) {
    std::optional<Found> last;
    for (std::size_t from = 0; from < words_.size();) {
      auto found = bare ? bare_value(slot, from) : sure_value(slot, from);
      if (!found) break;
      // The words of a choice stay free: they may be far from each other.
      if (slot.type != SlotType::choice) take(*found);
      from = found->end;
      if (!is_negated(found->begin)) last = std::move(found);
    }
    if (last && !bare) correct(slot, *last);
    return last;
  }

 private:
  void take(const Found& found) {
    std::fill(taken_.begin() + static_cast<std::ptrdiff_t>(found.begin),
              taken_.begin() + static_cast<std::ptrdiff_t>(found.end), true);
  }

  std::optional<Found> sure_value(const Slot& slot, std::size_t from) const {
    switch (slot.type) {
      case SlotType::day: return find_day(words_, taken_, from, now_);
      case SlotType::time: return find_time(words_, taken_, from, slot.range);
      case SlotType::people: return find_people(words_, taken_, from, for_counts_);
      case SlotType::name: return find_name(words_, taken_, from);
      case SlotType::phone: return find_phone(words_, taken_, from);
      case SlotType::choice: return from == 0 ? find_choice(slot) : std::nullopt;
      case SlotType::text: break;
    }
    return std::nullopt;
  }

  std::optional<Found> bare_value(const Slot& slot, std::size_t from) const {
    switch (slot.type) {
      case SlotType::day: return find_bare_day(words_, taken_, from, now_);
      case SlotType::time: return find_bare_time(words_, taken_, from, slot.range);
      case SlotType::people: return find_bare_people(words_, taken_, from);
      case SlotType::name: return from == 0 ? find_bare_name(words_, taken_, from) : std::nullopt;
      case SlotType::phone: return find_bare_phone(words_, taken_, from);
      case SlotType::choice: return from == 0 ? find_choice(slot) : std::nullopt;
      case SlotType::text: return from == 0 ? whole_text() : std::nullopt;
    }
    return std::nullopt;
  }

  std::optional<Found> find_choice(const Slot& slot) const {
    const Choice* best = nullptr;
    double most = 0;
    for (const Choice& choice : slot.choices) {
      for (const Phrase& phrase : choice.phrases) {
        if (const double score = phrase.score(words_); score > most) {
          most = score;
          best = &choice;
        }
      }
    }
    return best ? std::optional(Found{0, words_.size(), {best->value, best->value}}) : std::nullopt;
  }

  std::optional<Found> whole_text() const {
    std::string text;
    for (const Word& word : words_) text += (text.empty() ? "" : " ") + word.spoken;
    return text.empty() ? std::nullopt : std::optional(Found{0, words_.size(), {text, text}});
  }

  // "not four", "instead of four", "not at seven".
  bool is_negated(std::size_t begin) const {
    for (std::size_t back = 1; back <= 2 && back <= begin; ++back) {
      const std::size_t at = begin - back;
      if (is_any(words_, at, {"not"}) ||
          (is_any(words_, at, {"instead", "rather"}) && is_any(words_, at + 1, {"of", "than"})))
        return true;
      if (!is_any(words_, at, {"at", "for", "on", "of", "than", "a"})) return false;
    }
    return false;
  }

  // "four people, no, five": a bare number after a word of correction.
  void correct(const Slot& slot, Found& found) {
    if (slot.type != SlotType::people && slot.type != SlotType::time) return;
    for (std::size_t at = found.end; at < words_.size(); ++at) {
      if (!is_any(words_, at, {"no", "sorry", "actually", "mean", "rather", "wait"})) continue;
      auto better = bare_value(slot, at + 1);
      if (!better || better->begin > at + 3) return;
      take(*better);
      found = std::move(*better);
      return;
    }
  }

  const Words& words_;
  LocalMinutes now_;
  bool for_counts_;
  Taken taken_;
};

bool is_allowed(const Slot& slot, const SlotValue& value) {
  if (const auto* count = std::get_if<int>(&value.value)) return *count >= slot.min && *count <= slot.max;
  if (const auto* time = std::get_if<std::chrono::minutes>(&value.value)) return slot.range.contains(*time);
  if (const auto* day = std::get_if<std::chrono::year_month_day>(&value.value)) {
    return std::ranges::find(slot.closed, std::chrono::weekday(std::chrono::sys_days(*day))) == slot.closed.end();
  }
  return true;
}

std::size_t word_count(std::string_view phrase) {
  return static_cast<std::size_t>(std::ranges::count(phrase, ' ')) + 1;
}

std::size_t words_of(const Words& words, std::size_t at, std::initializer_list<std::string_view> phrases) {
  for (const auto phrase : phrases) {
    if (follows(words, at, phrase)) return word_count(phrase);
  }
  return 0;
}

std::size_t yes_at(const Words& words, std::size_t at) {
  return words_of(words, at,
                  {"thats right",
                   "that is right",
                   "thats correct",
                   "that is correct",
                   "thats it",
                   "thats fine",
                   "thats great",
                   "thats perfect",
                   "thats good",
                   "sounds good",
                   "sounds great",
                   "sounds fine",
                   "go ahead",
                   "of course",
                   "why not",
                   "i do",
                   "i would",
                   "id love to",
                   "id like that",
                   "all right",
                   "please do",
                   "yes",
                   "yeah",
                   "yep",
                   "yup",
                   "ya",
                   "sure",
                   "correct",
                   "right",
                   "exactly",
                   "absolutely",
                   "definitely",
                   "perfect",
                   "okay",
                   "ok",
                   "fine",
                   "great",
                   "alright",
                   "certainly",
                   "indeed",
                   "lovely",
                   "wonderful",
                   "good"});
}

std::size_t no_at(const Words& words, std::size_t at) {
  return words_of(words, at, {"not right",   "not correct",   "not quite",  "not really",
                              "thats wrong", "that is wrong", "isnt right", "not at the moment",
                              "not now",     "not yet",       "i dont",     "rather not",
                              "no",          "nope",          "nah",        "wrong",
                              "incorrect",   "nothing",       "none",       "not"});
}

bool is_padding(const Words& words, std::size_t at) {
  return is_any(words, at,
                {"please", "thanks", "thank", "you", "very", "much", "thats", "it", "is",    "that", "well", "oh",
                 "so",     "all",    "for",   "now", "a",    "lot",  "and",   "i",  "think", "just", "to",   "me"});
}

// "Make it eight": a bare number for what was filled in last, else for how many, else for what time.
template <class Take>
void correct_number(const Form& form, Take take, const DialogueState& state) {
  const auto try_slots = [&](auto fits) {
    return std::ranges::any_of(form.slots, [&](const Slot& slot) {
      return state.slots.contains(slot.name) && fits(slot) && take(slot, true);
    });
  };
  const auto is_number = [](const Slot& slot) { return slot.type == SlotType::people || slot.type == SlotType::time; };
  if (try_slots([&](const Slot& slot) { return is_number(slot) && slot.name == state.last_filled; })) return;
  if (try_slots([](const Slot& slot) { return slot.type == SlotType::people; })) return;
  try_slots([](const Slot& slot) { return slot.type == SlotType::time; });
}

}  // namespace

YesNo yes_or_no(const Words& words) {
  // The first word of either kind decides, but "no, that's right" is a yes: people answer their own check first.
  YesNo first = YesNo::neither;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t no = no_at(words, at);
    const std::size_t yes = no > 0 ? 0 : yes_at(words, at);
    if (yes >= 2 && first != YesNo::yes) return YesNo::yes;
    if (no >= 2) return YesNo::no;
    if (first == YesNo::neither) first = yes > 0 ? YesNo::yes : no > 0 ? YesNo::no : YesNo::neither;
    at += std::max<std::size_t>(1, yes + no);
  }
  return first;
}

bool is_only_yes_or_no(const Words& words) {
  bool any = false;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t count = std::max(yes_at(words, at), no_at(words, at));
    if (count == 0 && !is_padding(words, at)) return false;
    any = any || count > 0;
    at += std::max<std::size_t>(1, count);
  }
  return any;
}

bool is_correction(const Words& words) {
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (is_any(words, at, {"no", "actually", "sorry", "change", "instead", "rather", "wait", "move", "mean"}) ||
        follows(words, at, "make it") || follows(words, at, "make that")) {
      return true;
    }
  }
  return false;
}

Filling fill(const Form& form, std::string_view asked, const Words& words, bool bare_text, LocalMinutes now,
             DialogueState& state) {
  const auto expected = std::ranges::find(form.slots, asked, &Slot::name);
  const bool expects = expected != form.slots.end();
  Filler filler(words, now, !expects || expected->type != SlotType::time);
  Filling filling;
  const auto take = [&](const Slot& slot, bool bare) {
    const auto found = filler.value_of(slot, bare);
    if (!found) return false;
    filling.filled = true;
    if (!is_allowed(slot, found->value)) {
      if (!filling.refused) filling.refused = &slot;
      return true;
    }
    const auto known = state.slots.find(slot.name);
    filling.changed = filling.changed || known == state.slots.end() || known->second != found->value;
    state.slots[slot.name] = found->value;
    state.last_filled = slot.name;
    return true;
  };
  bool answered = expects && take(*expected, false);
  // The digits of a telephone number sound like many things.
  if (expects && !answered && expected->type == SlotType::phone) answered = take(*expected, true);
  for (const Slot& slot : form.slots) {
    if (slot.name != asked) take(slot, false);
  }
  const bool is_text = expects && (expected->type == SlotType::name || expected->type == SlotType::text);
  if (expects && !answered && (bare_text || !is_text)) take(*expected, true);
  if (!filling.filled && (state.confirming || is_correction(words))) correct_number(form, take, state);
  return filling;
}

std::vector<const Slot*> sure_slots(const Form& form, const Words& words, LocalMinutes now) {
  Filler filler(words, now, true);
  std::vector<const Slot*> sure;
  for (const Slot& slot : form.slots) {
    if (filler.value_of(slot, false)) sure.push_back(&slot);
  }
  return sure;
}

}  // namespace parley::scripted
