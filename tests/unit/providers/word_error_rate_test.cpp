#include "support/word_error_rate.hpp"

#include <gmock/gmock.h>

#include "support/prompts.hpp"

namespace parley::test {
namespace {

using testing::ElementsAre;

TEST(NormalisedWords, CaseAndPunctuation_DoNotCount) {
  EXPECT_THAT(normalised_words("Hello, WORLD!  You're welcome."),
              ElementsAre("hello", "world", "you", "are", "welcome"));
}

TEST(NormalisedWords, DigitsAndWords_AreTheSame) {
  EXPECT_EQ(normalised_words("4 people, 162 chairs, 20"),
            normalised_words("four people one hundred sixty-two chairs twenty"));
  EXPECT_EQ(normalised_words("1,200"), normalised_words("one thousand two hundred"));
  EXPECT_EQ(normalised_words("0044 5550100"),
            normalised_words("zero zero four four five five five zero one zero zero"));
  EXPECT_EQ(normalised_words("at 7pm"), normalised_words("at seven pm"));
}

TEST(NormalisedWords, Contractions_AreSpelledOut) {
  EXPECT_EQ(normalised_words("I'm sure we'll, they’ve, don't"), normalised_words("i am sure we will they have do not"));
  EXPECT_THAT(normalised_words("the caller's"), ElementsAre("the", "callers"));
}

TEST(WordErrors, TheSameText_IsPerfect) {
  EXPECT_EQ(word_errors("Press 1, then #.", "press one then pound").rate(), 0.0);
}

TEST(WordErrors, EachKindOfError_IsCounted) {
  const auto errors = word_errors("please press one to go on now thanks", "please press two to really go on now");
  EXPECT_EQ(errors.words, 8U);
  EXPECT_EQ(errors.substitutions, 1U);
  EXPECT_EQ(errors.insertions, 1U);
  EXPECT_EQ(errors.deletions, 1U);
  EXPECT_DOUBLE_EQ(errors.rate(), 0.375);
}

TEST(WordErrors, WordsWrittenTogetherOrApart_AreTheSame) {
  EXPECT_EQ(
      word_errors("Agent login, tonight: re-record the voicemail", "agent log in to-night rerecord the voice mail")
          .total(),
      0U);
  EXPECT_EQ(word_errors("you're at the file name", "You are at the filename").total(), 0U);
  EXPECT_EQ(word_errors("to night", "tonight please").insertions, 1U);
}

TEST(WordErrors, NothingHeard_IsAllDeleted) { EXPECT_DOUBLE_EQ(word_errors("one two three", "").rate(), 1.0); }

TEST(WordErrors, ReferenceWithoutWords_IsWrongOnlyWhenSomethingWasHeard) {
  EXPECT_EQ(word_errors("", "").rate(), 0.0);
  EXPECT_EQ(word_errors("...", "you").rate(), 1.0);
}

TEST(Prompts, FortySentences_AreFoundWithTheirSound) {
  const auto prompts = sentence_prompts();
  ASSERT_TRUE(prompts) << prompts.error().message();
  ASSERT_EQ(prompts->size(), 40U);
  const auto samples = decode_audio(prompts->front().path);
  ASSERT_TRUE(samples) << samples.error().message();
  EXPECT_GT(samples->size(), 16000U);
  EXPECT_FALSE(decode_audio("/nowhere.wav"));
}

}  // namespace
}  // namespace parley::test
