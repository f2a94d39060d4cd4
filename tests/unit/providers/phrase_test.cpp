#include "providers/scripted/phrase.hpp"

#include <gmock/gmock.h>

namespace parley::scripted {
namespace {

double score(std::string_view phrase, std::string_view said) {
  const auto parsed = Phrase::parse(phrase);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return parsed ? parsed->score(spoken_words(said)) : -1;
}

TEST(Phrase, AllTermsInAnyOrder_Fit) {
  EXPECT_GT(score("what time open|close", "Uh, what time do you open?"), 0);
  EXPECT_GT(score("what time open|close", "you close at what time"), 0);
  EXPECT_EQ(score("what time open|close", "what time is it"), 0);
}

TEST(Phrase, WordsThatBelongTogether_MustStandTogether) {
  EXPECT_GT(score("thank_you", "oh thank you"), 0);
  EXPECT_EQ(score("thank_you", "you should thank him"), 0);
}

TEST(Phrase, AForbiddenWord_SpoilsIt) {
  EXPECT_GT(score("table -window", "a table please"), 0);
  EXPECT_EQ(score("table -window", "a table by the window"), 0);
}

TEST(Phrase, WithEqualsSign_NothingElseMayBeSaid) {
  EXPECT_GT(score("=sorry|what", "Sorry?"), 0);
  EXPECT_EQ(score("=sorry|what", "sorry make it five"), 0);
}

TEST(Phrase, PluralsAndOneWrongLetter_AreForgivenInLongWords) {
  EXPECT_GT(score("table", "tables"), 0);
  EXPECT_GT(score("reservation", "resevation"), 0);
  EXPECT_GT(score("reservation", "reservasion"), 0);
  EXPECT_EQ(score("menu", "many"), 0);
  EXPECT_EQ(score("reservation", "preservations"), 0);
}

TEST(Phrase, MoreWordsAccountedFor_ScoreHigher) {
  EXPECT_GT(score("opening_hours", "your opening hours"), score("opening", "your opening hours"));
  EXPECT_GT(score("book table", "book a table"), score("table", "book a table"));
  EXPECT_GT(score("bye", "bye"), score("bye", "bye bye then my dear"));
}

TEST(Phrase, Apostrophes_DoNotMatter) { EXPECT_GT(score("that's_all", "thats all"), 0); }

TEST(Phrase, WithoutAWordThatMustOccur_IsRefused) {
  for (const char* text : {"", "   ", "-no", "a||b", "|", "=", "a -", "..."}) EXPECT_FALSE(Phrase::parse(text)) << text;
  EXPECT_FALSE(Phrase::parse(std::string(500, 'a')));
}

}  // namespace
}  // namespace parley::scripted
