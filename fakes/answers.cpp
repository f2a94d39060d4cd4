#include "fakes/answers.hpp"

#include <array>

#include <parley/base/random.hpp>

namespace parley::fakes {

namespace {

constexpr std::array<std::string_view, 40> kSentences = {
    "Yes, of course.",
    "Let me have a look at that for you.",
    "We are open from nine in the morning until six in the evening.",
    "That should not take longer than a minute.",
    "I have found three appointments next week.",
    "Would Tuesday at half past ten suit you?",
    "The table by the window is still free.",
    "May I have your name, please?",
    "Your parcel left our warehouse this morning.",
    "It will be with you tomorrow before noon.",
    "I am sorry to hear that.",
    "We will send somebody round this afternoon.",
    "Is there anything else I can do for you?",
    "The price includes breakfast and the use of the pool.",
    "You can change the booking until the evening before.",
    "Please keep your booking number at hand.",
    "Our technician will call you half an hour before.",
    "Certainly, I have written that down.",
    "The next train leaves at twelve minutes past four.",
    "You would have to change once, in Lyon.",
    "That colour is out of stock until Friday.",
    "I can put one aside for you.",
    "Thank you for waiting.",
    "Your account was opened in the spring of last year.",
    "The last payment arrived on the third.",
    "There is a small car park behind the building.",
    "Children under six travel free of charge.",
    "I would suggest the larger of the two rooms.",
    "It looks out over the garden and is very quiet.",
    "Shall I send you a message with the details?",
    "Good, then everything is settled.",
    "Let me repeat that to be sure.",
    "The doctor has a free hour on Thursday afternoon.",
    "Please come ten minutes early with your card.",
    "We do not take cash at the counter any more.",
    "No, that is not a problem at all.",
    "The soup of the day is made of roasted tomatoes.",
    "I will pass that on to my colleague.",
    "She will be back on Monday morning.",
    "It was a pleasure talking to you.",
};

constexpr std::array<std::string_view, 24> kHeard = {
    "hello is there still a table for four people tonight",
    "i would like to move my appointment to next week",
    "could you tell me where my parcel is",
    "what time do you close on saturday",
    "my name is taylor and i am calling about the invoice",
    "yes that would be wonderful thank you",
    "no the other one the blue one with the long sleeves",
    "how much is it for two nights with breakfast",
    "is there a train before eight in the morning",
    "can i speak to somebody about the heating please",
    "it stopped working yesterday evening at around seven",
    "we are two adults and one child",
    "do you have anything earlier than that",
    "please send it to my home address",
    "sorry could you repeat the last part",
    "that is all i wanted to know",
    "i have the number here it begins with four four",
    "wait a moment let me find my glasses",
    "is the garden open to guests as well",
    "the second of december would be better for us",
    "what does that cost in total",
    "i called this morning and nobody answered",
    "okay then let us take the earlier one",
    "thanks a lot and have a nice day",
};

}  // namespace

std::uint64_t draw_of(std::uint64_t seed, std::uint64_t a, std::uint64_t b) noexcept {
  Random random(seed ^ (a * 0x9e3779b97f4a7c15) ^ (b * 0xc2b2ae3d27d4eb4f));
  return random();
}

std::string answer_text(std::uint64_t draw) {
  Random random(draw);
  std::string text;
  for (auto left = 1 + random.below(4); left > 0; --left) {
    if (!text.empty()) text += ' ';
    text += kSentences[random.below(kSentences.size())];
  }
  return text;
}

std::vector<std::string_view> heard_words(std::uint64_t draw) {
  Random random(draw);
  std::string_view rest = kHeard[random.below(kHeard.size())];
  std::vector<std::string_view> words;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    words.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return words;
}

}  // namespace parley::fakes
