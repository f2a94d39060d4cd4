// One turn of a scripted dialogue: how what was said and where the dialogue stands make an answer.
#pragma once

#include <string>
#include <string_view>

#include "providers/scripted/dialogue.hpp"
#include "providers/scripted/dialogue_file.hpp"
#include "providers/scripted/form_filler.hpp"
#include "providers/scripted/spoken_words.hpp"

namespace parley::scripted {

// Lives for one turn; changes the state it was given.
class Conversation {
 public:
  Conversation(const DialogueFile& file, DialogueState& state, const DialogueContext& context)
      : file_(file), state_(state), context_(context) {}

  DialogueReply open();
  DialogueReply respond(std::string_view said);
  DialogueReply tool_returned(std::string_view tool, const boost::json::value& result, bool is_error);

 private:
  struct Match {
    const Intent* intent = nullptr;
    double score = 0;
    // Said in so many words that it is no accident.
    bool is_strong() const { return intent && score >= 2 && !intent->weak; }
  };

  Match best_intent() const;

  void without_form(const Match& match);
  bool answer_question(const Match& match);
  bool reopen_finished();
  bool begin_unasked(bool understood);
  void perform(const Intent& intent);
  void follow(const std::string& intent);

  void in_form(const Form& form, const Match& match);
  void confirm_turn(const Form& form, const Match& match, const Filling& filling);
  void ask_turn(const Form& form, const Match& match, const Filling& filling);
  bool digress(const Match& match);
  void begin_form(const Form& form);
  void next(const Form& form);
  void confirm(const Form& form);
  void refuse(const Slot& slot);
  void complete(const Form& form);
  void leave_form();

  void miss();
  void say(const Answer& answer);
  void say_text(std::string_view text);
  void call(std::size_t index);
  std::string value_of(std::string_view name) const;
  boost::json::value argument(const boost::json::value& given) const;
  DialogueReply finish();

  const DialogueFile& file_;
  DialogueState& state_;
  const DialogueContext& context_;
  Words words_;
  bool is_question_ = false;  // by its punctuation or first word
  DialogueReply reply_;
  bool timed_ = false;
  bool repeats_ = false;  // nothing new is said: the question before it still stands
};

}  // namespace parley::scripted
