// Taking what a caller said for the slots of a form.
#pragma once

#include <string>
#include <vector>

#include "providers/scripted/dialogue.hpp"
#include "providers/scripted/dialogue_file.hpp"

namespace parley::scripted {

struct Filling {
  bool filled = false;            // something was said for a slot
  bool changed = false;           // and it was not known before
  const Slot* refused = nullptr;  // what was said for this one is out of its bounds
};

enum class YesNo { neither, yes, no };

// "yes please", "that's right", "no thanks", "not quite".
YesNo yes_or_no(const Words& words);
// True if nothing else was said.
bool is_only_yes_or_no(const Words& words);
// "no", "actually", "sorry", "I mean": what comes next replaces what came before.
bool is_correction(const Words& words);

// Takes every value that is sure, and a bare one for the slot `asked` for (empty: none). "not X" and "instead of X" are no
// values; of several for one slot the last counts. `bare_text` false: the words are something else than a name or a text.
Filling fill(const Form& form, std::string_view asked, const Words& words, bool bare_text, LocalMinutes now,
             DialogueState& state);

// The slots of the form that have a sure value in these words.
std::vector<const Slot*> sure_slots(const Form& form, const Words& words, LocalMinutes now);

}  // namespace parley::scripted
